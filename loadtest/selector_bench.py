"""How fast the engine chooses: picks a second and the time of one pick, by size of inventory and by type.

    python loadtest/selector_bench.py [--picks 30000] [--rounds 7]

Every prospect is fresh: a phone never seen before, with one of 20,000 zips of the whole country. The first
round also meets most zips for the first time ("first"); in the rounds after it only the phones are new. Both
caps are on and too high to be reached. p50 and p99 are those of the calmest of three rounds. As root the
process takes the real-time class of the scheduler, so that other work on the machine disturbs it less.
"""

import argparse
import gc
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from random import Random

from gateway.engine.geo import Geography
from gateway.engine.geo_cache import open_geography
from gateway.engine.limits import Limits
from gateway.engine.pools import Pools
from gateway.engine.provider import EngineProvider
from gateway.engine.selector import Choice, Selector, Terms
from gateway.engine.settings import EngineSettings
from gateway.model.inventory import Ani, Campaign, CampaignType
from gateway.model.lead import AssignmentType, Lead
from gateway.model.phone import PhoneNumber

TODAY = date(2026, 3, 2)
NOW_S = 1_772_452_800.0
CAMPAIGN = Campaign("c1", "Sales", CampaignType.OUTBOUND)
LIMITS = Limits(daily_cap=100_000, hourly_cap=90_000)
INVENTORIES = ((5_000, 150), (100_000, 400))
ZIPS = 20_000
COLUMNS = ("numbers", "areas", "asked for", "first", "median", "best", "p50", "p99")
TIMED_ROUNDS = 3
# One number in so many is toll-free.
TOLL_FREE = 100

Pick = Callable[[Lead, float], Choice | None]


@dataclass(frozen=True, slots=True)
class Speed:
    """One row of the table."""

    rates: list[float]
    """Picks a second, by round."""
    times_s: list[float]
    """Of each pick of the calmest timed round, in order of length."""

    def __str__(self) -> str:
        first, later = self.rates[0], self.rates[1:] or self.rates
        return (
            f"{first:>8,.0f} {statistics.median(later):>8,.0f} {max(later):>8,.0f}  "
            f"{self.quantile_s(0.5) * 1e6:>6.2f} {self.quantile_s(0.99) * 1e6:>6.2f}"
        )

    def quantile_s(self, share: float) -> float:
        """The time that `share` of the picks stay under."""
        return self.times_s[int(share * (len(self.times_s) - 1))]


@dataclass(frozen=True, slots=True)
class Country:
    """Where prospects and numbers come from."""

    geography: Geography
    areas: list[str]
    zips: list[str]

    @classmethod
    def known(cls, geography: Geography) -> "Country":
        """All area codes with a place on the map, and 20,000 zips, in an order that stays the same."""
        dice = Random(1)
        areas = [
            str(code)
            for code in range(200, 1000)
            if (facts := geography.facts(str(code))) and facts.point is not None
        ]
        zips = [code for number in range(100_000) if geography.zip(code := f"{number:05d}")]
        return cls(geography, dice.sample(areas, len(areas)), dice.sample(zips, ZIPS))

    def anis(self, count: int, areas: int) -> Iterator[Ani]:
        """`count` numbers of one campaign, as many in each of the first `areas` areas, and some toll-free."""
        codes = self.areas[:areas]
        for number in range(count):
            area = "800" if number % TOLL_FREE == 0 else codes[number % len(codes)]
            yield Ani(PhoneNumber(f"+1{area}{2_000_000 + number:07d}"), CAMPAIGN.id)

    def prospects(self, count: int, kind: AssignmentType | None, dice: Random) -> list[Lead]:
        """`count` fresh prospects from all over the country."""
        return [
            Lead(
                PhoneNumber(f"+1{dice.choice(self.areas)}{dice.randrange(2_000_000, 9_999_999)}"),
                dice.choice(self.zips),
                CAMPAIGN.id,
                assignment_type=kind,
            )
            for _ in range(count)
        ]


def measure(pick: Pick, rounds: list[list[Lead]]) -> Speed:
    """The last rounds pick by pick, those before as fast as they go."""
    gc.collect()
    gc.disable()
    rates = [rate(pick, leads) for leads in rounds[:-TIMED_ROUNDS]]
    timed = [times_s(pick, leads) for leads in rounds[-TIMED_ROUNDS:]]
    gc.enable()
    return Speed(rates, min(timed, key=lambda times: times[int(0.99 * len(times))]))


def rate(pick: Pick, leads: list[Lead]) -> float:
    """Picks a second."""
    started = time.perf_counter()
    for lead in leads:
        pick(lead, NOW_S)
    return len(leads) / (time.perf_counter() - started)


def times_s(pick: Pick, leads: list[Lead]) -> list[float]:
    """How long each pick took, in order of length; the clock's own 0.1 µs are in it."""
    times = []
    for lead in leads:
        started = time.perf_counter()
        pick(lead, NOW_S)
        times.append(time.perf_counter() - started)
    return sorted(times)


def selector(country: Country, numbers: int, areas: int) -> Selector:
    """A selector with both caps on."""
    terms = Terms(country.geography, Pools([CAMPAIGN]), LIMITS, Random(3).random)
    return Selector(country.anis(numbers, areas), (), terms, today=TODAY)


def grade(chooser: Selector) -> None:
    """Contact rates as they may be: spread over nine grades."""
    dice = Random(4)
    chooser.grade({ani.number: dice.randint(-4, 4) for ani in chooser.anis()})


def provider_speed(country: Country, rounds: list[list[Lead]]) -> Speed:
    """`EngineProvider.choose` over 5,000 numbers, with a database on disk: the clock, counters and all."""
    numbers, areas = INVENTORIES[0]
    with tempfile.TemporaryDirectory() as folder:
        inventory = Path(folder) / "anis.csv"
        rows = (f"{ani.number.national},{ani.inbound_group_id}\n" for ani in country.anis(numbers, areas))
        inventory.write_text("number,inbound_group_id\n" + "".join(rows))
        settings = EngineSettings(
            database=str(Path(folder) / "engine.db"),
            inventory=str(inventory),
            daily_cap=LIMITS.daily_cap,
            hourly_cap=LIMITS.hourly_cap,
        )
        provider = EngineProvider.open(settings)
        provider.apply(None, CAMPAIGN)
        try:
            return measure(lambda lead, _now_s: provider.choose(lead), rounds)
        finally:
            provider.close()


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--picks", type=int, default=30_000, help="in each round")
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    with suppress(PermissionError, AttributeError):
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(10))
    country = Country.known(open_geography())
    dice = Random(2)

    def rounds(kind: AssignmentType | None) -> list[list[Lead]]:
        return [country.prospects(options.picks, kind, dice) for _ in range(options.rounds + TIMED_ROUNDS)]

    print(
        "picks a second: the first round, the median and the best of the others; microseconds of one pick\n"
    )
    print("{:>8} {:>6}  {:<22} {:>8} {:>8} {:>8}  {:>6} {:>6}".format(*COLUMNS))
    for numbers, areas in INVENTORIES:
        for kind in (None, *AssignmentType):
            chooser = selector(country, numbers, areas)
            if kind is AssignmentType.HIGHEST_CONTACT_RATE:
                grade(chooser)
            name = "automatic" if kind is None else kind.value
            print(f"{numbers:>8,} {areas:>6}  {name:<22} {measure(chooser.select, rounds(kind))}", flush=True)
    numbers, areas = INVENTORIES[0]
    print(f"{numbers:>8,} {areas:>6}  {'EngineProvider.choose':<22} {provider_speed(country, rounds(None))}")


if __name__ == "__main__":
    main()

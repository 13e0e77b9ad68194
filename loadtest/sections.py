"""The sections of the benchmark: what is compared with what, under which load, how often."""

from sample import UPSTREAM_DELAY_MS, Kind, Section
from servers import DEADLINE_S

KNOWN_PHONES = 2_000
CACHED_LEADS = 200_000
"""`assignment.cache_size` as it ships."""
_HITS = {"phones": KNOWN_PHONES}
_BESIDE = ("floor", "gateway-hits", "panoramisk", "streams")
_SESSIONS = {"burst": 10_000, "pause": True, "timeout-s": 40}


def sections(*, is_quick: bool) -> list[Section]:
    """All of them, or those that say most in about 80 seconds."""
    return _quick() if is_quick else _full()


def _full() -> list[Section]:
    return [
        hit(("floor", "gateway-hits", "floor-turns", "panoramisk", "streams"), 5, 4.0),
        hit_lines(_BESIDE, 5, 4.0),
        Section(
            "hit-equal",
            "Hit path at equal load, in one write: 8,000 calls/s, open loop",
            ("floor", "gateway-hits"),
            {"rate": 8000, **_HITS},
            5,
            4.0,
        ),
        Section(
            "hit-one",
            "The same calls in one write: 2,000 calls/s, open loop",
            _BESIDE,
            {"rate": 2000, **_HITS},
            5,
            4.0,
        ),
        miss(("naive", "tuned", "gateway-singles", "gateway-batches", "gateway-aiohttp"), 5, 4.0),
        Section(
            "miss-tls",
            "Miss path over TLS: upstream answers after 20 ms, 500 open calls",
            ("naive", "tuned", "gateway-singles", "gateway-batches"),
            {"open": 500},
            3,
            4.0,
            is_tls=True,
        ),
        added(("gateway-batches", "gateway-singles", "tuned", "naive"), 5, 6.0),
        Section(
            "steady",
            "Miss path, latency at 4,000 calls/s for 20 s, after 200,000 calls that fill the cache",
            ("gateway-batches", "gateway-untuned"),
            {"rate": 4000, "warm-s": 2},
            3,
            20.0,
            fill=CACHED_LEADS,
            is_fresh=True,
        ),
        Section(
            "lone",
            "Lone misses: 200 calls/s, open loop",
            ("gateway-batches", "gateway-singles"),
            {"rate": 200},
            5,
            5.0,
        ),
        burst(("floor", "gateway-batches"), 5),
        sick(("gateway-patient", "patient-singles"), 3),
        Section(
            "held",
            "Memory: 10,000 sessions held before the last line of their request",
            ("floor", "gateway-roomy", "streams"),
            {**_SESSIONS, "hold": True},
            3,
            0.0,
            kind=Kind.SESSIONS,
            is_fresh=True,
        ),
        Section(
            "waiting",
            "Memory: 10,000 sessions waiting for an upstream of 8 s",
            ("gateway-roomy",),
            _SESSIONS,
            3,
            0.0,
            kind=Kind.SESSIONS,
            delay_ms=8000.0,
            is_fresh=True,
        ),
        ami_bytes(5, 40),
        Section(
            "ami-rate",
            "AMI over a socket: all events of 1,000 calls/s, 40 a call",
            ("ami-gateway", "ami-panoramisk"),
            {"rate": 1000},
            5,
            4.0,
            kind=Kind.EVENTS,
            is_fresh=True,
        ),
        whole(3, 10.0),
        Section(
            "whole-filtered",
            "The same with the AMI filter of the shipped manager.conf: one event a call",
            ("gateway-whole",),
            {"open": 500, "filtered": True},
            3,
            10.0,
            Kind.WHOLE,
            is_fresh=True,
        ),
        Section(
            "workers",
            "Two workers on two cores, 500 open calls; generator and upstream share the cores",
            ("gateway-batches", "two-workers"),
            {"open": 500},
            5,
            4.0,
        ),
    ]


def _quick() -> list[Section]:
    return [
        hit(_BESIDE, 2, 1.2),
        hit_lines(_BESIDE, 1, 1.5),
        miss(("naive", "tuned", "gateway-batches"), 2, 1.2),
        added(("gateway-batches",), 1, 3.0),
        burst(("gateway-batches",), 1),
        sick(("gateway-patient",), 1),
        ami_bytes(3, 10),
        whole(1, 3.0),
    ]


def hit(servers: tuple[str, ...], rounds: int, seconds: float) -> Section:
    """Known phones: what a call costs when nothing has to be asked."""
    title = "Hit path, the environment in one write: 2,000 known phones, 50 open calls"
    return Section("hit", title, servers, {"open": 50, **_HITS}, rounds, seconds)


def hit_lines(servers: tuple[str, ...], rounds: int, seconds: float) -> Section:
    """The same, each line of the environment in a write of its own, as Asterisk sends it.

    At a rate, as the generator cannot keep anybody busy in this way.
    """
    title = "Hit path, the environment line by line as Asterisk sends it: 2,000 calls/s, open loop"
    load = {"rate": 2000, **_HITS, "environment": "lines"}
    return Section("hit-lines", title, servers, load, rounds, seconds)


def miss(servers: tuple[str, ...], rounds: int, seconds: float) -> Section:
    """Phones never called before, as in a campaign."""
    title = f"Miss path: upstream answers after {UPSTREAM_DELAY_MS:.0f} ms, 500 open calls"
    return Section("miss", title, servers, {"open": 500}, rounds, seconds)


def added(servers: tuple[str, ...], rounds: int, seconds: float) -> Section:
    """How much longer than the upstream a call takes."""
    title = (
        f"Miss path, latency at 1,000 calls/s: upstream answers after {UPSTREAM_DELAY_MS:.0f} ms, open loop"
    )
    return Section("added", title, servers, {"rate": 1000}, rounds, seconds)


def burst(servers: tuple[str, ...], rounds: int) -> Section:
    """A dialler that starts all its calls at once."""
    title = "Burst: 3,500 calls opened in one instant"
    return Section("burst", title, servers, {"burst": 3500}, rounds, 0.0)


def sick(servers: tuple[str, ...], rounds: int) -> Section:
    """An upstream that has become slow, met by more calls than there are connections to it."""
    title = "Sick upstream: 5,000 calls at once, 64 connections, 2.5 s an answer, deadline 2.9 s"
    return Section(
        "sick",
        title,
        servers,
        {"burst": 5000, "within-s": DEADLINE_S},
        rounds,
        0.0,
        delay_ms=2500.0,
        is_fresh=True,
        may_miss=True,
    )


def ami_bytes(rounds: int, repeats: int) -> Section:
    """The same bytes to both decoders."""
    sides = ("gateway-unfiltered", "panoramisk-unfiltered", "gateway-filtered", "panoramisk-filtered")
    return Section(
        "ami", "AMI decoding, in one process", sides, {"repeats": repeats}, rounds, 0.0, Kind.BYTES
    )


def whole(rounds: int, seconds: float) -> Section:
    """All there is, at once."""
    title = (
        "Whole gateway: 500 open calls, misses, 40 AMI events a call, records on disk (FULL) and delivered"
    )
    load = {"open": 500}
    return Section("whole", title, ("gateway-whole",), load, rounds, seconds, Kind.WHOLE, is_fresh=True)

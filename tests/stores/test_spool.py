import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.model.delivery import Confirmed, DeliveryState, Outcome, Slice, Stored
from gateway.model.dial import Dial
from gateway.stores.base import StoreInUseError, StoreUnusableError
from gateway.stores.settings import SpoolSettings
from gateway.stores.spool import MIGRATIONS, SqliteSpool
from gateway.stores.spool_rows import decoded, encoded, put
from gateway.stores.sqlite import SqliteDatabase

NOW = 1_760_000_000.0
TARGETS = {"safe": True, "once": False}


class Bench:
    """A spool with a clock in hand."""

    def __init__(self, file: str, targets: dict[str, bool] | None = None, settle_s: float = 0.0) -> None:
        self.settings = SpoolSettings(file=file, settle_s=settle_s, group_window_s=0.0, retention_days=30)
        self.targets = TARGETS if targets is None else targets
        self.now = NOW
        self.spool = self.open()

    def open(self) -> SqliteSpool:
        return SqliteSpool.open(self.settings, self.targets, now=self.now)

    def reopen(self) -> None:
        """As after a crash: whatever was confirmed is on disk already, nothing else is written."""
        self.spool.close()
        self.spool = self.open()

    def put(self, *dials: Dial) -> list[Stored]:
        return self.spool.record(dials, (), now=self.now).result(5)

    def take(self, target: str = "safe", most: int = 100) -> Slice:
        return self.spool.take(target, most, now=self.now).result(5)

    def settle(self, *outcomes: Outcome) -> None:
        self.spool.record((), outcomes, now=self.now).result(5)

    def done(self, dial_id: str, *targets: str) -> None:
        self.settle(*(Outcome(dial_id, target, DeliveryState.DONE) for target in targets or TARGETS))


@pytest.fixture
def file(tmp_path: Path) -> str:
    return str(tmp_path / "spool.db")


@pytest.fixture
def bench(file: str) -> Iterator[Bench]:
    one = Bench(file)
    yield one
    one.spool.close()


def dial(dial_id: str = "d1", rank: int = 2, **fields: str) -> Dial:
    return replace(Dial(dial_id, "+15552223333", "+15559876543", NOW - 5, rank=rank), **fields)  # type: ignore[arg-type]


def ids(part: Slice) -> Sequence[str]:
    return [taken.dial.dial_id for taken in part.taken]


def test_a_record_comes_out_as_it_was_put(bench: Bench) -> None:
    whole = dial(campaign_name="Älteste Öfen", talk_s="")
    whole = replace(whole, talk_s=12.5)
    assert bench.put(whole) == [Stored.NEW]
    taken = bench.take().taken[0]
    assert (taken.dial, taken.attempt, taken.put_at) == (whole, 1, NOW)


def test_each_target_takes_every_record_once(bench: Bench) -> None:
    bench.put(dial("a"), dial("b"))
    assert [ids(bench.take(target)) for target in TARGETS] == [["a", "b"], ["a", "b"]]
    assert [ids(bench.take(target)) for target in TARGETS] == [[], []]


def test_the_record_that_knew_more_is_sent(bench: Bench) -> None:
    for rank in (1, 3, 2):
        bench.put(dial(rank=rank, disposition_name=f"rank {rank}"))
    assert [taken.dial.disposition_name for taken in bench.take().taken] == ["rank 3"]


def test_a_record_as_good_changes_nothing(bench: Bench) -> None:
    first, second = dial(disposition_name="first"), dial(disposition_name="second")
    assert bench.put(first, second) == [Stored.NEW, Stored.KNOWN]
    assert bench.take().taken[0].dial == first


def test_a_better_record_reaches_the_target_that_still_waits(bench: Bench) -> None:
    bench.put(dial(rank=1))
    bench.take("safe")
    bench.done("d1", "safe")
    assert bench.put(dial(rank=3, agent_name="Jane")) == [Stored.BETTER]
    assert ids(bench.take("safe")) == []
    assert bench.take("once").taken[0].dial.agent_name == "Jane"


def test_a_better_record_takes_over_when_the_first_try_failed(bench: Bench) -> None:
    bench.put(dial(rank=1))
    bench.take()
    bench.put(dial(rank=3, agent_name="Jane"))
    bench.settle(Outcome("d1", "safe", DeliveryState.WAITING, NOW, "503"))
    assert bench.take().taken[0].dial.agent_name == "Jane"


def test_nothing_is_sent_before_it_settled(file: str) -> None:
    bench = Bench(file, settle_s=1.0)
    bench.put(dial())
    assert bench.take() == Slice([], NOW + 1)
    bench.now += 1
    assert ids(bench.take()) == ["d1"]
    bench.spool.close()


def test_a_delivered_record_is_not_sent_again(bench: Bench) -> None:
    bench.put(dial())
    for target in TARGETS:
        bench.take(target)
    bench.done("d1")
    bench.reopen()
    assert bench.put(dial(rank=9)) == [Stored.KNOWN]
    assert [ids(bench.take(target)) for target in TARGETS] == [[], []]


def test_a_dial_id_is_forgotten_in_small_steps_after_its_time(bench: Bench) -> None:
    for number in range(5):
        bench.put(dial(str(number)))
        bench.done(str(number))
    assert bench.spool.prune(before=NOW, most=3).result(5) == 0
    assert [bench.spool.prune(before=NOW + 1, most=3).result(5) for _ in range(3)] == [3, 2, 0]
    assert bench.put(dial("0")) == [Stored.NEW]


def test_waiting_and_dead_records_are_never_forgotten(bench: Bench) -> None:
    bench.put(dial())
    bench.take()
    bench.settle(Outcome("d1", "safe", DeliveryState.DEAD, reason="refused"))
    assert bench.spool.prune(before=NOW + 1e9, most=10).result(5) == 0
    assert bench.put(dial()) == [Stored.KNOWN]


def test_a_record_put_off_waits_until_then(bench: Bench) -> None:
    bench.put(dial())
    bench.take()
    bench.settle(Outcome("d1", "safe", DeliveryState.WAITING, NOW + 60, "503"))
    assert bench.take() == Slice([], NOW + 60)
    bench.now += 60
    assert [taken.attempt for taken in bench.take().taken] == [2]


def test_the_longest_due_come_first_and_no_more_than_asked(bench: Bench) -> None:
    for number in range(4):
        bench.put(dial(str(number)))
        bench.now += 1
    first = bench.take(most=3)
    assert (ids(first), first.next_at) == (["0", "1", "2"], NOW + 3)


def test_after_a_crash_only_what_repeats_safely_is_sent_again(bench: Bench) -> None:
    bench.put(dial())
    for target in TARGETS:
        bench.take(target)
    bench.reopen()
    assert [taken.attempt for taken in bench.take("safe").taken] == [2]
    assert ids(bench.take("once")) == []
    assert bench.spool.stats().result(5)["once"].dead == 1


def test_what_another_target_was_left_with_is_said(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    bench.put(dial())
    bench.targets = {"safe": True}
    bench.reopen()
    assert '"once", which is not configured any more' in caplog.text
    assert ids(bench.take("safe")) == ["d1"]


def test_a_record_put_off_by_a_wrong_clock_is_not_hidden(bench: Bench) -> None:
    bench.now += 365 * 86_400
    bench.put(dial())
    bench.now = NOW
    bench.reopen()
    assert ids(bench.take()) == ["d1"]


def test_counts_tell_waiting_dead_and_the_oldest(bench: Bench) -> None:
    for number in range(3):
        bench.put(dial(str(number)))
        bench.now += 10
    bench.take(most=2)
    bench.settle(Outcome("0", "safe", DeliveryState.DEAD, reason="refused"))
    stats = bench.spool.stats().result(5)
    assert (stats["safe"].waiting, stats["safe"].dead, stats["safe"].oldest_put_at) == (2, 1, NOW + 10)
    assert (stats["once"].waiting, stats["once"].oldest_put_at) == (3, NOW)


def test_an_answer_about_an_unknown_record_is_harmless(bench: Bench) -> None:
    bench.done("never seen")
    assert bench.put(dial("never seen")) == [Stored.NEW]


def test_a_second_gateway_refuses_the_spool(bench: Bench) -> None:
    with pytest.raises(StoreInUseError, match="held by process"):
        bench.open()
    assert bench.put(dial()) == [Stored.NEW]


def test_the_lock_goes_when_the_file_cannot_be_opened(tmp_path: Path) -> None:
    (tmp_path / "spool.db").mkdir()
    for _ in range(2):
        with pytest.raises(StoreUnusableError) as raised:
            Bench(str(tmp_path / "spool.db"))
        assert not isinstance(raised.value, StoreInUseError)


def scribble(file: str) -> None:
    Path(file).write_bytes(b"this is no database at all " * 400)


def tear_records(file: str) -> None:
    """Damage the tables and leave the header alone, as a bad disk does."""
    size = Path(file).stat().st_size
    with Path(file).open("r+b") as raw:
        raw.seek(4096)
        raw.write(b"\xa5" * (size - 4096))


@pytest.mark.parametrize("damage", [scribble, tear_records])
def test_a_damaged_file_is_set_aside_and_a_new_one_started(
    bench: Bench, file: str, damage: Callable[[str], None], caplog: pytest.LogCaptureFixture
) -> None:
    bench.put(dial())
    bench.spool.close()
    damage(file)
    damaged = Path(file).read_bytes()[4096:]  # before it, SQLite counts its visits
    bench.spool = bench.open()
    kept = [path for path in Path(file).parent.iterdir() if ".corrupt-2025" in path.name]
    assert [path.read_bytes()[4096:] for path in kept] == [damaged]
    assert str(kept[0]) in caplog.text
    assert bench.put(dial()) == [Stored.NEW]


def test_two_damaged_files_of_one_second_are_both_kept(bench: Bench, file: str) -> None:
    for _ in range(2):
        bench.spool.close()
        scribble(file)
        bench.spool = bench.open()
    assert len([path for path in Path(file).parent.iterdir() if ".corrupt-" in path.name]) == 2


def test_a_record_that_cannot_be_read_dies_and_stops_no_other(bench: Bench, file: str) -> None:
    bench.put(dial("a"), dial("b"), dial("c"))
    with sqlite3.connect(file) as other:
        other.execute("UPDATE records SET dial = '{\"dial_id\":' WHERE dial_id = 'a'")
        other.execute("UPDATE records SET dial = '{}' WHERE dial_id = 'b'")
    other.close()
    assert ids(bench.take()) == ["c"]
    assert bench.spool.stats().result(5)["safe"].dead == 2


def test_fields_of_a_later_version_are_left_out() -> None:
    text = encoded(dial()).replace('{"dial_id"', '{"colour":"red","dial_id"')
    assert decoded(text) == dial()


def test_a_dial_the_service_tells_of_is_confirmed_once(bench: Bench) -> None:
    bench.put(dial("d1"), dial("d2"))
    bench.done("d1")
    assert bench.spool.confirm(["d1", "d2", "other", "d1"], now=NOW).result(5) == Confirmed(new=2, unknown=1)
    assert bench.spool.confirm(["d1"], now=NOW + 1).result(5) == Confirmed(known=1)


def test_a_confirmation_outlives_a_crash_and_goes_with_its_record(bench: Bench) -> None:
    bench.put(dial("d1"))
    bench.done("d1")
    bench.spool.confirm(["d1"], now=NOW).result(5)
    bench.reopen()
    assert bench.spool.confirm(["d1"], now=NOW).result(5) == Confirmed(known=1)
    bench.spool.prune(before=NOW + 1, most=10).result(5)
    assert bench.spool.confirm(["d1"], now=NOW).result(5) == Confirmed(unknown=1)


def test_a_spool_of_the_first_version_is_lifted(file: str) -> None:
    old = SqliteDatabase.open(file, MIGRATIONS[:1])
    old.run(lambda work: put(work, [dial("d1")], ["safe"], NOW))
    old.close()
    lifted = Bench(file)
    assert lifted.spool.confirm(["d1"], now=NOW).result(5) == Confirmed(new=1)
    assert [one.dial.dial_id for one in lifted.take().taken] == ["d1"]
    lifted.spool.close()

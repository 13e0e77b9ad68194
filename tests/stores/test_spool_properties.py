"""Whatever the order of events, each target gets every record, and none gets one it has already taken."""

import tempfile
from collections import Counter
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from gateway.model.delivery import DeliveryState, Outcome, Stored
from gateway.model.dial import Dial
from gateway.stores.settings import SpoolSettings, Synchronous
from gateway.stores.spool import SqliteSpool

DIAL_IDS = st.sampled_from(["a", "b", "c", "d"])
TARGETS = {"safe": True, "once": False}
DONE, WAITING, DEAD = DeliveryState.DONE, DeliveryState.WAITING, DeliveryState.DEAD


class SpoolMachine(RuleBasedStateMachine):
    """Drives a real file, crashes included, and keeps beside it what must be true."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.settings = SpoolSettings(
            file=str(Path(self.folder.name) / "spool.db"),
            settle_s=0.0,
            group_window_s=0.0,
            synchronous=Synchronous.NORMAL,
        )
        self.now = 1_000.0
        self.best: dict[str, int] = {}
        self.state: dict[tuple[str, str], DeliveryState] = {}
        self.in_hand: dict[tuple[str, str], int] = {}
        self.received: Counter[tuple[str, str]] = Counter()
        self.spool = self.open()

    def open(self) -> SqliteSpool:
        return SqliteSpool.open(self.settings, TARGETS, now=self.now)

    def teardown(self) -> None:
        self.drain()
        self.spool.close()
        self.folder.cleanup()

    def is_finished(self, dial_id: str) -> bool:
        return all(self.state[dial_id, target] is DONE for target in TARGETS)

    @rule(dial_id=DIAL_IDS, rank=st.integers(0, 3))
    def put(self, dial_id: str, rank: int) -> None:
        dial = Dial(dial_id, "+15552223333", "+15559876543", self.now, rank=rank)
        stored = self.spool.record([dial], (), now=self.now).result(5)
        if dial_id not in self.best:
            assert stored == [Stored.NEW]
            self.best[dial_id] = rank
            self.state |= {(dial_id, target): WAITING for target in TARGETS}
        elif rank > self.best[dial_id] and not self.is_finished(dial_id):
            assert stored == [Stored.BETTER]
            self.best[dial_id] = rank
        else:
            assert stored == [Stored.KNOWN]

    @rule(name=st.sampled_from(sorted(TARGETS)), most=st.integers(1, 3))
    def take(self, name: str, most: int) -> None:
        part = self.spool.take(name, most, now=self.now).result(5)
        for taken in part.taken:
            key = taken.dial.dial_id, name
            assert self.state[key] is WAITING, "only what waits is sent"
            assert taken.dial.rank == self.best[key[0]], "the best that was known is sent"
            self.state[key] = DeliveryState.SENT
            self.in_hand[key] = taken.dial.rank

    @rule(state=st.sampled_from([DONE, WAITING, DEAD]), data=st.data())
    def settle(self, state: DeliveryState, data: st.DataObject) -> None:
        if not self.in_hand:
            return
        key = data.draw(st.sampled_from(sorted(self.in_hand)))
        del self.in_hand[key]
        self.received[key] += state is DONE
        self.state[key] = state
        self.spool.record((), [Outcome(*key, state, self.now, "test")], now=self.now).result(5)

    @rule(arrived=st.booleans())
    def crash(self, arrived: bool) -> None:  # noqa: FBT001 - drawn by hypothesis
        """The process dies; whether what was under way arrived, nobody knows."""
        for key in self.in_hand:
            repeats_safely = TARGETS[key[1]]
            self.received[key] += arrived and not repeats_safely
            self.state[key] = WAITING if repeats_safely else DEAD
        self.in_hand.clear()
        self.spool.close()
        self.spool = self.open()

    @rule(seconds=st.floats(0, 10))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @invariant()
    def no_target_gets_a_record_twice(self) -> None:
        assert not [key for key, times in self.received.items() if times > 1]

    @invariant()
    def counts_are_those_of_the_model(self) -> None:
        stats = self.spool.stats().result(5)
        for target in TARGETS:
            states = Counter(state for (_, name), state in self.state.items() if name == target)
            told = stats.get(target)
            assert (told.dead if told else 0) == states[DEAD]
            assert (told.waiting if told else 0) == states[WAITING] + states[DeliveryState.SENT]

    def drain(self) -> None:
        """Everything ever put ends up received or dead: nothing is lost on the way."""
        self.crash(arrived=False)
        for target in TARGETS:
            part = self.spool.take(target, 100, now=self.now).result(5)
            for taken in part.taken:
                self.state[taken.dial.dial_id, target] = DONE
                self.received[taken.dial.dial_id, target] += 1
        self.no_target_gets_a_record_twice()
        assert set(self.state.values()) <= {DONE, DEAD}
        assert {key for key, state in self.state.items() if state is DONE} <= set(self.received)


TestSpoolMachine = SpoolMachine.TestCase
TestSpoolMachine.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)

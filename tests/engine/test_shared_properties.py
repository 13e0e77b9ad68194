"""Every use is counted exactly once, in whatever order Redis is lost, late and emptied: the Lua included."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.engine.agreement import Agreement, Wish
from gateway.engine.settings import EngineSettings
from gateway.engine.tallies import Tallies
from gateway.model.phone import PhoneNumber
from gateway.stores.base import StoreBusyError
from gateway.stores.redis import RedisStore
from tests.stores.redis_server import REAL_REDIS, RedisServer, settings_for

pytestmark = REAL_REDIS
NOW_S = 1_772_452_800.0
DAY = date(2026, 3, 2)
NUMBERS = [PhoneNumber(f"+1212555010{n}") for n in range(3)]
PROSPECT = PhoneNumber("+12125550199")

node_index = st.integers(0, 2)
some_numbers = st.lists(st.sampled_from(NUMBERS), max_size=4)
steps = st.lists(
    st.tuples(
        st.sampled_from(["agree", "agree", "agree", "alone", "unsent", "unheard", "late", "arrive", "flush"]),
        node_index,
        some_numbers,
    ),
    max_size=25,
)


class Line:
    """A way to the server on which a request may be lost, its answer may be lost, or it may come late."""

    is_up = True

    def __init__(self, store: RedisStore) -> None:
        self._store = store
        self.fate = "agree"
        self.held: list[tuple[str, list[str | int | float]]] = []

    async def run(self, script: str, args: Sequence[str | int | float]) -> str:
        if self.fate == "late":
            self.held.append((script, list(args)))
        if self.fate == "unheard":
            await self._store.run(script, args)
        if self.fate != "agree":
            raise StoreBusyError(self.fate)
        return await self._store.run(script, args)

    async def read(self, keys: Sequence[str]) -> list[str | None]:
        return await self._store.read(keys)

    async def arrive(self) -> None:
        """What was held on the way reaches the server now; nobody hears the answers."""
        for script, args in self.held:
            await self._store.run(script, args)
        self.held.clear()


class Nodes:
    """Three of them, with what each really used."""

    def __init__(self, store: RedisStore, caps: EngineSettings) -> None:
        self.lines = [Line(store) for _ in range(3)]
        self.tallies = [Tallies(f"node{n}", DAY) for n in range(3)]
        self.agreements = [
            Agreement(line, tallies, caps, "t:")
            for line, tallies in zip(self.lines, self.tallies, strict=True)
        ]
        self.used: Counter[str] = Counter()

    async def agree(self, node: int, numbers: list[PhoneNumber], fate: str = "agree") -> None:
        self.lines[node].fate = fate
        wishes = [Wish(number, PROSPECT) for number in numbers]
        for number in numbers:
            self.tallies[node].want(number)
        granted, _ = await self.agreements[node].exchange(wishes, NOW_S)
        self.used.update(number.e164 for number, ok in zip(numbers, granted, strict=True) if ok)

    def alone(self, node: int, numbers: list[PhoneNumber]) -> None:
        for number in numbers:
            self.tallies[node].use(number, NOW_S)
            self.used[number.e164] += 1

    def known(self, node: int) -> Counter[str]:
        return +Counter({number.e164: self.tallies[node]._tally(number.e164).count for number in NUMBERS})


@pytest.mark.parametrize("caps", [{}, {"daily_cap": 3}, {"hourly_cap": 2}], ids=["none", "daily", "hourly"])
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=steps)
def test_all_nodes_come_to_the_number_of_uses_that_were_made(
    redis: RedisServer, caps: dict[str, int], steps: list[tuple[str, int, list[PhoneNumber]]], tmp_path: Path
) -> None:
    async def play() -> None:
        redis.cli("FLUSHALL")
        store = RedisStore(settings_for(redis.port))
        nodes = Nodes(store, EngineSettings(timezone="UTC", database=str(tmp_path), **caps))  # type: ignore[arg-type]
        for what, node, numbers in steps:
            if what == "alone":
                nodes.alone(node, numbers)
            elif what == "flush":
                redis.cli("FLUSHALL")
            elif what == "arrive":
                await nodes.lines[node].arrive()
            else:
                await nodes.agree(node, numbers, what)
        for line in nodes.lines:
            await line.arrive()
        for _ in range(2):
            for node in range(3):
                await nodes.agree(node, [])
        await nodes.agree(0, [])
        assert [nodes.known(node) for node in range(3)] == [nodes.used] * 3
        await store.close()

    asyncio.run(play())


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(turns=st.lists(st.tuples(node_index, some_numbers), max_size=20))
def test_no_cap_is_exceeded_while_redis_answers(
    redis: RedisServer, turns: list[tuple[int, list[PhoneNumber]]], tmp_path: Path
) -> None:
    async def play() -> None:
        redis.cli("FLUSHALL")
        store = RedisStore(settings_for(redis.port))
        caps = EngineSettings(timezone="UTC", database=str(tmp_path), daily_cap=7, hourly_cap=5)
        nodes = Nodes(store, caps)
        wished: Counter[str] = Counter()
        for node, numbers in turns:
            await nodes.agree(node, numbers)
            wished.update(number.e164 for number in numbers)
        assert nodes.used == {number: min(count, 5) for number, count in wished.items()}
        await store.close()

    asyncio.run(play())

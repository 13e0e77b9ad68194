import asyncio
from pathlib import Path

import orjson
import pytest

from gateway.dials.lines_target import LinesSettings, LinesTarget
from gateway.model.dial import Dial
from gateway.providers.base import UnavailableError


def dial(number: int) -> Dial:
    return Dial(f"d{number}", "+15552223333", "+15559876543", 1_760_000_000.0, agent_name="José", talk_s=1.5)


async def test_each_record_is_one_line_with_all_its_fields(tmp_path: Path) -> None:
    target = LinesTarget(LinesSettings(path=str(tmp_path / "dials.jsonl")))
    await asyncio.gather(*(target.post_dial(dial(number), timeout_s=5) for number in range(100)))
    await target.post_dial(dial(100), timeout_s=5)
    await target.close()
    lines = (tmp_path / "dials.jsonl").read_bytes().splitlines()
    assert [Dial(**orjson.loads(line)) for line in lines] == [dial(number) for number in range(101)]


async def test_a_file_that_cannot_be_written_is_unavailable_and_comes_back(tmp_path: Path) -> None:
    target = LinesTarget(LinesSettings(path=str(tmp_path / "later" / "dials.jsonl")))
    with pytest.raises(UnavailableError, match="does not exist") as raised:
        await target.post_dial(dial(0), timeout_s=5)
    assert raised.value.never_sent
    (tmp_path / "later").mkdir()
    await target.post_dial(dial(0), timeout_s=5)
    await target.close()
    assert len((tmp_path / "later" / "dials.jsonl").read_bytes().splitlines()) == 1

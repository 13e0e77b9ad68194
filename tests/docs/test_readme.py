"""The README's five minutes, by the clock."""

import time
from pathlib import Path

from tests.docs.page import Act, Step, steps
from tests.docs.reader import FOLLOWED, Reader

pytestmark = FOLLOWED

_MACHINES_SHARE_S = 60.0
"""Most the machine may take of the five minutes; the rest is for reading and typing."""


def beginning() -> list[Step]:
    """What the README asks for up to the first call."""
    wanted = steps("README.md")
    last = next(place for place, step in enumerate(wanted) if "ani-gateway call" in step.text)
    return wanted[: last + 1]


def test_readme_leads_to_a_first_call_in_five_minutes(tmp_path: Path) -> None:
    began = time.monotonic()
    with Reader(tmp_path) as reader:
        reader.environment["DEMO_SECONDS"] = "2"
        for step in beginning():
            reader.take(step)
    assert [step.act for step in beginning()] == [Act.RUN, Act.WRITE, Act.RUN, Act.RUN]
    assert time.monotonic() - began < _MACHINES_SHARE_S

"""The tutorial that needs no Asterisk, taken step by step."""

from collections.abc import Iterator

import pytest

from tests.docs.page import steps
from tests.docs.reader import FOLLOWED, Reader

pytestmark = FOLLOWED


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    """Has followed the page to its end; the gateway still runs."""
    with Reader(tmp_path_factory.mktemp("first-call")) as one:
        one.environment["DEMO_SECONDS"] = "1"
        for step in steps("docs/tutorial/first-call.md"):
            one.take(step)
        yield one


def test_prospect_in_new_york_sees_a_number_from_there(reader: Reader) -> None:
    assert "2125550100" in reader.command("ani-gateway call 12125550123 --campaign c12")


def test_emergency_number_is_bypassed(reader: Reader) -> None:
    assert "BYPASSED" in reader.command("ani-gateway call 911")


def test_misspelt_provider_is_told_with_its_line_and_what_to_write(reader: Reader) -> None:
    settings = reader.folder / "ani-gateway.toml"
    wrong = settings.read_text().replace('"engine"', '"engin"')
    (reader.folder / "wrong.toml").write_text(wrong)
    told = reader.command("ani-gateway config check --config wrong.toml || test $? = 3")
    assert "wrong.toml:2" in told
    assert "engine" in told


def test_call_without_a_gateway_is_told_what_to_do(reader: Reader) -> None:
    reader.stop_gateway()
    told = reader.command("ani-gateway call 14045550123 || test $? = 1")
    assert 'start it with "ani-gateway serve"' in told

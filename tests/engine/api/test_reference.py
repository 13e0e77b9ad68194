"""The API's page and its description."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from gateway.cli.main import main
from gateway.engine.api import reference

PAGE = Path(__file__).parents[3] / "docs/reference/api.md"


@pytest.fixture(scope="module")
def description() -> dict[str, Any]:
    return reference.described()


def test_page_is_what_the_command_prints() -> None:
    """Renew it: ani-gateway api --describe markdown > docs/reference/api.md."""
    result = CliRunner().invoke(main, ["api", "--describe", "markdown"])
    assert result.stdout == PAGE.read_text()


def test_command_prints_the_description(description: dict[str, Any]) -> None:
    result = CliRunner().invoke(main, ["api", "--describe", "json"])
    assert json.loads(result.stdout) == description


def test_every_failure_an_endpoint_may_meet_is_explained(description: dict[str, Any]) -> None:
    page = PAGE.read_text()
    for path, operations in description["paths"].items():
        for method, operation in operations.items():
            own = page.partition(f"### {method.upper()} {path}\n")[2].partition("\n#")[0]
            for status in operation["responses"]:
                assert f"\n- {status}: " in own or f"\n| {status} | " in page


def test_endpoints_have_one_name_each(description: dict[str, Any]) -> None:
    names = [
        operation["operationId"]
        for operations in description["paths"].values()
        for operation in operations.values()
    ]
    assert len(names) == len(set(names))

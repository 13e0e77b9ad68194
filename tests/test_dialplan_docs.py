"""The dialplan contract on paper and in code: every word of one is in the other."""

import re
from pathlib import Path

import pytest

from gateway.agi.verbs.arguments import KNOWN_KEYS
from gateway.agi.verbs.report import NotReported
from gateway.model import variables
from gateway.model.decision import Reason, Source, Status
from gateway.model.lead import AssignmentType
from gateway.model.variables import CallState

ROOT = Path(__file__).parent.parent
REFERENCE = (ROOT / "docs" / "reference" / "dialplan.md").read_text()
WITHOUT_AMI = (ROOT / "docs" / "how-to" / "report-without-ami.md").read_text()
SHIPPED = sorted((ROOT / "asterisk-config").rglob("*.conf"))
SET_BY_US = {value for name, value in vars(variables).items() if name.startswith("GATEWAY")}
SET_BY_REPORT = {variables.GATEWAY_REPORTED, variables.GATEWAY_REPORT_REASON}
SUBROUTINES_OWN = {"GATEWAY_AGI", "GATEWAY_CAMPAIGN", "GATEWAY_DOCTOR", "GATEWAY_NUMBER", "GATEWAY_WATCHED"}
"""What the shipped dialplan keeps for itself; the gateway knows nothing of these."""


def column(page: str, header: str, place: int = 0) -> list[str]:
    """The words in backticks of one column of the table whose first row begins with `header`."""
    table = page.partition(f"\n\n| {header} |")[2].partition("\n\n")[0]
    cells = [row.strip("|").split("|") for row in table.splitlines()[2:]]
    return [word for row in cells for word in re.findall(r"`([^`]+)`", row[place])]


def words(names: type[Status | Source | Reason | NotReported]) -> set[str]:
    return {str(name) for name in names if name}


def test_statuses_are_those_of_the_code() -> None:
    assert set(column(REFERENCE, "`GATEWAY_STATUS`")) == words(Status)


def test_sources_are_those_of_the_code() -> None:
    assert set(column(REFERENCE, "`GATEWAY_SOURCE`")) == words(Source)


def test_reasons_are_those_of_the_code() -> None:
    assert set(column(REFERENCE, "`GATEWAY_REASON`")) - {"ASSIGNED"} == words(Reason)


def test_arguments_are_those_of_the_code() -> None:
    assert set(column(REFERENCE, "argument") + column(REFERENCE, "key")) == KNOWN_KEYS


def test_assignment_types_are_those_of_the_code() -> None:
    row = next(line for line in REFERENCE.splitlines() if line.startswith("| `assignment_type`"))
    assert set(re.findall(r"`(\w+)`", row)) - {"assignment_type"} == set(AssignmentType)


def test_variables_the_gateway_sets_are_those_of_the_code() -> None:
    tables = re.findall(r"^\| `(GATEWAY\w*)` \| (?!meaning|the number came|default)", REFERENCE, re.MULTILINE)
    assert set(tables) - SUBROUTINES_OWN == SET_BY_US


def test_fields_of_the_state_are_those_of_the_code_in_their_places() -> None:
    assert column(REFERENCE, "place", 1) == ["version", *CallState._fields]


def test_reasons_of_an_unkept_report_are_those_of_the_code() -> None:
    told = re.findall(r"^\| `NO` \| `(\w+)` \|", WITHOUT_AMI, re.MULTILINE)
    assert set(told) == words(NotReported)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_shipped_dialplan_knows_no_variable_but_those_of_the_contract(path: Path) -> None:
    named = set(re.findall(r"\bGATEWAY(?:_[A-Z]+)*\b", path.read_text()))
    assert named <= SET_BY_US | SUBROUTINES_OWN


def test_every_subroutine_the_documents_call_is_shipped() -> None:
    shipped = "".join(path.read_text() for path in SHIPPED)
    called = {
        name
        for page in (*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"))
        for name in re.findall(r"Gosub\((gateway-[a-z]+),", page.read_text())
    }
    assert called == {"gateway-assign", "gateway-report", "gateway-freepbx"}
    assert [name for name in called if f"[{name}]" not in shipped] == []


def test_carrier_entry_of_vicidials_page_is_the_shipped_one() -> None:
    entry = (ROOT / "asterisk-config" / "vicidial" / "carrier_dialplan_entry.conf").read_text()
    page = (ROOT / "docs" / "how-to" / "vicidial.md").read_text()
    assert entry.partition("\nexten")[2] in page


def test_every_shipped_file_is_listed_with_its_place() -> None:
    readme = (ROOT / "asterisk-config" / "README.md").read_text()
    assert [path.name for path in SHIPPED if path.name not in readme] == []


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_every_shipped_file_has_a_page_that_says_how_to_use_it(path: Path) -> None:
    pages = [page.read_text() for page in (ROOT / "docs" / "how-to").glob("*.md")]
    assert any(path.name in page for page in pages)

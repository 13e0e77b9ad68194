from typing import Any

import orjson
import pytest

from gateway.simulator.upstream_answers import Fault, HttpAnswer
from gateway.simulator.upstream_dials import (
    DEFAULT_COMPANY_GUID,
    RESULT_REQUIRED,
    DialLedger,
    dial,
    dial_result,
)

FIELDS = (
    "campaign_id campaign_name agent_name ani disposition_name prospect_phone datetime call_direction zip "
    "sys_created_date_original total_dial_attempts skill_name lead_source dial_id"
)
BODY = dict.fromkeys(FIELDS.split(), "x")
QUERY = {**dict.fromkeys(RESULT_REQUIRED, "x"), "0504bd2b-f9eb-4a72-b497-7c8cac8692a0": DEFAULT_COMPANY_GUID}


@pytest.fixture
def ledger() -> DialLedger:
    return DialLedger()


def said(answer: HttpAnswer) -> tuple[int, Any]:
    return answer.status, orjson.loads(answer.body)


def test_a_dial_is_queued_and_kept(ledger: DialLedger) -> None:
    assert said(dial(BODY, Fault.NONE, "seed", ledger)) == (200, {"message": "dial queued"})
    assert ledger.dials == {"x": BODY}


def test_repeats_and_changes_are_told_apart(ledger: DialLedger) -> None:
    for body in (BODY, BODY, {**BODY, "zip": "90210"}):
        dial(body, Fault.NONE, "any", ledger)
    assert (ledger.repeats, ledger.changed, ledger.dials["x"]["zip"]) == (2, {"x"}, "x")


@pytest.mark.parametrize("field", [name for name in BODY if name != "dial_id"])
def test_every_field_but_the_dial_id_is_required(ledger: DialLedger, field: str) -> None:
    body = {name: value for name, value in BODY.items() if name != field}
    status, answer = said(dial(body, Fault.NONE, "seed", ledger))
    assert status == 422
    assert field in answer["message"]
    assert ledger.dials == {}


def test_the_other_pair_of_numbers_is_named_when_it_is_wanted(ledger: DialLedger) -> None:
    status, answer = said(dial(BODY, Fault.NONE, "current", ledger))
    assert (status, answer["message"]) == (422, "missing: from_number, to_number")


@pytest.mark.parametrize(
    "fault", [Fault.SERVER_ERROR, Fault.RATE_LIMITED, Fault.UNAUTHORIZED, Fault.DIAL_REFUSED]
)
def test_what_is_answered_badly_is_not_kept(ledger: DialLedger, fault: Fault) -> None:
    assert dial(BODY, fault, "any", ledger).status >= 400
    answer = dial_result(QUERY, fault, DEFAULT_COMPANY_GUID, ledger)
    assert answer.status >= 400 or b"FAIL" in answer.body
    assert ledger.dials == {}


@pytest.mark.parametrize("fault", [Fault.RESET, Fault.SILENT, Fault.CUT_BODY, Fault.MALFORMED, Fault.HUGE])
def test_what_breaks_afterwards_is_kept(ledger: DialLedger, fault: Fault) -> None:
    dial(BODY, fault, "any", ledger)
    assert ledger.dials == {"x": BODY}


def test_dial_results_takes_what_bears_the_company_and_every_name(ledger: DialLedger) -> None:
    assert said(dial_result(QUERY, Fault.NONE, DEFAULT_COMPANY_GUID, ledger)) == (200, {"result": "SUCCESS"})
    assert said(dial_result(QUERY, Fault.NONE, "other", ledger))[1]["reason"] == "unknown company"
    for name, meaning in RESULT_REQUIRED.items():
        query = {other: value for other, value in QUERY.items() if other != name}
        answer = said(dial_result(query, Fault.NONE, DEFAULT_COMPANY_GUID, ledger))[1]
        assert answer == {"result": "FAIL", "reason": f"missing: {meaning}"}
    assert ledger.times == {"x": 1}
    assert DEFAULT_COMPANY_GUID not in str(ledger.dials)


def test_a_bounded_ledger_forgets_the_oldest_and_counts_on() -> None:
    ledger = DialLedger(most=2)
    for dial_id in ("a", "b", "b", "c", "c"):
        ledger.keep(dial_id, {})
    assert (set(ledger.dials), ledger.repeats) == ({"b", "c"}, 2)

"""outboundANI's Dial Results: everything in the query, by GUID."""

from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import ClientSession
from hypothesis import given
from hypothesis import strategies as st

from gateway.engine.api.results import gathered
from gateway.engine.provider import EngineProvider
from gateway.providers import outboundani_guids as guids

COMPANY = "6C0F3A52-1111-2222-3333-444455556666"
PATH = "/api/595F21A2-84D1-4984-818E-3758A8485CC8.php"
QUERY = {
    guids.COMPANY: COMPANY,
    guids.CAMPAIGN: "c123",
    guids.AGENT: "7001",
    guids.ANI: "5551234567",
    guids.CALL_ID: "call-1",
    guids.DISPO: "Sale",
    guids.PHONE: "5559876543",
    guids.CALL_TIME: "2026-04-10 14:32:15",
}
WORDS = {
    guids.CAMPAIGN: "campaign",
    guids.AGENT: "agentid",
    guids.ANI: "ani",
    guids.CALL_ID: "callid",
    guids.DISPO: "dispo",
    guids.PHONE: "phone",
    guids.CALL_TIME: "call_date_time",
}
KEPT = ("call-1", 1_775_831_535.0, "+15551234567", "+15559876543", "c123", "Sale", None)
Kept = Callable[[], list[tuple[Any, ...]]]


@pytest.fixture
def kept(engine: EngineProvider) -> Kept:
    """Reads the rows of the engine's table."""
    return lambda: engine._database.run(
        lambda transaction: [tuple(row)[:7] for row in transaction.execute("SELECT * FROM dials")]
    )


async def post(api: ClientSession, query: list[tuple[str, str]], path: str = PATH) -> tuple[int, Any]:
    async with api.post(path, params=query) as answer:
        return answer.status, await answer.json()


def pairs(**more: str) -> list[tuple[str, str]]:
    return [*QUERY.items(), *more.items()]


async def test_result_is_kept_and_the_same_call_id_again_replaces_it(api: ClientSession, kept: Kept) -> None:
    for _ in range(2):
        assert await post(api, pairs()) == (200, {"result": "SUCCESS"})
    assert kept() == [KEPT]


@pytest.mark.parametrize("written", [COMPANY.lower(), COMPANY.upper()])
async def test_guids_are_known_in_either_case(api: ClientSession, kept: Kept, written: str) -> None:
    query = [(name.upper(), text) for name, text in (QUERY | {guids.COMPANY: written}).items()]
    query[0] = (guids.COMPANY, written)
    assert (await post(api, query))[0] == 200
    assert kept() == [KEPT]


@pytest.mark.parametrize(
    ("name", "text", "campaign"), [("c123", "", "c123"), ("c", "1=2", "c=1=2"), ("Äpfel", "", "Äpfel")]
)
async def test_campaign_without_its_equals_sign_is_read(
    api: ClientSession, kept: Kept, name: str, text: str, campaign: str
) -> None:
    query = [pair for pair in pairs() if pair[0] != guids.CAMPAIGN]
    assert (await post(api, [(guids.CAMPAIGN + name, text), *query]))[0] == 200
    assert kept()[0][4] == campaign


@pytest.mark.parametrize(
    ("values", "talk_s"),
    [(["Outbound"], None), (["61"], 61.0), (["Outbound", "61"], 61.0), (["7.5", "SMS"], 7.5), ([""], None)],
)
async def test_guid_that_is_documented_twice_may_be_type_and_duration(
    api: ClientSession, kept: Kept, values: list[str], talk_s: float | None
) -> None:
    query = [*pairs(), *((guids.CALL_TYPE_OR_DURATION, value) for value in values)]
    assert (await post(api, query))[0] == 200
    assert kept()[0][-1] == talk_s


async def test_kpis_and_unknown_names_are_ignored(api: ClientSession) -> None:
    assert (await post(api, pairs(KPI1_Name="1", KPI5_Name="x", other="y")))[0] == 200


@pytest.mark.parametrize("guid", WORDS)
async def test_missing_parameter_fails_with_its_name(api: ClientSession, kept: Kept, guid: str) -> None:
    query = [pair for pair in pairs() if pair[0] != guid]
    reason = f"{WORDS[guid]} ({guid}): is required"
    assert await post(api, query) == (400, {"result": "FAIL", "reason": reason})
    assert kept() == []


@pytest.mark.parametrize(
    ("guid", "text", "reason"),
    [
        (guids.ANI, "12", "must be a phone number of 10 to 15 digits"),
        (guids.PHONE, "", "must be a phone number of 10 to 15 digits"),
        (guids.CALL_ID, " ", "is empty; give it a value"),
        (guids.CALL_TIME, "soon", "is no time; write UTC as YYYY-MM-DD HH:MM:SS, or ISO 8601"),
    ],
)
async def test_parameter_that_cannot_be_meant_fails(
    api: ClientSession, guid: str, text: str, reason: str
) -> None:
    answer = await post(api, list((QUERY | {guid: text}).items()))
    assert answer == (400, {"result": "FAIL", "reason": f"{WORDS[guid]} ({guid}): {reason}"})


@pytest.mark.parametrize("company", ["", "universal-key", "assignment-key", COMPANY[:-1]])
async def test_only_a_company_guid_opens_it_and_no_api_key(api: ClientSession, company: str) -> None:
    status, answer = await post(api, list((QUERY | {guids.COMPANY: company}).items()))
    assert (status, answer["result"]) == (401, "FAIL")
    assert answer["reason"].startswith("company GUID is ")
    for headers in ({"Authorization": "Bearer universal-key"}, {"X-ApiKey": "universal-key"}):
        async with api.post(PATH, headers=headers) as refused:
            assert refused.status == 401


async def test_company_guid_is_no_api_key(api: ClientSession) -> None:
    for headers in ({"Authorization": f"Bearer {COMPANY}"}, {"X-ApiKey": COMPANY}):
        for path in ("/assignment", "/dialer/next"):
            async with api.post(path, json={}, headers=headers) as answer:
                assert answer.status == 401


async def test_trouble_of_ours_is_no_fail(api: ClientSession, engine: EngineProvider) -> None:
    engine._database.close()
    status, answer = await post(api, pairs())
    assert (status, answer["result"]) == (503, "RETRY")


@given(st.lists(st.tuples(st.sampled_from([*WORDS, guids.CAMPAIGN + "x", "other"]), st.text())))
def test_gathering_never_fails_and_keeps_the_first_of_each(query: list[tuple[str, str]]) -> None:
    found = gathered(query)
    for guid in set(WORDS) - {guids.CAMPAIGN}:
        texts = [text for name, text in query if name == guid]
        assert found.get(guid) == (texts[0] if texts else None)
    assert set(found) <= {*WORDS, guids.CALL_TYPE_OR_DURATION, "other"}

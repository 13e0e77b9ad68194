import re
from collections.abc import AsyncIterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession

from gateway.engine.provider import EngineProvider
from gateway.model.dial import Dial
from gateway.model.lead import Lead
from gateway.model.phone import PhoneNumber
from tests.engine.api.figures import DAY, LONDON, NOW, ONE, TOLL_FREE, TWO, get, post, serving

PROSPECT = "+12125550199"
TODAY = date(2026, 4, 10)
DIALS = [
    Dial("1", ONE, PROSPECT, NOW - 60, disposition_name="sale"),
    Dial("2", ONE, PROSPECT, NOW - DAY, disposition_name="Busy"),
    Dial("3", ONE, PROSPECT, NOW - 2 * DAY, disposition_name="NO_ANSWER"),
    Dial("4", ONE, PROSPECT, NOW - 3 * DAY, disposition_name="rejected"),
    Dial("5", ONE, PROSPECT, NOW - 31 * DAY, disposition_name="sale"),
]
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
Served = tuple[ClientSession, EngineProvider]


@pytest.fixture
async def served(tmp_path: Path, cache_dir: Path) -> AsyncIterator[Served]:
    async with serving(tmp_path, cache_dir, DIALS) as both:
        yield both


@pytest.fixture
def client(served: Served) -> ClientSession:
    return served[0]


async def rows(client: ClientSession, query: str = "") -> list[Any]:
    status, answer = await get(client, f"/nrm/anis{query}")
    assert status == 200
    found: list[Any] = answer["data"]
    return found


async def row(client: ClientSession, number: str) -> Any:
    found = await rows(client, f"?number={number}")
    assert len(found) == 1
    return found[0]


async def test_a_row_has_every_documented_field(client: ClientSession) -> None:
    one = await row(client, "2125550100")
    dates = [one.pop(name) for name in ("dateActivated", "dateInventoried", "createdAt")]
    assert all(TIME.fullmatch(text) for text in dates)
    assert one == {
        "id": ONE,
        "phone": "2125550100",
        "brand": "Acme",
        "status": "active",
        "statusLabel": "Active",
        "campaignName": "Sales",
        "areaCode": "212",
        "region": "212",
        "state": "NY",
        "locality": "",
        "frequencyAssigned": 0,
        "frequencyDialed": 5,
        "frequencyContacted": 2,
        "dateLastDialed": "2026-04-10T14:31:15Z",
        "dateDeactivated": None,
        "last30DaysDials": 4,
        "last30DaysContacts": 1,
        "contactRate": 0.25,
        "successRate": 0.25,
        "blockRate": 0.25,
        "noAnswerRate": 0.25,
    }


async def test_numbers_of_every_kind_have_a_place(client: ClientSession) -> None:
    told = {one["id"]: one for one in await rows(client)}
    assert list(told) == [ONE, TWO, TOLL_FREE, LONDON]
    assert (told[TWO]["campaignName"], told[TWO]["state"]) == ("shared", "FL")
    assert (told[TOLL_FREE]["region"], told[TOLL_FREE]["areaCode"]) == ("toll-free", "800")
    london = told[LONDON]
    assert (london["region"], london["locality"], london["areaCode"]) == ("London", "London", "")
    assert (london["status"], london["statusLabel"]) == ("paused", "Paused until 2026-05-01")
    assert (london["contactRate"], london["dateLastDialed"]) == (0.0, None)


async def test_pages_say_where_they_stand(client: ClientSession) -> None:
    for page, count, can_next, can_prev in ((1, 3, True, False), (2, 1, False, True), (3, 0, False, True)):
        _, answer = await get(client, f"/nrm/anis?page={page}&page_size=3")
        assert len(answer.pop("data")) == count
        assert answer == {
            "result": "success",
            "count": count,
            "total_anis": 4,
            "can_next_page": can_next,
            "can_prev_page": can_prev,
            "total_pages": 2,
        }


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("page=0", "page"),
        ("page=x", "page"),
        ("page_size=1001", "page_size"),
        ("page_size=0", "page_size"),
        ("number=abc", "number"),
        ("page=1000001", "page"),
    ],
)
async def test_a_wrong_query_names_its_field(client: ClientSession, query: str, field: str) -> None:
    status, answer = await get(client, f"/nrm/anis?{query}")
    assert (status, answer["success"]) == (400, False)
    assert answer["message"].startswith(f"{field}: ")


async def test_a_use_counts_as_assigned(served: Served) -> None:
    client, provider = served
    assert provider.assign_now(Lead(phone=PhoneNumber(PROSPECT), campaign="9001")).ani == PhoneNumber(ONE)
    assert (await row(client, ONE.removeprefix("+")))["frequencyAssigned"] == 1


async def test_a_second_remediation_is_within_the_cooldown(client: ClientSession) -> None:
    body = {"ani": "(212) 555-0100", "carrier": "acme", "note": "labelled"}
    assert await post(client, "/nrm/remediate", body) == (
        200,
        {"status": "remediation requested", "ani": "2125550100"},
    )
    assert await post(client, "/nrm/remediate", body) == (200, {"status": "within cooldown"})
    one = await row(client, "2125550100")
    assert (one["status"], one["statusLabel"]) == ("remediating", "Remediation requested")


def shown(provider: EngineProvider) -> PhoneNumber | None:
    """What a prospect of New York sees of campaign 9001."""
    return provider.assign_now(Lead(phone=PhoneNumber(PROSPECT), campaign="9001")).ani


async def test_a_paused_number_is_shown_no_more_until_it_is_activated(served: Served) -> None:
    client, provider = served
    assert shown(provider) == PhoneNumber(ONE)
    assert await post(client, "/nrm/pause", {"ani": "2125550100"}) == (
        200,
        {"status": "paused", "ani": "2125550100"},
    )
    assert shown(provider) != PhoneNumber(ONE)
    paused = await row(client, "2125550100")
    assert (paused["status"], paused["statusLabel"]) == ("paused", "Paused")
    assert paused["dateDeactivated"] == "2026-04-10T14:32:15Z"
    assert await post(client, "/nrm/activate", {"ani": "2125550100", "date": TODAY.isoformat()}) == (
        200,
        {"status": "activated", "ani": "2125550100"},
    )
    assert shown(provider) == PhoneNumber(ONE)
    active = await row(client, "2125550100")
    assert (active["status"], active["dateActivated"]) == ("active", "2026-04-10T14:32:15Z")


@pytest.mark.parametrize(
    ("path", "day", "label"),
    [
        ("pause", TODAY + timedelta(days=3), "Paused until 2026-04-13"),
        ("pause", TODAY, "Paused"),
        ("pause", TODAY - timedelta(days=3), "Paused"),
        ("activate", TODAY + timedelta(days=3), "Paused until 2026-04-13"),
        ("activate", TODAY - timedelta(days=3), "Active"),
    ],
)
async def test_a_date_to_come_dates_the_pause(
    client: ClientSession, path: str, day: date, label: str
) -> None:
    body = {"ani": "2125550100", "date": f"{day}T10:00:00Z"}
    assert (await post(client, f"/nrm/{path}", body))[0] == 200
    assert (await row(client, "2125550100"))["statusLabel"] == label


@pytest.mark.parametrize("path", ["/nrm/remediate", "/nrm/pause", "/nrm/activate"])
@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        ({}, 400, "ani: is required"),
        ({"ani": "12"}, 400, "ani: must be a number"),
        ({"ani": "2125550100", "note": 5}, 400, "note: expected"),
        ({"ani": "2125550111"}, 404, "ANI +1212*****11 does not exist"),
    ],
)
async def test_what_cannot_be_done_is_told(
    client: ClientSession, path: str, body: Any, status: int, message: str
) -> None:
    answered, answer = await post(client, path, body)
    assert (answered, answer["success"]) == (status, False)
    assert answer["message"].startswith(message)


@pytest.mark.parametrize("path", ["/nrm/pause", "/nrm/activate"])
async def test_a_wrong_date_is_told(client: ClientSession, path: str) -> None:
    status, answer = await post(client, path, {"ani": "2125550100", "date": "tomorrow"})
    assert (status, answer["message"]) == (400, "date: must begin YYYY-MM-DD")


async def test_half_a_character_in_a_note_is_no_fault_of_ours(client: ClientSession) -> None:
    content = b'{"ani": "2125550100", "note": "\\ud800"}'
    async with client.post("/nrm/pause", data=content, headers={"Authorization": "Bearer right"}) as answer:
        assert answer.status in {200, 400}


@pytest.mark.parametrize(("key", "status"), [("small", 403), ("wrong", 401)])
async def test_a_universal_key_is_needed(client: ClientSession, key: str, status: int) -> None:
    headers = {"Authorization": f"Bearer {key}"}
    assert (await get(client, "/nrm/anis", headers))[0] == status
    for act in ("remediate", "pause", "activate"):
        assert (await post(client, f"/nrm/{act}", {"ani": "2125550100"}, headers))[0] == status

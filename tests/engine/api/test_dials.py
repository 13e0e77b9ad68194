"""outboundIQ's `POST /dials`, kept in the engine's database."""

from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import ClientSession

from gateway.engine.provider import EngineProvider
from gateway.stores.sqlite import SqliteDatabase

HEADERS = {"Authorization": "Bearer assignment-key"}
DIAL = {
    "campaign_id": "abc-123",
    "campaign_name": "Q2 Outbound Push",
    "agent_name": "Jane Doe",
    "ani": "5551234567",
    "disposition_name": "Sale",
    "prospect_phone": "5559876543",
    "datetime": "2026-04-10 14:32:15",
    "call_direction": "Outbound",
    "zip": "90210",
    "sys_created_date_original": "2026-04-01",
    "total_dial_attempts": 3,
    "skill_name": "Sales Tier 1",
    "lead_source": "facebook-ads",
    "dial_id": "550e8400-e29b-41d4-a716-446655440000",
}
AT = 1_775_831_535.0
NUMBERS = ("ani", "prospect_phone")
Kept = Callable[[], list[tuple[Any, ...]]]


@pytest.fixture
def kept(engine: EngineProvider) -> Kept:
    """Reads what the engine keeps: id, time, number shown, prospect, campaign, disposition."""
    database: SqliteDatabase = engine._database

    def read() -> list[tuple[Any, ...]]:
        rows = database.run(lambda transaction: transaction.execute("SELECT * FROM dials ORDER BY at"))
        return [tuple(row)[:6] for row in rows]

    return read


async def post(api: ClientSession, body: Any) -> tuple[int, Any]:
    async with api.post("/dials", json=body, headers=HEADERS) as answer:
        return answer.status, await answer.json()


def without(*names: str) -> dict[str, Any]:
    return {name: value for name, value in DIAL.items() if name not in names}


async def test_dial_is_kept_and_the_same_id_again_replaces_it(api: ClientSession, kept: Kept) -> None:
    assert await post(api, DIAL) == (200, {"message": "dial queued"})
    assert await post(api, DIAL | {"disposition_name": "No Sale"}) == (200, {"message": "dial queued"})
    assert kept() == [(DIAL["dial_id"], AT, "+15551234567", "+15559876543", "abc-123", "No Sale")]


@pytest.mark.parametrize(
    ("direction", "caller", "called"),
    [
        ("Outbound", "5551234567", "5559876543"),
        ("inbound", "5559876543", "5551234567"),
        ("Manual", "5551234567", "5559876543"),
    ],
)
async def test_numbers_may_be_named_by_who_called_whom(
    api: ClientSession, kept: Kept, direction: str, caller: str, called: str
) -> None:
    body = without(*NUMBERS) | {"from_number": caller, "to_number": called, "call_direction": direction}
    assert (await post(api, body))[0] == 200
    assert kept()[0][2:4] == ("+15551234567", "+15559876543")


@pytest.mark.parametrize("attempts", [3, "3", "", 2.5])
async def test_attempts_may_be_text_or_number(api: ClientSession, attempts: Any) -> None:
    assert (await post(api, DIAL | {"total_dial_attempts": attempts}))[0] == 200


@pytest.mark.parametrize(
    "written",
    [
        "2026-04-10 14:32:15",
        "2026-04-10T14:32:15Z",
        "2026-04-10T14:32:15.000+00:00",
        "2026-04-10T10:32:15-04:00",
        "20260410T143215Z",
    ],
)
async def test_time_may_be_any_iso_8601(api: ClientSession, kept: Kept, written: str) -> None:
    assert (await post(api, DIAL | {"datetime": written}))[0] == 200
    assert kept()[0][1] == AT


@pytest.mark.parametrize("none", [{}, {"dial_id": None}, {"dial_id": " "}])
async def test_dial_without_an_id_gets_one_and_counts_once_when_sent_twice(
    api: ClientSession, kept: Kept, none: dict[str, Any]
) -> None:
    for body in (DIAL, DIAL, DIAL | {"datetime": "2026-04-10 14:32:16"}):
        assert (await post(api, {name: body[name] for name in without("dial_id")} | none))[0] == 200
    assert len({row[0] for row in kept()}) == len(kept()) == 2


async def test_dial_without_a_campaign_is_of_the_keys(api: ClientSession, kept: Kept) -> None:
    assert (await post(api, DIAL | {"campaign_id": ""}))[0] == 200
    assert kept()[0][4] == "9001"


@pytest.mark.parametrize("field", [name for name in DIAL if name not in {"dial_id", *NUMBERS}])
async def test_missing_field_is_named(api: ClientSession, kept: Kept, field: str) -> None:
    answer = await post(api, without(field))
    assert answer == (400, {"success": False, "message": f"{field}: is required"})
    assert kept() == []


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (without("ani"), "ani: is required, or from_number and to_number"),
        (without("prospect_phone"), "prospect_phone: is required"),
        (without(*NUMBERS), "ani: is required, or from_number and to_number"),
        (without(*NUMBERS) | {"from_number": "5551234567"}, "to_number: is required"),
        (without(*NUMBERS) | {"to_number": "5551234567"}, "from_number: is required"),
        (DIAL | {"ani": "anonymous"}, "ani: must be a phone number of 10 to 15 digits"),
        (DIAL | {"prospect_phone": ""}, "prospect_phone: must be a phone number of 10 to 15 digits"),
        (DIAL | {"prospect_phone": 5559876543}, "prospect_phone: expected `str | null`, got `int`"),
        (
            DIAL | {"datetime": "yesterday"},
            "datetime: is no time; write UTC as YYYY-MM-DD HH:MM:SS, or ISO 8601",
        ),
        (DIAL | {"disposition_name": ""}, "disposition_name: is empty; give it a value"),
        (
            DIAL | {"total_dial_attempts": []},
            "total_dial_attempts: expected `int | float | str`, got `array`",
        ),
    ],
)
async def test_fault_names_its_field(api: ClientSession, body: Any, message: str) -> None:
    assert await post(api, body) == (400, {"success": False, "message": message})


async def test_database_that_is_gone_is_unavailable_and_not_the_records_fault(
    api: ClientSession, engine: EngineProvider
) -> None:
    engine._database.close()
    status, answer = await post(api, DIAL)
    assert (status, answer["success"]) == (503, False)

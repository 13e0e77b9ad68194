from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession

from gateway.model.dial import Dial
from tests.engine.api.figures import DAY, NOW, ONE, TWO, get, post, serving

WEEK = {"dateStart": "2026-04-06", "dateEnd": "2026-04-12"}
"""Monday to Sunday: five business days."""


def dials() -> list[Dial]:
    """205 to New York from a Florida number, 60 to Florida, one in another week."""
    new_york = [
        Dial(f"n{number}", TWO, "+12125550199", NOW - DAY, "9001", disposition_name="sale", zip="10001")
        for number in range(205)
    ]
    florida = [
        Dial(f"f{number}", ONE, "+13055550199", NOW - 2 * DAY, "9002", disposition_name="busy")
        for number in range(60)
    ]
    return [*new_york, *florida, Dial("old", ONE, "+12125550199", NOW - 9 * DAY, "9001")]


@pytest.fixture
async def client(tmp_path: Path, cache_dir: Path) -> AsyncIterator[ClientSession]:
    async with serving(tmp_path, cache_dir, dials()) as (session, _):
        yield session


async def generate(client: ClientSession, **body: Any) -> Any:
    status, answer = await post(client, "/ani-planner/generate", WEEK | body)
    assert (status, answer["success"]) == (200, True), answer
    return answer["data"]


async def test_a_plan_has_every_documented_field(client: ClientSession) -> None:
    assert await generate(client, dailyDialsTarget="BEST", groupBy="area_code", inventoryMode="managed") == {
        "country": "US",
        "dateStart": "2026-04-06",
        "dateEnd": "2026-04-12",
        "bizDays": 5,
        "dailyDialsTarget": 50,
        "groupBy": "area_code",
        "inventoryMode": "managed",
        "regionStats": [
            {
                "region": "212",
                "state": "NY",
                "areaCodes": ["212"],
                "dailyDialsAverage": 41,
                "currentAnis": 1,
                "proposedAnis": 1,
                "difference": 0,
                "belowThreshold": False,
            },
            {
                "region": "305",
                "state": "FL",
                "areaCodes": ["305"],
                "dailyDialsAverage": 12,
                "currentAnis": 1,
                "proposedAnis": 0,
                "difference": -1,
                "belowThreshold": True,
            },
        ],
        "totalDials": 265,
        "totalContacts": 205,
        "overallContactRate": 0.7736,
        "totalCurrentAnis": 2,
        "totalProposedAnis": 1,
        "aniDifference": -1,
        "missingZipData": 60,
        "tollFreeRecommendation": 1,
        "selectedCampaigns": ["9001", "9002"],
        "campaigns": [
            {"id": "9001", "name": "Sales", "dials": 205},
            {"id": "9002", "name": "Service", "dials": 60},
        ],
    }


async def test_what_is_left_out_is_better_by_area_code(client: ClientSession) -> None:
    data = await generate(client)
    assert (data["dailyDialsTarget"], data["groupBy"], data["inventoryMode"]) == (75, "area_code", "managed")


@pytest.mark.parametrize(("target", "number"), [("GOOD", 100), (100, 100), (50, 50)])
async def test_a_target_is_a_word_or_its_number(client: ClientSession, target: Any, number: int) -> None:
    assert (await generate(client, dailyDialsTarget=target))["dailyDialsTarget"] == number


async def test_dials_are_grouped_by_the_number_shown(client: ClientSession) -> None:
    stats = (await generate(client, groupBy="ani"))["regionStats"]
    assert [(one["region"], one["dailyDialsAverage"]) for one in stats] == [("305", 41), ("212", 12)]


async def test_dials_are_grouped_by_the_areas_of_the_zip(client: ClientSession) -> None:
    stats = (await generate(client, groupBy="zip"))["regionStats"]
    assert "212" in stats[0]["areaCodes"]
    assert len(stats[0]["areaCodes"]) > 1
    assert (stats[0]["state"], stats[0]["dailyDialsAverage"], stats[0]["currentAnis"]) == ("NY", 41, 1)
    assert (stats[1]["region"], stats[1]["dailyDialsAverage"]) == ("305", 12)


async def test_paused_numbers_count_when_all_are_asked_for(client: ClientSession) -> None:
    data = await generate(client, inventoryMode="all")
    assert data["totalCurrentAnis"] == 3
    assert {"region": "+44 London", "currentAnis": 1}.items() <= data["regionStats"][-1].items()


@pytest.mark.parametrize(
    "wish",
    [
        {"campaigns": ["9002"]},
        {"campaigns": ["Service"]},
        {"campaignsExclude": ["9001"]},
        {"campaignsExclude": ["Sales"]},
        {"campaigns": ["9001", "9002"], "campaignsExclude": ["9001"]},
    ],
)
async def test_campaigns_are_taken_and_left_out(client: ClientSession, wish: Any) -> None:
    data = await generate(client, **wish)
    assert (data["selectedCampaigns"], data["totalDials"], data["totalContacts"]) == (["9002"], 60, 0)
    assert len(data["campaigns"]) == 2


async def test_a_time_without_dials_makes_an_empty_plan(client: ClientSession) -> None:
    data = await generate(client, dateStart="2020-01-01", dateEnd="2020-01-31")
    assert (data["country"], data["totalDials"], data["overallContactRate"]) == ("", 0, 0.0)
    assert (data["bizDays"], data["totalProposedAnis"], data["tollFreeRecommendation"]) == (23, 0, 0)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "dateStart: is required"),
        ({"dateStart": "soon", "dateEnd": "2026-04-12"}, "dateStart: invalid"),
        ({"dateStart": "2026-04-12", "dateEnd": "2026-04-06"}, "dateEnd: must not be before"),
        ({"dateStart": "2026-04-11", "dateEnd": "2026-04-12"}, "dateEnd: there is no business day"),
        ({"dateStart": "2025-01-01", "dateEnd": "2026-04-12"}, "dateEnd: at most 366 days"),
        ({"dateStart": "0001-01-01", "dateEnd": "0001-01-09"}, "dateStart: must be between"),
        ({"dateStart": "9999-12-20", "dateEnd": "9999-12-31"}, "dateStart: must be between"),
        (WEEK | {"dailyDialsTarget": "WORST"}, "dailyDialsTarget: invalid"),
        (WEEK | {"dailyDialsTarget": 60}, "dailyDialsTarget: invalid"),
        (WEEK | {"groupBy": "state"}, "groupBy: invalid"),
        (WEEK | {"inventoryMode": "some"}, "inventoryMode: invalid"),
        (WEEK | {"campaigns": "9001"}, "campaigns: expected"),
        (WEEK | {"campaignsExclude": [""]}, "campaignsExclude[0]: expected"),
    ],
)
async def test_a_fault_names_its_field(client: ClientSession, body: Any, message: str) -> None:
    status, answer = await post(client, "/ani-planner/generate", body)
    assert (status, answer["success"]) == (400, False)
    assert answer["message"].startswith(message)


@pytest.mark.parametrize(("key", "status"), [("small", 403), ("wrong", 401)])
async def test_a_universal_key_is_needed(client: ClientSession, key: str, status: int) -> None:
    headers = {"Authorization": f"Bearer {key}"}
    assert (await post(client, "/ani-planner/generate", WEEK, headers))[0] == status


async def test_both_are_in_the_description(client: ClientSession) -> None:
    _, description = await get(client, "/openapi.json")
    assert {"/nrm/anis", "/nrm/remediate", "/nrm/pause", "/nrm/activate", "/ani-planner/generate"} <= set(
        description["paths"]
    )

"""Campaigns, dispositions and ANIs at both vendors' addresses."""

from dataclasses import dataclass
from typing import Any

import pytest
from aiohttp import ClientSession

from gateway.engine.provider import EngineProvider
from gateway.model.inventory import Ani, Kind
from gateway.model.phone import PhoneNumber

CAMPAIGN = {"id": "c1", "name": "Sales", "type": "Outbound"}
DISPO = {"id": "d1", "name": "Sale", "type": "Agent", "contact": True, "success": False}
ANI = {"country_code": "+1", "number": "2125550100", "inbound_group_id": "c1"}
NEW: dict[str, dict[str, Any]] = {"campaigns": CAMPAIGN, "dispos": DISPO, "anis": ANI}
KEY = {"campaigns": {"id": "c1"}, "dispos": {"id": "d1"}, "anis": {"number": "2125550100"}}
SHOWN_ANI = {
    "number": "2125550100",
    "country_code": "+1",
    "inbound_group_id": "c1",
    "is_branded": False,
    "brand_name": "",
}
RESOURCES = ("campaigns", "dispos", "anis")


@dataclass(frozen=True)
class Vendor:
    """One of the two addresses, asked in its own way."""

    api: ClientSession
    prefix: str
    headers: dict[str, str]

    async def ask(self, method: str, path: str, body: Any = None, **query: str) -> tuple[int, Any]:
        request = self.api.request(
            method, f"{self.prefix}/{path}", json=body, params=query, headers=self.headers
        )
        async with request as answer:
            return answer.status, await answer.json()

    async def show(self, resource: str, **key: str) -> tuple[int, Any]:
        if self.prefix == "/dialer":
            return await self.ask("GET", resource, key)
        return await self.ask("GET", resource, **key)


@pytest.fixture(params=["custom", "dialer"])
def vendor(api: ClientSession, request: pytest.FixtureRequest) -> Vendor:
    if request.param == "custom":
        return Vendor(api, "/custom", {"Authorization": "Bearer universal-key"})
    return Vendor(api, "/dialer", {"X-ApiKey": "universal-key"})


@pytest.fixture
def custom(api: ClientSession) -> Vendor:
    return Vendor(api, "/custom", {"Authorization": "Bearer universal-key"})


@pytest.fixture
def dialer(api: ClientSession) -> Vendor:
    return Vendor(api, "/dialer", {"X-ApiKey": "universal-key"})


@pytest.mark.parametrize("resource", RESOURCES)
async def test_what_was_created_is_shown_and_deleted(vendor: Vendor, resource: str) -> None:
    word = {"campaigns": "Campaign", "dispos": "Dispo", "anis": "ANI"}[resource]
    created = await vendor.ask("POST", resource, NEW[resource])
    assert created == (200, {"success": True, "message": f"{word} created successfully"})
    shown = {"campaigns": CAMPAIGN, "dispos": DISPO, "anis": SHOWN_ANI}[resource]
    answer = await vendor.show(resource, **KEY[resource])
    assert answer == (200, {"success": True, resource.removesuffix("s"): shown})
    deleted = await vendor.ask("DELETE", resource, KEY[resource])
    assert deleted == (200, {"success": True, "message": f"{word} deleted successfully"})
    assert (await vendor.show(resource, **KEY[resource]))[0] == 404


@pytest.mark.parametrize("resource", RESOURCES)
async def test_creating_twice_is_told_and_changes_nothing(vendor: Vendor, resource: str) -> None:
    await vendor.ask("POST", resource, NEW[resource])
    before = await vendor.show(resource, **KEY[resource])
    again = NEW[resource] | {"name": "Another", "inbound_group_id": "another"}
    status, answer = await vendor.ask("POST", resource, again)
    assert (status, answer["success"]) == (409, False)
    assert "is there already; update it instead" in answer["message"]
    assert await vendor.show(resource, **KEY[resource]) == before


@pytest.mark.parametrize("resource", RESOURCES)
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_what_does_not_exist_is_told(vendor: Vendor, resource: str, method: str) -> None:
    status, answer = await (
        vendor.show(resource, **KEY[resource])
        if method == "GET"
        else vendor.ask(method, resource, KEY[resource])
    )
    assert (status, answer["success"]) == (404, False)
    assert "does not exist" in answer["message"]
    assert "2125550100" not in answer["message"]


@pytest.mark.parametrize(
    ("resource", "change"),
    [
        ("campaigns", {"name": "Other"}),
        ("campaigns", {"type": "Blended"}),
        ("dispos", {"name": "Other"}),
        ("dispos", {"type": "System"}),
        ("dispos", {"contact": False}),
        ("dispos", {"success": True}),
        ("anis", {"inbound_group_id": "other"}),
        ("anis", {"inbound_group_id": ""}),
        ("anis", {"is_branded": True}),
        ("anis", {"brand_name": "Brand"}),
    ],
)
async def test_update_changes_what_it_names_and_nothing_else(
    vendor: Vendor, resource: str, change: dict[str, Any]
) -> None:
    await vendor.ask("POST", resource, NEW[resource])
    one = resource.removesuffix("s")
    before = (await vendor.show(resource, **KEY[resource]))[1][one]
    nothing = dict.fromkeys(set(before) - set(change) - set(KEY[resource]))
    status, _ = await vendor.ask("PUT", resource, nothing | KEY[resource] | change)
    assert status == 200
    assert (await vendor.show(resource, **KEY[resource]))[1][one] == before | change


REQUIRED = [(resource, field) for resource in RESOURCES for field in NEW[resource]]


@pytest.mark.parametrize(("resource", "field"), REQUIRED)
async def test_missing_field_is_named(vendor: Vendor, resource: str, field: str) -> None:
    body = {name: value for name, value in NEW[resource].items() if name != field}
    status, answer = await vendor.ask("POST", resource, body)
    assert (status, answer) == (400, {"success": False, "message": f"{field}: is required"})


@pytest.mark.parametrize(
    ("resource", "field", "value", "message"),
    [
        ("campaigns", "id", "", "id: expected `str` of length >= 1"),
        ("campaigns", "id", "  ", "id: is empty; give it a value"),
        ("campaigns", "id", 7, "id: expected `str`, got `int`"),
        ("campaigns", "name", "x" * 201, "name: expected `str` of length <= 200"),
        ("campaigns", "type", "Sideways", "it is one of Inbound, Outbound, Blended"),
        ("dispos", "type", "agent", "it is one of System, Agent"),
        ("dispos", "contact", "yes", "contact: expected `bool"),
        ("anis", "country_code", "+49", "it is one of +1, +44"),
        ("anis", "number", "123", "number: cannot be a +1 number; write all its digits"),
        ("anis", "number", "1125550100", "number: cannot be a +1 number"),
        ("anis", "is_branded", "yes", "is_branded: expected `bool"),
    ],
)
async def test_fault_names_its_field_and_the_mend(
    vendor: Vendor, resource: str, field: str, value: Any, message: str
) -> None:
    status, answer = await vendor.ask("POST", resource, NEW[resource] | {field: value})
    assert (status, answer["success"]) == (400, False)
    assert answer["message"].startswith(f"{field}: ")
    assert message in answer["message"]


@pytest.mark.parametrize("resource", RESOURCES)
async def test_key_is_required(vendor: Vendor, resource: str) -> None:
    name = next(iter(KEY[resource]))
    for method in ("PUT", "DELETE"):
        status, answer = await vendor.ask(method, resource, {"other": 1})
        assert (status, answer["message"]) == (400, f"{name}: is required")
    assert (await vendor.show(resource))[1]["message"] == f"{name}: is required"


async def test_unknown_fields_and_the_carrier_are_accepted_and_not_kept(
    vendor: Vendor, engine: EngineProvider
) -> None:
    more = {"carrier_id": "carr1", "of_a_later_version": {"a": [1]}, "brand_name": None}
    assert (await vendor.ask("POST", "anis", ANI | more))[0] == 200
    assert (await vendor.ask("PUT", "anis", KEY["anis"] | more))[0] == 200
    kept = await engine.inventory().get(Kind.ANI, "+12125550100", timeout_s=1)
    assert kept == Ani(PhoneNumber("+12125550100"), "c1")


async def test_pool_belongs_to_the_custom_integration_only(custom: Vendor, dialer: Vendor) -> None:
    pooled = CAMPAIGN | {"inbound_pool_id": "pool"}
    await custom.ask("POST", "campaigns", pooled)
    assert (await custom.show("campaigns", id="c1"))[1]["campaign"] == pooled
    assert (await dialer.show("campaigns", id="c1"))[1]["campaign"] == CAMPAIGN
    await dialer.ask("PUT", "campaigns", {"id": "c1", "inbound_pool_id": ""})
    assert (await custom.show("campaigns", id="c1"))[1]["campaign"] == pooled
    await custom.ask("PUT", "campaigns", {"id": "c1", "inbound_pool_id": ""})
    assert (await custom.show("campaigns", id="c1"))[1]["campaign"] == CAMPAIGN


@pytest.mark.parametrize("written", ["(212) 555-0100", "212.555.0100", "1 212 555 0100", "+12125550100"])
async def test_number_may_be_written_as_people_do(vendor: Vendor, written: str) -> None:
    assert (await vendor.ask("POST", "anis", ANI | {"number": written}))[0] == 200
    assert (await vendor.show("anis", number=written))[1]["ani"]["number"] == "2125550100"
    assert (await vendor.show("anis", number="2125550100"))[0] == 200
    assert (await vendor.ask("DELETE", "anis", {"number": written}))[0] == 200


async def test_british_number_is_found_by_its_digits_alone(vendor: Vendor) -> None:
    british = ANI | {"country_code": "+44", "number": "020 7946 0100"}
    assert (await vendor.ask("POST", "anis", british))[0] == 200
    for written in ("2079460100", "02079460100", "+442079460100"):
        shown = (await vendor.show("anis", number=written))[1]["ani"]
        assert (shown["number"], shown["country_code"]) == ("2079460100", "+44")
    assert (await vendor.ask("PUT", "anis", {"number": "2079460100", "brand_name": "B"}))[0] == 200
    assert (await vendor.ask("DELETE", "anis", {"number": "2079460100"}))[0] == 200


async def test_digits_of_both_countries_are_american_unless_the_country_is_named(vendor: Vendor) -> None:
    digits = {"number": "2079460100"}
    for country in ("+1", "+44"):
        await vendor.ask("POST", "anis", ANI | digits | {"country_code": country})
    await vendor.ask("PUT", "anis", digits | {"country_code": "+44", "brand_name": "British"})
    await vendor.ask("PUT", "anis", digits | {"brand_name": "American"})
    assert (await vendor.show("anis", **digits))[1]["ani"]["brand_name"] == "American"
    assert (await vendor.show("anis", **digits, country_code="+44"))[1]["ani"]["brand_name"] == "British"
    await vendor.ask("DELETE", "anis", digits)
    assert (await vendor.show("anis", **digits))[1]["ani"]["country_code"] == "+44"


async def test_plus_that_was_not_escaped_is_understood(custom: Vendor) -> None:
    await custom.ask("POST", "anis", ANI)
    path = "/custom/anis?number=+12125550100&country_code=+1"
    async with custom.api.get(path, headers=custom.headers) as answer:
        assert answer.status == 200


@pytest.mark.parametrize("resource", RESOURCES)
@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_key_may_stand_in_the_query(vendor: Vendor, resource: str, method: str) -> None:
    await vendor.ask("POST", resource, NEW[resource])
    assert (await vendor.ask(method, resource, **KEY[resource]))[0] == 200


async def test_new_number_is_handed_out_at_once_and_a_deleted_one_no_more(
    vendor: Vendor, engine: EngineProvider
) -> None:
    await vendor.ask("POST", "campaigns", CAMPAIGN)
    await vendor.ask("POST", "anis", ANI)
    assert engine.size == 1
    await vendor.ask("DELETE", "anis", KEY["anis"])
    assert engine.size == 0

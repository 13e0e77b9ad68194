"""Items and changes as the vendors' documents write them."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model.inventory import Ani, Campaign, CampaignType, Dispo, DispoType, Item, Kind, key_of, kind_of
from gateway.model.inventory_change import AniChange, CampaignChange, Change, DispoChange
from gateway.model.phone import PhoneNumber
from gateway.providers.base import BadAnswerError
from gateway.providers.inventory_wire import SINGULAR, body_of, body_of_change, item_in, key_body

NUMBER = PhoneNumber("+15611234567")
UK = PhoneNumber("+442079460018")
CAMPAIGN = Campaign("c123", "Sales 2025", CampaignType.OUTBOUND)
DISPO = Dispo("d1", "Sale Closed", DispoType.AGENT, contact=True, success=True)
ANI = Ani(NUMBER, "c123", is_branded=True, brand_name="BrandX")
DOCUMENTED_ANI = """{ "success": true, "ani": { "number": "5611234567", "country_code": "+1",
"inbound_group_id": "c123", "is_branded": true, "brand_name": "BrandX" }}"""

CREATED: dict[str, Item] = {
    '{ "id": "c123", "name": "Sales 2025", "type": "Outbound" }': CAMPAIGN,
    """{ "id": "d1", "name": "Sale Closed", "type": "Agent", "contact": true, "success": true}""": DISPO,
    """{ "country_code": "+1", "number": "5611234567", "inbound_group_id": "c123", "is_branded": true,
    "brand_name": "BrandX"}""": ANI,
}
CHANGED: dict[str, Change] = {
    '{ "id": "c123", "name": "Something Else" }': CampaignChange("c123", name="Something Else"),
    '{ "id": "d1", "contact": false }': DispoChange("d1", contact=False),
    '{ "number": "5611234567", "is_branded": false }': AniChange(NUMBER, is_branded=False),
}


def written(value: Any) -> list[tuple[str, Any]]:
    """An object's fields in their order."""
    return list(json.loads(json.dumps(value)).items())


@pytest.mark.parametrize(("document", "item"), CREATED.items(), ids=list(SINGULAR))
def test_the_documented_examples_of_creating_are_what_is_sent(document: str, item: Item) -> None:
    assert written(body_of(item)) == list(json.loads(document).items())


@pytest.mark.parametrize(("document", "change"), CHANGED.items(), ids=list(SINGULAR))
def test_the_documented_examples_of_updating_are_what_is_sent(document: str, change: Change) -> None:
    assert written(body_of_change(change)) == list(json.loads(document).items())


def test_the_documented_answer_is_understood() -> None:
    assert item_in(json.loads(DOCUMENTED_ANI), Kind.ANI, NUMBER.e164) == ANI


def test_a_british_number_is_written_without_its_country_code() -> None:
    assert body_of(Ani(UK, "g")) == {
        "country_code": "+44",
        "number": "2079460018",
        "inbound_group_id": "g",
        "is_branded": False,
    }
    assert key_body(Kind.ANI, UK.e164) == {"number": "2079460018"}


def test_a_change_of_a_british_number_names_its_country() -> None:
    """Its digits may be an American number's too."""
    assert body_of_change(AniChange(UK, brand_name="B")) == {
        "number": "2079460018",
        "country_code": "+44",
        "brand_name": "B",
    }


def test_a_pool_goes_along_and_taking_it_away_is_said() -> None:
    pooled = Campaign("c1", "Sales", CampaignType.BLENDED, "p1")
    assert body_of(pooled)["inbound_pool_id"] == "p1"
    assert body_of_change(CampaignChange("c1", inbound_pool_id="")) == {"id": "c1", "inbound_pool_id": ""}


ONE = {"id": "c123", "name": "Sales 2025", "type": "Outbound"}


@pytest.mark.parametrize(
    "answer",
    [
        {"success": True, "campaign": ONE},
        {"success": True, "message": "ok", "data": ONE},
        {"result": ONE},
        {"result": "SUCCESS", "campaign": ONE},
        {"data": {"campaign": ONE}},
        {"success": True, "campaigns": [ONE]},
        {"results": [{**ONE, "id": "c1234"}, ONE]},
        [ONE],
        ONE,
        {**ONE, "success": True, "createdAt": "2025-01-01", "inbound_pool_id": None},
    ],
)
def test_an_item_is_found_in_any_sensible_form(answer: object) -> None:
    assert item_in(answer, Kind.CAMPAIGN, "c123") == CAMPAIGN


@pytest.mark.parametrize(
    "answer", [{"success": True, "campaign": None}, {"data": []}, {"campaigns": []}, {"data": {}}, []]
)
def test_an_empty_place_means_that_there_is_none(answer: object) -> None:
    assert item_in(answer, Kind.CAMPAIGN, "c123") is None


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"success": True},
        {"campaign": "c123"},
        {"campaign": {**ONE, "type": "Sideways"}},
        {"campaign": {**ONE, "name": 7}},
        {"campaign": {**ONE, "id": "c124"}},
        {"data": {"data": {"data": {"data": {"data": ONE}}}}},
        "text",
        7,
        None,
    ],
)
def test_what_makes_no_sense_is_a_bad_answer(answer: object) -> None:
    with pytest.raises(BadAnswerError):
        item_in(answer, Kind.CAMPAIGN, "c123")


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"number": "(561) 123-4567", "country_code": "1"}, Ani(NUMBER)),
        ({"number": "5611234567"}, Ani(NUMBER)),
        ({"number": 5611234567, "is_branded": None, "brand_name": None}, Ani(NUMBER)),
        ({"number": "+15611234567", "country_code": "+1", "is_branded": 1}, Ani(NUMBER, is_branded=True)),
        ({"number": "5611234567", "inbound_group_id": 12, "carrier_id": "carr1"}, Ani(NUMBER, "12")),
    ],
)
def test_an_ani_is_read_in_each_way_it_may_be_written(fields: dict[str, Any], expected: Ani) -> None:
    assert item_in({"ani": fields}, Kind.ANI, NUMBER.e164) == expected


def test_the_same_digits_in_another_country_are_not_the_number_asked_for() -> None:
    answer = {"ani": {"number": "2079460018", "country_code": "+1"}}
    assert item_in(answer, Kind.ANI, UK.e164) is None
    with pytest.raises(BadAnswerError, match="another ani"):
        item_in({"ani": {"number": "2079460019", "country_code": "+44"}}, Kind.ANI, UK.e164)


def test_a_complaint_shows_no_whole_number() -> None:
    with pytest.raises(BadAnswerError) as raised:
        item_in({"ani": {"number": "5611234567", "is_branded": "5611234567"}}, Kind.ANI, NUMBER.e164)
    assert "5611234567" not in repr(raised.value)


texts = st.text(min_size=1, max_size=20)
# No British number begins with 4 (Ofcom's numbering plan): "44…" is one with its country code.
numbers = st.from_regex(r"\+1[2-9][0-9]{9}|\+44[1235789][0-9]{9}", fullmatch=True).map(PhoneNumber)
items = st.one_of(
    st.builds(Campaign, texts, texts, st.sampled_from(CampaignType), st.text(max_size=5)),
    st.builds(Dispo, texts, texts, st.sampled_from(DispoType), st.booleans(), st.booleans()),
    st.builds(Ani, numbers, texts, st.booleans(), st.text(max_size=5)),
)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=12),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["ani", "data", "number", "country_code", "is_branded", "id", "x"]),
            inner,
            max_size=4,
        )
    ),
)


@given(items, st.sampled_from(["named", "data", "plural", "bare"]))
def test_what_is_written_is_read_back_the_same(item: Item, form: str) -> None:
    kind, body = kind_of(item), json.loads(json.dumps(body_of(item)))
    answer = {
        "named": {"success": True, SINGULAR[kind]: body},
        "data": {"data": body},
        "plural": {kind.value: [body]},
        "bare": body,
    }[form]
    assert item_in(answer, kind, key_of(item)) == item


@given(values)
def test_no_answer_does_more_than_make_no_sense(answer: object) -> None:
    try:
        found = item_in(answer, Kind.ANI, NUMBER.e164)
    except BadAnswerError:
        return
    assert found is None or key_of(found) == NUMBER.e164

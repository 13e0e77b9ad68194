import json
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model.outdial import Address, AddressType, Outdial, OutdialTarget, Stamps, TargetStatus
from gateway.providers.base import BadAnswerError
from gateway.providers.voipbin_wire import (
    address,
    complaint,
    just_after,
    outdial,
    outdial_body,
    page,
    stamp,
    target,
    target_body,
)

OUTDIAL = {
    "id": "40bea034-1d17-474d-a5de-da00d0861c69",
    "customer_id": "7a1b2c3d-4e5f-6789-abcd-ef0123456789",
    "campaign_id": "00000000-0000-0000-0000-000000000000",
    "name": "test outdial",
    "detail": "outdial for test use.",
    "data": "",
    "tm_create": "2022-04-28 01:41:40.503790",
    "tm_update": "9999-01-01 00:00:00.000000",
    "tm_delete": "9999-01-01 00:00:00.000000",
}
TARGET: dict[str, Any] = {
    "id": "1b3d7a92-7146-466d-90f5-4bc701ada4c0",
    "outdial_id": "40bea034-1d17-474d-a5de-da00d0861c69",
    "name": "test destination 0",
    "detail": "test detatination 0 detail",
    "data": "test data",
    "status": "done",
    "destination_0": {
        "type": "tel",
        "target": "+15559876543",
        "target_name": "",
        "name": "",
        "detail": "",
    },
    "destination_1": None,
    "destination_2": None,
    "destination_3": None,
    "destination_4": None,
    "try_count_0": 1,
    "try_count_1": 0,
    "try_count_2": 0,
    "try_count_3": 0,
    "try_count_4": 0,
    "tm_create": "2022-04-30 17:52:16.484341",
    "tm_update": "2022-04-30 17:53:51.183345",
    "tm_delete": "9999-01-01 00:00:00.000000",
}
PHONE = Address(AddressType.TEL, "+15559876543")


def test_the_documented_outdial_is_read_field_by_field() -> None:
    assert outdial(OUTDIAL) == Outdial(
        id="40bea034-1d17-474d-a5de-da00d0861c69",
        customer_id="7a1b2c3d-4e5f-6789-abcd-ef0123456789",
        campaign_id="",
        name="test outdial",
        detail="outdial for test use.",
        data="",
        stamps=Stamps(datetime(2022, 4, 28, 1, 41, 40, 503790, UTC)),
    )


def test_the_documented_target_is_read_field_by_field() -> None:
    assert target(TARGET) == OutdialTarget(
        id="1b3d7a92-7146-466d-90f5-4bc701ada4c0",
        outdial_id="40bea034-1d17-474d-a5de-da00d0861c69",
        name="test destination 0",
        detail="test detatination 0 detail",
        data="test data",
        status=TargetStatus.DONE,
        destinations=(PHONE, None, None, None, None),
        tries=(1, 0, 0, 0, 0),
        stamps=Stamps(
            datetime(2022, 4, 30, 17, 52, 16, 484341, UTC), datetime(2022, 4, 30, 17, 53, 51, 183345, UTC)
        ),
    )


def test_the_documented_list_is_read_with_its_token() -> None:
    listed = {"result": [OUTDIAL], "next_page_token": "2022-04-28 01:41:40.503790"}
    assert page(listed, outdial) == ([outdial(OUTDIAL)], "2022-04-28 01:41:40.503790")


@pytest.mark.parametrize("empty", [{"result": [], "next_page_token": ""}, {"result": None}, {}])
def test_an_empty_list_has_several_forms(empty: dict[str, Any]) -> None:
    assert page(empty, outdial) == ([], "")


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2022-04-28 01:41:40.503790", datetime(2022, 4, 28, 1, 41, 40, 503790, UTC)),
        ("2022-04-28T01:41:40.50379Z", datetime(2022, 4, 28, 1, 41, 40, 503790, UTC)),
        ("2022-04-28T01:41:40.503790123Z", datetime(2022, 4, 28, 1, 41, 40, 503790, UTC)),
        ("2022-04-28T03:41:40+02:00", datetime(2022, 4, 28, 1, 41, 40, 0, UTC)),
        ("9999-01-01 00:00:00.000000", None),
        ("9999-01-01T00:00:00Z", None),
        ("0001-01-01T00:00:00Z", None),
        ("", None),
        (None, None),
    ],
)
def test_every_form_of_a_time_is_understood(text: str | None, at: datetime | None) -> None:
    assert stamp(text) == at


@pytest.mark.parametrize(
    "text", ["yesterday", "2022-13-01 00:00:00", "2022-04-28", 5, True, "2022-04-28 ::::::::"]
)
def test_what_is_no_time_is_a_bad_answer(text: object) -> None:
    with pytest.raises(BadAnswerError):
        stamp(text)


@given(st.text() | st.datetimes().map(str) | st.none() | st.integers())
def test_reading_a_time_fails_in_one_way_only(value: object) -> None:
    try:
        at = stamp(value)
    except BadAnswerError:
        return
    assert at is None or at.tzinfo is UTC


@pytest.mark.parametrize(
    ("token", "after"),
    [
        ("2022-04-28 01:41:40.999999", "2022-04-28 01:41:41.000000"),
        ("2022-04-28T01:41:40.5Z", "2022-04-28T01:41:40.500001Z"),
        ("2022-04-28T03:41:40+02:00", "2022-04-28T01:41:40.000001Z"),
        ("b64:opaque", None),
        ("", None),
        ("9999-01-01 00:00:00.000000", None),
    ],
)
def test_a_token_is_moved_by_a_microsecond_in_its_own_form(token: str, after: str | None) -> None:
    assert just_after(token) == after


@pytest.mark.parametrize(
    "nothing", [None, {}, {"type": "", "target": "", "target_name": "x"}, {"target": None}]
)
def test_no_destination_has_several_forms(nothing: object) -> None:
    assert address(nothing) is None


ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=8)
    | st.sampled_from(["tel", "idle", "x" * 60]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*TARGET, "type", "target", "result"]), inner, max_size=6)
    ),
    max_leaves=12,
)


@given(value=ANYTHING, field=st.sampled_from([*TARGET]))
def test_reading_anything_fails_in_one_way_only(value: object, field: str) -> None:
    for read in (
        lambda: target(value),
        lambda: outdial(value),
        lambda: target(TARGET | {field: value}),
        lambda: page(value, target),
        lambda: page({"result": value, "next_page_token": value}, outdial),
    ):
        with suppress(BadAnswerError):
            read()


@given(st.binary(max_size=40) | ANYTHING.map(lambda value: json.dumps(value).encode()))
def test_a_complaint_can_be_made_of_any_body(body: bytes) -> None:
    assert isinstance(complaint(body), bytes)


@pytest.mark.parametrize(
    "wrong",
    [
        TARGET | {"status": "lost"},
        TARGET | {"destination_0": {"type": "fax", "target": "1"}},
        TARGET | {"destination_0": "tel"},
        TARGET | {"try_count_0": "1"},
        TARGET | {"try_count_0": True},
        TARGET | {"name": 5},
        TARGET | {"id": None},
        TARGET | {"id": "00000000-0000-0000-0000-000000000000"},
        [],
        "text",
        None,
    ],
)
def test_what_cannot_be_a_target_is_a_bad_answer(wrong: object) -> None:
    with pytest.raises(BadAnswerError):
        target(wrong)


def test_fields_unknown_or_missing_are_no_fault() -> None:
    assert target({"id": "x", "colour": "red"}) == OutdialTarget(id="x", destinations=(None,) * 5)


def test_an_outdial_is_asked_for_as_in_the_tutorial() -> None:
    one = Outdial("test outdial", "outdial for test use.", "test data")
    asked = {"name": "test outdial", "detail": "outdial for test use.", "data": "test data"}
    assert orjson.loads(outdial_body(one)) == asked
    assert orjson.loads(outdial_body(Outdial("n", campaign_id="c")))["campaign_id"] == "c"


def test_a_target_is_asked_for_as_in_the_tutorial() -> None:
    one = OutdialTarget((PHONE,), "test destination 0", "test detatination 0 detail", "test data")
    assert orjson.loads(target_body(one)) == {
        "name": "test destination 0",
        "detail": "test detatination 0 detail",
        "data": "test data",
        "destination_0": {"type": "tel", "target": "+15559876543"},
    }


def test_destinations_keep_their_places_and_their_names() -> None:
    mail = Address(AddressType.EMAIL, "a@example.com", target_name="Ann", detail="private")
    sent = orjson.loads(target_body(OutdialTarget((None, PHONE, None, mail))))
    assert sorted(name for name in sent if name.startswith("dest")) == ["destination_1", "destination_3"]
    assert sent["destination_3"] == {
        "type": "email",
        "target": "a@example.com",
        "target_name": "Ann",
        "detail": "private",
    }


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b'{"error":{"status":"S","reason":"R","message":"M","domain":"d"}}', b"R: M"),
        (b'{"status":"S","reason":"R","message":"M"}', b"R: M"),
        (b'{"error":{"status":"S"}}', b"S"),
        (b'{"error":"plain"}', b'{"error":"plain"}'),
        (b"<html>", b"<html>"),
        (b"[]", b"[]"),
        (b"", b""),
    ],
)
def test_an_error_says_its_reason_and_message(body: bytes, told: bytes) -> None:
    assert complaint(body) == told

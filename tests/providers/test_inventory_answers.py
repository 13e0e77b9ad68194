"""The table of what a management API's answers mean, row by row."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model.inventory import Kind
from gateway.providers.base import (
    AlreadyExistsError,
    BadAnswerError,
    NotFoundError,
    RefusedError,
    UnavailableError,
)
from gateway.providers.http import Reply
from gateway.providers.inventory_answers import Asked, Dialect, fault

KEY = "secret-key-1"
DIALECT = Dialect(
    name="vendor",
    shown="Vendor",
    path="/v",
    reads_by_query=False,
    lacks=frozenset(),
    why_forbidden="it is not universal",
)
CREATE = Asked(DIALECT, Kind.CAMPAIGN, "c1", creates=True)
CHANGE = Asked(DIALECT, Kind.CAMPAIGN, "c1")
ANI = Asked(DIALECT, Kind.ANI, "+15611234567")


def reply(status: int, body: Any) -> Reply:
    return Reply(status, body if isinstance(body, bytes) else orjson.dumps(body), "req-1")


def said(message: str) -> dict[str, Any]:
    return {"success": False, "message": message}


@pytest.mark.parametrize(
    ("status", "body", "creating", "changing"),
    [
        (200, {"success": True}, None, None),
        (200, {"message": "created"}, None, None),
        (201, {}, None, None),
        (204, b"", None, None),
        (200, {"id": "d1", "type": "Agent", "contact": True, "success": False}, None, None),
        (200, b"<html>", BadAnswerError, BadAnswerError),
        (302, b"", BadAnswerError, BadAnswerError),
        (400, said("name is required"), RefusedError, RefusedError),
        (200, said("name is required"), RefusedError, RefusedError),
        (401, said("campaign not found"), RefusedError, RefusedError),
        (403, b"", RefusedError, RefusedError),
        (404, b"", RefusedError, NotFoundError),
        (200, said("Campaign not found"), RefusedError, NotFoundError),
        (400, said("campaign c1 does not exist"), RefusedError, NotFoundError),
        (422, said("no such dispo"), RefusedError, NotFoundError),
        (400, {"error": "Unknown campaign"}, RefusedError, NotFoundError),
        (409, b"", AlreadyExistsError, RefusedError),
        (200, said("Campaign already exists"), AlreadyExistsError, RefusedError),
        (400, said("Duplicate entry 'c1'"), AlreadyExistsError, RefusedError),
        (422, {"reason": "id already in use"}, AlreadyExistsError, RefusedError),
        (408, b"", UnavailableError, UnavailableError),
        (500, said("duplicate key"), UnavailableError, UnavailableError),
        (503, said("not found"), UnavailableError, UnavailableError),
    ],
)
def test_each_answer_means_one_thing(
    status: int, body: Any, creating: type | None, changing: type | None
) -> None:
    for asked, expected in ((CREATE, creating), (CHANGE, changing)):
        error = fault(reply(status, body), asked, (KEY,))
        assert (None if error is None else type(error)) is expected
        assert error is None or error.request_id == "req-1"


@pytest.mark.parametrize(
    ("status", "body", "asked", "message"),
    [
        (401, b"", CHANGE, "the key was refused (401); check vendor.key"),
        (403, b"", CHANGE, "the key was refused (403): it is not universal; check vendor.key"),
        (404, b"", CHANGE, 'campaign "c1" does not exist at Vendor'),
        (404, b"", ANI, "ANI +1561*****67 does not exist at Vendor"),
        (409, b"", CREATE, 'campaign "c1" is there already; update it instead'),
        (400, b"", CHANGE, 'campaign "c1" was refused (400): no reason given'),
        (
            400,
            said(f"{KEY} may not use 5611234567"),
            ANI,
            "ANI +1561*****67 was refused (400): *** may not use ***67",
        ),
        (302, b"", CHANGE, "unexpected answer 302; check vendor.url"),
    ],
)
def test_errors_say_what_to_do_and_show_no_secret(status: int, body: Any, asked: Asked, message: str) -> None:
    assert str(fault(reply(status, body), asked, (KEY,))) == message


@given(st.integers(200, 599), st.binary(max_size=60), st.sampled_from([CREATE, CHANGE, ANI]))
def test_whatever_comes_is_understood_or_an_error_of_ours(status: int, body: bytes, asked: Asked) -> None:
    error = fault(reply(status, body), asked, (KEY,))
    assert error is None or str(error).isprintable()

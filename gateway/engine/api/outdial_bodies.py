"""What VoIPBin's clients send of outdials and targets, read and checked.

Source: VoIPBin's outdial tutorial. Texts that are missing or null are empty.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

import msgspec

from gateway.engine.api.bodies import BodyError
from gateway.engine.api.outdial_answers import NIL_ID
from gateway.model.outdial import DESTINATIONS, Address, AddressType

MOST_ROWS = 100
"""Rows in a page, at most and by default."""

# 255 is what VoIPBin keeps of a name; the other limit keeps a full page near 3 MB.
Title = Annotated[str, msgspec.Meta(max_length=255)] | None
Words = Annotated[str, msgspec.Meta(max_length=10_000)] | None
_UUID_OR_NONE = "^([0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})?$"
Id = (
    Annotated[
        str,
        msgspec.Meta(
            description="A UUID; the nil UUID, an empty text and null are none.",
            extra_json_schema={"pattern": _UUID_OR_NONE},
        ),
    ]
    | None
)
_Kind = (
    Annotated[
        str, msgspec.Meta(extra_json_schema={"enum": [*AddressType, ""]}, description="tel, sip or email.")
    ]
    | None
)

_WELL_FORMED = {
    AddressType.TEL: re.compile(r"\+(1[2-9][0-9]{9}|[2-9][0-9]{6,14})"),
    AddressType.SIP: re.compile(r"sips?:[^\s@]+(@[^\s@]+)?|[^\s@]+@[^\s@]+"),
    AddressType.EMAIL: re.compile(r"[^\s@]+@[^\s@]+"),
}
_FORM = {
    AddressType.TEL: "a phone number in E.164 form, with plus and country code",
    AddressType.SIP: "a SIP address such as sip:ann@example.com",
    AddressType.EMAIL: "an email address such as ann@example.com",
}


class PageQuery(msgspec.Struct):
    """Query of a listing."""

    page_size: (
        Annotated[int, msgspec.Meta(description="1 to 100; any other number is taken as 100.")] | None
    ) = None
    page_token: Annotated[str, msgspec.Meta(description="`next_page_token` of the page before.")] = ""

    @property
    def rows(self) -> int:
        """How many rows to give."""
        return self.page_size if self.page_size and 0 < self.page_size <= MOST_ROWS else MOST_ROWS

    @property
    def before(self) -> datetime | None:
        """Rows must be older than that; `None` for the first page. Raises `BodyError`."""
        if not self.page_token:
            return None
        try:
            found = datetime.fromisoformat(self.page_token)
            return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
        except (ValueError, OverflowError) as error:
            raise BodyError("page_token: is none; send the next_page_token of the page before") from error


class OutdialBody(msgspec.Struct):
    """Body of `POST /v1.0/outdials`."""

    campaign_id: Id = None
    name: Title = None
    detail: Words = None
    data: Words = None


class OutdialTextsBody(msgspec.Struct):
    """Body of `PUT /v1.0/outdials/{id}`; what is missing stays as it is."""

    name: Title = None
    detail: Words = None


class OutdialCampaignBody(msgspec.Struct):
    """Body of `PUT /v1.0/outdials/{id}/campaign_id`."""

    campaign_id: Id


class OutdialDataBody(msgspec.Struct):
    """Body of `PUT /v1.0/outdials/{id}/data`."""

    data: Words


class AddressBody(msgspec.Struct):
    """One destination; an empty object is none."""

    type: _Kind = None
    target: Title = None
    target_name: Title = None
    name: Title = None
    detail: Title = None


class TargetBody(msgspec.Struct):
    """Body of `POST /v1.0/outdials/{id}/targets`; at least one destination."""

    name: Title = None
    detail: Words = None
    data: Words = None
    destination_0: AddressBody | None = None
    destination_1: AddressBody | None = None
    destination_2: AddressBody | None = None
    destination_3: AddressBody | None = None
    destination_4: AddressBody | None = None

    def destinations(self) -> tuple[Address | None, ...]:
        """By their place. Raises `BodyError`."""
        fields = [f"destination_{place}" for place in range(DESTINATIONS)]
        found = tuple(_address(field, getattr(self, field)) for field in fields)
        if not any(found):
            raise BodyError("destination_0: is required; a target needs at least one destination")
        return found


def path_id(path: Mapping[str, str], field: str) -> str:
    """The UUID at `field` of a path, in lower case. Raises `BodyError`."""
    return _id(field, path[field])


def campaign_id(text: str | None) -> str:
    """The campaign's UUID in lower case, "" for none. Raises `BodyError`."""
    found = _id("campaign_id", text) if text else ""
    return "" if found == NIL_ID else found


def _id(field: str, text: str) -> str:
    try:
        return str(UUID(text))
    except ValueError as error:
        raise BodyError(f"{field}: must be a UUID") from error


def _address(field: str, body: AddressBody | None) -> Address | None:
    if body is None or not (body.type or body.target):
        return None
    if body.type not in set(AddressType):
        raise BodyError(f"{field}.type: must be tel, sip or email")
    kind = AddressType(body.type)
    if not _WELL_FORMED[kind].fullmatch(body.target or ""):
        raise BodyError(f"{field}.target: must be {_FORM[kind]}")
    return Address(kind, body.target or "", body.target_name or "", body.name or "", body.detail or "")

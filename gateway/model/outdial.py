"""VoIPBin's outdials: a list to be dialled, and its targets with up to five destinations each.

Field names and closed sets are those of VoIPBin's outdial tutorial.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

DESTINATIONS = 5
"""`destination_0` to `destination_4`, dialled in this order."""


class AddressType(StrEnum):
    """How a destination is reached."""

    TEL = "tel"
    """A phone number, E.164 with plus."""
    SIP = "sip"
    EMAIL = "email"


class TargetStatus(StrEnum):
    """How far the dialling of a target has come."""

    IDLE = "idle"
    PROGRESSING = "progressing"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Address:
    """One destination."""

    type: AddressType
    target: str
    target_name: str = ""
    name: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Stamps:
    """When something was created, changed and deleted, UTC; `None` for never or not told."""

    created: datetime | None = None
    updated: datetime | None = None
    deleted: datetime | None = None


@dataclass(frozen=True, slots=True)
class Outdial:
    """A list to be dialled. Its ids are UUIDs, "" until the service gives one."""

    name: str
    detail: str = ""
    data: str = ""
    campaign_id: str = ""
    id: str = ""
    customer_id: str = ""
    stamps: Stamps = field(default_factory=Stamps)


@dataclass(frozen=True, slots=True)
class OutdialTarget:
    """One prospect of a list. What the service alone may set stands last."""

    destinations: tuple[Address | None, ...]
    """Up to `DESTINATIONS`, by their place; `None` where there is none."""
    name: str = ""
    detail: str = ""
    data: str = ""
    id: str = ""
    outdial_id: str = ""
    status: TargetStatus = TargetStatus.IDLE
    tries: tuple[int, ...] = (0,) * DESTINATIONS
    """How often each destination was dialled."""
    stamps: Stamps = field(default_factory=Stamps)

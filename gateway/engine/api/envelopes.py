"""How each vendor's API is entered and how it says that something went wrong."""

from http import HTTPStatus

import msgspec

from gateway.engine.api.endpoint import Surface
from gateway.engine.api.keys import Style


class Plain(msgspec.Struct):
    """outboundIQ's and outboundANI's form of a failure."""

    success: bool
    message: str


class Health(msgspec.Struct):
    """Answer of `GET /healthz`."""

    success: bool
    anis: int
    """Numbers in the inventory, paused ones included."""


class Fault(msgspec.Struct):
    """VoIPBin's form of a failure."""

    status: str
    """The HTTP status in words, upper case: `NOT_FOUND`."""
    reason: str
    message: str


def _plain(_status: int, message: str) -> Plain:
    return Plain(success=False, message=message)


def _fault(status: int, message: str) -> Fault:
    word = HTTPStatus(status).name
    return Fault(status=word, reason=word, message=message)


OUTBOUNDIQ = Surface(
    "outboundIQ", (Style.BEARER,), Plain, _plain,
    "The Assignment API, the Dials API and, under /custom, the Custom Dialer Integration.",
)  # fmt: skip
OUTBOUNDANI = Surface(
    "outboundANI", (Style.X_API_KEY,), Plain, _plain, "The AI Dialer Integration, under /dialer."
)  # fmt: skip
VOIPBIN = Surface("VoIPBin", (Style.TOKEN, Style.ACCESSKEY, Style.BEARER), Fault, _fault)

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
    """What VoIPBin tells of a failure."""

    status: str
    """One of a closed set: `NOT_FOUND`."""
    reason: str
    """What exactly; an open set."""
    message: str


class Failure(msgspec.Struct):
    """VoIPBin's form of a failure."""

    error: Fault


# VoIPBin's words for HTTP's statuses: those of gRPC's status codes.
_WORDS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    408: "DEADLINE_EXCEEDED",
    413: "INVALID_ARGUMENT",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
}
# Where its reason says more than the status.
_REASONS = {401: "AUTHENTICATION_REQUIRED", 429: "RATE_LIMIT_EXCEEDED"}


def _plain(_status: int, message: str) -> Plain:
    return Plain(success=False, message=message)


def _failure(status: int, message: str) -> Failure:
    word = _WORDS.get(status) or HTTPStatus(status).name
    return Failure(Fault(status=word, reason=_REASONS.get(status, word), message=message))


OUTBOUNDIQ = Surface(
    "outboundIQ", (Style.BEARER,), Plain, _plain,
    "The Assignment API, the Dials API and, under /custom, the Custom Dialer Integration.",
)  # fmt: skip
OUTBOUNDANI = Surface(
    "outboundANI", (Style.X_API_KEY,), Plain, _plain, "The AI Dialer Integration, under /dialer."
)  # fmt: skip
VOIPBIN = Surface(
    "VoIPBin", (Style.TOKEN, Style.ACCESSKEY, Style.BEARER), Failure, _failure,
    "Outdials and their targets, under /v1.0.", path_format="uuid",
)  # fmt: skip

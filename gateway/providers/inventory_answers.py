"""What the answers of outboundIQ's and outboundANI's management APIs mean. Pure.

How they say no is not documented, save 401 and 403 for the key, so words count as well as the status:

    answer                                      create           get, update, delete
    401, 403                                    refused, naming the setting with the key
    408, 425, 5xx                               unavailable
    409, or "already exists", "duplicate"       already exists   refused
    404, or "not found", "does not exist"       refused          not found
    another 4xx, or `"success": false`          refused
    2xx with an object, or with no body         done
    anything else                               bad answer
"""

import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import orjson

from gateway.model.inventory import Kind
from gateway.model.phone import PhoneNumber
from gateway.providers.base import (
    AlreadyExistsError,
    BadAnswerError,
    NotFoundError,
    ProviderError,
    RefusedError,
    UnavailableError,
)
from gateway.providers.http import Reply
from gateway.providers.inventory_wire import SINGULAR
from gateway.providers.refusal import failure, plain

_ABSENT = re.compile(
    r"not found|does ?n[o']t exist|no such|unknown (?:campaign|dispo|ani|number)\b", re.IGNORECASE
)
_PRESENT = re.compile(r"already (?:exist|in use|taken)|duplicate", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Dialect:
    """Where one vendor's management API differs from the other's."""

    name: str
    """As in settings and commands; also the section with its url and key."""
    shown: str
    """As people write it."""
    path: str
    """What stands between the base URL and `/campaigns`."""
    reads_by_query: bool
    """Whether GET names its item in the query; otherwise in a JSON body."""
    lacks: frozenset[str]
    """Fields of ours that the vendor does not keep."""
    why_forbidden: str
    """What a 403 is likely to mean."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One item, asked about at one vendor."""

    dialect: Dialect
    kind: Kind
    key: str
    creates: bool = False

    def __str__(self) -> str:
        """For errors: `campaign "c1"`, `ANI +1561*****67`."""
        if self.kind is Kind.ANI:
            return f"ANI {PhoneNumber(self.key).masked}"
        return f'{SINGULAR[self.kind]} "{plain(self.key)}"'


def outage(reply: Reply, secrets: tuple[str, ...]) -> UnavailableError | None:
    """The error of an answer after which trying later may help, `None` for any other answer."""
    error = failure(reply, secrets)
    return error if isinstance(error, UnavailableError) else None


def fault(reply: Reply, asked: Asked, secrets: tuple[str, ...]) -> ProviderError | None:
    """The error `reply` stands for by the table above, `None` when it says that it was done."""
    error = _unauthorized(reply, asked.dialect) or outage(reply, secrets) or _refusal(reply, asked, secrets)
    if error is not None:
        error.request_id = reply.request_id
    return error


def content(reply: Reply) -> object:
    """The answer's JSON. Raises `BadAnswerError` when it is none."""
    try:
        value: object = orjson.loads(reply.body)
    except orjson.JSONDecodeError:
        raise BadAnswerError(f"answer {reply.status} is not JSON", request_id=reply.request_id) from None
    return value


def _unauthorized(reply: Reply, dialect: Dialect) -> RefusedError | None:
    match reply.status:
        case HTTPStatus.UNAUTHORIZED:
            why = ""
        case HTTPStatus.FORBIDDEN:
            why = f": {dialect.why_forbidden}"
        case _:
            return None
    message = f"the key was refused ({reply.status}){why}; check {dialect.name}.key"
    return RefusedError(message, status=reply.status)


def _refusal(reply: Reply, asked: Asked, secrets: tuple[str, ...]) -> ProviderError | None:
    answer, senseless = _object(reply)
    if reply.is_success and not _says_no(answer):
        return senseless
    said = _said(reply, answer, secrets)
    if asked.creates and (reply.status == HTTPStatus.CONFLICT or _PRESENT.search(said)):
        return AlreadyExistsError(f"{asked} is there already; update it instead", status=HTTPStatus.CONFLICT)
    if not asked.creates and (reply.status == HTTPStatus.NOT_FOUND or _ABSENT.search(said)):
        message = f"{asked} does not exist at {asked.dialect.shown}"
        return NotFoundError(message, status=HTTPStatus.NOT_FOUND)
    if reply.is_success or reply.status >= HTTPStatus.BAD_REQUEST:
        message = f"{asked} was refused ({reply.status}): {said or 'no reason given'}"
        return RefusedError(message, status=reply.status)
    return BadAnswerError(f"unexpected answer {reply.status}; check {asked.dialect.name}.url")


def _says_no(answer: dict[str, Any]) -> bool:
    """Whether it reports a failure. A bare disposition has a `success` of its own, beside its `contact`."""
    return answer.get("success") is False and "contact" not in answer


def _object(reply: Reply) -> tuple[dict[str, Any], BadAnswerError | None]:
    """The answer's object, {} when it is something else or empty; with the error of one that is no JSON."""
    try:
        value = content(reply) if reply.body else {}
    except BadAnswerError as error:
        return {}, error
    return (value if isinstance(value, dict) else {}), None


def _said(reply: Reply, answer: dict[str, Any], secrets: tuple[str, ...]) -> str:
    """The vendor's words: those of `message`, `error` or `reason`, else the body as it is."""
    told = next((answer[name] for name in ("message", "error", "reason") if answer.get(name)), None)
    return plain(reply.body.decode("utf-8", "replace") if told is None else str(told), secrets)

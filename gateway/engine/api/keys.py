"""Who may ask: API keys with a type, shown in each vendor's own way, each with its own rate."""

import hmac
import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum

from aiohttp import web

from gateway.engine.settings import KeyType
from gateway.providers.outboundani_guids import COMPANY
from gateway.providers.pace import Pace


class Style(Enum):
    """How a request shows its key: the place, and the header's or parameter's name."""

    BEARER = ("header", "Authorization")
    """`Authorization: Bearer KEY` (RFC 6750 §2.1)."""
    X_API_KEY = ("header", "X-ApiKey")
    TOKEN = ("query", "token")
    ACCESSKEY = ("query", "accesskey")
    COMPANY = ("query", COMPANY)
    """outboundANI's company GUID, which is no API key: each opens only its own doors."""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key that was recognised."""

    name: str
    """Its name in the settings, for logs; never the key itself."""
    type: KeyType = KeyType.UNIVERSAL
    active: bool = True
    default_campaign: str = ""


class UnknownKeyError(Exception):
    """The request carries no key, or one nobody knows."""


class Keyring:
    """All keys that may ask, and the company GUIDs."""

    def __init__(self, keys: Iterable[tuple[str, ApiKey]], companies: Iterable[str] = ()) -> None:
        self._keys = [(secret.encode(), key) for secret, key in keys if secret]
        self._companies = [
            (_company(guid), ApiKey(f"api.company_guids {number}", KeyType.ASSIGNMENT))
            for number, guid in enumerate(companies, 1)
            if guid
        ]

    def __bool__(self) -> bool:
        return bool(self._keys)

    def recognise(self, request: web.Request, styles: Iterable[Style]) -> ApiKey:
        """The key of a request that shows it in one of `styles`. Raises `UnknownKeyError`."""
        styles = tuple(styles)
        shown = next(((style, key) for style in styles if (key := _given(request, style))), None)
        if shown is None:
            ways = " or ".join(_way(style) for style in styles)
            raise UnknownKeyError(f"{_what(styles[0])} is missing; send it as {ways}")
        style, given = shown
        # Headers arrive as text with undecodable bytes escaped.
        candidate = _company(given) if style is Style.COMPANY else given.encode("utf-8", "surrogateescape")
        known = self._companies if style is Style.COMPANY else self._keys
        # Every key is compared, in a time that depends on lengths only, so timing tells nothing.
        found = [key for secret, key in known if hmac.compare_digest(candidate, secret)]
        if not found:
            raise UnknownKeyError(f"{_what(style)} is invalid")
        return found[0]


def _company(guid: str) -> bytes:
    """A GUID for comparison: upper and lower case are the same (RFC 9562 §4)."""
    return guid.strip().lower().encode("utf-8", "surrogateescape")


def _what(style: Style) -> str:
    return "company GUID" if style is Style.COMPANY else "API key"


def _given(request: web.Request, style: Style) -> str:
    place, name = style.value
    if place == "query":
        return request.query.get(name, "")
    text = request.headers.get(name, "").strip()
    if style is not Style.BEARER:
        return text
    scheme, _, key = text.partition(" ")
    return key.strip() if scheme.lower() == "bearer" else ""


def _way(style: Style) -> str:
    place, name = style.value
    if style is Style.BEARER:
        return "Authorization: Bearer YOUR_API_KEY"
    if style is Style.COMPANY:
        return f"?{name}=YOUR_COMPANY_GUID"
    return f"{name}: YOUR_API_KEY" if place == "header" else f"?{name}=YOUR_API_KEY"


class RateLimit:
    """A token bucket for each key: `rate_per_s` in the long run, `burst` at once; a rate of 0 is no limit."""

    def __init__(self, rate_per_s: float, burst: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate_per_s = rate_per_s
        self._burst = burst
        self._clock = clock
        self._paces: dict[str, Pace] = {}

    def wait_s(self, key: ApiKey) -> int:
        """0 and one request counted, or the whole seconds after which there is room for one."""
        if self._rate_per_s <= 0:
            return 0
        now = self._clock()
        pace = self._paces.get(key.name)
        if pace is None:
            pace = self._paces[key.name] = Pace(self._rate_per_s, self._burst)
        wait_s = math.ceil(pace.wait_s(now))
        if not wait_s:
            pace.take(now)
        return wait_s

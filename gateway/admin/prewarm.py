"""`POST /api/prewarm`: numbers assigned ahead of their calls, into the cache that calls look into first.

The body is a JSON array, or JSON objects one a line (NDJSON): `{"phone", "campaign", "ani"}`; a `zip` may
stand there and makes no difference. A row that cannot be taken is counted with its reason; the rest is.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from enum import StrEnum
from itertools import islice

import msgspec
from aiohttp import web

from gateway.admin.app import BadRequestError, as_json
from gateway.model.phone import PhoneNumber, parse_phone

PATH = "/api/prewarm"
_SLICE = 100
"""Rows taken before calls have their turn: about 1 ms."""
_MOST_NAMED = 20
_BODY_S = 30.0
"""Longest wait for a whole body."""
_KINDS = ("application/json", "application/x-ndjson")
"""Content types; none a browser sends to another site without asking first."""

Keep = Callable[[PhoneNumber, str, PhoneNumber], None]
"""Keeps a number: prospect, campaign, ANI."""


def token_needed_routes() -> list[web.RouteDef]:
    """What stands in its place without `admin.token`: who chooses what calls show has to be known."""

    async def refuse(_request: web.Request) -> web.Response:
        return as_json({"error": "prewarming needs admin.token: set it, and send it along"}, status=403)

    return [web.post(PATH, refuse)]


class Refusal(StrEnum):
    """Why a row was not taken."""

    BAD_ROW = "bad_row"
    """No object with `phone` and `ani`."""
    BAD_PHONE = "bad_phone"
    BAD_ANI = "bad_ani"
    NOT_OWNED = "not_owned"
    """Implausible, of a country that is not allowed, or not in the inventory: as for a provider's answer."""


class PrewarmRow(msgspec.Struct):
    """One row of the body; further fields are ignored."""

    phone: str
    ani: str
    campaign: str | None = None


class Prewarm:
    """The inlet. `accepts` is the owned-number guard, `keep` the cache."""

    def __init__(self, keep: Keep, accepts: Callable[[PhoneNumber], bool], *, most_rows: int) -> None:
        self._keep = keep
        self._accepts = accepts
        self._most_rows = most_rows

    def routes(self) -> list[web.RouteDef]:
        """The routes, for `make_app`."""
        return [web.post(PATH, self.take)]

    async def take(self, request: web.Request) -> web.Response:
        """Take what can be taken: `{"taken", "refused", "reasons": {…}, "rows": [{"row", "reason"}…]}`.

        `rows` names the first refused ones by their place, from 0.
        """
        if request.content_type not in _KINDS:
            raise BadRequestError(f"Content-Type: send {_KINDS[0]} or {_KINDS[1]}")
        rows = _rows(await _body(request))
        if len(rows) > self._most_rows:
            return as_json(
                {"error": f"{len(rows)} rows are too many; send at most {self._most_rows}"}, status=413
            )
        reasons: Counter[str] = Counter()
        named: list[dict[str, int | str]] = []
        numbered = enumerate(rows)
        while part := list(islice(numbered, _SLICE)):
            for number, reason in self._refused(part):
                reasons[reason.value] += 1
                if len(named) < _MOST_NAMED:
                    named.append({"row": number, "reason": reason.value})
            await asyncio.sleep(0)
        refused = reasons.total()
        return as_json(
            {"taken": len(rows) - refused, "refused": refused, "reasons": dict(reasons), "rows": named}
        )

    def _refused(self, part: list[tuple[int, msgspec.Raw]]) -> Iterator[tuple[int, Refusal]]:
        for number, raw in part:
            reason = self._take_one(raw)
            if reason is not None:
                yield number, reason

    def _take_one(self, raw: msgspec.Raw) -> Refusal | None:
        try:
            row = msgspec.json.decode(raw, type=PrewarmRow)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return Refusal.BAD_ROW
        phone, ani = parse_phone(row.phone.strip()), parse_phone(row.ani.strip())
        if phone is None:
            return Refusal.BAD_PHONE
        if ani is None:
            return Refusal.BAD_ANI
        if not self._accepts(ani):
            return Refusal.NOT_OWNED
        self._keep(phone, (row.campaign or "").strip(), ani)
        return None


async def _body(request: web.Request) -> bytes:
    try:
        async with asyncio.timeout(_BODY_S):
            return await request.read()
    except TimeoutError as error:
        raise BadRequestError(f"the body did not arrive within {_BODY_S:.0f} s") from error


def _rows(content: bytes) -> list[msgspec.Raw]:
    """The rows of the body, not read yet. Raises `BadRequestError`."""
    if not content.lstrip().startswith(b"["):
        return [msgspec.Raw(line) for line in content.splitlines() if line.strip()]
    try:
        return msgspec.json.decode(content, type=list[msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadRequestError(f"the body is no JSON array: {error}") from error

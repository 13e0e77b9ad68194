"""VoIPBin: outdials and their targets.

Sources: VoIPBin's outdial tutorial (list, get, create); its server for update, delete and single targets.
What they leave open is decided here: a campaign id is sent only when there is one, as in the tutorial, though
today's server wants one; answers to PUT and DELETE are not read beyond their status.
"""

from collections.abc import AsyncIterator, Callable
from typing import TypeVar
from urllib.parse import quote

import orjson

from gateway.model.outdial import Outdial, OutdialTarget
from gateway.providers.base import BadAnswerError
from gateway.providers.http import Reply
from gateway.providers.voipbin_pages import HiddenRowsError, Listed, Listing, Place
from gateway.providers.voipbin_requests import VoipBinRequests, VoipBinSettings
from gateway.providers.voipbin_wire import NIL_ID, outdial, outdial_body, page, target, target_body

_MAX_REPLY_BYTES = 262_144  # a real target has about 800 bytes; `data` may hold more
_MAX_PAGE_BYTES = 8 * 1024 * 1024

_Row = TypeVar("_Row", bound=Listed)


class VoipBin:
    """A VoIPBin account's outdials. Every method raises `ProviderError`; give it `open` and `close`."""

    def __init__(self, settings: VoipBinSettings) -> None:
        self._page_size = settings.page_size
        self._requests = VoipBinRequests(settings)

    async def open(self) -> None:
        """Make ready to connect; no request is sent. Raises `OSError` when `ca_file` cannot be read."""
        await self._requests.open()

    async def close(self) -> None:
        """Close the connections."""
        await self._requests.close()

    async def outdials(self) -> AsyncIterator[Outdial]:
        """All outdials, newest first, each once."""
        async for rows, _ in self._pages("/outdials", outdial, Place()):
            for row in rows:
                yield row

    async def outdial(self, outdial_id: str) -> Outdial:
        """One outdial. Raises `NotFoundError`."""
        return outdial(_value(await self._send("GET", _path(outdial_id))))

    async def create_outdial(self, one: Outdial) -> Outdial:
        """Create it, and return it as the service has it. Asked twice, it makes two."""
        return outdial(_value(await self._send("POST", "/outdials", outdial_body(one))))

    async def update_outdial(self, outdial_id: str, *, name: str, detail: str) -> None:
        """Change name and detail, both."""
        await self._send("PUT", _path(outdial_id), orjson.dumps({"name": name, "detail": detail}))

    async def set_campaign(self, outdial_id: str, campaign_id: str) -> None:
        """Give the outdial to a campaign, or with "" to none."""
        body = orjson.dumps({"campaign_id": campaign_id or NIL_ID})
        await self._send("PUT", f"{_path(outdial_id)}/campaign_id", body)

    async def set_data(self, outdial_id: str, data: str) -> None:
        """Change the outdial's data."""
        await self._send("PUT", f"{_path(outdial_id)}/data", orjson.dumps({"data": data}))

    async def delete_outdial(self, outdial_id: str) -> None:
        """Delete it. Raises `NotFoundError`."""
        await self._send("DELETE", _path(outdial_id))

    async def targets(self, outdial_id: str) -> AsyncIterator[OutdialTarget]:
        """All targets of an outdial, newest first, each once."""
        async for rows, _ in self.target_pages(outdial_id):
            for row in rows:
                yield row

    async def target_pages(
        self, outdial_id: str, place: Place | None = None
    ) -> AsyncIterator[tuple[list[OutdialTarget], Place]]:
        """The targets of an outdial page by page, from `place` on.

        With each page comes the place behind it. At the end raises `HiddenRowsError` when a microsecond had
        more targets than the service can show.
        """
        async for found in self._pages(f"{_path(outdial_id)}/targets", target, place or Place()):
            yield found

    async def target(self, outdial_id: str, target_id: str) -> OutdialTarget:
        """One target. Raises `NotFoundError`."""
        return target(_value(await self._send("GET", _path(outdial_id, target_id))))

    async def create_target(self, outdial_id: str, one: OutdialTarget) -> OutdialTarget:
        """Create it, and return it as the service has it. Asked twice, it makes two."""
        return target(_value(await self._send("POST", f"{_path(outdial_id)}/targets", target_body(one))))

    async def delete_target(self, outdial_id: str, target_id: str) -> None:
        """Delete it. Raises `NotFoundError`."""
        await self._send("DELETE", _path(outdial_id, target_id))

    async def _send(self, method: str, path: str, body: bytes = b"") -> Reply:
        return await self._requests.send(method, path, body, max_reply_bytes=_MAX_REPLY_BYTES)

    async def _pages(
        self, path: str, read: Callable[[object], _Row], place: Place
    ) -> AsyncIterator[tuple[list[_Row], Place]]:
        listing: Listing[_Row] = Listing(self._page_size, place)
        while (question := listing.question) is not None:
            query = {"page_size": str(question.size)}
            if question.token:
                query["page_token"] = question.token
            reply = await self._requests.send("GET", path, query=query, max_reply_bytes=_MAX_PAGE_BYTES)
            new = listing.take(*page(_value(reply), read))
            if new:
                yield new, listing.place
        if listing.place.may_hide:
            raise HiddenRowsError(
                "100 rows or more were created in one microsecond; VoIPBin cannot show any beyond those"
            )


def _path(outdial_id: str, target_id: str = "") -> str:
    path = f"/outdials/{quote(outdial_id, safe='')}"
    return f"{path}/targets/{quote(target_id, safe='')}" if target_id else path


def _value(reply: Reply) -> object:
    """The answer's JSON. Raises `BadAnswerError`, made anew: what is no JSON may repeat the request."""
    try:
        value: object = orjson.loads(reply.body)
    except orjson.JSONDecodeError:
        raise BadAnswerError(f"answer {reply.status} is not JSON", request_id=reply.request_id) from None
    return value

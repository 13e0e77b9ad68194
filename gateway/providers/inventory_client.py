"""What outboundIQ's and outboundANI's management APIs have in common: an `InventoryService` over HTTP.

Both keep campaigns, dispositions and ANIs under `/campaigns`, `/dispos` and `/anis`: POST creates, PUT
changes what it names, GET reads one, DELETE takes one out by a JSON body. A `Dialect` says where they differ.
"""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

import orjson

from gateway.model.inventory import Ani, Item, Kind, key_of, kind_of
from gateway.model.inventory_change import Change, key_changed, kind_changed
from gateway.providers.base import BadAnswerError, NotFoundError, RefusedError
from gateway.providers.http import HttpClient, Reply
from gateway.providers.inventory_answers import Asked, Dialect, content, fault, outage
from gateway.providers.inventory_wire import body_of, body_of_change, fields_told, item_in, key_body
from gateway.providers.retry_law import repeated

_MAX_REPLY_BYTES = 65_536  # a real answer has about 150 bytes


class VendorInventory:
    """Campaigns, dispositions and ANIs at a vendor's. An `InventoryService`; give it `open` and `close`.

    No error shows the key or a whole phone number.
    """

    can_list = False

    def __init__(self, dialect: Dialect, http: HttpClient, *, key: str, carrier_id: str = "") -> None:
        """`key` is kept out of errors; `http` sends it. `carrier_id` goes with each new ANI unless empty."""
        self.name = dialect.name
        self._dialect = dialect
        self._http = http
        self._secrets = (key,)
        self._carrier = {"carrier_id": carrier_id} if carrier_id else {}

    @property
    def lacks(self) -> frozenset[str]:
        """Fields of ours that this service does not keep; an item or change that uses one is refused."""
        return self._dialect.lacks

    async def open(self) -> None:
        """Make the connection pool; no request is sent. Raises `OSError` when `ca_file` cannot be used."""
        await self._http.open()

    async def close(self) -> None:
        """Close all connections."""
        await self._http.close()

    async def create(self, item: Item, *, timeout_s: float) -> None:
        """POST. Raises `AlreadyExistsError` or another `ProviderError`."""
        asked = Asked(self._dialect, kind_of(item), key_of(item), creates=True)
        _check_fields(item, asked)
        body = body_of(item) | (self._carrier if isinstance(item, Ani) else {})
        self._done(await self._send("POST", asked, body, timeout_s), asked)

    async def get(self, kind: Kind, key: str, *, timeout_s: float) -> Item | None:
        """GET, made again when it fails in passing. Raises `ProviderError`."""
        asked = Asked(self._dialect, kind, key)
        reply = await self._send("GET", asked, key_body(kind, key), timeout_s)
        try:
            self._done(reply, asked)
            return item_in(content(reply), kind, key)
        except NotFoundError:
            return None
        except BadAnswerError as error:
            error.request_id = reply.request_id
            raise

    async def update(self, change: Change, *, timeout_s: float) -> None:
        """PUT with the fields `change` names. Raises `NotFoundError` or another `ProviderError`."""
        asked = Asked(self._dialect, kind_changed(change), key_changed(change))
        _check_fields(change, asked)
        self._done(await self._send("PUT", asked, body_of_change(change), timeout_s), asked)

    async def delete(self, kind: Kind, key: str, *, timeout_s: float) -> None:
        """DELETE. Raises `NotFoundError` or another `ProviderError`."""
        asked = Asked(self._dialect, kind, key)
        self._done(await self._send("DELETE", asked, key_body(kind, key), timeout_s), asked)

    async def list_all(self, kind: Kind, *, timeout_s: float) -> Sequence[Item]:  # noqa: ARG002 - the protocol's
        """Refused: the API has no listing."""
        word = "number" if kind is Kind.ANI else "id"
        message = f"{self._dialect.shown} cannot list its {kind}; ask for one by its {word}"
        raise RefusedError(message, status=HTTPStatus.METHOD_NOT_ALLOWED)

    async def _send(self, method: str, asked: Asked, body: dict[str, Any], timeout_s: float) -> Reply:
        """The answer to one request, unless it is an outage or a rate limit to the end."""
        reads = method == "GET"
        path, wire = f"{self._dialect.path}/{asked.kind}", orjson.dumps(body)
        if reads and self._dialect.reads_by_query:
            path, wire = f"{path}?{urlencode(body)}", b""

        async def attempt(left_s: float) -> Reply:
            reply = await self._http.request(
                method, path, wire, timeout_s=left_s, max_reply_bytes=_MAX_REPLY_BYTES, may_repeat=reads
            )
            if (error := outage(reply, self._secrets)) is not None:
                raise error
            return reply

        return await repeated(attempt, timeout_s=timeout_s, reads=reads)

    def _done(self, reply: Reply, asked: Asked) -> None:
        """Return when `reply` says that it was done. Raises the `ProviderError` that fits otherwise."""
        if (error := fault(reply, asked, self._secrets)) is not None:
            raise error


def _check_fields(told: Item | Change, asked: Asked) -> None:
    """Refuse what the vendor would drop in silence, and a new ANI without the group that is required."""
    vendor = asked.dialect.shown
    lacking = sorted(fields_told(told) & asked.dialect.lacks)
    if lacking:
        message = f"{asked}: {vendor} keeps no {', '.join(lacking)}; leave it out"
        raise RefusedError(message, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    if isinstance(told, Ani) and not told.inbound_group_id:
        message = f"{asked}: {vendor} needs an inbound_group_id; name one"
        raise RefusedError(message, status=HTTPStatus.UNPROCESSABLE_ENTITY)

"""Assigned numbers into the caches of running gateways: `POST /api/prewarm` of their admin listeners."""

import asyncio
import random
from collections.abc import Callable, Sequence

import orjson

from gateway.leads.assigning import Warmed
from gateway.model.lead import Lead
from gateway.model.phone import PhoneNumber
from gateway.providers.backoff import next_delay
from gateway.providers.base import ProviderError, RefusedError, UnavailableError
from gateway.providers.http import HttpClient

_TRIES = 4
_TIMEOUT_S = 10.0
_MOST_ROWS = 500
"""Rows of one request: 40 kB, well under the defaults of the limits in `[admin]`."""
_MAX_REPLY_BYTES = 65_536
_OK = 200
_MOST_COMPLAINTS = 5


class GatewayWarmer:
    """Gives numbers to one gateway. A `Warmer`; give it `open` and `close`."""

    def __init__(
        self,
        url: str,
        token: str,
        *,
        connections: int,
        complain: Callable[[str], None],
        dice: Callable[[], float] = random.random,
    ) -> None:
        """`complain` hears of the first failures, in words."""
        self.url = url
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._http = HttpClient(url, headers, max_connections=connections, keepalive_s=30.0)
        self._complain = complain
        self._complaints = 0
        self._dice = dice

    async def open(self) -> None:
        """Connect, and see that rows would be taken. Raises `ProviderError`."""
        await self._http.open()
        await self._post(b"[]")

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()

    async def give(self, assigned: Sequence[tuple[Lead, PhoneNumber]]) -> Warmed:
        """Give all of them; what a gateway does not take is counted, and the run goes on."""
        taken = 0
        for first in range(0, len(assigned), _MOST_ROWS):
            taken += await self._give_part(assigned[first : first + _MOST_ROWS])
        return Warmed(taken, len(assigned) - taken)

    async def _give_part(self, part: Sequence[tuple[Lead, PhoneNumber]]) -> int:
        body = orjson.dumps(
            [{"phone": lead.phone.e164, "campaign": lead.campaign, "ani": ani.e164} for lead, ani in part]
        )
        for attempt in range(1, _TRIES + 1):
            try:
                return await self._post(body)
            except ProviderError as error:
                if attempt == _TRIES or not isinstance(error, UnavailableError):
                    self._note(error)
                    break
                await asyncio.sleep(next_delay(attempt, base_s=0.2, cap_s=2.0, dice=self._dice))
        return 0

    async def _post(self, body: bytes) -> int:
        """How many rows were taken. Raises `ProviderError`."""
        reply = await self._http.post(
            "/api/prewarm", body, timeout_s=_TIMEOUT_S, max_reply_bytes=_MAX_REPLY_BYTES
        )
        if reply.is_server_error:
            raise UnavailableError(f"answer {reply.status}")
        answer = reply.json_object()
        if reply.status != _OK:
            raise RefusedError(
                f"answer {reply.status}: {str(answer.get('error', ''))[:200]}", status=reply.status
            )
        taken = answer.get("taken")
        return taken if isinstance(taken, int) else 0

    def _note(self, error: ProviderError) -> None:
        self._complaints += 1
        if self._complaints <= _MOST_COMPLAINTS:
            self._complain(f"{self.url} takes no numbers ahead: {error}")


class GatewayWarmers:
    """Gives every number to each of several gateways. A `Warmer`."""

    def __init__(self, warmers: Sequence[GatewayWarmer]) -> None:
        self._warmers = warmers

    async def give(self, assigned: Sequence[tuple[Lead, PhoneNumber]]) -> Warmed:
        """All gateways at once."""
        given = await asyncio.gather(*(warmer.give(assigned) for warmer in self._warmers))
        return Warmed(sum(each.taken for each in given), sum(each.refused for each in given))

"""outboundANI: POST /next, one lead a request.

Source: the vendor's AI Dialer Integration page, which shows no failure. What it leaves open is decided here:

    answer                                      means
    401, 403                                    the key is refused
    408, 425, 429, 5xx                          try later
    another 4xx, in words for "no number"       no number
    another 4xx                                 the request is refused
    2xx, an object with a phone number as `ani` that number
    2xx, an object without `ani`                no number
    anything else                               bad answer
"""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import orjson

from gateway.model.decision import Source
from gateway.model.lead import Lead
from gateway.model.phone import PhoneNumber
from gateway.model.setting import Form, setting
from gateway.providers.assigned import assigned_number
from gateway.providers.base import (
    Answer,
    BadAnswerError,
    ProviderError,
    RefusedError,
    TimedOutError,
)
from gateway.providers.call_http import HttpKind, call_http
from gateway.providers.http import Reply
from gateway.providers.probe import PROBED_NAME, Probe
from gateway.providers.refusal import failure, plain

_MAX_REPLY_BYTES = 65_536  # a real answer has about 80 bytes
_UNAUTHORIZED = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
_NO_NUMBER = re.compile(
    r"\bno (?:more |available |matching |eligible |suitable )*(?:anis?|numbers?|inventory)\b"
    r"|\b(?:anis?|numbers?) (?:is |are |was |were )?(?:not |un)available"
    r"|\bnone available",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class OutboundAniSettings:
    """`[outboundani]`: the outboundANI account, for assignment and inventory."""

    url: str = setting(
        "https://app.outboundani.com/dialer",
        "Base URL of the API.",
        why="the address in outboundANI's documentation",
        form=Form.URL,
    )
    key: str = setting(
        "",
        "API key, sent as X-ApiKey.",
        why="none: get one from outboundANI, or use the engine",
        secret=True,
    )
    default_campaign: str = setting(
        "",
        "Campaign of a call that names none.",
        why="empty: outboundANI demands a campaign, so such a call is not asked for",
    )
    carrier_id: str = setting(
        "",
        "Carrier code sent with each number that is created.",
        why="empty: outboundANI does not demand one",
    )
    http: HttpKind = setting(
        HttpKind.LEAN,
        "HTTP client of what each call sends: lean (the gateway's own) or aiohttp.",
        why="lean takes a fifth of the CPU time; aiohttp is the general client, should a server need one",
    )
    ca_file: str = setting(
        "",
        "PEM file of further certificate authorities to trust.",
        why="empty: the system's authorities",
        form=Form.FILE,
    )
    max_connections: int = setting(
        64,
        "Most kept connections; also the most requests at once for a list of leads.",
        unit="connections",
        why="as assignment.max_in_flight",
        least=1,
        most=10_000,
    )
    keepalive_s: float = setting(
        55.0,
        "How long an idle connection is kept.",
        unit="s",
        why="common load balancers close after 60 s; closing first avoids a reset under a request",
        least=0,
        most=3_600,
    )


def probe(settings: OutboundAniSettings) -> Probe:
    """A look at a campaign nobody has."""
    return Probe(
        "outboundANI",
        "outboundani",
        settings.url,
        secret=settings.key,
        secret_name="key",  # noqa: S106 - a name, not a secret
        sent=f"sent GET /campaigns for {PROBED_NAME}",
        ca_file=settings.ca_file,
        method="GET",
        path="/campaigns",
        body=orjson.dumps({"id": PROBED_NAME}),
        headers={"X-ApiKey": settings.key},
        may_lack=True,
    )


class OutboundAni:
    """Asks outboundANI for numbers. A `RemoteAssigner`; its batches are single requests side by side."""

    source = Source.OUTBOUNDANI

    def __init__(self, settings: OutboundAniSettings) -> None:
        self._settings = settings
        self._http = call_http(settings, {"X-ApiKey": settings.key})

    async def open(self) -> None:
        """Make the connection pool; no request is sent."""
        await self._http.open()

    async def close(self) -> None:
        """Close all connections."""
        await self._http.close()

    async def assign(self, lead: Lead, *, timeout_s: float) -> Answer:
        """POST /next. A lead without a campaign is refused here, unless the settings have one for it."""
        fields = _lead_fields(lead, lead.campaign or self._settings.default_campaign)
        reply = await self._http.post(
            "/next", orjson.dumps(fields), timeout_s=timeout_s, max_reply_bytes=_MAX_REPLY_BYTES
        )
        return answer_in(reply, lead.phone, (self._settings.key,))

    async def assign_batch(self, leads: Sequence[Lead], *, timeout_s: float) -> list[Answer | ProviderError]:
        """One request for each lead, `max_connections` at once; each fails alone.

        A key that is refused is refused for all of them: those not asked yet are not asked any more.
        """
        loop = asyncio.get_running_loop()
        give_up_at = loop.time() + timeout_s
        free = asyncio.Semaphore(self._settings.max_connections)
        refusals: list[RefusedError] = []

        async def one(lead: Lead) -> Answer | ProviderError:
            async with free:
                if refusals:
                    return refusals[0]
                left_s = give_up_at - loop.time()
                if left_s <= 0:
                    return TimedOutError(f"not asked within {timeout_s:g} s")
                try:
                    return await self.assign(lead, timeout_s=left_s)
                except ProviderError as error:
                    if isinstance(error, RefusedError) and error.status in _UNAUTHORIZED:
                        refusals.append(error)
                    return error

        return await asyncio.gather(*(one(lead) for lead in leads))


def _lead_fields(lead: Lead, campaign: str) -> dict[str, Any]:
    """The request's body; what is not said is left out. Raises `RefusedError` without a campaign."""
    if not campaign:
        message = "the call names no campaign, and outboundani.default_campaign is empty"
        raise RefusedError(message, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    fields: dict[str, Any] = {"outbound_campaign": campaign}
    if lead.pools:
        fields["inventory_group_ids"] = lead.pools
    fields["prospect_phone"] = lead.phone.national if lead.phone.is_nanp else lead.phone.digits
    if lead.zip:
        fields["prospect_zip"] = lead.zip
    if lead.branded is not None:
        fields["use_branded"] = lead.branded
    if lead.assignment_type is not None:
        fields["assignment_type"] = lead.assignment_type
    return fields


def answer_in(reply: Reply, prospect: PhoneNumber, secrets: tuple[str, ...]) -> Answer:
    """What `reply` means for `prospect` by the table above; `secrets` are kept out of its words.

    Raises the `ProviderError` that fits when it is no answer.
    """
    if reply.status in _UNAUTHORIZED:
        message = f"the key was refused ({reply.status}); check outboundani.key"
        raise RefusedError(message, status=reply.status, request_id=reply.request_id)
    error = failure(reply, secrets)
    if isinstance(error, RefusedError):
        said = plain(reply.body.decode("utf-8", "replace"), secrets)
        if _NO_NUMBER.search(said):
            return Answer(None, said, reply.request_id)
    if error is not None:
        raise error
    if not reply.is_success:
        message = f"unexpected answer {reply.status}; check outboundani.url"
        raise BadAnswerError(message, request_id=reply.request_id)
    return _assigned(reply, prospect, secrets)


def _assigned(reply: Reply, prospect: PhoneNumber, secrets: tuple[str, ...]) -> Answer:
    answer = reply.json_object()
    ani = answer.get("ani")
    if ani is None or ani == "":
        return Answer(None, plain(str(answer.get("message") or ""), secrets), reply.request_id)
    phone = assigned_number(ani, prospect)
    if phone is None:
        # What it is stays out of the logs: it may be anything.
        raise BadAnswerError("the answer's ani is not a phone number", request_id=reply.request_id)
    return Answer(phone, "", reply.request_id)

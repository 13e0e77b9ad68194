"""outboundANI: Dial Results. Every value is a query parameter whose name is a GUID.

Source: the end of the vendor's AI Dialer Integration page. What it leaves open is decided here:

- The body decides, whatever the status: `SUCCESS` is taken, `FAIL` is refused for ever.
- One GUID is documented for both call type and call duration; one of them is sent, a setting says which.
- Nothing tells a repeat apart, so a record that may have arrived is not sent again: each request has its own
  connection, so that none breaks for having been kept too long.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from urllib.parse import quote, urlencode

from gateway.model.dial import Dial
from gateway.model.setting import setting
from gateway.providers.base import (
    BadAnswerError,
    ProviderError,
    RefusedError,
)
from gateway.providers.http import HttpClient, Reply
from gateway.providers.outboundani_guids import (
    AGENT,
    ANI,
    ATTEMPTS,
    CALL_ID,
    CALL_TIME,
    CALL_TYPE_OR_DURATION,
    CAMPAIGN,
    COMPANY,
    CREATED,
    DISPO,
    LEAD_SOURCE,
    PHONE,
    SKILL,
    ZIP,
)
from gateway.providers.outboundiq_dials import utc, written
from gateway.providers.probe import Probe
from gateway.providers.refusal import failure, plain, without_secrets

_MAX_REPLY_BYTES = 65_536  # a real answer has about 30 bytes
_FAILED = 200
"""Status of a refusal that came in the body."""
_DIAL_FIELDS = frozenset(field.name for field in fields(Dial))


class SharedGuid(StrEnum):
    """What the GUID documented twice carries."""

    CALL_TYPE = "call_type"
    CALL_DURATION = "call_duration"


@dataclass(frozen=True, slots=True)
class OutboundAniResultsSettings:
    """`[outboundani_results]`: dial records to outboundANI."""

    url: str = setting(
        "https://io.outboundani.com/api/595F21A2-84D1-4984-818E-3758A8485CC8.php",
        "Address of Dial Results.",
        why="the address in outboundANI's documentation",
    )
    company_guid: str = setting(
        "",
        "Company GUID from outboundANI; it is not the API key.",
        why="none: outboundANI gives you one",
        secret=True,
    )
    shared_guid: SharedGuid = setting(
        SharedGuid.CALL_TYPE,
        "What to send in the field documented for both call_type and call_duration.",
        why="the type says more; a server that keeps the last of two would lose it to the duration",
    )
    kpis: dict[str, str] = setting(
        {},
        'Further query parameters: name to field of the record, such as KPI1_Name = "disposition_name".',
        why="none: what they are called is agreed with outboundANI",
    )
    ca_file: str = setting(
        "",
        "PEM file of further certificate authorities to trust.",
        why="empty: the system's authorities",
    )


def probe(settings: OutboundAniResultsSettings) -> Probe:
    """A connection only: every request to this address is a record."""
    return Probe(
        "Dial Results",
        "outboundani_results",
        settings.url,
        secret=settings.company_guid,
        secret_name="company_guid",  # noqa: S106 - a name, not a secret
        sent="connected, sent nothing: every request would be a record",
        ca_file=settings.ca_file,
    )


class OutboundAniResults:
    """Sends outboundANI each dial. A `DialTarget`; give it `open` and `close`.

    The company GUID is in no error, log line or traceback: errors are made anew, without their cause.
    """

    name = "outboundani"
    repeats_safely = False

    def __init__(self, settings: OutboundAniResultsSettings, *, max_in_flight: int) -> None:
        """Raises `ValueError` when a KPI names no field of a record."""
        unknown = sorted(set(settings.kpis.values()) - _DIAL_FIELDS)
        if unknown:
            known = ", ".join(sorted(_DIAL_FIELDS))
            raise ValueError(f"outboundani_results.kpis: no field {', '.join(unknown)}; known are {known}")
        self._settings = settings
        self._secrets = (settings.company_guid, quote(settings.company_guid))
        self._http = HttpClient(
            settings.url, {"Connection": "close"}, max_connections=max_in_flight, keepalive_s=0.0,
            ca_file=settings.ca_file,
        )  # fmt: skip

    async def open(self) -> None:
        """Make ready to connect. Raises `OSError` when the authorities cannot be read."""
        await self._http.open()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()

    async def post_dial(self, dial: Dial, *, timeout_s: float) -> None:
        """POST one record, once; returns when the body says SUCCESS. Raises `ProviderError`."""
        query = urlencode(parameters(dial, self._settings), quote_via=quote)
        reply, error = await self._send(query, timeout_s)
        if reply is not None:
            error = self._refusal(reply)
        if error is not None:
            raise error

    async def _send(self, query: str, timeout_s: float) -> tuple[Reply | None, ProviderError | None]:
        try:
            reply = await self._http.post(
                f"?{query}", b"", timeout_s=timeout_s, max_reply_bytes=_MAX_REPLY_BYTES, may_repeat=False
            )
        except ProviderError as error:
            return None, without_secrets(error, self._secrets)
        return reply, None

    def _refusal(self, reply: Reply) -> ProviderError | None:
        secrets = self._secrets
        try:
            answer = reply.json_object()
        except BadAnswerError:
            return failure(reply, secrets) or BadAnswerError(f"answer {reply.status} is not JSON")
        match str(answer.get("result", "")).upper():
            case "SUCCESS":
                return None
            case "FAIL":
                reason = plain(str(answer.get("reason", "")), secrets) or "no reason given"
                return RefusedError(f"FAIL: {reason}", status=_FAILED)
            case _:
                return failure(reply, secrets) or BadAnswerError("the answer is neither SUCCESS nor FAIL")


def parameters(dial: Dial, settings: OutboundAniResultsSettings) -> Mapping[str, str]:
    """The query of one record: the required names always, the others when there is something to tell."""
    required = {
        COMPANY: settings.company_guid,
        CAMPAIGN: dial.campaign_id or dial.campaign_name,
        AGENT: dial.agent_name,
        ANI: written(dial.ani),
        CALL_ID: dial.dial_id,
        DISPO: dial.disposition_name,
        PHONE: written(dial.prospect_phone),
        CALL_TIME: utc(dial.at),
    }
    optional = {
        CALL_TYPE_OR_DURATION: _shared(dial, settings.shared_guid),
        ZIP: dial.zip,
        CREATED: dial.sys_created_date_original,
        ATTEMPTS: dial.total_dial_attempts,
        SKILL: dial.skill_name,
        LEAD_SOURCE: dial.lead_source,
        **{name: _text(getattr(dial, field)) for name, field in settings.kpis.items()},
    }
    return required | {name: value for name, value in optional.items() if value}


def _shared(dial: Dial, use: SharedGuid) -> str:
    if use is SharedGuid.CALL_TYPE:
        return dial.call_direction
    return "" if dial.talk_s is None else f"{dial.talk_s:.0f}"


def _text(value: object) -> str:
    return "" if value is None else str(value)

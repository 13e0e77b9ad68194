"""The outboundIQ account: one address and key for assignment, dial records and inventory."""

from dataclasses import dataclass

import orjson

from gateway.model.setting import Form, setting
from gateway.providers.call_http import HttpKind
from gateway.providers.probe import Probe


@dataclass(frozen=True, slots=True)
class OutboundIqSettings:
    """`[outboundiq]`: the outboundIQ account."""

    url: str = setting(
        "https://api.outboundiq.cloud",
        "Base URL of the API.",
        why="the address in outboundIQ's documentation",
        form=Form.URL,
    )
    key: str = setting(
        "",
        "API key, sent as a Bearer token.",
        why="none: get one from outboundIQ, or use the engine",
        secret=True,
    )
    e164: bool = setting(
        False,
        "Ask for numbers with their country code, where outboundIQ would write 10 digits.",
        why="false: as the API page has it; true tells numbers of two countries apart, and the SDKs know it",
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
        "Most kept connections.",
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


def probe(settings: OutboundIqSettings) -> Probe:
    """A batch without a lead: the key is looked at, and there is nothing to assign."""
    return Probe(
        "outboundIQ",
        "outboundiq",
        settings.url,
        secret=settings.key,
        secret_name="key",  # noqa: S106 - a name, not a secret
        sent="sent POST /assignment/batch without a lead",
        ca_file=settings.ca_file,
        method="POST",
        path="/assignment/batch",
        body=orjson.dumps({"real_time": False, "leads": []}),
        headers={"Authorization": f"Bearer {settings.key}"},
    )

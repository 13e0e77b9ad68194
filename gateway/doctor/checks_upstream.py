"""A real request to each upstream: whether it is there, takes the key, is quick, and has our time.

What is sent each provider says itself (`probe`): a marked request that costs nothing and changes nothing, or,
where there is none, a connection.
"""

import asyncio
import ssl
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

import orjson

from gateway.config.settings import Settings
from gateway.doctor.finding import Change, Check, Finding, Kind, Part, Verdict, right
from gateway.model.decision import Source
from gateway.providers import outboundani, outboundani_results, outboundiq_account, voipbin_requests
from gateway.providers.base import BadAnswerError, ProviderError, RateLimitedError, TimedOutError
from gateway.providers.http import AuthoritiesError, HttpClient, Reply, authorities
from gateway.providers.probe import PROBED_NAME, Probe
from gateway.providers.refusal import plain

_ASK_S = 4.0
_MAX_REPLY_BYTES = 65_536
_UNAUTHORIZED = (401, 403)
_NO_SUCH_PATH = (404, 405)
_MOST_SKEW_S = 30.0

UNREACHABLE = Kind("upstream.unreachable", Verdict.FAULT, "nobody chooses a number, or takes a record")
SILENT = Kind("upstream.silent", Verdict.FAULT, "calls get the fallback at their deadline, records wait")
KEY_REFUSED = Kind("upstream.key-refused", Verdict.FAULT, "every request of the gateway is refused")
WRONG_ADDRESS = Kind(
    "upstream.wrong-address", Verdict.FAULT, "something else than the upstream's API answers there"
)
SICK = Kind("upstream.sick", Verdict.FAULT, "the upstream fails; calls get the fallback until it is well")
LIMITED = Kind(
    "upstream.rate-limited", Verdict.WARNING, "the account's limit is reached; calls get the fallback"
)
SLOW = Kind(
    "upstream.slow", Verdict.WARNING, "an answer that takes longer than assignment.deadline_s comes too late"
)
NO_AUTHORITIES = Kind("upstream.ca-file", Verdict.FAULT, "the upstream's certificate cannot be verified")
CLOCK = Kind(
    "upstream.clock-differs", Verdict.WARNING, "certificates may seem invalid, and records get wrong times"
)


@dataclass(frozen=True, slots=True)
class Account:
    """One upstream, and what is expected of it."""

    probe: Probe
    deadline_s: float = 0.0
    """A call waits so long for it; 0 for one no call waits for."""
    wall: Callable[[], float] = time.time


def accounts(settings: Settings) -> list[Account]:
    """The upstreams these settings send calls or records to."""
    asked = {*settings.assignment.providers}
    for campaign in settings.campaigns.values():
        asked.update(campaign.providers)
    targets, deadline_s = settings.dials.targets, settings.assignment.deadline_s
    found = []
    if settings.outboundiq.key and Source.OUTBOUNDIQ in asked:
        found.append(Account(outboundiq_account.probe(settings.outboundiq), deadline_s))
    elif settings.outboundiq.key and "outboundiq" in targets:
        found.append(Account(outboundiq_account.probe(settings.outboundiq)))
    if settings.outboundani.key and Source.OUTBOUNDANI in asked:
        found.append(Account(outboundani.probe(settings.outboundani), deadline_s))
    if "outboundani" in targets:
        found.append(Account(outboundani_results.probe(settings.outboundani_results)))
    if settings.voipbin.token:
        found.append(Account(voipbin_requests.probe(settings.voipbin)))
    return found


async def _upstream(account: Account) -> Iterable[Finding]:
    probe = account.probe
    if not probe.method:
        return [await _connect(probe)]
    headers = {**probe.headers, "User-Agent": PROBED_NAME}
    client = HttpClient(probe.url, headers, max_connections=1, keepalive_s=1, ca_file=probe.ca_file)
    try:
        await client.open()
        started = time.perf_counter()
        reply = await client.request(
            probe.method, probe.path, probe.body, timeout_s=_ASK_S, max_reply_bytes=_MAX_REPLY_BYTES
        )
        took_s = time.perf_counter() - started
    except AuthoritiesError as error:
        return [NO_AUTHORITIES.seen(str(error), _in(probe, 'ca_file = "FILE.pem"'))]
    except ProviderError as error:
        return [_failed(probe, error)]
    finally:
        await client.close()
    return _judged(account, reply, took_s)


def _failed(probe: Probe, error: ProviderError) -> Finding:
    said = f"{probe.name}: {plain(str(error), _secrets(probe))} ({probe.sent})"
    match error:
        case RateLimitedError():
            return LIMITED.seen(said, Change("ani-gateway.toml [assignment]", "max_in_flight = 16"))
        case TimedOutError():
            return SILENT.seen(said, _in(probe, f'url = "{_shown(probe)}"'))
        case BadAnswerError():
            return WRONG_ADDRESS.seen(said, _in(probe, f'url = "{_shown(probe)}"'))
        case _:
            return UNREACHABLE.seen(said, _in(probe, f'url = "{_shown(probe)}"'))


def _judged(account: Account, reply: Reply, took_s: float) -> list[Finding]:
    probe = account.probe
    said = f"{probe.name} answers {reply.status} ({probe.sent})"
    if reply.status in _UNAUTHORIZED:
        line = f'{probe.secret_name}_file = "FILE"'
        return [
            KEY_REFUSED.seen(
                f"{probe.name} refuses the {probe.secret_name}: {reply.status} ({probe.sent})",
                _in(probe, line),
            )
        ]
    if reply.is_server_error:
        return [
            SICK.seen(
                said, Change("ani-gateway.toml [assignment]", 'fallback = ["stale", "engine", "default"]')
            )
        ]
    if not _is_of_the_api(probe, reply):
        return [WRONG_ADDRESS.seen(said, _in(probe, f'url = "{_shown(probe)}"'))]
    found = []
    if account.deadline_s and took_s > account.deadline_s:
        change = Change("ani-gateway.toml [assignment]", f"deadline_s = {min(took_s * 1.5, 1.4):.1f}")
        found.append(SLOW.seen(f"{probe.name} took {took_s * 1000:.0f} ms ({probe.sent})", change))
    skew_s = account.wall() - reply.sent_at if reply.sent_at is not None else 0.0
    if abs(skew_s) > _MOST_SKEW_S:
        where = "ahead of" if skew_s > 0 else "behind"
        change = Change("shell", "timedatectl set-ntp true")
        found.append(
            CLOCK.seen(f"this machine's clock is {abs(skew_s):.0f} s {where} {probe.name}'s", change)
        )
    does = "takes" if reply.is_success else f"answers {reply.status}, which does not refuse"
    took = f"{took_s * 1000:.0f} ms"
    return found or [right(f"{probe.name} {does} the {probe.secret_name}, {took} ({probe.sent})")]


def _is_of_the_api(probe: Probe, reply: Reply) -> bool:
    """Whether the upstream's own API made the answer: it speaks JSON, and knows the path."""
    if reply.status in _NO_SUCH_PATH and not probe.may_lack:
        return False
    try:
        orjson.loads(reply.body)
    except orjson.JSONDecodeError:
        return False
    return True


async def _connect(probe: Probe) -> Finding:
    """Only a connection, TLS included."""
    parts = urlsplit(probe.url)
    is_tls = parts.scheme == "https"
    try:
        tls = authorities(probe.ca_file) if is_tls else None
        async with asyncio.timeout(_ASK_S):
            _, writer = await asyncio.open_connection(
                parts.hostname, parts.port or (443 if is_tls else 80), ssl=tls
            )
        writer.close()
    except AuthoritiesError as error:
        return NO_AUTHORITIES.seen(str(error), _in(probe, 'ca_file = "FILE.pem"'))
    except (OSError, ssl.SSLError, TimeoutError) as error:
        said = f"{probe.name}: no connection: {plain(str(error) or 'too late', _secrets(probe))}"
        return UNREACHABLE.seen(said, _in(probe, f'url = "{_shown(probe)}"'))
    return right(
        f"{probe.name} is there; whether it knows the {probe.secret_name} is not asked ({probe.sent})"
    )


def _secrets(probe: Probe) -> tuple[str, ...]:
    return (probe.secret, quote(probe.secret, safe=""))


def _in(probe: Probe, line: str) -> Change:
    return Change(f"ani-gateway.toml [{probe.section}]", line)


def _shown(probe: Probe) -> str:
    """The address without what may be secret in it."""
    parts = urlsplit(probe.url)
    return f"{parts.scheme}://{parts.hostname or ''}{f':{parts.port}' if parts.port else ''}{parts.path}"


CHECKS: tuple[Check[Account], ...] = (
    Check(
        "upstream",
        Part.UPSTREAM,
        _upstream,
        (UNREACHABLE, SILENT, KEY_REFUSED, WRONG_ADDRESS, SICK, LIMITED, SLOW, NO_AUTHORITIES, CLOCK),
    ),
)

"""A real request to each upstream: whether it is there, takes the key, is quick, and has our time.

Requests are chosen to cost nothing and change nothing, and are marked: outboundIQ is sent a batch without a
lead, outboundANI is asked for a campaign called ani-gateway-doctor, VoIPBin for one line of its list. Dial
Results has no such request, so only its address is tried.
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
from gateway.providers.base import BadAnswerError, ProviderError, RateLimitedError, TimedOutError
from gateway.providers.http import AuthoritiesError, HttpClient, Reply, authorities
from gateway.providers.refusal import plain
from gateway.providers.voipbin_requests import VoipBinAuth

NOBODY = "ani-gateway-doctor"
"""The mark: the name of what is asked for, and the client's."""
_ASK_S = 4.0
_MAX_REPLY_BYTES = 65_536
_UNAUTHORIZED = (401, 403)
_NO_SUCH_PATH = (404, 405)
_MOST_SKEW_S = 30.0
_MARK = {"User-Agent": NOBODY}

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
    """One upstream as it is asked; `path` may hold the secret."""

    name: str
    section: str
    url: str
    method: str
    path: str
    body: bytes
    headers: dict[str, str]
    secret: str
    secret_name: str
    sent: str
    """What is sent, in words."""
    ca_file: str = ""
    deadline_s: float = 0.0
    """A call waits so long for it; 0 for one no call waits for."""
    only_connect: bool = False
    may_lack: bool = False
    """Whether 404 is an answer: what is asked for need not be there."""
    wall: Callable[[], float] = time.time


def accounts(settings: Settings) -> list[Account]:
    """The upstreams these settings send calls or records to."""
    asked = {*settings.assignment.providers}
    for campaign in settings.campaigns.values():
        asked.update(campaign.providers)
    found = []
    if settings.outboundiq.key and (Source.OUTBOUNDIQ in asked or "outboundiq" in settings.dials.targets):
        found.append(_outboundiq(settings, waits=Source.OUTBOUNDIQ in asked))
    if settings.outboundani.key and Source.OUTBOUNDANI in asked:
        found.append(_outboundani(settings))
    if "outboundani" in settings.dials.targets:
        found.append(_dial_results(settings))
    if settings.voipbin.token:
        found.append(_voipbin(settings))
    return found


def _outboundiq(settings: Settings, *, waits: bool) -> Account:
    own = settings.outboundiq
    return Account(
        "outboundIQ", "outboundiq", own.url, "POST", "/assignment/batch",
        orjson.dumps({"real_time": False, "leads": []}),
        {"Authorization": f"Bearer {own.key}"}, own.key, "key",
        "sent POST /assignment/batch without a lead", own.ca_file,
        settings.assignment.deadline_s if waits else 0.0,
    )  # fmt: skip


def _outboundani(settings: Settings) -> Account:
    own = settings.outboundani
    return Account(
        "outboundANI", "outboundani", own.url, "GET", "/campaigns", orjson.dumps({"id": NOBODY}),
        {"X-ApiKey": own.key}, own.key, "key",
        f"sent GET /campaigns for {NOBODY}", own.ca_file, settings.assignment.deadline_s,
        may_lack=True,
    )  # fmt: skip


def _dial_results(settings: Settings) -> Account:
    own = settings.outboundani_results
    return Account(
        "Dial Results", "outboundani_results", own.url, "", "", b"", {}, own.company_guid, "company_guid",
        "connected, sent nothing: every request would be a record", own.ca_file, only_connect=True,
    )  # fmt: skip


def _voipbin(settings: Settings) -> Account:
    own = settings.voipbin
    is_header = own.auth is VoipBinAuth.BEARER
    query = "" if is_header else f"&{own.auth}={quote(own.token, safe='')}"
    return Account(
        "VoIPBin", "voipbin", own.url, "GET", f"/outdials?page_size=1{query}", b"",
        {"Authorization": f"Bearer {own.token}"} if is_header else {}, own.token, "token",
        "sent GET /outdials for one line", own.ca_file,
    )  # fmt: skip


async def _upstream(account: Account) -> Iterable[Finding]:
    if account.only_connect:
        return [await _connect(account)]
    client = HttpClient(
        account.url, {**account.headers, **_MARK}, max_connections=1, keepalive_s=1, ca_file=account.ca_file
    )
    try:
        await client.open()
        started = time.perf_counter()
        reply = await client.request(
            account.method, account.path, account.body, timeout_s=_ASK_S, max_reply_bytes=_MAX_REPLY_BYTES
        )
        took_s = time.perf_counter() - started
    except AuthoritiesError as error:
        return [NO_AUTHORITIES.seen(str(error), _in(account, 'ca_file = "FILE.pem"'))]
    except ProviderError as error:
        return [_failed(account, error)]
    finally:
        await client.close()
    return _judged(account, reply, took_s)


def _failed(account: Account, error: ProviderError) -> Finding:
    said = f"{account.name}: {plain(str(error), _secrets(account))} ({account.sent})"
    match error:
        case RateLimitedError():
            return LIMITED.seen(said, Change("ani-gateway.toml [assignment]", "max_in_flight = 16"))
        case TimedOutError():
            return SILENT.seen(said, _in(account, f'url = "{_shown(account)}"'))
        case BadAnswerError():
            return WRONG_ADDRESS.seen(said, _in(account, f'url = "{_shown(account)}"'))
        case _:
            return UNREACHABLE.seen(said, _in(account, f'url = "{_shown(account)}"'))


def _judged(account: Account, reply: Reply, took_s: float) -> list[Finding]:
    said = f"{account.name} answers {reply.status} ({account.sent})"
    if reply.status in _UNAUTHORIZED:
        line = f'{account.secret_name}_file = "FILE"'
        return [
            KEY_REFUSED.seen(
                f"{account.name} refuses the {account.secret_name}: {reply.status} ({account.sent})",
                _in(account, line),
            )
        ]
    if reply.is_server_error:
        return [
            SICK.seen(
                said, Change("ani-gateway.toml [assignment]", 'fallback = ["stale", "engine", "default"]')
            )
        ]
    if not _is_of_the_api(account, reply):
        return [WRONG_ADDRESS.seen(said, _in(account, f'url = "{_shown(account)}"'))]
    found = []
    if account.deadline_s and took_s > account.deadline_s:
        change = Change("ani-gateway.toml [assignment]", f"deadline_s = {min(took_s * 1.5, 1.4):.1f}")
        found.append(SLOW.seen(f"{account.name} took {took_s * 1000:.0f} ms ({account.sent})", change))
    skew_s = account.wall() - reply.sent_at if reply.sent_at is not None else 0.0
    if abs(skew_s) > _MOST_SKEW_S:
        where = "ahead of" if skew_s > 0 else "behind"
        change = Change("shell", "timedatectl set-ntp true")
        found.append(
            CLOCK.seen(f"this machine's clock is {abs(skew_s):.0f} s {where} {account.name}'s", change)
        )
    does = "takes" if reply.is_success else f"answers {reply.status}, which does not refuse"
    took = f"{took_s * 1000:.0f} ms"
    return found or [right(f"{account.name} {does} the {account.secret_name}, {took} ({account.sent})")]


def _is_of_the_api(account: Account, reply: Reply) -> bool:
    """Whether the upstream's own API made the answer: it speaks JSON, and knows the path."""
    if reply.status in _NO_SUCH_PATH and not account.may_lack:
        return False
    try:
        orjson.loads(reply.body)
    except orjson.JSONDecodeError:
        return False
    return True


async def _connect(account: Account) -> Finding:
    """Only a connection, TLS included."""
    parts = urlsplit(account.url)
    is_tls = parts.scheme == "https"
    try:
        tls = authorities(account.ca_file) if is_tls else None
        async with asyncio.timeout(_ASK_S):
            _, writer = await asyncio.open_connection(
                parts.hostname, parts.port or (443 if is_tls else 80), ssl=tls
            )
        writer.close()
    except AuthoritiesError as error:
        return NO_AUTHORITIES.seen(str(error), _in(account, 'ca_file = "FILE.pem"'))
    except (OSError, ssl.SSLError, TimeoutError) as error:
        said = f"{account.name}: no connection: {plain(str(error) or 'too late', _secrets(account))}"
        return UNREACHABLE.seen(said, _in(account, f'url = "{_shown(account)}"'))
    return right(
        f"{account.name} is there; whether it knows the {account.secret_name} is not asked ({account.sent})"
    )


def _secrets(account: Account) -> tuple[str, ...]:
    return (account.secret, quote(account.secret, safe=""))


def _in(account: Account, line: str) -> Change:
    return Change(f"ani-gateway.toml [{account.section}]", line)


def _shown(account: Account) -> str:
    """The address without what may be secret in it."""
    parts = urlsplit(account.url)
    return f"{parts.scheme}://{parts.hostname or ''}{f':{parts.port}' if parts.port else ''}{parts.path}"


CHECKS: tuple[Check[Account], ...] = (
    Check(
        "upstream",
        Part.UPSTREAM,
        _upstream,
        (UNREACHABLE, SILENT, KEY_REFUSED, WRONG_ADDRESS, SICK, LIMITED, SLOW, NO_AUTHORITIES, CLOCK),
    ),
)

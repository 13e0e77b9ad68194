"""Whether Asterisk asks the gateway at all, at the right place, and goes on rightly afterwards."""

import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gateway.admin.settings import is_loopback
from gateway.agi.settings import AgiSettings
from gateway.ami.settings import host_and_port
from gateway.doctor.dialplan import (
    FREEPBX_HOOK,
    FREEPBX_PART,
    FREEPBX_TRUNK,
    SUBROUTINE,
    AgiUrl,
    Dialplan,
    agi_url,
    ending,
    sets_exit_on_hangup,
    wanted_ending,
)
from gateway.doctor.finding import Change, Check, Finding, Kind, NotExaminedError, Part, Verdict, right
from gateway.doctor.pbx import Pbx
from gateway.model.address import split_address

_ENDINGS = ("Return", "MacroExit")
_INCLUDE = Change("extensions.conf", "#include extensions_gateway.conf")
_ANY_HOSTS = frozenset({"0.0.0.0", "::"})  # noqa: S104 - compared with, not bound to

NO_SUBROUTINE = Kind(
    "dialplan.subroutine-missing",
    Verdict.FAULT,
    "the dialplan has no gateway-assign, which asks for the number",
)
SUBROUTINE_END = Kind(
    "dialplan.subroutine-ends-wrongly",
    Verdict.FAULT,
    "without a Return at its end the call does not come back to be dialled, and dies",
)
NO_HOOK = Kind("dialplan.hook-missing", Verdict.FAULT, "no outbound call asks for a number")
HOOK_END = Kind(
    "dialplan.hook-ends-wrongly",
    Verdict.FAULT,
    "the call does not come back from the hook to its trunk, so it is never dialled",
)
HOLDS_CHANNEL = Kind(
    "dialplan.no-exit-on-hangup",
    Verdict.FAULT,
    "a caller who hangs up while the gateway is asked holds the channel for as long as it is silent",
)
EXITS_EVERYWHERE = Kind(
    "dialplan.exit-on-hangup-everywhere",
    Verdict.WARNING,
    "AGI scripts that run after the hangup, VICIdial's call_log among them, are ended at once",
)
NO_URL = Kind("dialplan.url-missing", Verdict.FAULT, "Asterisk does not know where the gateway is")
WRONG_URL = Kind("dialplan.url-wrong", Verdict.FAULT, "Asterisk asks at an address where no gateway listens")
NOT_ALLOWED = Kind(
    "dialplan.pbx-not-allowed", Verdict.FAULT, "the gateway closes this PBX's connections unanswered"
)


@dataclass(frozen=True, slots=True)
class Route:
    """The way from a PBX to the gateway."""

    pbx: Pbx
    agi: AgiSettings


async def _subroutine(route: Route) -> Iterable[Finding]:
    steps = (await route.pbx.dialplan()).of(SUBROUTINE)
    if not any(step.application.lower() == "agi" for step in steps):
        return [NO_SUBROUTINE.seen(f"[{SUBROUTINE}] is not there, or asks nobody", _INCLUDE)]
    if ending(steps).lower() != "return":
        line = " same => n,Return(${GATEWAY_STATUS})"
        said = f"[{SUBROUTINE}] does not end with Return"
        return [SUBROUTINE_END.seen(said, Change(f"extensions_gateway.conf [{SUBROUTINE}]", line))]
    return [right(f"[{SUBROUTINE}] is there")]


async def _exit_on_hangup(route: Route) -> Iterable[Finding]:
    steps = (await route.pbx.dialplan()).of(SUBROUTINE)
    found = []
    if steps and not sets_exit_on_hangup(steps):
        line = " same => n,Set(LOCAL(AGIEXITONHANGUP)=yes)"
        place = Change(f"extensions_gateway.conf [{SUBROUTINE}], before AGI", line)
        found.append(HOLDS_CHANNEL.seen("AGIEXITONHANGUP is not set to yes before AGI", place))
    if (await route.pbx.global_variable("AGIEXITONHANGUP")).lower() in {"yes", "1"}:
        place = Change(
            "extensions.conf [globals]", ";AGIEXITONHANGUP=yes  (out: the subroutine sets it for itself)"
        )
        found.append(EXITS_EVERYWHERE.seen("AGIEXITONHANGUP=yes is a global variable", place))
    return found or ([right("a caller who hangs up meanwhile is let go")] if steps else [])


async def _hook(route: Route) -> Iterable[Finding]:
    dialplan = await route.pbx.dialplan()
    if dialplan.has(FREEPBX_TRUNK) or dialplan.has(FREEPBX_HOOK):
        return await _freepbx_hook(route.pbx, dialplan)
    callers = dialplan.callers()
    if not callers:
        line = f" same => n,Gosub({SUBROUTINE},s,1(${{EXTEN}}))"
        place = Change("extensions.conf, before each Dial of an outbound call", line)
        return [NO_HOOK.seen(f"nothing calls [{SUBROUTINE}]", place)]
    return [right(f"asked from {_names({step.context for step in callers})}")]


async def _freepbx_hook(pbx: Pbx, dialplan: Dialplan) -> list[Finding]:
    steps = dialplan.of(FREEPBX_HOOK)
    place = f"extensions_custom.conf [{FREEPBX_HOOK}]"
    if not any(FREEPBX_PART in step.data or SUBROUTINE in step.data for step in steps):
        line = f"exten => s,1,Gosub({FREEPBX_PART},s,1)"
        return [NO_HOOK.seen(f"[{FREEPBX_HOOK}] does not call [{FREEPBX_PART}]", Change(place, line))]
    wanted = wanted_ending(dialplan, await _major(pbx))
    ends = ending(steps)
    if ends.lower() not in ({wanted.lower()} if wanted else {each.lower() for each in _ENDINGS}):
        needed = wanted or "Return or MacroExit"
        said = f"the hook ends with {ends or 'nothing'}, where this release needs {needed}"
        return [HOOK_END.seen(said, Change(place, f" same => n,{wanted or 'Return'}()"))]
    return [right(f"FreePBX's hook asks, and ends with {ends}")]


async def _major(pbx: Pbx) -> int:
    try:
        return (await pbx.version()).major
    except NotExaminedError:
        return 0


async def _url(route: Route) -> Iterable[Finding]:
    if not (await route.pbx.dialplan()).has(SUBROUTINE):
        return []
    text = await route.pbx.global_variable("GATEWAY_AGI")
    place = Change("extensions_gateway.conf [globals]", f"GATEWAY_AGI={_own_url(route.agi)}")
    if not text:
        return [NO_URL.seen("the global variable GATEWAY_AGI is not set", place)]
    url = agi_url(text)
    if url is None:
        return [WRONG_URL.seen("GATEWAY_AGI is no agi:// address", place)]
    wrong = _mismatch(url, route)
    return [WRONG_URL.seen(wrong, place)] if wrong else [right(f"Asterisk asks at {url.host}:{url.port}")]


def _mismatch(url: AgiUrl, route: Route) -> str:
    """Why the gateway of these settings cannot be reached at `url`, "" when it can."""
    if url.scheme == "hagi":
        return ""
    listening = [split_address(address) for address in route.agi.listen]
    same_port = [host for host, port in listening if port == url.port]
    if not same_port:
        return f"GATEWAY_AGI has port {url.port}, and the gateway listens at {', '.join(route.agi.listen)}"
    pbx_here = is_loopback(host_and_port(route.pbx.settings.address)[0])
    if is_loopback(url.host) and not pbx_here and not any(is_loopback(host) for host in same_port):
        return "GATEWAY_AGI names Asterisk's own machine, and the gateway listens on another"
    if not is_loopback(url.host) and all(is_loopback(host) for host in same_port):
        return f"GATEWAY_AGI has {url.host}, and the gateway listens on loopback only"
    return ""


def _own_url(agi: AgiSettings) -> str:
    host, port = split_address(agi.listen[0]) if agi.listen else ("127.0.0.1", 4573)
    if host in _ANY_HOSTS:
        return f"agi://GATEWAY-HOST:{port}"
    return f"agi://[{host}]:{port}" if ":" in host else f"agi://{host}:{port}"


async def _allowed(route: Route) -> Iterable[Finding]:
    peer = (await route.pbx.session()).peer_host
    address = ipaddress.ip_address(peer.partition("%")[0])
    if is_allowed(address, route.agi.allow):
        return [right("the gateway lets this PBX in")]
    written = ", ".join(f'"{each}"' for each in (*route.agi.allow, f"{address}/{address.max_prefixlen}"))
    place = Change("ani-gateway.toml [agi]", f"allow = [{written}]")
    return [NOT_ALLOWED.seen(f"{address} is not in agi.allow", place)]


def is_allowed(address: ipaddress.IPv4Address | ipaddress.IPv6Address, allow: Sequence[str]) -> bool:
    """Whether `agi.allow` has this address."""
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return any(address in ipaddress.ip_network(network, strict=False) for network in allow)


def _names(contexts: Iterable[str]) -> str:
    names = sorted(contexts)
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""  # noqa: PLR2004 - as many as fit a line
    return ", ".join(f"[{name}]" for name in names[:3]) + more


CHECKS: tuple[Check[Route], ...] = (
    Check("dialplan.subroutine", Part.DIALPLAN, _subroutine, (NO_SUBROUTINE, SUBROUTINE_END)),
    Check("dialplan.exit-on-hangup", Part.DIALPLAN, _exit_on_hangup, (HOLDS_CHANNEL, EXITS_EVERYWHERE)),
    Check("dialplan.hook", Part.DIALPLAN, _hook, (NO_HOOK, HOOK_END)),
    Check("dialplan.url", Part.DIALPLAN, _url, (NO_URL, WRONG_URL)),
    Check("dialplan.allow", Part.DIALPLAN, _allowed, (NOT_ALLOWED,)),
)

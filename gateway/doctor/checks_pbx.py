"""What Asterisk's manager must allow and send, so that every call is reported. One PBX at a time."""

import ssl
from collections.abc import Iterable

from gateway.ami.events import CHANNELVARS
from gateway.ami.findings import FILTER, LEGACY_FILTER
from gateway.ami.listener import LoginRefusedError
from gateway.doctor.finding import Change, Check, Finding, Kind, Part, Verdict, right
from gateway.doctor.pbx import GENERAL, Pbx, Version
from gateway.doctor.pbx_session import NotAManagerError
from gateway.model.variables import GATEWAY

_CONDITIONS, _, _WANTED = FILTER.rpartition(")=")
_OLDEST_MAJOR = 16
_NEEDED_ACTION = "Status"
_DANGEROUS_ACTIONS = ("Originate", "Command", "UpdateConfig", "Redirect")
_LEAST_WRITETIMEOUT_MS = 1_000
_MOST_SKEW_S = 2.0
_TRUE = frozenset({"yes", "true", "y", "t", "1", "on"})

UNREACHABLE = Kind(
    "pbx.unreachable", Verdict.FAULT, "the gateway cannot hear of ended calls, so none is reported by AMI"
)
NO_MANAGER = Kind(
    "pbx.no-manager", Verdict.FAULT, "the address leads to something else than Asterisk's manager"
)
CERTIFICATE = Kind("pbx.certificate", Verdict.FAULT, "the gateway does not talk to a PBX it cannot verify")
REFUSED = Kind("pbx.login-refused", Verdict.FAULT, "without a login no call is reported by AMI")
OLD = Kind("pbx.version-old", Verdict.WARNING, "the gateway is tried with Asterisk 16 to 22 only")
FEW_WRITES = Kind(
    "pbx.write-class",
    Verdict.WARNING,
    "after a broken link the gateway cannot ask which calls are still up, so lost ends are found out late",
)
MANY_WRITES = Kind(
    "pbx.too-many-rights", Verdict.WARNING, "whoever gets this secret can place calls or change the PBX"
)
NO_READ = Kind("pbx.read-class", Verdict.FAULT, "Hangup events are of class call; without it none comes")
WIDE_READ = Kind(
    "pbx.read-class-wide", Verdict.WARNING, "read=all costs Asterisk a quarter of a millisecond a call"
)
NO_CHANNELVARS = Kind(
    "pbx.channelvars-missing", Verdict.FAULT, "Hangup events do not say which call ended, so none is reported"
)
FEW_CHANNELVARS = Kind(
    "pbx.channelvars-few", Verdict.WARNING, "how a call ended is guessed from its hangup cause"
)
NOT_LOADED = Kind(
    "pbx.channelvars-not-loaded",
    Verdict.FAULT,
    "Asterisk works with what manager.conf said before: no call is reported",
)
NO_FILTER = Kind(
    "pbx.eventfilter-missing",
    Verdict.WARNING,
    "Asterisk sends 17 kB a call instead of half a kilobyte, and drops a listener that falls behind",
)
OLD_FILTER = Kind(
    "pbx.eventfilter-not-known",
    Verdict.WARNING,
    "this release does not know filters with conditions and passes over the line: everything is sent",
)
WRONG_FILTER = Kind(
    "pbx.eventfilter-wrong", Verdict.FAULT, "the filter keeps the very events back that reports are made of"
)
NO_TIMESTAMPS = Kind(
    "pbx.timestampevents-off",
    Verdict.WARNING,
    "a call's time is when the gateway heard of its end, and how late events come cannot be seen",
)
SHORT_WRITE = Kind(
    "pbx.writetimeout-short",
    Verdict.WARNING,
    "Asterisk drops the gateway's connection, and the events in it, after a pause of so many milliseconds",
)
CLOCK = Kind(
    "pbx.clock-differs",
    Verdict.WARNING,
    "records carry wrong times, and a call may seem to end before it began",
)
NO_NAME = Kind(
    "pbx.systemname-missing",
    Verdict.WARNING,
    "two PBXes can give two calls one uniqueid, and the second record is taken for a repeat of the first",
)


async def _login(pbx: Pbx) -> Iterable[Finding]:
    link = await pbx.link()
    address, user = pbx.settings.address, pbx.settings.username
    ours = f"ani-gateway.toml [ami.{pbx.name}]"
    match link.error:
        case None:
            return [right(f"user {user} is logged in at {address}")]
        case LoginRefusedError():
            said = f"Asterisk refuses user {user} at {address}: {link.error}"
            line = 'secret_file = "FILE"  (the secret in Asterisk\'s file; permit must name this machine)'
            return [REFUSED.seen(said, Change(ours, line))]
        case ssl.SSLCertVerificationError():
            said = f"the certificate of {address} does not fit: {link.error.verify_message}"
            return [CERTIFICATE.seen(said, Change(ours, 'ca_file = "FILE.pem"'))]
        case NotAManagerError():
            return [NO_MANAGER.seen(f"{address}: {link.error}", Change(ours, 'address = "HOST:5038"'))]
        case _:
            said = f"no connection to {address}: {_short(link.error)}"
            line = "enabled = yes, bindaddr = 127.0.0.1, port = 5038"
            return [UNREACHABLE.seen(said, Change("manager.conf [general]", line))]


async def _version(pbx: Pbx) -> Iterable[Finding]:
    version = await pbx.version()
    if 0 < version.major < _OLDEST_MAJOR:
        line = f"apt-get install asterisk  (a release that is maintained; this one is {version.text})"
        return [OLD.seen(f"Asterisk {version.text}", Change("shell", line))]
    return [right(f"Asterisk {version.text}")]


async def _write_classes(pbx: Pbx) -> Iterable[Finding]:
    actions = await pbx.actions()
    change = Change(f"manager.conf [{pbx.settings.username}]", "write=reporting")
    dangerous = [action for action in _DANGEROUS_ACTIONS if action in actions]
    found = []
    if _NEEDED_ACTION not in actions:
        found.append(FEW_WRITES.seen(f"the user may not send {_NEEDED_ACTION}", change))
    if dangerous:
        found.append(MANY_WRITES.seen(f"the user may send {', '.join(dangerous)}", change))
    return found or [right("the user may ask what it needs, and change nothing")]


async def _read_classes(pbx: Pbx) -> Iterable[Finding]:
    user = pbx.settings.username
    classes = {each.strip().lower() for each in (await pbx.manager_setting(user, "read")).split(",")} - {""}
    change = Change(f"manager.conf [{user}]", "read=call")
    if "all" in classes:
        return [WIDE_READ.seen("the user reads every class of events", change)]
    if "call" not in classes:
        return [NO_READ.seen(f"read={','.join(sorted(classes))} lacks call", change)]
    return [right("the user reads events of class call")]


async def _channelvars(pbx: Pbx) -> Iterable[Finding]:
    text = await pbx.manager_setting(GENERAL, "channelvars")
    names = {name.strip() for name in text.split(",")}
    missing = [name for name in CHANNELVARS.split(",") if name not in names]
    change = Change("manager.conf [general]", f"channelvars={CHANNELVARS}")
    if GATEWAY in missing:
        return [NO_CHANNELVARS.seen(f"channelvars lacks {', '.join(missing)}", change)]
    if missing:
        return [FEW_CHANNELVARS.seen(f"channelvars lacks {', '.join(missing)}", change)]
    live = await pbx.live_variables()
    if live and not any(GATEWAY in names for names in live):
        reload = Change("shell", "asterisk -rx 'manager reload'")
        return [NOT_LOADED.seen("manager.conf is right, and what Asterisk sends is not", reload)]
    return [right(f"events carry {', '.join(CHANNELVARS.split(','))}")]


async def _eventfilter(pbx: Pbx) -> Iterable[Finding]:
    user = pbx.settings.username
    version = await pbx.version()
    conditions = await pbx.manager_setting(user, f"{_CONDITIONS})")
    legacy = await pbx.manager_setting(user, "eventfilter")
    return [judged_filter(version, user, conditions, legacy)]


def judged_filter(version: Version, user: str, conditions: str, legacy: str) -> Finding:
    """What the two sorts of filter, "" where there is none, do on this release."""
    change = Change(f"manager.conf [{user}]", FILTER if version.filters_by_header else LEGACY_FILTER)
    if legacy and "hangup" not in legacy.lower():
        return WRONG_FILTER.seen("the filter passes no Hangup event", change)
    if conditions and version.filters_by_header and not f"{_WANTED}|".startswith(conditions):
        return WRONG_FILTER.seen(f"the filter asks for {conditions}", change)
    if conditions and not version.filters_by_header and not legacy:
        return OLD_FILTER.seen(f"Asterisk {version.text} passes over the filter of this user", change)
    if not conditions and not legacy:
        return NO_FILTER.seen("this user has no filter that is known to work with this release", change)
    return right("only Hangup events are sent")


async def _timestamps(pbx: Pbx) -> Iterable[Finding]:
    text = await pbx.manager_setting(GENERAL, "timestampevents")
    if text.lower() not in _TRUE:
        change = Change("manager.conf [general]", "timestampevents=yes")
        return [NO_TIMESTAMPS.seen("events carry no time", change)]
    return [right("events carry their time")]


async def _writetimeout(pbx: Pbx) -> Iterable[Finding]:
    user = pbx.settings.username
    text = await pbx.manager_setting(user, "writetimeout")
    text = text or await pbx.manager_setting(GENERAL, "writetimeout")
    if not text.isdigit() or int(text) < _LEAST_WRITETIMEOUT_MS:
        change = Change(f"manager.conf [{user}]", "writetimeout=5000")
        return [SHORT_WRITE.seen(f"writetimeout is {text or '100, the default'}", change)]
    return [right(f"Asterisk waits {text} ms for a slow listener")]


async def _clock(pbx: Pbx) -> Iterable[Finding]:
    offset_s = await pbx.clock_offset_s()
    if abs(offset_s) > _MOST_SKEW_S:
        where = "ahead of" if offset_s > 0 else "behind"
        said = f"Asterisk's clock is {abs(offset_s):.0f} s {where} this machine's"
        return [CLOCK.seen(said, Change("shell", "timedatectl set-ntp true  (on both machines)"))]
    return [right("its clock agrees with this machine's")]


async def _system_name(pbx: Pbx) -> Iterable[Finding]:
    if pbx.is_alone:
        return []
    name = await pbx.system_name()
    if not name:
        change = Change("asterisk.conf [options]", f"systemname = {pbx.name}  (then restart Asterisk)")
        return [NO_NAME.seen("its uniqueids do not name it, and the gateway has several PBXes", change)]
    return [right(f"its uniqueids begin with {name}")]


def _short(error: Exception | None) -> str:
    text = getattr(error, "strerror", None) or str(error) or "nobody answers in time"
    return " ".join(str(text).split())[:120]


CHECKS: tuple[Check[Pbx], ...] = (
    Check("pbx.login", Part.ASTERISK, _login, (UNREACHABLE, NO_MANAGER, CERTIFICATE, REFUSED)),
    Check("pbx.version", Part.ASTERISK, _version, (OLD,)),
    Check("pbx.write", Part.ASTERISK, _write_classes, (FEW_WRITES, MANY_WRITES)),
    Check("pbx.read", Part.ASTERISK, _read_classes, (NO_READ, WIDE_READ)),
    Check("pbx.channelvars", Part.ASTERISK, _channelvars, (NO_CHANNELVARS, FEW_CHANNELVARS, NOT_LOADED)),
    Check("pbx.eventfilter", Part.ASTERISK, _eventfilter, (NO_FILTER, OLD_FILTER, WRONG_FILTER)),
    Check("pbx.timestampevents", Part.ASTERISK, _timestamps, (NO_TIMESTAMPS,)),
    Check("pbx.writetimeout", Part.ASTERISK, _writetimeout, (SHORT_WRITE,)),
    Check("pbx.clock", Part.ASTERISK, _clock, (CLOCK,)),
    Check("pbx.systemname", Part.ASTERISK, _system_name, (NO_NAME,)),
)

"""The whole examination: which checks there are, and what each of them looks at."""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.ami.settings import host_and_port
from gateway.config.load import Loaded
from gateway.config.problems import Problem
from gateway.config.settings import Settings
from gateway.doctor import (
    checks_config,
    checks_dialplan,
    checks_gateway,
    checks_machine,
    checks_pbx,
    checks_test_call,
    checks_upstream,
)
from gateway.doctor.checks_test_call import Caller
from gateway.doctor.examination import Appointment, appoint, examine
from gateway.doctor.finding import Check, Finding, Part
from gateway.doctor.pbx import Pbx, files_at_hand

CHECKS: tuple[Check[Any], ...] = (
    *checks_config.CHECKS,
    *checks_machine.CHECKS,
    *checks_gateway.CHECKS,
    *checks_upstream.CHECKS,
    *checks_pbx.CHECKS,
    *checks_dialplan.CHECKS,
    *checks_test_call.CHECKS,
)
"""Every check there is."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the person at the terminal said."""

    asterisk_folder: Path | None = None
    caller: Caller | None = None


async def check_up(loaded: Loaded, problems: Sequence[Problem], options: Options) -> list[Finding]:
    """Everything that was found, by part. Never raises; ends within `examination.TOTAL_S`."""
    settings = loaded.settings
    async with AsyncExitStack() as stack:
        pbxes = [_pbx(name, settings, options) for name in settings.ami]
        for pbx in pbxes:
            stack.push_async_callback(pbx.close)
        appointments = appoint(checks_config.CHECKS, checks_config.Configuration(loaded, problems))
        appointments += appoint(checks_machine.CHECKS, settings)
        for address in settings.agi.listen:
            appointments += appoint(checks_gateway.CHECKS, checks_gateway.Listener(settings.agi, address))
        for account in checks_upstream.accounts(settings):
            appointments += appoint(checks_upstream.CHECKS, account)
        for pbx in pbxes:
            appointments += _of_pbx(pbx, settings, options, pbx.name if len(pbxes) > 1 else "")
        found = await examine(appointments)
    order = list(Part)
    return sorted(found, key=lambda finding: (order.index(finding.part), finding.subject))


def _pbx(name: str, settings: Settings, options: Options) -> Pbx:
    ami = settings.ami[name]
    try:
        host, _ = host_and_port(ami.address)
    except ValueError:
        host = ""
    return Pbx(name, ami, files_at_hand(options.asterisk_folder, host), is_alone=len(settings.ami) == 1)


def _of_pbx(pbx: Pbx, settings: Settings, options: Options, subject: str) -> list[Appointment]:
    return [
        *appoint(checks_pbx.CHECKS, pbx, subject),
        *appoint(checks_dialplan.CHECKS, checks_dialplan.Route(pbx, settings.agi), subject),
        *appoint(checks_test_call.CHECKS, checks_test_call.TestCall(pbx, options.caller), subject),
    ]

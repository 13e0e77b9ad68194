"""`agi://HOST/assign,<phone>[,<zip>[,<campaign>[,key=value]…]]`: the right caller ID for one call.

Sets CALLERID(num) when there is a number, `GATEWAY` when the call may be dialled and reported, and the
`GATEWAY_*` words. The same as a query: `agi://HOST/assign?phone=…&zip=…&campaign=…`.
"""

import time
from collections.abc import Callable, Iterator

from gateway.agi.environment import Environment
from gateway.agi.settings import AgiSettings, CallerIdName, Presentation
from gateway.agi.verbs.arguments import CallArguments, read_arguments
from gateway.agi.verbs.base import OUTCOME, Reply, Variables, outcome
from gateway.assignment.campaigns import Campaigns
from gateway.assignment.guards import Guards
from gateway.assignment.resolver import Resolver
from gateway.model import variables
from gateway.model.decision import Decision, Status
from gateway.model.phone import PhoneNumber
from gateway.model.variables import CallState, pack, unpack
from gateway.telemetry.call_log import CallLog
from gateway.telemetry.metrics import CallMetrics

_KNOWN = (variables.GATEWAY, variables.GATEWAY_DIAL_ID, variables.GATEWAY_ANI, *OUTCOME)
_PRESENTATION = {Presentation.ALLOWED: "allowed", Presentation.PROHIBITED: "prohib"}


class Assign:
    """The verb `assign`; also what an agi:// URL without a path means."""

    def __init__(
        self,
        settings: AgiSettings,
        *,
        resolver: Resolver,
        guards: Guards,
        campaigns: Campaigns,
        metrics: CallMetrics,
        call_log: CallLog | None = None,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        """`wall_clock` gives seconds since the epoch."""
        self._settings = settings
        self._resolver = resolver
        self._guards = guards
        self._campaigns = campaigns
        self._metrics = metrics
        self._call_log = call_log
        self._wall_clock = wall_clock
        appearance = dict(_appearance(settings))
        self._appearance = tuple(appearance.values())
        self._shown = (variables.CALLERID_NUM, *appearance, *_KNOWN)

    def __call__(self, environment: Environment, reply: Reply) -> None:
        """Screen the number, then resolve it; the reply follows at once or when there is a decision."""
        started = time.perf_counter()
        arguments = read_arguments(environment, self._metrics)
        phone = self._screen(environment, arguments)

        def decided(decision: Decision) -> None:
            took_s = time.perf_counter() - started
            self._metrics.decided(decision, took_s)
            if self._call_log is not None:
                dialled = phone if isinstance(phone, PhoneNumber) else None
                self._call_log.write(environment.value("uniqueid"), dialled, decision, took_s)
            reply(self._variables(environment, arguments, phone, decision))

        if isinstance(phone, Decision):
            decided(phone)
        else:
            self._resolver.resolve(arguments.lead(phone), decided)

    def _screen(self, environment: Environment, arguments: CallArguments) -> PhoneNumber | Decision:
        """The number to call: the argument, else the dialled number, else the extension."""
        if arguments.phone:
            return self._guards.screen(arguments.phone)
        dialled = self._guards.screen(environment.value("dnid"))
        if isinstance(dialled, Decision) and dialled.status is Status.INVALID:
            return self._guards.screen(environment.value("extension"))
        return dialled

    def _variables(
        self,
        environment: Environment,
        arguments: CallArguments,
        phone: PhoneNumber | Decision,
        decision: Decision,
    ) -> Variables:
        if isinstance(phone, Decision):
            return outcome(decision)
        campaign = self._campaigns.of(arguments.campaign)
        dial_id = arguments.dial_id or self._dial_id(environment, arguments)
        state = CallState(
            decision.ani.e164 if decision.ani else environment.value("callerid"),
            phone.e164,
            arguments.campaign,
            decision.status,
            decision.source,
            str(int(self._wall_clock())),
            dial_id,
            arguments.zip,
            arguments.agent,
            arguments.campaign_name or campaign.name,
            arguments.skill,
            arguments.lead_source,
            arguments.lead_created,
            arguments.attempts,
            arguments.direction,
            arguments.extra,
        )
        packed = pack(state)
        words = (decision.source, decision.reason, decision.status)
        if decision.ani is None:
            return _KNOWN, (packed, dial_id, "", *words)
        ani = decision.ani.written(campaign.caller_id_format)
        return self._shown, (ani, *self._appearance, packed, dial_id, ani, *words)

    def _dial_id(self, environment: Environment, arguments: CallArguments) -> str:
        """PBX, uniqueid and this assignment's number on its channel: the same whoever reports the call."""
        base = environment.value("uniqueid")
        if self._settings.pbx_id:
            base = f"{self._settings.pbx_id}-{base}"
        earlier = unpack(arguments.gateway) if arguments.gateway else None
        if earlier is None:
            return f"{base}-1"
        start, _, count = earlier.dial_id.rpartition("-")
        return f"{base}-{int(count) + 1}" if start == base and count.isdecimal() else f"{base}-2"


def _appearance(settings: AgiSettings) -> Iterator[tuple[str, str]]:
    """What else of the caller ID is set with the number; nothing by default."""
    if settings.caller_id_name is CallerIdName.CLEAR:
        yield variables.CALLERID_NAME, ""
    elif settings.caller_id_name is CallerIdName.FIXED:
        yield variables.CALLERID_NAME, settings.fixed_name
    if settings.presentation is not Presentation.KEEP:
        yield variables.CALLERID_PRES, _PRESENTATION[settings.presentation]

"""`agi://HOST/assign,<phone>[,<zip>[,<campaign>[,key=value]…]]`: the right caller ID for one call.

Sets CALLERID(num) when there is a number, `GATEWAY` when the call may be dialled and reported, and the
`GATEWAY_*` words. The same as a query: `agi://HOST/assign?phone=…&zip=…&campaign=…`.
"""

import time
from collections.abc import Callable, Iterator

from gateway.agi.environment import Environment
from gateway.agi.settings import AgiSettings, CallerIdName, Presentation
from gateway.agi.verbs.arguments import CallArguments, read_arguments
from gateway.agi.verbs.base import Reply, outcome
from gateway.agi.verbs.earlier import earlier_call, forget_earlier
from gateway.assignment.campaigns import Campaigns
from gateway.assignment.guards import Guards
from gateway.assignment.resolver import Resolver
from gateway.model import variables
from gateway.model.decision import Decision, Status
from gateway.model.dial import CallEnd
from gateway.model.phone import PhoneNumber
from gateway.model.variables import CallState, pack, unpack
from gateway.telemetry.call_log import CallLog
from gateway.telemetry.metrics import CallMetrics

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
        on_earlier: Callable[[CallEnd], None] | None = None,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        """`on_earlier` takes the dial before on the same channel; it must neither block nor raise.

        `wall_clock` gives seconds since the epoch.
        """
        self._settings = settings
        self._resolver = resolver
        self._guards = guards
        self._campaigns = campaigns
        self._metrics = metrics
        self._call_log = call_log
        self._on_earlier = on_earlier
        self._wall_clock = wall_clock
        self._appearance = tuple(_appearance(settings))

    def __call__(self, environment: Environment, reply: Reply) -> None:
        """Screen the number, then resolve it; the reply follows at once or when there is a decision."""
        started = time.perf_counter()
        arguments = read_arguments(environment, self._metrics)
        phone = self._screen(environment, arguments)
        forget = self._end_earlier(environment, arguments, phone)

        def decided(decision: Decision) -> None:
            took_s = time.perf_counter() - started
            self._metrics.decided(decision, took_s)
            if self._call_log is not None:
                dialled = phone if isinstance(phone, PhoneNumber) else None
                self._call_log.write(environment.value("uniqueid"), dialled, decision, took_s)
            reply([*forget, *self._variables(environment, arguments, phone, decision)])

        if isinstance(phone, Decision):
            decided(phone)
        else:
            self._resolver.resolve(arguments.lead(phone), decided)

    def _end_earlier(
        self, environment: Environment, arguments: CallArguments, phone: PhoneNumber | Decision
    ) -> list[tuple[str, str]]:
        """Hand over the channel's earlier dial; what to set so that it is not told of this one."""
        if not arguments.gateway or self._on_earlier is None:
            return []
        earlier = earlier_call(environment, arguments, phone, now=self._wall_clock())
        if earlier is not None:
            self._on_earlier(earlier)
        return forget_earlier(phone, earlier)

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
    ) -> list[tuple[str, str]]:
        if isinstance(phone, Decision):
            return outcome(decision)
        state = self._state(environment, arguments, phone, decision)
        call = [(variables.GATEWAY, pack(state)), (variables.GATEWAY_DIAL_ID, state.dial_id)]
        if decision.ani is None:
            return [*call, (variables.GATEWAY_ANI, ""), *outcome(decision)]
        ani = decision.ani.written(self._campaigns.caller_id_format(arguments.campaign))
        shown = [(variables.CALLERID_NUM, ani), *self._appearance]
        return [*shown, *call, (variables.GATEWAY_ANI, ani), *outcome(decision)]

    def _state(
        self, environment: Environment, arguments: CallArguments, phone: PhoneNumber, decision: Decision
    ) -> CallState:
        return CallState(
            ani=decision.ani.e164 if decision.ani else environment.value("callerid"),
            phone=phone.e164,
            campaign=arguments.campaign,
            status=decision.status,
            source=decision.source,
            at=str(int(self._wall_clock())),
            dial_id=arguments.dial_id or self._dial_id(environment, arguments),
            zip=arguments.zip,
            agent=arguments.agent,
            campaign_name=arguments.campaign_name or self._campaigns.name(arguments.campaign),
            skill=arguments.skill,
            lead_source=arguments.lead_source,
            lead_created=arguments.lead_created,
            attempts=arguments.attempts,
            direction=arguments.direction,
            extra=arguments.extra,
        )

    def _dial_id(self, environment: Environment, arguments: CallArguments) -> str:
        """PBX, uniqueid and this assignment's number on its channel: the same whoever reports the call."""
        base = environment.value("uniqueid")
        if self._settings.pbx_id:
            base = f"{self._settings.pbx_id}-{base}"
        earlier = unpack(arguments.earlier) if arguments.earlier else None
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

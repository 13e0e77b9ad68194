"""`agi://HOST/assign,<phone>[,<zip>[,<campaign>[,key=value]…]]`: the right caller ID for one call.

Sets CALLERID(num) when there is a number, `GATEWAY` when the call may be dialled and reported, and the
`GATEWAY_*` words. The same as a query: `agi://HOST/assign?phone=…&zip=…&campaign=…`.
"""

import time
from collections.abc import Callable

from gateway.agi.environment import UNIQUEID, Environment
from gateway.agi.settings import AgiSettings
from gateway.agi.verbs.answer import AnswerWriter
from gateway.agi.verbs.arguments import CallArguments, read_arguments
from gateway.agi.verbs.base import Reply, outcome
from gateway.agi.verbs.earlier import Reporter, earlier_call, forget_earlier
from gateway.agi.verbs.ready import AT_LATER, DIAL_ID_LATER, ReadyAnswer, ReadyAnswers
from gateway.assignment.campaigns import Campaigns
from gateway.assignment.guards import Guards
from gateway.assignment.resolver import Resolver
from gateway.model.decision import Decision, Source, Status
from gateway.model.phone import PhoneNumber
from gateway.model.variables import unpack
from gateway.telemetry.call_log import CallLog
from gateway.telemetry.metrics import CallMetrics

_CACHE = Source.CACHE  # looking a member up in its enum is slow


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
        reporter: Reporter | None = None,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        """`wall_clock` gives seconds since the epoch."""
        self._resolver = resolver
        self._guards = guards
        self._metrics = metrics
        self._call_log = call_log
        self._recent = metrics.recent
        self._reporter = reporter
        self._wall_clock = wall_clock
        self._writer = AnswerWriter(settings, campaigns)
        self._ready = ReadyAnswers()
        self._pbx = f"{settings.pbx_id}-" if settings.pbx_id else ""
        self._pbx_bytes = self._pbx.encode()

    def __call__(self, environment: Environment, reply: Reply) -> None:
        """Screen the number, then resolve it; the reply follows at once or when there is a decision."""
        started = time.perf_counter()
        if self._answer_again(environment, reply, started):
            return
        arguments = read_arguments(environment, self._metrics)
        phone = self._screen(environment, arguments)
        forget = self._end_earlier(environment, arguments, phone) if arguments.gateway else b""

        def decided(decision: Decision) -> None:
            self._count(environment, phone, decision, started)
            reply(forget + self._commands(environment, arguments, phone, decision))

        if isinstance(phone, Decision):
            decided(phone)
        else:
            self._resolver.resolve(arguments.lead(phone), decided)

    def _answer_again(self, environment: Environment, reply: Reply, started: float) -> bool:
        """Send the answer kept for an equal request, while it is fresh."""
        ready = self._ready.find(environment.request, self._resolver.now())
        if ready is None:
            return False
        uniqueid = environment.after(UNIQUEID)
        at, dial_id = b"%d" % self._wall_clock(), b"%b%b-1" % (self._pbx_bytes, uniqueid)
        commands = ready.commands(at, dial_id)
        if not commands:
            return False
        self._count(environment, ready.phone, ready.decision, started)
        if self._reporter is not None:
            state = ready.state._replace(at=at.decode(), dial_id=dial_id.decode())
            self._reporter.note_assigned(environment.peer, state, uniqueid.decode())
        reply(commands)
        return True

    def _end_earlier(
        self, environment: Environment, arguments: CallArguments, phone: PhoneNumber | Decision
    ) -> bytes:
        """Hand over the channel's earlier dial; commands so that its words are not told of this one."""
        if self._reporter is None:
            return b""
        earlier = earlier_call(environment, arguments, phone, now=self._wall_clock())
        if earlier is not None:
            self._reporter.take_earlier(earlier)
        return forget_earlier(phone, earlier)

    def _screen(self, environment: Environment, arguments: CallArguments) -> PhoneNumber | Decision:
        """The number to call: the argument, else the dialled number, else the extension."""
        if arguments.phone:
            return self._guards.screen(arguments.phone)
        dialled = self._guards.screen(environment.value("dnid"))
        if isinstance(dialled, Decision) and dialled.status is Status.INVALID:
            return self._guards.screen(environment.value("extension"))
        return dialled

    def _count(
        self, environment: Environment, phone: PhoneNumber | Decision, decision: Decision, started: float
    ) -> None:
        took_s = time.perf_counter() - started
        self._metrics.decided(decision, took_s)
        if self._recent.is_watched:
            dialled = phone if isinstance(phone, PhoneNumber) else None
            self._recent.note(environment.value("uniqueid"), dialled, decision, took_s)
        if self._call_log is not None:
            dialled = phone if isinstance(phone, PhoneNumber) else None
            self._call_log.write(environment.value("uniqueid"), dialled, decision, took_s)

    def _commands(
        self,
        environment: Environment,
        arguments: CallArguments,
        phone: PhoneNumber | Decision,
        decision: Decision,
    ) -> bytes:
        if isinstance(phone, Decision):
            return outcome(decision)
        if decision.source is _CACHE and not (arguments.dial_id or arguments.gateway):
            self._keep_ready(environment, arguments, phone, decision)
        state = self._writer.state(
            arguments,
            phone,
            decision,
            at=str(int(self._wall_clock())),
            dial_id=arguments.dial_id or self._dial_id(environment, arguments),
            caller_id="" if decision.ani else environment.value("callerid"),
        )
        if self._reporter is not None:
            self._reporter.note_assigned(environment.peer, state, environment.value("uniqueid"))
        return self._writer.commands(state, decision)

    def _keep_ready(
        self, environment: Environment, arguments: CallArguments, phone: PhoneNumber, decision: Decision
    ) -> None:
        """The second equal request shows that there may be more: keep its answer ready to be sent."""
        if not (arguments.phone and environment.request):
            return
        state = self._writer.state(arguments, phone, decision, at=AT_LATER, dial_id=DIAL_ID_LATER)
        ready = ReadyAnswer(
            decision,
            phone,
            state,
            self._resolver.fresh_until(arguments.lead(phone)),
            self._writer.commands(state, decision),
        )
        self._ready.keep(environment.request, ready)

    def _dial_id(self, environment: Environment, arguments: CallArguments) -> str:
        """PBX, uniqueid and this assignment's number on its channel: the same whoever reports the call."""
        base = self._pbx + environment.value("uniqueid")
        earlier = unpack(arguments.gateway) if arguments.gateway else None
        if earlier is None:
            return f"{base}-1"
        start, _, count = earlier.dial_id.rpartition("-")
        return f"{base}-{int(count) + 1}" if start == base and count.isdecimal() else f"{base}-2"

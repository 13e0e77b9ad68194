"""The answer to `assign`, in commands: caller ID, packed state, and the words for the dialplan."""

from collections.abc import Iterator

from gateway.agi.commands import set_variables
from gateway.agi.settings import AgiSettings, CallerIdName, Presentation
from gateway.agi.verbs.arguments import CallArguments
from gateway.agi.verbs.base import OUTCOME
from gateway.assignment.campaigns import Campaigns
from gateway.model import variables
from gateway.model.decision import Decision
from gateway.model.phone import PhoneNumber
from gateway.model.variables import CallState, pack

_KNOWN = (variables.GATEWAY, variables.GATEWAY_DIAL_ID, variables.GATEWAY_ANI, *OUTCOME)
_PRESENTATION = {Presentation.ALLOWED: "allowed", Presentation.PROHIBITED: "prohib"}


class AnswerWriter:
    """Writes the commands for calls that may be dialled."""

    def __init__(self, settings: AgiSettings, campaigns: Campaigns) -> None:
        self._campaigns = campaigns
        appearance = dict(_appearance(settings))
        self._appearance = tuple(appearance.values())
        self._shown = (variables.CALLERID_NUM, *appearance, *_KNOWN)

    def state(
        self,
        arguments: CallArguments,
        phone: PhoneNumber,
        decision: Decision,
        *,
        at: str,
        dial_id: str,
        caller_id: str = "",
    ) -> CallState:
        """What is to be known of a call; `caller_id` is what it shows when it is not assigned."""
        return CallState(
            decision.ani.e164 if decision.ani else caller_id,
            phone.e164,
            arguments.campaign,
            decision.status,
            decision.source,
            at,
            dial_id,
            arguments.zip,
            arguments.agent,
            arguments.campaign_name or self._campaigns.of(arguments.campaign).name,
            arguments.skill,
            arguments.lead_source,
            arguments.lead_created,
            arguments.attempts,
            arguments.direction,
            arguments.extra,
        )

    def commands(self, state: CallState, decision: Decision) -> bytes:
        """All that the channel is to know."""
        form = self._campaigns.of(state.campaign).caller_id_format
        ani = decision.ani.written(form) if decision.ani else ""
        known = (pack(state), state.dial_id, ani, decision.source, decision.reason, decision.status)
        names, values = (self._shown, (ani, *self._appearance, *known)) if ani else (_KNOWN, known)
        if decision.explanation:
            names, values = (variables.GATEWAY_EXPLAIN, *names), (decision.explanation, *values)
        return set_variables(names, values)


def _appearance(settings: AgiSettings) -> Iterator[tuple[str, str]]:
    """What else of the caller ID is set with the number; nothing by default."""
    if settings.caller_id_name is CallerIdName.CLEAR:
        yield variables.CALLERID_NAME, ""
    elif settings.caller_id_name is CallerIdName.FIXED:
        yield variables.CALLERID_NAME, settings.fixed_name
    if settings.presentation is not Presentation.KEEP:
        yield variables.CALLERID_PRES, _PRESENTATION[settings.presentation]

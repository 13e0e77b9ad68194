"""What a verb is: it reads the environment and replies once, now or later, with variables to set."""

from collections.abc import Callable
from typing import Protocol

from gateway.agi.commands import set_variables
from gateway.agi.environment import Environment
from gateway.model import variables
from gateway.model.decision import Decision

Reply = Callable[[bytes], None]
"""Takes the commands to send, made by `gateway.agi.commands`; none closes the session in silence."""


class Verb(Protocol):
    """One word of the dialplan: the path of agi://HOST/verb."""

    def __call__(self, environment: Environment, reply: Reply) -> None:
        """Call `reply` exactly once, before the decision deadline. Must not block."""
        ...


OUTCOME = (variables.GATEWAY_SOURCE, variables.GATEWAY_REASON, variables.GATEWAY_STATUS)
"""The words that tell the dialplan how it went. The status comes last: it vouches for the others."""


def outcome(decision: Decision) -> bytes:
    """Commands that set the words for a decision, and nothing else."""
    return set_variables(OUTCOME, (decision.source, decision.reason, decision.status))

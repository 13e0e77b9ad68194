"""What a verb is: it reads the environment and replies once, now or later, with variables to set."""

from collections.abc import Callable
from typing import Protocol

from gateway.agi.environment import Environment
from gateway.model import variables
from gateway.model.decision import Decision

Variables = tuple[tuple[str, ...], tuple[str, ...]]
"""Channel variables to set, in order: their names, their values."""

Reply = Callable[[Variables], None]
"""Takes the variables to set; none closes the session in silence."""


class Verb(Protocol):
    """One word of the dialplan: the path of agi://HOST/verb."""

    def __call__(self, environment: Environment, reply: Reply) -> None:
        """Call `reply` exactly once, before the decision deadline. Must not block."""
        ...


OUTCOME = (variables.GATEWAY_SOURCE, variables.GATEWAY_REASON, variables.GATEWAY_STATUS)
"""The words that tell the dialplan how it went. The status comes last: it vouches for the others."""


def outcome(decision: Decision) -> Variables:
    """The words for a decision, and nothing else."""
    return OUTCOME, (decision.source, decision.reason, decision.status)

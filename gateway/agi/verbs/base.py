"""What a verb is: it reads the environment and replies once, now or later, with variables to set."""

from collections.abc import Callable, Sequence
from typing import Protocol

from gateway.agi.environment import Environment
from gateway.model import variables
from gateway.model.decision import Decision

Reply = Callable[[Sequence[tuple[str, str]]], None]
"""Takes (name, value) pairs for `SET VARIABLE`; an empty one closes the session in silence."""


class Verb(Protocol):
    """One word of the dialplan: the path of agi://HOST/verb."""

    def __call__(self, environment: Environment, reply: Reply) -> None:
        """Call `reply` exactly once, before the decision deadline. Must not block."""
        ...


def outcome(decision: Decision) -> list[tuple[str, str]]:
    """The variables that tell the dialplan how it went. The status comes last: it vouches for the others."""
    return [
        (variables.GATEWAY_SOURCE, decision.source),
        (variables.GATEWAY_REASON, decision.reason),
        (variables.GATEWAY_STATUS, decision.status),
    ]

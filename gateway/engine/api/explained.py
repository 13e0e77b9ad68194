"""Why a number was chosen, as the API tells it when a request asks for `explain`.

The documents know no such field; an answer has it only when it was asked for.
"""

from typing import Annotated

import msgspec

from gateway.engine.explain import Explanation
from gateway.engine.provider import EngineProvider
from gateway.engine.selector import Choice
from gateway.model.lead import Lead

Explain = Annotated[
    bool | None,
    msgspec.Meta(description="Not in the document: have the answer tell why; takes milliseconds."),
]


class Step(msgspec.Struct):
    """One place that was looked at, in order."""

    among: str
    """`own`, `shared`, `all` or `groups`; "" for the number the prospect saw before."""
    rule: str
    outcome: str


class Explained(msgspec.Struct):
    """Why this number, or none."""

    text: str
    """All of it in one line."""
    steps: list[Step]
    """The last one is the choice, if there is one."""


async def choose(provider: EngineProvider, lead: Lead) -> tuple[Choice | None, Explained | msgspec.UnsetType]:
    """The number for `lead`, and why when `lead.explain` asks for it."""
    if not lead.explain:
        return await provider.choose_agreed(lead), msgspec.UNSET
    choice, explanation = provider.choose_explained(lead)
    return choice, _told(explanation)


def _told(explanation: Explanation) -> Explained:
    return Explained(explanation.text, [Step(*line) for line in explanation.lines()])

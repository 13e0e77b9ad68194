"""The order in which the selector looks for a number: one row of rules for each kind of assignment."""

from collections.abc import Mapping
from enum import StrEnum

from gateway.model.lead import AssignmentType


class Rule(StrEnum):
    """What a number was chosen for."""

    ZIP = "zip"
    """It is of an area code that serves the prospect's zip."""
    AREA_CODE = "area_code"
    """It is of the prospect's own area."""
    NEAREST = "nearest"
    """It is of the nearest area within reach."""
    STATE = "state"
    """It is of the prospect's state or province."""
    ANY = "any"
    """It is of the prospect's country."""
    TFN = "tfn"
    """It is toll-free."""
    RANDOM = "random"
    """It was drawn among the local numbers of the prospect's country."""
    RATE_STATE = "highest_contact_rate_state"
    """It reaches people best among those of the prospect's state or province."""
    RATE_ANY = "highest_contact_rate"
    """It reaches people best among those of the prospect's country."""
    STICKY = "sticky"
    """The prospect saw it before."""


# Last comes a number that is not local; `toll_free_last` may forbid it.
_AUTOMATIC = (Rule.ZIP, Rule.AREA_CODE, Rule.NEAREST, Rule.STATE, Rule.ANY, Rule.TFN)
RULES: Mapping[AssignmentType | None, tuple[Rule, ...]] = {
    None: _AUTOMATIC,
    AssignmentType.ZIP: (Rule.ZIP, Rule.NEAREST, Rule.STATE, Rule.ANY, Rule.TFN),
    AssignmentType.AREA_CODE: (Rule.AREA_CODE, Rule.NEAREST, Rule.STATE, Rule.ANY, Rule.TFN),
    AssignmentType.STATE: (Rule.STATE, Rule.ANY, Rule.TFN),
    AssignmentType.TFN: (Rule.TFN,),
    AssignmentType.RANDOM: (Rule.RANDOM, Rule.ANY, Rule.TFN),
    # A rate is earned where the number was local, so it says little about prospects of another state.
    AssignmentType.HIGHEST_CONTACT_RATE: (Rule.RATE_STATE, Rule.RATE_ANY, Rule.TFN),
}

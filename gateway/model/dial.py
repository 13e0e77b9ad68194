"""A dial: one finished attempt to reach a prospect, as it is reported."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum

from gateway.model.variables import CallState


class EndSource(IntEnum):
    """Who told us that a call ended; a greater one knows more and wins when several tell of one dial."""

    GAP = 0
    """Nobody: the call was live before the AMI link broke and gone when it was back."""
    CDR = 1
    AMI = 2
    REPORT = 3
    """The dialplan itself, from its hangup handler."""


@dataclass(frozen=True, slots=True)
class CallEnd:
    """What one source knows about the end of one call, in Asterisk's words."""

    state: CallState
    source: EndSource
    uniqueid: str
    ended_at: float
    """Seconds since the epoch, UTC."""
    pbx: str = ""
    """Name of the AMI link or address of the FastAGI peer it came from."""
    dialstatus: str = ""
    """`DIALSTATUS`; "" when Dial() never ran on the channel."""
    is_up: bool | None = None
    """Whether the channel had been answered when it ended; `None` when the source cannot say."""
    cause: int | None = None
    """Q.850 hangup cause."""
    tech_cause: str = ""
    """SIP status, as Asterisk 22 tells it."""
    answered_s: float | None = None
    """`ANSWEREDTIME`: seconds since the channel was answered."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """Further channel variables, for the settings that name some (agent disposition, AMD)."""


@dataclass(frozen=True, slots=True)
class Dial:
    """One record. Text is "" where there is none; the Dials API's fields plus what ours need."""

    dial_id: str
    """The same whoever reports the call, however often: what duplicates are known by."""
    ani: str
    """The caller ID shown: E.164 with plus, or as the PBX had it."""
    prospect_phone: str
    """E.164 with plus."""
    at: float
    """When the number was decided, seconds since the epoch, UTC."""
    campaign_id: str = ""
    campaign_name: str = ""
    agent_name: str = ""
    disposition_name: str = ""
    call_direction: str = ""
    zip: str = ""
    sys_created_date_original: str = ""
    """YYYY-MM-DD."""
    total_dial_attempts: str = ""
    skill_name: str = ""
    lead_source: str = ""
    talk_s: float | None = None
    """Seconds since the answer; `None` when not answered or unknown."""
    rank: int = 0
    """How much its source knew: of two records of one dial, the greater rank is the true one."""

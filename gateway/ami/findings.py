"""What is wrong with the PBX's own configuration, as the link can tell from what it hears."""

from enum import Enum

from gateway.ami.events import CHANNELVARS

FILTER = "eventfilter(action(include),name(Hangup),header(ChanVariable),method(starts_with))=GATEWAY=1"
LEGACY_FILTER = "eventfilter=Event: Hangup"
"""For Asterisk before 18.26, 20.11, 21.6 and 22.1; passes every Hangup and HangupRequest."""


class Finding(Enum):
    """A fault and how to mend it; the value is what the log says."""

    NO_STATUS = (
        "may not ask which calls are up, so calls that end while the link is down are found out late; "
        "give the manager user write=reporting"
    )
    NO_CHANNELVARS = (
        "the PBX does not send the variable GATEWAY, so no call can be reported; "
        f"[general] of manager.conf needs channelvars={CHANNELVARS}"
    )
    FEW_CHANNELVARS = (
        "the PBX does not send DIALSTATUS and ANSWEREDTIME, so outcomes are guessed from hangup causes; "
        f"[general] of manager.conf needs channelvars={CHANNELVARS}"
    )
    NO_HANGUPS = (
        "calls ended while the link was up and no Hangup event came; the manager user needs read=call and "
        f"{FILTER} (before 18.26, 20.11, 21.6, 22.1: {LEGACY_FILTER})"
    )
    UNFILTERED = (
        f"the PBX sends many events nobody needs; give the manager user {FILTER} "
        f"(before 18.26, 20.11, 21.6, 22.1: {LEGACY_FILTER})"
    )

    @property
    def loses_records(self) -> bool:
        """Whether records are lost or poor until it is mended; the others cost only effort."""
        return self is not Finding.UNFILTERED

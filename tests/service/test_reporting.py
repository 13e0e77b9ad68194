from pathlib import Path

from gateway.ami.settings import AmiSettings
from gateway.config.settings import Settings
from gateway.model.dial import CallEnd, EndSource
from gateway.model.variables import CallState
from gateway.service.reporting import Reporting
from gateway.stores.settings import SpoolSettings
from gateway.telemetry.metrics import Metrics

STATE = CallState(dial_id="1.1-1")


def reporting(folder: Path) -> Reporting:
    settings = Settings(
        ami={"pbx": AmiSettings(address="127.0.0.1:1", secret="s")},
        spool=SpoolSettings(file=str(folder / "spool.db")),
    )
    return Reporting(settings, Metrics(), None)


async def test_a_call_that_has_ended_already_is_not_waited_for(tmp_path: Path) -> None:
    """A worker's word of an assignment may come after the Hangup event of the same call."""
    parts = reporting(tmp_path)
    (link,) = parts.links
    parts.note_assigned(link.peer_host, STATE, "1.1")
    assert link.open_calls == 1
    link._ear._hand_over(CallEnd(STATE, EndSource.AMI, uniqueid="1.1", ended_at=1.0))
    assert link.open_calls == 0
    parts.note_assigned(link.peer_host, STATE, "1.1")
    assert link.open_calls == 0
    parts.note_assigned(link.peer_host, STATE._replace(dial_id="1.1-2"), "1.1")
    assert link.open_calls == 1

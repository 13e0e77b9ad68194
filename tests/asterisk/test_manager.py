from tests.asterisk.ami import Ami
from tests.asterisk.rig import REAL_ASTERISK, Rig, new_number
from tests.asterisk.upstream import ani_for

pytestmark = REAL_ASTERISK


def test_shipped_user_hears_of_assigned_calls_and_of_nothing_else(rig: Rig) -> None:
    with Ami(rig.ami_port, "gateway", "CHANGE-ME") as listener:
        rig.call("411", "freepbx-route", {"EMERGENCYROUTE": "YES"})
        number = new_number()
        rig.call(number)
        ended = listener.event("Hangup", lambda event: number in event.variables["GATEWAY"])
        assert ended.variables["DIALSTATUS"] == "ANSWER"
        assert ani_for(number) in ended.variables["GATEWAY"]
        assert listener.event_names() == {"Hangup"}
        assert len(listener.events("Hangup")) == 1


def test_shipped_user_can_ask_for_live_calls_and_change_nothing(rig: Rig) -> None:
    with Ami(rig.ami_port, "gateway", "CHANGE-ME") as listener:
        assert listener.act("Status", {}).get("Response") == "Success"
        assert listener.act("Command", {"Command": "core show version"}).get("Response") == "Error"
        assert listener.act("Originate", {"Channel": "Local/1@nobody/n"}).get("Response") == "Error"

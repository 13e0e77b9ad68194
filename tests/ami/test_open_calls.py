from gateway.ami.open_calls import MAX_UNSEEN_S, LostCall, OpenCalls
from gateway.model.variables import CallState

ONE = CallState(phone="+14045550001")
TWO = CallState(phone="+14045550002")


def test_a_call_gone_from_status_is_lost_after_the_grace() -> None:
    calls = OpenCalls(grace_s=30)
    calls.note("1", ONE, now=0)
    calls.link_was_down()
    calls.reconcile({}, asked_at=100, now=101)
    assert calls.lost(130) == []
    assert calls.lost(131) == [LostCall("1", ONE, in_gap=True, gone_for_s=30)]


def test_a_call_whose_end_is_heard_within_the_grace_is_not_lost() -> None:
    calls = OpenCalls(grace_s=30)
    calls.note("1", ONE, now=0)
    calls.reconcile({}, asked_at=100, now=101)
    calls.ended("1")
    assert calls.lost(1000) == []
    assert len(calls) == 0


def test_a_live_call_stays() -> None:
    calls = OpenCalls(grace_s=30)
    calls.note("1", ONE, now=0)
    calls.link_was_down()
    calls.reconcile({"1": ONE}, asked_at=100, now=101)
    assert calls.lost(1000) == []


def test_status_teaches_calls_assigned_before_we_started() -> None:
    calls = OpenCalls(grace_s=30)
    calls.reconcile({"1": ONE, "agent": None}, asked_at=0, now=1)
    assert len(calls) == 1
    calls.reconcile({}, asked_at=10, now=11)
    assert calls.lost(41) == [LostCall("1", ONE, in_gap=False, gone_for_s=30)]


def test_a_channel_is_live_though_status_does_not_yet_show_its_state() -> None:
    """The variable is set some milliseconds after the decision."""
    calls = OpenCalls(grace_s=30)
    calls.note("1", ONE, now=0)
    calls.reconcile({"1": None}, asked_at=1, now=2)
    assert calls.lost(1000) == []


def test_a_call_assigned_after_status_was_asked_is_not_judged() -> None:
    calls = OpenCalls(grace_s=0)
    calls.note("1", ONE, now=100.5)
    calls.reconcile({}, asked_at=100, now=101)
    assert calls.lost(200) == []


def test_the_later_assignment_of_a_channel_counts() -> None:
    calls = OpenCalls(grace_s=0)
    calls.note("1", ONE, now=0)
    calls.note("1", TWO, now=5)
    calls.reconcile({}, asked_at=10, now=11)
    assert [call.state for call in calls.lost(11)] == [TWO]


def test_a_lost_call_is_given_out_until_it_is_taken() -> None:
    calls = OpenCalls(grace_s=0)
    calls.note("1", ONE, now=0)
    calls.reconcile({}, asked_at=10, now=11)
    assert len(calls.lost(11)) == len(calls.lost(12)) == 1
    calls.ended("1")
    assert calls.lost(13) == []


def test_without_status_a_call_of_half_a_day_is_over() -> None:
    calls = OpenCalls(grace_s=30)
    calls.note("1", ONE, now=0)
    assert calls.lost(MAX_UNSEEN_S - 1) == []
    assert len(calls.lost(MAX_UNSEEN_S)) == 1


def test_memory_is_bounded_and_the_oldest_goes_first() -> None:
    calls = OpenCalls(grace_s=0, max_calls=3)
    for number in range(5):
        calls.note(str(number), ONE, now=number)
    calls.reconcile({}, asked_at=10, now=11)
    assert [call.uniqueid for call in calls.lost(11)] == ["2", "3", "4"]
    assert calls.forgotten == 2

from gateway.ami.pulse import DEAD_AFTER_S, PING_AFTER_S, Beat, Pulse


def test_silence_is_asked_about_once() -> None:
    pulse = Pulse(100.0)
    assert pulse.beat(100.0 + PING_AFTER_S - 0.01) is Beat.NOTHING
    assert pulse.beat(100.0 + PING_AFTER_S) is Beat.PING
    assert pulse.beat(100.5 + PING_AFTER_S) is Beat.NOTHING


def test_an_unanswered_question_ends_the_link() -> None:
    pulse = Pulse(100.0)
    pulse.beat(101.0)
    assert pulse.beat(101.0 + DEAD_AFTER_S - 0.01) is Beat.NOTHING
    assert pulse.beat(101.0 + DEAD_AFTER_S) is Beat.DEAD


def test_any_byte_is_an_answer() -> None:
    pulse = Pulse(100.0)
    pulse.beat(101.0)
    pulse.heard(103.9)
    assert pulse.next_at == 103.9 + PING_AFTER_S
    assert pulse.beat(104.0) is Beat.NOTHING
    assert pulse.beat(104.9) is Beat.PING


def test_a_busy_link_is_never_asked() -> None:
    pulse = Pulse(100.0)
    for tick in range(100):
        pulse.heard(100 + tick / 2)
        assert pulse.beat(100 + tick / 2 + 0.4) is Beat.NOTHING

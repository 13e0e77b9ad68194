import pytest

from gateway.simulator.upstream_answers import Fault
from loadtest.scenarios import SCENARIOS, Scenario

ALL = pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=list(SCENARIOS))


@ALL
def test_steps_begin_at_the_start_and_follow_in_order(scenario: Scenario) -> None:
    for steps in (scenario.levels, scenario.faults):
        starts = [start for start, _ in steps]
        assert starts[0] == 0
        assert starts == sorted(set(starts))
        assert starts[-1] < 1


@ALL
def test_the_peak_is_what_was_asked_for(scenario: Scenario) -> None:
    levels = [scenario.level(moment / 100) for moment in range(100)]
    assert max(levels) == 1
    assert min(levels) > 0


@ALL
def test_the_upstream_is_well_in_the_end(scenario: Scenario) -> None:
    """The last records could not be delivered otherwise."""
    assert scenario.faults[-1][1] is Fault.NONE


def test_a_campaign_starts_with_everybody_at_once() -> None:
    burst = SCENARIOS["campaign-start"]
    assert burst.level(0.0) == 1
    assert burst.level(0.99) < 0.5


def test_a_soak_has_one_percent_of_outage() -> None:
    faults = SCENARIOS["soak"].faults
    ends = [start for start, _ in faults[1:]] + [1.0]
    sick = sum(
        end - start for (start, fault), end in zip(faults, ends, strict=True) if fault is not Fault.NONE
    )
    assert sick == pytest.approx(0.01)

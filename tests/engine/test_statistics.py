import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.engine.statistics import Figures, Outcomes, Tally, figures
from gateway.model.inventory import Dispo, DispoType

SALE = Dispo("sale", "Sale closed", DispoType.AGENT, contact=True, success=True)
TALK = Dispo("talk", "Talked", DispoType.AGENT, contact=True, success=False)
RING = Dispo("17", "No Answer", DispoType.SYSTEM, contact=False, success=False)
OUTCOMES = Outcomes((SALE, TALK, RING), blocked=("Blocked", "Rejected"), no_answer=("No Answer",))


def test_each_rate_is_a_share_of_all_recent_dials() -> None:
    tallies = [
        Tally("sale", dials=6, recent=1, last_at=50.0),
        Tally("Talked", dials=4, recent=2, last_at=70.0),
        Tally("17", dials=3, recent=3, last_at=60.0),
        Tally("REJECTED", dials=1, recent=1, last_at=10.0),
        Tally("whatever", dials=1, recent=1, last_at=20.0),
    ]
    assert figures(tallies, OUTCOMES) == Figures(
        dialed=15,
        contacted=10,
        last_at=70.0,
        recent=8,
        recent_contacts=3,
        contact_rate=0.375,
        success_rate=0.125,
        block_rate=0.125,
        no_answer_rate=0.375,
    )


def test_a_number_never_dialled_has_no_rates() -> None:
    assert figures((), OUTCOMES) == Figures()


def test_dials_of_long_ago_make_no_rate() -> None:
    old = figures([Tally("sale", dials=5, recent=0, last_at=1.0)], OUTCOMES)
    assert (old.dialed, old.contacted, old.recent, old.contact_rate) == (5, 5, 0, 0.0)


@pytest.mark.parametrize("name", ["No Answer", "NO_ANSWER", "noanswer", "17"])
def test_names_with_a_meaning_are_known_in_any_writing(name: str) -> None:
    assert OUTCOMES.is_no_answer(name)
    assert not OUTCOMES.is_blocked(name)


def test_an_id_goes_before_a_name_and_a_contact_before_its_namesake() -> None:
    other = Dispo("Talked", "Hung up", DispoType.AGENT, contact=False, success=False)
    twin = Dispo("x", "Talked", DispoType.AGENT, contact=False, success=False)
    assert Outcomes((TALK, other)).find("Talked") == other
    assert Outcomes((TALK, twin)).find("Talked") == TALK


@given(
    st.lists(
        st.tuples(st.sampled_from(["sale", "Talked", "17", "x"]), st.integers(0, 99), st.integers(0, 99))
    )
)
def test_rates_stay_between_none_and_all(rows: list[tuple[str, int, int]]) -> None:
    tallies = [Tally(name, recent + older, recent, 1.0) for name, recent, older in rows]
    found = figures(tallies, OUTCOMES)
    assert found.recent_contacts <= found.recent <= found.dialed
    assert 0 <= found.success_rate <= found.contact_rate <= 1
    assert found.contact_rate + found.no_answer_rate + found.block_rate <= 1.0002

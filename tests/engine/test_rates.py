import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.engine.rates import MOST, grades
from gateway.model.phone import PhoneNumber
from gateway.stores.engine_dials import ContactCount

ONE, TWO, THREE = "+12125550100", "+12125550101", "+12125550102"


def graded(*counts: ContactCount, prior_dials: float = 50) -> dict[str, int]:
    found = grades(counts, prior_dials=prior_dials)
    return {number.e164: grade for number, grade in found.items()}


def test_better_than_average_is_above_zero_and_worse_is_below() -> None:
    assert graded(ContactCount(ONE, 1000, 150), ContactCount(TWO, 1000, 50)) == {ONE: 4, TWO: -7}


def test_ten_percent_is_one_grade() -> None:
    counts = ContactCount(ONE, 100_000, 11_000), ContactCount(TWO, 10_000_000, 1_000_000)
    assert graded(*counts) == {ONE: 1}


def test_few_dials_say_little() -> None:
    """One contact in one dial is no rate of 100 %."""
    found = graded(ContactCount(ONE, 1, 1), ContactCount(TWO, 10_000, 1_000), ContactCount(THREE, 500, 100))
    assert 0 < found[ONE] < found[THREE]


def test_history_outweighs_the_prior_as_it_grows() -> None:
    average = ContactCount(TWO, 1_000_000, 100_000)
    found = [graded(ContactCount(ONE, dials, dials // 5), average)[ONE] for dials in (10, 50, 500, 5000)]
    assert found == sorted(found)
    assert found[-1] == 7


def test_number_that_never_reached_anybody_is_graded_low_and_not_refused() -> None:
    assert graded(ContactCount(ONE, 10_000, 0), ContactCount(TWO, 10_000, 1_000))[ONE] == -MOST


@pytest.mark.parametrize("counts", [(), (ContactCount(ONE, 100, 0), ContactCount(TWO, 5, 0))])
def test_without_any_contact_all_are_equal(counts: tuple[ContactCount, ...]) -> None:
    assert graded(*counts) == {}


def test_number_as_the_pbx_wrote_it_counts_for_the_same_number() -> None:
    written = ContactCount("2125550100", 500, 100), ContactCount(ONE, 500, 100)
    apart = graded(*written, ContactCount(TWO, 1_000, 50), ContactCount("anonymous", 50, 50))
    assert apart == graded(ContactCount(ONE, 1_000, 200), ContactCount(TWO, 1_000, 50))


@given(st.dictionaries(st.sampled_from([ONE, TWO, THREE]), st.integers(0, 1000), min_size=2))
def test_among_equal_dials_more_contacts_never_grade_lower(contacts: dict[str, int]) -> None:
    found = grades([ContactCount(number, 1000, some) for number, some in contacts.items()], prior_dials=50)
    ordered = sorted(contacts, key=lambda number: contacts[number])
    ranks = [found.get(PhoneNumber(number), 0) for number in ordered]
    assert ranks == sorted(ranks)

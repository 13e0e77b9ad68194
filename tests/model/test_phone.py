import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model.phone import PhoneFormat, PhoneNumber, parse_phone


@pytest.mark.parametrize(
    ("text", "e164"),
    [
        ("5559876543", "+15559876543"),
        ("15559876543", "+15559876543"),
        ("+15559876543", "+15559876543"),
        ("(555) 987-6543", "+15559876543"),
        ("555.987.6543", "+15559876543"),
        ("+44 20 7946 0018", "+442079460018"),
        ("442079460018", "+442079460018"),
        ("011442079460018", "+442079460018"),
        ("00442079460018", "+442079460018"),
        ("234567890123456", "+234567890123456"),
    ],
)
def test_numbers_are_read_in_every_usual_form(text: str, e164: str) -> None:
    assert parse_phone(text) == PhoneNumber(e164)


@pytest.mark.parametrize(
    "text",
    [
        *("", "911", "555987654", "1234567890123456", "abc", "555987654x", "+", "++15559876543"),
        *("125559876543", "5559876543\n", "\uff15" * 10, '5559876543"', "555 987 6543 ext 2"),
    ],
)
def test_anything_else_is_no_number(text: str) -> None:
    assert parse_phone(text) is None


@given(st.text())
def test_any_text_is_a_number_or_none(text: str) -> None:
    phone = parse_phone(text)
    assert phone is None or (phone.e164[0] == "+" and phone.digits.isascii() and phone.digits.isdigit())


@given(st.from_regex(r"[2-9][0-9]{9}", fullmatch=True))
def test_every_written_form_reads_back(national: str) -> None:
    phone = PhoneNumber("+1" + national)
    assert all(parse_phone(phone.written(form)) == phone for form in PhoneFormat)


def test_national_form_is_what_a_trunk_of_the_country_expects() -> None:
    assert PhoneNumber("+15559876543").written(PhoneFormat.NATIONAL) == "5559876543"
    assert PhoneNumber("+442079460018").written(PhoneFormat.NATIONAL) == "02079460018"


def test_masked_number_keeps_area_and_end_only() -> None:
    assert PhoneNumber("+15559876543").masked == "+1555*****43"


@pytest.mark.parametrize(
    ("e164", "plausible"),
    [
        *(("+12345678901", True), ("+15551234567", True), ("+11234567890", False)),
        *(("+442079460018", True), ("+440079460018", False), ("+4420", False), ("+19", False)),
    ],
)
def test_plausible_means_the_shape_of_a_subscriber_number(e164: str, plausible: bool) -> None:  # noqa: FBT001
    assert PhoneNumber(e164).is_plausible() is plausible

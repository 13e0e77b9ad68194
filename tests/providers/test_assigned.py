import pytest

from gateway.model.phone import PhoneNumber
from gateway.providers.assigned import assigned_number

BRITISH = PhoneNumber("+442071234567")
AMERICAN = PhoneNumber("+14045550123")


@pytest.mark.parametrize(
    ("text", "prospect", "e164"),
    [
        ("2079460100", BRITISH, "+442079460100"),
        ("02079460100", BRITISH, "+442079460100"),
        ("+442079460100", BRITISH, "+442079460100"),
        ("442079460100", BRITISH, "+442079460100"),
        ("+12079460100", BRITISH, "+12079460100"),
        ("4045550199", BRITISH, "+14045550199"),
        ("2079460100", AMERICAN, "+12079460100"),
        ("+442079460100", AMERICAN, "+442079460100"),
        ("0123", BRITISH, None),
        (2079460100, BRITISH, None),
        (None, AMERICAN, None),
    ],
)
def test_ten_digits_are_of_the_prospects_country(
    text: object, prospect: PhoneNumber, e164: str | None
) -> None:
    found = assigned_number(text, prospect)
    assert (found.e164 if found else None) == e164

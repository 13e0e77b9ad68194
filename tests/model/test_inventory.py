import pytest

from gateway.model.inventory import Ani, CampaignType, parse_ani_number
from gateway.model.phone import PhoneNumber


@pytest.mark.parametrize(
    ("number", "country", "expected"),
    [
        ("5611234567", "+1", "+15611234567"),
        ("5551234567", "", "+15551234567"),
        ("(561) 123-4567", "+1", "+15611234567"),
        ("1 561 123 4567", "+1", "+15611234567"),
        ("+15611234567", "+1", "+15611234567"),
        ("2079460100", "+44", "+442079460100"),
        ("020 7946 0100", "+44", "+442079460100"),
        ("+442079460100", "", "+442079460100"),
        ("+442079460100", "+1", None),
        ("+4930123456", "", None),
        ("561123456", "+1", None),
        ("1611234567", "+1", None),
        ("5.61E+09", "+1", None),
        ("", "+1", None),
    ],
)
def test_ani_is_read_as_people_write_it(number: str, country: str, expected: str | None) -> None:
    parsed = parse_ani_number(number, country)
    assert (parsed and parsed.e164) == expected


def test_ani_knows_its_country() -> None:
    assert Ani(PhoneNumber("+442079460100")).country_code == "+44"
    assert Ani(PhoneNumber("+15611234567")).country_code == "+1"


def test_inbound_campaigns_do_not_call_out() -> None:
    assert [kind for kind in CampaignType if not kind.calls_out] == [CampaignType.INBOUND]

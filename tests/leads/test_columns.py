import pytest

from gateway.leads.columns import ColumnError, ColumnNames, Columns, find_columns

USUAL = ColumnNames()


@pytest.mark.parametrize(
    ("header", "phone", "zip_", "campaign"),
    [
        (("phone",), 0, None, None),
        (("Row ID", "Phone Number", "ZIP", "Campaign"), 1, 2, 3),
        (("prospect_phone", "prospect_zip", "dialer_campaign"), 0, 1, 2),
        (("postal-code", " PHONE "), 1, 0, None),
        (("phone_number", "phone"), 1, None, None),
    ],
)
def test_usual_names_are_found_in_any_writing(
    header: tuple[str, ...], phone: int, zip_: int | None, campaign: int | None
) -> None:
    columns = find_columns(header, USUAL)
    assert (columns.phone, columns.zip, columns.campaign) == (phone, zip_, campaign)


def test_a_name_asked_for_goes_before_the_usual_ones() -> None:
    columns = find_columns(("phone", "Mobile 2"), ColumnNames(phone="mobile 2"))
    assert columns.phone == 1


def test_without_a_phone_column_the_columns_there_are_named() -> None:
    with pytest.raises(ColumnError, match=r"its columns are: name, mobile$"):
        find_columns(("name", "mobile"), USUAL)
    with pytest.raises(ColumnError, match='there is no column "cell"'):
        find_columns(("phone",), ColumnNames(phone="cell"))


def test_columns_of_an_earlier_run_are_not_written_again() -> None:
    header = ("phone", "ani", "zip", "assignment_error")
    assert find_columns(header, USUAL) == Columns(0, 2, None, kept=(0, 2))

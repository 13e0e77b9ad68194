import io
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from rich.console import Console

from gateway.cli.assign_progress import BarDisplay, LineDisplay, open_display
from gateway.cli.main import main
from gateway.engine.inventory import SAMPLE
from gateway.leads.columns import ColumnNames
from gateway.leads.loading import Loading, open_loading
from gateway.leads.reader import read_sheet
from gateway.simulator.upstream_answers import ani_for
from tests.cli.backends import Vendor, vendor

__all__ = ["vendor"]

ENGINE = ("--provider", "engine", "--set", f"engine.inventory={SAMPLE}")


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def written(text: str) -> None:
    Path("leads.csv").write_text(text)


def run(*options: str) -> Result:
    return CliRunner().invoke(main, ["assign", "leads.csv", "-o", "out.csv", *options])


def output() -> list[str]:
    return Path("out.csv").read_text().splitlines()


def test_the_engine_assigns_a_list_and_a_bad_row_says_why() -> None:
    written("id;phone;zip\n1;(404) 555-0123;30303\n2;12;\n")
    result = run(*ENGINE, "--campaign", "9001", "--json")
    assert result.exit_code == 0, result.stderr
    summary = json.loads(result.stdout)
    assert (summary["rows"], summary["assigned"], summary["errors"]) == (2, 1, 1)
    header, first, second = output()
    assert header == "id;phone;zip;ani;assignment_error"
    assert first.startswith("1;(404) 555-0123;30303;404")
    assert second == "2;12;;;phone: no phone number: write 10 digits or + and the country code"


def test_numbers_are_written_in_the_form_asked_for() -> None:
    written("phone\n4045550123\n")
    assert run(*ENGINE, "--ani-format", "e164").exit_code == 0
    assert output()[1].startswith("4045550123,+1404")


def test_the_summary_is_a_table_for_people() -> None:
    written("phone\n4045550123\n")
    result = run(*ENGINE)
    assert "assigned" in result.stdout
    assert "1 rows  100%" in result.stderr


def test_an_output_of_an_earlier_run_may_be_the_input_of_the_next() -> None:
    written("phone,ani,assignment_error\n4045550123,,answer 503\n")
    assert run(*ENGINE).exit_code == 0
    header, row = output()
    assert header == "phone,ani,assignment_error"
    assert row.startswith("4045550123,404")


def test_a_complete_output_needs_force() -> None:
    written("phone\n4045550123\n")
    assert run(*ENGINE).exit_code == 0
    again = run(*ENGINE)
    assert again.exit_code == 1
    assert again.stderr == 'error: "out.csv" is there already\nhint: --force writes over it\n'
    assert run(*ENGINE, "--force").exit_code == 0


def test_a_file_without_a_phone_column_names_its_columns() -> None:
    written("name,mobile\nAnn,4045550123\n")
    result = run(*ENGINE)
    assert result.exit_code == 1
    assert "its columns are: name, mobile" in result.stderr
    assert "hint: name the column: --phone-column NAME" in result.stderr
    assert run(*ENGINE, "--phone-column", "Mobile").exit_code == 0


def test_lines_that_are_no_utf8_are_named_and_their_bytes_kept() -> None:
    Path("leads.csv").write_bytes(b"phone,name\n4045550123,Jos\xe9\n")
    result = run(*ENGINE)
    assert result.exit_code == 0
    assert "warning: line 2 has bytes that are no UTF-8; they are kept as they are" in result.stderr
    assert b"Jos\xe9" in Path("out.csv").read_bytes()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--provider", "outboundiq"), "error: outboundiq.key is missing"),
        (("--provider", "outboundani"), "error: outboundani.key is missing"),
        (("--provider", "engine"), "error: engine.inventory is missing"),
        ((*ENGINE, "--prewarm"), "error: --prewarm: admin.token is not set"),
        ((*ENGINE, "--prewarm", "--set", "admin.listen="), "error: --prewarm: admin.listen is not set"),
        (
            (*ENGINE, "--prewarm", "--gateway", "http://127.0.0.1:9"),
            "error: http://127.0.0.1:9 takes no numbers",
        ),
    ],
)
def test_what_is_missing_is_told_before_anything_is_written(options: tuple[str, ...], message: str) -> None:
    written("phone\n4045550123\n")
    result = run(*options)
    assert result.exit_code == 3
    assert message in result.stderr
    assert "hint: " in result.stderr
    assert not Path("out.csv").exists()


def test_a_gateway_without_prewarm_is_wrong_usage() -> None:
    written("phone\n")
    assert run(*ENGINE, "--gateway", "http://127.0.0.1:9").exit_code == 2


def test_an_output_that_cannot_be_written_is_told() -> None:
    written("phone\n4045550123\n")
    result = CliRunner().invoke(main, ["assign", "leads.csv", "-o", "none/out.csv", *ENGINE])
    assert result.exit_code == 1
    assert result.stderr.startswith('error: "none/out.csv": No such file or directory')


@pytest.fixture
def loading() -> Loading:
    written("phone\n4045550123\n")
    paths = (Path("leads.csv"), Path("out.csv"))
    opened = open_loading(
        paths, read_sheet(paths[0], ColumnNames()), campaign="", written=lambda ani: ani.e164, arguments={}
    )
    opened.close()
    return opened


def test_a_terminal_shows_a_bar_with_rate_and_time_left(loading: Loading) -> None:
    screen = io.StringIO()
    display = open_display(Console(file=screen, force_terminal=True, width=120, color_system=None), 17)
    assert isinstance(display, BarDisplay)
    with display:
        loading.counts.rows = 1
        display.show(loading)
    assert "1 rows" in screen.getvalue()
    assert "rows/s" in screen.getvalue()
    assert "%" in screen.getvalue()


def test_a_pipe_shows_lines(loading: Loading) -> None:
    screen = io.StringIO()
    display = open_display(Console(file=screen), 12)
    assert isinstance(display, LineDisplay)
    with display:
        display.show(loading)
    assert screen.getvalue() == "0 rows  50%  0 rows/s  errors 0\n"


ANI = ("--provider", "outboundani")


@pytest.mark.usefixtures("vendor")
def test_outboundani_is_asked_for_a_list() -> None:
    written("phone,campaign\n4045550123,9001\n4045550124,\n")
    result = run(*ANI, "--json")
    assert result.exit_code == 0, result.stderr
    first, second = output()[1:]
    assert first == f"4045550123,9001,{ani_for('4045550123')},"
    assert second.startswith('4045550124,,,"the call names no campaign')
    assert run(*ANI, "--force", "--campaign", "9001").exit_code == 0
    assert output()[2] == f"4045550124,,{ani_for('4045550124')},"


def test_a_key_outboundani_refuses_stops_the_list_and_spoils_no_row(vendor: Vendor) -> None:
    written("phone\n" + "4045550123\n" * 300)
    result = run(*ANI, "--campaign", "9001", "--batch", "300", "--set", "outboundani.key=wrong")
    assert result.exit_code == 1
    assert "error: outboundani: the key was refused (401); check outboundani.key" in result.stderr
    assert output() == ["phone,ani,assignment_error"]
    assert vendor.upstream.counters.rejected_keys <= 64

import json
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.cli import config
from gateway.cli.main import main
from gateway.config import reference
from gateway.config.checks import Purpose
from gateway.config.schema import entries


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run(*arguments: str, **environ: str) -> Result:
    return CliRunner().invoke(main, arguments, env=environ)


def test_check_says_ok_and_which_file() -> None:
    Path("ani-gateway.toml").write_text('[outboundiq]\nkey = "secret"')
    result = run("config", "check")
    assert (result.exit_code, result.stdout) == (0, "OK: ani-gateway.toml; settings given: 1\n")


def test_check_prints_each_problem_and_its_hint_to_stderr_and_ends_with_3() -> None:
    Path("ani-gateway.toml").write_text("[agi]\nlissten = 1\nmax_connections = 0\n[outboundiq]\nkey = 'k'")
    result = run("config", "check")
    assert result.exit_code == 3
    assert result.stdout == ""
    assert (
        "error: agi.lissten: unknown setting (ani-gateway.toml:2)\nhint: did you mean agi.listen?\n"
        in result.stderr
    )
    assert "error: agi.max_connections: expected at least 1, found 0 (ani-gateway.toml:3)\n" in result.stderr


def test_check_for_the_api_asks_for_what_the_api_needs() -> None:
    result = run("config", "check", "--for", "api", ANI_GATEWAY_API_KEYS="k")
    assert result.exit_code == 3
    assert result.stderr.startswith("error: engine.inventory: is missing")
    assert "outboundiq" not in result.stderr


def test_choices_of_options_are_those_of_the_library() -> None:
    """They are written out in the command, so that `--help` loads nothing."""
    assert list(config.PURPOSES) == [purpose.value for purpose in Purpose]
    assert set(config.FORMATS) == set(reference.FORMATS)


def test_set_wins_over_the_environment() -> None:
    arguments = ["config", "show", "--json", "--set", "agi.pbx_id=flag", "--set", "outboundiq.key=k"]
    rows = json.loads(run(*arguments, ANI_GATEWAY_AGI_PBX_ID="environment").stdout)
    row = next(row for row in rows if row["path"] == "agi.pbx_id")
    assert (row["value"], row["origin"]) == ("flag", "flag --set agi.pbx_id")


def test_set_without_a_value_is_wrong_usage() -> None:
    result = run("config", "check", "--set", "agi.pbx_id")
    assert result.exit_code == 2
    assert "write for example --set agi.listen=" in result.stderr


def test_show_masks_secrets() -> None:
    for arguments in (["config", "show"], ["config", "show", "--json"]):
        result = run(*arguments, ANI_GATEWAY_OUTBOUNDIQ_KEY="s3cret")
        assert result.exit_code == 0
        assert "s3cret" not in result.output
        assert "environment ANI_GATEWAY_OUTBOUNDIQ_KEY" in result.stdout


def test_a_secret_file_open_to_all_is_warned_of_on_stderr() -> None:
    Path("iq.key").write_text("k")
    Path("iq.key").chmod(0o644)
    result = run("config", "check", ANI_GATEWAY_OUTBOUNDIQ_KEY_FILE="iq.key")
    assert result.exit_code == 0
    assert result.stderr.startswith("warning: iq.key can be read by every user")


def test_reference_is_printed_in_each_format() -> None:
    assert [row["path"] for row in json.loads(run("config", "reference", "--json").stdout)] == [
        entry.path for entry in entries()
    ]
    assert "agi" in tomllib.loads(run("config", "reference", "--format", "toml").stdout)
    assert run("config", "reference", "--format", "markdown").stdout.startswith("# Configuration\n")
    assert run("config", "reference").stdout.startswith("agi.listen\n")


def test_reference_needs_no_valid_configuration() -> None:
    Path("ani-gateway.toml").write_text("oops")
    assert run("config", "reference").exit_code == 0

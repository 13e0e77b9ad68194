import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from gateway.cli.doctor import exit_code
from gateway.cli.main import main
from gateway.doctor.finding import Finding, Verdict
from tests.asterisk.ports import free_tcp_port

KEY = "a-key-nobody-may-see"
SECRET = "a-secret-nobody-may-see"


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def write_config(more: str = "") -> None:
    port = free_tcp_port()
    Path("ani-gateway.toml").write_text(
        f"""
[agi]
listen = ["127.0.0.1:{port}"]
max_connections = 10
[assignment]
providers = ["outboundiq"]
[outboundiq]
url = "http://127.0.0.1:{port}"
key = "{KEY}"
[dials]
targets = ["outboundiq"]
[spool]
file = "spool.db"
[ami.pbx]
address = "127.0.0.1:{port}"
secret = "{SECRET}"
{more}"""
    )


def run(*arguments: str, **environ: str) -> Result:
    return CliRunner().invoke(main, ["doctor", *arguments], env=environ)


def tree(result: Result) -> Any:
    return json.loads(result.stdout)


def test_faults_end_with_1_and_tell_what_why_and_the_line_to_change() -> None:
    write_config()
    result = run()
    assert result.exit_code == 1
    assert "Gateway\n  fault        no gateway listens at 127.0.0.1:" in result.stdout
    assert "  [gateway.not-running]\n    why        calls keep the caller ID they have\n" in result.stdout
    assert "    change     shell: systemctl start ani-gateway" in result.stdout


def test_half_of_everything_missing_is_still_an_examination_of_all() -> None:
    write_config()
    found = {one["name"]: one["verdict"] for one in tree(run("--json"))["findings"]}
    assert found["upstream.unreachable"] == "fault"
    assert found["pbx.unreachable"] == "fault"
    assert found["spool.folder"] == "ok"
    assert found["dialplan.hook"] == "not checked"


def test_broken_configuration_is_a_finding_and_the_rest_is_looked_at() -> None:
    write_config("[log]\ncalls = 7\nsurprise = true\n")
    found = tree(run("--json"))["findings"]
    wrong = [one["what"] for one in found if one["name"] == "config.wrong"]
    assert len(wrong) == 2
    assert "spool.folder" in {one["name"] for one in found}


def test_file_that_is_no_toml_is_a_finding() -> None:
    Path("ani-gateway.toml").write_text("[agi\n")
    result = run("--json")
    assert result.exit_code == 1
    assert "config.wrong" in {one["name"] for one in tree(result)["findings"]}


def test_nothing_configured_at_all_is_told_as_such() -> None:
    found = {one["name"] for one in tree(run("--json"))["findings"]}
    assert {"config.wrong", "config.no-file", "config.pbxes"} <= found


def test_no_secret_and_no_whole_number_is_shown() -> None:
    write_config('[campaigns.x]\ndefault_ani = "14045551234999999"\n')
    for arguments in ((), ("--json",)):
        shown = run(*arguments).output
        assert KEY not in shown
        assert SECRET not in shown
        assert "4045551234" not in shown


def test_warnings_alone_fail_only_when_strict() -> None:
    found = [Finding("a", Verdict.WARNING, "b"), Finding("c", Verdict.UNCHECKED, "d")]
    assert (exit_code(found, strict=False), exit_code(found, strict=True)) == (0, 1)
    assert exit_code(found[1:], strict=True) == 0


def test_what_was_counted_is_what_is_listed() -> None:
    write_config()
    told = tree(run("--json"))
    for verdict, number in told["counts"].items():
        assert number == sum(one["verdict"] == verdict for one in told["findings"])


def test_same_reason_for_many_unchecked_things_is_one_line() -> None:
    write_config()
    lines = [line for line in run().stdout.splitlines() if "needs a login at the manager" in line]
    assert len(lines) == 2  # Asterisk, Dialplan


def test_test_call_without_its_secret_is_wrong_usage() -> None:
    assert run("--test-call-user", "admin").exit_code == 2


def test_secret_file_that_cannot_be_read_is_one_line_and_a_hint() -> None:
    result = run("--test-call-user", "admin", "--test-call-secret-file", "missing")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("error: missing cannot be read")


def test_no_colour_reaches_a_pipe() -> None:
    write_config()
    assert "\x1b" not in run().output

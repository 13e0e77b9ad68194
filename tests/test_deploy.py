"""Unit, image and compose file say what is true of the program: its settings, ports, paths and exit codes."""

import asyncio
import configparser
import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import tomllib
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from gateway.admin.app import AdminServer
from gateway.admin.health import health_routes
from gateway.admin.settings import AdminSettings
from gateway.agi.settings import AgiSettings
from gateway.cli.console import COULD_NOT_START
from gateway.cli.main import main
from gateway.config.load import load
from gateway.config.schema import ENVIRONMENT_PREFIX, entries
from gateway.stores.settings import SpoolSettings

ROOT = Path(__file__).parent.parent
DEPLOY = ROOT / "deploy"
UNIT = DEPLOY / "ani-gateway.service"
AGI_PORT = AgiSettings().listen[0].rpartition(":")[2]
NO_SYSTEMD = "NOT TESTED: systemd-analyze is not here, so nobody has verified the unit"


class _Unit(configparser.RawConfigParser):
    def optionxform(self, optionstr: str) -> str:
        return optionstr


def unit() -> dict[str, str]:
    parser = _Unit(strict=False)
    parser.read_string(UNIT.read_text())
    return dict(parser["Service"])


def instructions() -> dict[str, list[str]]:
    """The Dockerfile's, by their word, in order."""
    text = re.sub(r"^#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE)
    found = defaultdict(list)
    for line in text.replace("\\\n", " ").splitlines():
        word, _, rest = line.strip().partition(" ")
        found[word].append(rest.strip())
    return found


def image_environment() -> dict[str, str]:
    words = (word for line in instructions()["ENV"] for word in shlex.split(line))
    return dict(word.split("=", 1) for word in words)


def compose() -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
    return content


def known_variables() -> set[str]:
    names = {entry.environment for entry in entries()}
    return names | {f"{entry.environment}_FILE" for entry in entries() if entry.secret}


def parses(command: list[str]) -> bool:
    return CliRunner().invoke(main, [*command, "--help"]).exit_code == 0


# systemd


def test_the_unit_runs_a_command_there_is() -> None:
    program, *arguments = shlex.split(unit()["ExecStart"])
    assert Path(program).name == "ani-gateway"
    assert parses(arguments)


def test_the_unit_does_not_repeat_a_start_that_cannot_succeed() -> None:
    assert unit()["RestartPreventExitStatus"] == str(COULD_NOT_START)


def test_the_unit_has_the_folders_that_the_settings_name() -> None:
    assert SpoolSettings().file.startswith(f"/var/lib/{unit()['StateDirectory']}/")
    assert unit()["ConfigurationDirectory"] == "ani-gateway"
    assert unit()["RuntimeDirectory"]
    assert unit()["User"] in (DEPLOY / "ani-gateway.sysusers").read_text()


def test_the_unit_waits_longer_than_the_supervisor_does() -> None:
    """Drain, the workers' last reports, the reporting process: `gateway.service.supervisor`."""
    drain_s = AgiSettings().drain_timeout_s
    assert int(unit()["TimeoutStopSec"]) > drain_s + 8 + drain_s + 30
    assert int(unit()["TimeoutStartSec"]) > 60


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason=NO_SYSTEMD)
def test_systemd_finds_nothing_wrong_with_the_unit(tmp_path: Path) -> None:
    """The program it names need not be installed here."""
    file = tmp_path / UNIT.name
    file.write_text(UNIT.read_text().replace("/opt/ani-gateway/bin/ani-gateway", sys.executable))
    verified = subprocess.run(
        ["systemd-analyze", "verify", str(file)], capture_output=True, text=True, check=False, timeout=60
    )
    assert (verified.returncode, verified.stderr) == (0, "")


def test_the_logs_that_are_rotated_are_the_services_own() -> None:
    text = (DEPLOY / "ani-gateway.logrotate").read_text()
    assert f"/var/log/{unit()['LogsDirectory']}/*.log {{" in text
    assert f"su {unit()['User']} {unit()['Group']}" in text


# The image


def test_the_image_names_settings_there_are() -> None:
    ours = {name for name in image_environment() if name.startswith(ENVIRONMENT_PREFIX)}
    assert ours
    assert ours - known_variables() == set()


def test_the_image_opens_the_ports_it_listens_on() -> None:
    environment = image_environment()
    admin = environment["ANI_GATEWAY_ADMIN_LISTEN"].rpartition(":")[2]
    assert instructions()["EXPOSE"] == [f"{AGI_PORT} {admin}"]
    assert environment["ANI_GATEWAY_AGI_LISTEN"] == f"0.0.0.0:{AGI_PORT}"


def test_the_image_runs_a_command_there_is_as_somebody_who_is_not_root() -> None:
    (user,) = instructions()["USER"]
    assert int(user.split(":")[0]) > 0
    command = json.loads(instructions()["ENTRYPOINT"][0]) + json.loads(instructions()["CMD"][0])
    assert command[0] == "ani-gateway"
    assert parses(command[1:])


def test_the_image_keeps_the_spool_on_its_volume() -> None:
    assert SpoolSettings().file.startswith(instructions()["VOLUME"][0] + "/")


def test_what_is_copied_into_the_image_is_there_and_not_ignored() -> None:
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    for line in instructions()["COPY"]:
        if not line.startswith("--from"):
            for source in line.split()[:-1]:
                assert (ROOT / source).exists()
                assert f"!{source}" in ignored


def test_the_last_stage_has_no_build_tools() -> None:
    last = (ROOT / "Dockerfile").read_text().rpartition("\nFROM ")[2]
    assert not re.search(r"\bpip\b|\bapt|gcc", last)


async def test_the_health_check_tells_health_from_its_absence() -> None:
    """The command as it stands, but for the port."""
    port = image_environment()["ANI_GATEWAY_ADMIN_LISTEN"].rpartition(":")[2]
    check = instructions()["HEALTHCHECK"][0].partition("CMD ")[2]

    async def code(at: int) -> int:
        assert f":{port}/" in check
        _, *arguments = json.loads(check.replace(f":{port}/", f":{at}/"))
        run = await asyncio.create_subprocess_exec(
            sys.executable, *arguments, stderr=asyncio.subprocess.DEVNULL, env={"PATH": os.environ["PATH"]}
        )
        return await run.wait()

    server = AdminServer(AdminSettings(listen="127.0.0.1:0"), health_routes())
    await server.start()
    assert server.address is not None
    assert await code(server.address[1]) == 0
    await server.stop()
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        assert await code(nobody.getsockname()[1]) != 0


# The compose file


def test_the_compose_file_names_settings_there_are() -> None:
    environment = compose()["services"]["gateway"]["environment"]
    assert environment.keys() - known_variables() == set()


def test_the_compose_file_makes_a_valid_configuration(tmp_path: Path) -> None:
    secrets = {}
    for name in compose()["secrets"]:
        secrets[f"/run/secrets/{name}"] = str(tmp_path / name)
        (tmp_path / name).write_text("made-up")
    environment = image_environment() | compose()["services"]["gateway"]["environment"]
    given = {
        name: re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", secrets.get(value, value))
        for name, value in environment.items()
    }
    file = DEPLOY / "compose/ani-gateway.toml"
    loaded = load(file=file, environ=given)
    assert loaded.settings.admin.token == "made-up"
    assert tomllib.loads(file.read_text())["spool"]["file"].startswith(instructions()["VOLUME"][0])


def test_the_files_that_the_compose_file_mounts_are_there() -> None:
    for service in compose()["services"].values():
        for volume in service.get("volumes", ()):
            source = volume.partition(":")[0]
            assert (ROOT / source).is_file() if source.startswith(".") else source in compose()["volumes"]
        assert set(service.get("secrets", ())) <= compose()["secrets"].keys()


def test_prometheus_asks_where_the_gateway_answers() -> None:
    (job,) = yaml.safe_load((DEPLOY / "compose/prometheus.yml").read_text())["scrape_configs"]
    ((host_and_port,),) = [one["targets"] for one in job["static_configs"]]
    host, port = host_and_port.split(":")
    assert compose()["services"][host]["environment"]["ANI_GATEWAY_ADMIN_LISTEN"] == f"0.0.0.0:{port}"
    token = job["authorization"]["credentials_file"]
    assert token == compose()["services"][host]["environment"]["ANI_GATEWAY_ADMIN_TOKEN_FILE"]


def test_no_container_has_rights_it_does_not_need() -> None:
    for service in compose()["services"].values():
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]

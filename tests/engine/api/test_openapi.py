"""The description holds: schemathesis makes requests out of it, and every answer must be one it names."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.engine.api.keys import Style
from gateway.engine.api.server import ApiServer
from gateway.engine.provider import EngineProvider
from gateway.engine.settings import ApiSettings

KEY = "universal-key"
COMPANY = "6C0F3A52-1111-2222-3333-444455556666"
EXAMPLES = os.environ.get("API_EXAMPLES", "5")
"""Requests of each sort to an endpoint. For a longer run: API_EXAMPLES=500 pytest …/test_openapi.py."""
UNFIT_CHECKS = ("use_after_free", "ensure_resource_availability")
"""They expect what was made to be there: the other requests of the run delete what one made."""
UNFIT_FOR = {
    # A description cannot say which phone numbers there can be,
    r"^POST /(assignment|dials|dialer/next|v1\.0/outdials/\{id\}/targets)$": "positive_data_acceptance",
    r" /(custom|dialer)/anis$": "positive_data_acceptance",
    r" /nrm/": "positive_data_acceptance",
    # nor which times,
    r"^POST /(api|ani-planner)/": "positive_data_acceptance",
    r"^GET /v1\.0/outdials(/\{id\}/targets)?$": "positive_data_acceptance",
    # nor that either a body or a query is needed.
    r"^(GET /dialer|DELETE /(custom|dialer))/(campaigns|dispos)$": "positive_data_acceptance",
    # A bad row of a batch fails alone, and the answer is 200.
    r"^POST /assignment/batch$": "negative_data_rejection",
}
"""Which operations are spared a check, as expressions for "METHOD path"."""


def configuration() -> str:
    """Schemathesis's own, with a key in every style."""
    lines = ["[generation]", 'database = "none"', "deterministic = true", ""]
    lines += [f"[checks.{check}]\nenabled = false\n" for check in UNFIT_CHECKS]
    for style in Style:
        secret = COMPANY if style is Style.COMPANY else KEY
        kind = "bearer" if style is Style.BEARER else "api_key"
        lines += [f"[auth.openapi.{style.name.lower()}]", f"{kind} = {json.dumps(secret)}", ""]
    for operations, check in UNFIT_FOR.items():
        lines += ["[[operations]]", f"include-name-regex = {json.dumps(operations)}"]
        lines += [f"[operations.checks.{check}]", "enabled = false", ""]
    return "\n".join(lines)


@pytest.fixture
async def url(engine: EngineProvider) -> AsyncIterator[str]:
    settings = ApiSettings(listen="127.0.0.1:0", keys=(KEY,), company_guids=(COMPANY,))
    server = ApiServer(engine, settings, {})
    await server.start()
    host, port = server.addresses[0]
    yield f"http://{host}:{port}/openapi.json"
    await server.stop()


@pytest.mark.timeout(600)
async def test_every_answer_to_a_generated_request_is_as_described(url: str, tmp_path: Path) -> None:
    (tmp_path / "schemathesis.toml").write_text(configuration())
    command = [
        *("-m", "schemathesis.cli", "--config-file", "schemathesis.toml", "run", url, "--no-color"),
        *("--phases", "examples,coverage,fuzzing", "--max-examples", EXAMPLES),
        *("--suppress-health-check", "all", "--continue-on-failure", "--warnings", "off"),
    ]
    process = await asyncio.create_subprocess_exec(
        sys.executable, *command, cwd=tmp_path,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    try:
        output, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    assert process.returncode == 0, output.decode()[-20_000:]

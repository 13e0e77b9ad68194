import socket
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp

from gateway.simulator.upstream_answers import ani_for

Part = Callable[[str], Any]
PHONE = "2125550100"


def test_strict_verification_accepts_the_certificate_made_for_a_run(part: Part, tmp_path: Path) -> None:
    made = part("certificates").make_certificates(tmp_path)
    with part("stub_process").running_stub(tmp_path, delay_ms=0.0, certificates=made) as stub:
        client = ssl.create_default_context(cafile=stub.ca_file)
        client.verify_flags |= ssl.VERIFY_X509_STRICT
        host, _, port = stub.url.removeprefix("https://").partition(":")
        with client.wrap_socket(socket.create_connection((host, int(port))), server_hostname=host):
            assert stub.counters()["requests"] == 0


async def test_each_fault_is_met_and_no_failed_record_is_kept(part: Part, tmp_path: Path) -> None:
    """So a record that comes twice was sent twice, though the first had been taken."""
    outcomes = set()
    dial = {"dial_id": "a-1", "ani": ani_for(PHONE), "prospect_phone": PHONE}
    with part("stub_process").running_stub(tmp_path, delay_ms=0.0, more=["--faults=1"]) as stub:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=0.2)) as session:
            for _ in range(30):
                try:
                    async with session.post(f"{stub.url}/dials", json=dial) as answer:
                        outcomes.add(str(answer.status))
                except aiohttp.ClientError:
                    outcomes.add("reset")
                except TimeoutError:
                    outcomes.add("silence")
        counters = stub.counters()
    assert outcomes == set(part("stub")._FAILURES)
    # A reset request is repeated by aiohttp itself where nothing had been answered.
    assert (counters["dials"], counters["failed_dials"] >= 30) == (0, True)


def test_the_gateways_own_default_is_a_right_number_where_it_is_expected(part: Part) -> None:
    stub = part("stub")
    counters = stub.StubCounters()
    counters.expect_default("3105550100")
    for number, ani in enumerate((ani_for(PHONE), "3105550100", "3105550199")):
        counters.keep({"dial_id": f"a-{number}", "ani": ani, "prospect_phone": PHONE})
    assert (counters.default_dials, counters.wrong_dials) == (1, 1)
    assert stub.told(counters)["dials"] == 3

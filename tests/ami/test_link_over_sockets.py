"""What only real sockets show: TLS, bursts, buffers of the kernel."""

import asyncio
import gc
import ssl
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.ami.intake import TryAgainError
from gateway.ami.link import AmiLink, LinkState
from gateway.ami.settings import AmiSettings
from gateway.model.dial import CallEnd
from gateway.model.variables import CallState, pack
from gateway.service.loop import settle_memory
from gateway.simulator.ami import AmiSimulator
from gateway.simulator.ami_events import AmiChannel
from gateway.simulator.ami_session import CHANNELVARS, AmiUser
from gateway.telemetry.metrics import AmiMetrics

USER = AmiUser()
STATE = CallState(
    ani="+15559876500", phone="+14045551234", campaign="c12", dial_id="main-1.1-1", at="1800000000"
)
BURST = 5_000


async def until(condition: Callable[[], bool], *, within_s: float = 10.0) -> None:
    async with asyncio.timeout(within_s):
        while not condition():  # noqa: ASYNC110 - the link tells nobody of its states
            await asyncio.sleep(0.005)


@asynccontextmanager
async def linked(
    pbx: AmiSimulator, on_end: Callable[[CallEnd], None], settings: AmiSettings | None = None
) -> AsyncIterator[AmiLink]:
    settings = settings or AmiSettings()
    settings = replace(settings, address=pbx.address, username=USER.name, secret=USER.secret)
    link = AmiLink("main", settings, on_end, AmiMetrics())
    link.start()
    try:
        yield link
    finally:
        await link.stop()
        await pbx.stop()


def hangups(count: int) -> bytes:
    channel = AmiChannel(
        "17.4", variables={"GATEWAY": pack(STATE), "DIALSTATUS": "ANSWER", "ANSWEREDTIME": "9"}
    )
    return b"".join(replace(channel, uniqueid=f"17.{number}").hangup(CHANNELVARS) for number in range(count))


def burst(pbx: AmiSimulator, count: int) -> None:
    """As one write, past the simulator's filter."""
    transport = pbx.connections[0]._transport
    assert transport is not None
    transport.write(hangups(count))


async def stalls_ms(done: Callable[[], bool]) -> list[float]:
    """For each turn of the loop until `done`: how long everything else took, sorted.

    In CPU time, so that other work on the machine is not held against us.
    """
    stalls = []
    while not done():
        before = time.thread_time()
        await asyncio.sleep(0.001)
        stalls.append((time.thread_time() - before) * 1e3)
    return sorted(stalls)


@pytest.fixture
def settled_memory() -> Iterator[None]:
    """The garbage collector as the service runs it: what a burst leaves behind is not searched at once."""
    thresholds = gc.get_threshold()
    settle_memory()
    yield
    gc.unfreeze()
    gc.set_threshold(*thresholds)


@pytest.mark.usefixtures("settled_memory")
async def test_bursts_of_hangups_do_not_hold_up_the_loop() -> None:
    ends: list[CallEnd] = []
    pbx = AmiSimulator(USER)
    await pbx.start()
    async with linked(pbx, ends.append) as link:
        await until(lambda: link.state is LinkState.UP)
        stalls = []
        for _ in range(3):
            ends.clear()
            burst(pbx, BURST)
            stalls += await stalls_ms(lambda: len(ends) == BURST)
            assert [end.uniqueid for end in ends] == [f"17.{number}" for number in range(BURST)]
        assert len(stalls) > 30
        assert max(stalls) <= 20


async def test_a_stuck_consumer_leaves_events_in_the_socket_and_gets_them_all_later() -> None:
    ends: list[CallEnd] = []
    is_stuck = True

    def take(end: CallEnd) -> None:
        if is_stuck:
            raise TryAgainError
        ends.append(end)

    pbx = AmiSimulator(USER)
    await pbx.start()
    async with linked(pbx, take) as link:
        await until(lambda: link.state is LinkState.UP)
        burst(pbx, BURST)
        await until(lambda: link.state is LinkState.STALLED)
        is_stuck = False
        await until(lambda: len(ends) == BURST)
        assert link.state is LinkState.UP


async def test_the_link_names_the_pbx_it_is_connected_to() -> None:
    pbx = AmiSimulator(USER)
    await pbx.start()
    async with linked(pbx, print) as link:
        assert link.peer_host == ""
        await until(lambda: link.state is LinkState.UP)
        assert link.peer_host == "127.0.0.1"
        await pbx.stop()
        await until(lambda: link.state is LinkState.DOWN)
        assert link.peer_host == "127.0.0.1", "calls go on, and end, while the link is down"


async def test_a_restarted_pbx_is_back_within_the_second() -> None:
    pbx = AmiSimulator(USER)
    await pbx.start()
    async with linked(pbx, print) as link:
        await until(lambda: link.state is LinkState.UP)
        await pbx.stop()
        await until(lambda: link.state is not LinkState.UP)
        await pbx.start()
        await until(lambda: link.state is LinkState.UP, within_s=3)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for `pbx.test` that vouches for itself, with its key."""
    path = tmp_path_factory.mktemp("tls") / "pbx.pem"
    request = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    name = ["-subj", "/CN=pbx.test", "-addext", "subjectAltName=DNS:pbx.test", "-days", "2"]
    done = subprocess.run(
        [*request, *name, "-keyout", str(path), "-out", f"{path}.crt"], capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    path.write_bytes(path.read_bytes() + Path(f"{path}.crt").read_bytes())
    return path


async def tls_simulator(certificate: Path) -> AmiSimulator:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    pbx = AmiSimulator(USER)
    await pbx.start(context)
    return pbx


async def test_events_come_by_tls(certificate: Path) -> None:
    ends: list[CallEnd] = []
    settings = AmiSettings(tls=True, ca_file=f"{certificate}.crt", server_name="pbx.test")
    pbx = await tls_simulator(certificate)
    async with linked(pbx, ends.append, settings) as link:
        await until(lambda: link.state is LinkState.UP)
        burst(pbx, 1_000)
        await until(lambda: len(ends) == 1_000)


@pytest.mark.parametrize("trusted", [True, False])
async def test_a_certificate_that_does_not_fit_is_refused(certificate: Path, *, trusted: bool) -> None:
    """Trusted, but for another name; or for the right name, but of unknown origin."""
    settings = AmiSettings(tls=True, server_name="pbx.test")
    if trusted:
        settings = AmiSettings(tls=True, ca_file=f"{certificate}.crt", server_name="other.test")
    pbx = await tls_simulator(certificate)
    async with linked(pbx, print, settings) as link:
        await until(lambda: link.state is LinkState.REFUSED)
        assert "the certificate does not fit" in link.reason
        assert "server_name" in link.reason


async def test_a_plain_port_is_no_tls(certificate: Path) -> None:
    pbx = AmiSimulator(USER)
    await pbx.start()
    settings = AmiSettings(tls=True, ca_file=f"{certificate}.crt", server_name="pbx.test")
    async with linked(pbx, print, settings) as link:
        await until(lambda: link.state is LinkState.DOWN)
        assert "SSL" in link.reason

import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.stores.base import StoreBusyError, StoreRefusedError
from gateway.stores.redis import RedisStore
from gateway.stores.redis_settings import RedisSettings
from tests.asterisk.ports import free_tcp_port
from tests.stores.redis_server import PASSWORD, REAL_REDIS, RedisServer, fetched, settings_for

pytestmark = REAL_REDIS


@pytest.fixture
async def store(redis: RedisServer) -> AsyncIterator[RedisStore]:
    store = RedisStore(settings_for(redis.port))
    yield store
    await store.close()


async def test_what_is_written_is_read_for_its_time(store: RedisStore, redis: RedisServer) -> None:
    await store.write([("a", "1", 60), ("b", "2", 0.5)])
    assert await store.read(["a", "none", "b"]) == ["1", None, "2"]
    assert 59_000 < int(redis.cli("PTTL", "a")[1:]) <= 60_000


async def test_a_script_runs_also_after_the_server_forgot_it(store: RedisStore, redis: RedisServer) -> None:
    assert await store.run("return ARGV[1]", ["one"]) == "one"
    redis.cli("SCRIPT", "FLUSH")
    assert await store.run("return ARGV[1]", ["two"]) == "two"


async def test_a_server_that_is_gone_is_busy_and_its_return_is_noticed(
    store: RedisStore, redis: RedisServer
) -> None:
    await store.ping()
    redis.kill()
    with pytest.raises(StoreBusyError, match=r"redis://127\.0\.0\.1:\d+/0 does not answer"):
        await store.ping()
    redis.start()
    await store.ping()


async def test_a_wrong_password_is_refused_and_shown_nowhere(tmp_path: Path) -> None:
    with RedisServer(fetched(), tmp_path, "--requirepass", PASSWORD) as server:
        url = f"redis://127.0.0.1:{server.port}/0"
        for password in ("", "wrong-one"):
            store = RedisStore(RedisSettings(url=url, password=password))
            with pytest.raises(StoreRefusedError) as caught:
                await store.ping()
            assert "wrong-one" not in str(caught.value)
            await store.close()
        store = RedisStore(RedisSettings(url=url, password=PASSWORD))
        await store.ping()
        await store.close()


async def test_a_unix_socket_does_as_well(tmp_path: Path) -> None:
    with RedisServer(fetched(), tmp_path, "--unixsocket", "r.sock") as server:
        assert server.is_running
        store = RedisStore(RedisSettings(url=f"unix://{tmp_path}/r.sock"))
        await store.ping()
        await store.close()


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 and its key."""
    folder = tmp_path_factory.mktemp("tls")
    certificate, key = folder / "cert.pem", folder / "key.pem"
    request = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    name = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2"]
    files = ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*request, *name, *files], check=True, capture_output=True)
    return certificate, key


async def test_tls_is_spoken_with_a_server_whose_certificate_is_known(
    tmp_path: Path, certificate: tuple[Path, Path]
) -> None:
    cert, key, port = *certificate, free_tcp_port()
    tls = ("--tls-port", str(port), "--tls-cert-file", str(cert), "--tls-key-file", str(key))
    with RedisServer(fetched(), tmp_path, *tls, "--tls-auth-clients", "no"):
        url = f"rediss://127.0.0.1:{port}/0"
        known = RedisStore(RedisSettings(url=url, ca_file=str(cert)))
        await known.ping()
        await known.close()
        unknown = RedisStore(RedisSettings(url=url))
        with pytest.raises(StoreBusyError):
            await unknown.ping()
        await unknown.close()

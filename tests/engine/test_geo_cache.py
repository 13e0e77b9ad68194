import subprocess
import sys
import time
from pathlib import Path

import pytest

from gateway.engine.geo_cache import cache_file, open_geography


@pytest.mark.usefixtures("geography")
def test_cached_table_is_small_and_loads_quickly(cache_dir: Path) -> None:
    started = time.process_time()
    found = open_geography(str(cache_dir)).zip("10001")
    assert time.process_time() - started < 0.1
    assert found is not None
    assert cache_file(str(cache_dir)).stat().st_size < 1_000_000


@pytest.mark.usefixtures("geography")
def test_second_start_needs_neither_package(cache_dir: Path) -> None:
    """They take half a second and hundreds of megabytes."""
    program = (
        "import sys; from gateway.engine.geo_cache import open_geography; "
        f"assert open_geography({str(cache_dir)!r}).zip('10001'); "
        "print(sorted({'zipcodes', 'phonenumbers'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_damaged_table_is_made_again(tmp_path: Path) -> None:
    path = cache_file(str(tmp_path))
    path.write_bytes(b"ANIGEO1\nnonsense nonsense")
    assert open_geography(str(tmp_path)).zip("10001") is not None
    assert path.stat().st_size > 500_000
    assert [entry.name for entry in tmp_path.iterdir()] == ["geo.bin"]


def test_works_without_a_writable_folder(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    blocker = tmp_path / "file"
    blocker.write_text("not a folder")
    geography = open_geography(str(blocker / "cache"))
    assert geography.zip("10001") is not None
    assert "cannot keep the geography table" in caplog.text


def test_table_lies_in_the_users_cache_by_default(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_file("") == tmp_path / "ani-gateway" / "geo.bin"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setenv("HOME", "/users/somebody")
    assert cache_file("") == Path("/users/somebody/.cache/ani-gateway/geo.bin")

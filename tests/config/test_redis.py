from pathlib import Path

import pytest

from gateway.config.load import load
from gateway.config.problems import ConfigError

KEY = {"ANI_GATEWAY_OUTBOUNDIQ_KEY": "s3cret-value"}


def load_with(folder: Path, section: str) -> str:
    """The password in force."""
    file = folder / "gateway.toml"
    file.write_text(section)
    return load(file=file, environ=KEY, flags=()).settings.redis.password


def test_a_password_in_the_address_is_refused_and_not_shown(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load_with(tmp_path, '[redis]\nurl = "redis://:hunter2@127.0.0.1/0"\n')
    (problem,) = caught.value.problems
    assert problem.path == "redis.url"
    assert "hunter2" not in str(problem)


def test_the_password_may_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "redis.password").write_text("hunter2\n")
    section = f'[redis]\nurl = "redis://127.0.0.1/0"\npassword_file = "{tmp_path / "redis.password"}"\n'
    assert load_with(tmp_path, section) == "hunter2"

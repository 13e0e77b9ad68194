import json
import tomllib
from pathlib import Path

import pytest

from gateway.config import reference
from gateway.config.load import load
from gateway.config.schema import entries
from gateway.config.settings import Settings


@pytest.mark.parametrize("form", sorted(reference.FORMATS))
def test_every_setting_stands_in_every_format(form: str) -> None:
    text = reference.FORMATS[form]()
    assert [entry.path for entry in entries() if entry.parts[-1] not in text or not text.endswith("\n")] == []


def switched_on(line: str) -> str:
    """A line of the sample file with its setting or section switched on; comments stay."""
    bare = line.removeprefix("# ")
    name = bare.partition(" = ")[0]
    return bare if bare.startswith("[") or name in {entry.parts[-1] for entry in entries()} else line


def test_sample_file_with_everything_switched_on_is_the_defaults(tmp_path: Path) -> None:
    file = tmp_path / "sample.toml"
    lines = [switched_on(line) for line in reference.as_toml().splitlines()]
    text = "\n".join(lines)
    # Rightly refused: a PBX without a secret or a place for its records, a webhook without an address.
    text = text.replace('\nurl = ""', '\nurl = "https://example.com"')
    head, redis, tail = text.partition("\n[redis]\n")
    text = head + redis + tail.replace("https://example.com", "", 1)
    text = text.replace('\nsecret = ""', '\nsecret = "x"').replace(
        "\ntargets = []", '\ntargets = ["outboundiq"]'
    )
    file.write_text(text)
    loaded = load(file=file, environ={"ANI_GATEWAY_OUTBOUNDIQ_KEY": "x"})
    assert loaded.settings.assignment == Settings().assignment
    assert loaded.settings.agi == Settings().agi
    given = {path.replace("c12", "ID") for path in loaded.origins}
    assert given == {entry.path for entry in entries()}


def test_sample_file_is_toml_with_everything_commented_out() -> None:
    def is_empty(section: object) -> bool:
        return isinstance(section, dict) and all(is_empty(value) for value in section.values())

    assert is_empty(tomllib.loads(reference.as_toml()))


def test_json_names_type_and_limits() -> None:
    rows = {row["path"]: row for row in json.loads(reference.as_json())}
    deadline = rows["assignment.deadline_s"]
    assert (deadline["unit"], deadline["least"], deadline["most"]) == ("s", 0.01, 30)
    assert rows["outboundiq.key"]["secret"] is True
    assert rows["agi.listen"]["environment"] == "ANI_GATEWAY_AGI_LISTEN"


def test_markdown_names_limits_and_unit() -> None:
    assert "- Type: a number, in s, at least 0.01, at most 30" in reference.as_markdown()

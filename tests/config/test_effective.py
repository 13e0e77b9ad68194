import json
from pathlib import Path

from gateway.config import effective
from gateway.config.load import load
from gateway.config.schema import entries

ENVIRON = {"ANI_GATEWAY_OUTBOUNDIQ_KEY": "s3cret-value", "ANI_GATEWAY_API_KEYS": "s3cret-value,other"}


def test_every_setting_is_shown_with_its_origin(tmp_path: Path) -> None:
    file = tmp_path / "g.toml"
    reporting = "[api_keys.c12]\nkey = 'x'\n[ami.c12]\nsecret = 'x'\n[dials]\ntargets = ['outboundiq']"
    webhook = "[webhooks.c12]\nurl = 'https://example.com'\nsecret = 'x'\n"
    file.write_text(f"[campaigns.c12]\nname = 'Spring'\n{webhook}{reporting}")
    rows = json.loads(effective.as_json(load(file=file, environ=ENVIRON)))
    shown = {row["path"]: (row["value"], row["origin"]) for row in rows}
    assert shown["campaigns.c12.name"] == ("Spring", f"{file}:2")
    assert shown["agi.max_connections"] == (10_000, "default")
    assert {entry.path.replace("ID", "c12") for entry in entries()} == set(shown)


def test_secrets_are_masked_in_every_form() -> None:
    loaded = load(file=Path("/dev/null"), environ=ENVIRON)
    for text in (effective.as_text(loaded), effective.as_json(loaded)):
        assert "s3cret" not in text
        assert effective.MASK in text


def test_a_secret_that_is_not_set_is_shown_as_empty() -> None:
    loaded = load(file=Path("/dev/null"), environ={"ANI_GATEWAY_OUTBOUNDIQ_KEY": "x"})
    assert [each.value for each in effective.effective(loaded) if each.path == "api.keys"] == [()]

import re
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any

from gateway.config import forms
from gateway.config.schema import entries, find, find_secret_file, is_section
from gateway.config.settings import Settings
from gateway.providers.outboundiq_account import OutboundIqSettings


def test_every_field_of_every_section_is_a_setting() -> None:
    settings = Settings()
    for section in fields(settings):
        value = getattr(settings, section.name)
        if is_dataclass(value):
            paths = [(section.name, field.name) for field in fields(value)]
            assert all(find(path) or is_section(path) for path in paths), section.name


def test_a_section_that_repeats_has_its_settings_under_any_name() -> None:
    entry = find(("campaigns", "c12", "default_ani"))
    assert entry is not None
    assert entry.path == "campaigns.ID.default_ani"
    assert entry.environment == "ANI_GATEWAY_CAMPAIGNS_ID_DEFAULT_ANI"
    assert is_section(("campaigns", "c12"))


def test_only_secrets_may_stand_in_a_file() -> None:
    assert find_secret_file(("outboundiq", "key_file")) == ("outboundiq", "key")
    assert find_secret_file(("outboundiq", "url_file")) is None
    assert find_secret_file(("outboundiq", "ca_file")) is None


def test_no_two_settings_share_a_variable() -> None:
    names = [entry.environment for entry in entries()]
    names += [f"{entry.environment}_FILE" for entry in entries() if entry.secret]
    assert len(names) == len(set(names))


def test_every_setting_says_what_it_does_and_why_its_default() -> None:
    assert [entry.path for entry in entries() if not entry.what.endswith((".", "?")) or not entry.why] == []


def _leaves(value: Any) -> list[Any]:
    return [leaf for each in value for leaf in _leaves(each)] if isinstance(value, tuple) else [value]


def test_every_default_keeps_its_own_limits() -> None:
    for entry in entries():
        forms.check(entry.default, entry)
        assert entry.choices == () or all(isinstance(leaf, str | Enum) for leaf in _leaves(entry.default))


def test_every_time_has_the_unit_seconds() -> None:
    times = [entry for entry in entries() if entry.path.endswith("_s") and not entry.path.endswith("_per_s")]
    assert [entry.path for entry in times if entry.unit != "s"] == []


def test_a_secret_is_not_in_the_representation_of_its_settings() -> None:
    assert "s3cret" not in repr(OutboundIqSettings(key="s3cret"))
    secret = {entry.parts[-1] for entry in entries() if entry.secret}
    assert not [name for name in secret if re.search(rf"\b{name}=", repr(Settings()))]

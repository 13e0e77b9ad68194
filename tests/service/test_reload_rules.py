from dataclasses import replace

import pytest

from gateway.agi.settings import AgiSettings
from gateway.ami.settings import AmiSettings
from gateway.assignment.settings import AssignmentSettings
from gateway.config.schema import find, is_section
from gateway.config.service import ServiceSettings
from gateway.config.settings import DialsSettings, Settings
from gateway.service.reload_rules import NEEDS_RESTART, merge
from gateway.stores.settings import SpoolSettings

REPORTING = DialsSettings(targets=("outboundiq",))


def test_what_is_equal_changes_nothing() -> None:
    merged = merge(Settings(), Settings())
    assert (merged.settings, merged.changed, merged.kept) == (Settings(), (), ())


def test_what_may_change_does() -> None:
    wanted = Settings(assignment=AssignmentSettings(deadline_s=0.5), ami={"pbx": AmiSettings(secret="s")})
    merged = merge(Settings(), wanted)
    assert merged.settings == wanted
    assert "assignment.deadline_s" in merged.changed
    assert "ami.pbx.secret" in merged.changed
    assert merged.kept == ()


def test_what_needs_a_restart_stays_and_is_named() -> None:
    wanted = Settings(
        agi=AgiSettings(listen=("127.0.0.1:1",), allow=("10.0.0.0/8",)),
        spool=SpoolSettings(file="other.db"),
        service=ServiceSettings(workers=4, hang_timeout_s=9),
    )
    merged = merge(Settings(), wanted)
    assert merged.kept == ("agi.listen", "spool.file", "service.workers")
    assert merged.changed == ("agi.allow", "service.hang_timeout_s")
    assert merged.settings.agi == replace(AgiSettings(), allow=("10.0.0.0/8",))
    assert merged.settings.service == ServiceSettings(hang_timeout_s=9)
    assert merged.settings.spool == SpoolSettings()


@pytest.mark.parametrize(("before", "after"), [(DialsSettings(), REPORTING), (REPORTING, DialsSettings())])
def test_reporting_as_a_whole_begins_and_ends_with_a_restart(
    before: DialsSettings, after: DialsSettings
) -> None:
    merged = merge(Settings(dials=before), Settings(dials=after))
    assert merged.kept == ("dials.targets",)
    assert merged.settings.dials == before


def test_one_target_more_needs_no_restart() -> None:
    more = replace(REPORTING, targets=("outboundiq", "file"))
    assert merge(Settings(dials=REPORTING), Settings(dials=more)).settings.dials == more


@pytest.mark.parametrize("fixed", NEEDS_RESTART, ids=lambda fixed: fixed.path)
def test_each_rule_speaks_of_settings_there_are(fixed: object) -> None:
    parts = tuple(getattr(fixed, "path", "").split("."))
    assert find(parts) is not None or is_section(parts)

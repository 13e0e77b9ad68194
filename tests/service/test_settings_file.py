import os

import pytest

from gateway.ami.settings import AmiSettings
from gateway.assignment.settings import AssignmentSettings, CampaignSettings
from gateway.config.settings import Settings
from gateway.engine.settings import ApiKeySettings
from gateway.model.decision import Source
from gateway.model.phone import PhoneFormat
from gateway.service.settings_file import SettingsFile, read_settings

SETTINGS = Settings(
    assignment=AssignmentSettings(providers=(Source.ENGINE, Source.OUTBOUNDIQ), deadline_s=1),
    ami={"pbx": AmiSettings(secret="s")},
    api_keys={"one": ApiKeySettings(key="k")},
    campaigns={"9001": CampaignSettings(caller_id_format=PhoneFormat.E164)},
)


def test_settings_arrive_as_they_were_sent_however_often_they_are_read() -> None:
    with SettingsFile(SETTINGS) as file:
        for _ in range(2):
            assert read_settings(os.dup(file.fileno())) == SETTINGS


def test_a_file_that_is_none_of_ours_is_an_error_with_words() -> None:
    descriptor = os.memfd_create("other")
    os.write(descriptor, b"[agi]")
    with pytest.raises(OSError, match="the supervisor's settings make no sense"):
        read_settings(descriptor)


def test_secrets_stand_in_no_file_with_a_name() -> None:
    with SettingsFile(SETTINGS) as file:
        assert os.fstat(file.fileno()).st_nlink == 0

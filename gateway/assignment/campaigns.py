"""What holds for one campaign: providers in order, default number, number format."""

from collections.abc import Mapping
from typing import NamedTuple

from gateway.assignment.settings import AssignmentSettings, CampaignSettings
from gateway.model.decision import Source
from gateway.model.phone import PhoneFormat, PhoneNumber, parse_phone


class Campaign(NamedTuple):
    """The rules for the calls of one campaign."""

    providers: tuple[Source, ...]
    """To be asked in this order."""
    default_ani: PhoneNumber | None
    """The number to show when nobody has a better one."""
    caller_id_format: PhoneFormat
    """How the number is written into CALLERID(num)."""
    name: str
    """For dial records; "" when none is configured."""


class Campaigns:
    """Looks rules up by campaign id; a campaign without its own section has those of `[assignment]`."""

    def __init__(self, settings: AssignmentSettings, campaigns: Mapping[str, CampaignSettings]) -> None:
        self._for_all = _rules(CampaignSettings(), settings)
        self._campaigns = {name: _rules(own, settings) for name, own in campaigns.items()}

    def of(self, campaign: str) -> Campaign:
        """The rules for a campaign id, known or not."""
        return self._campaigns.get(campaign, self._for_all)


def _rules(own: CampaignSettings, settings: AssignmentSettings) -> Campaign:
    return Campaign(
        own.providers or settings.providers,
        parse_phone(own.default_ani or settings.default_ani),
        own.caller_id_format or settings.caller_id_format,
        own.name,
    )

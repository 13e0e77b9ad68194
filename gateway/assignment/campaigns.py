"""What holds for one campaign: providers in order, default number, number format."""

from collections.abc import Mapping

from gateway.assignment.settings import AssignmentSettings, CampaignSettings
from gateway.model.decision import Source
from gateway.model.phone import PhoneFormat, PhoneNumber, parse_phone

_SAME_FOR_ALL = CampaignSettings()


class Campaigns:
    """Looks settings up by campaign id; a campaign without its own section has those of `[assignment]`."""

    def __init__(self, settings: AssignmentSettings, campaigns: Mapping[str, CampaignSettings]) -> None:
        self._settings = settings
        self._campaigns = campaigns
        self._default_anis = {name: parse_phone(own.default_ani) for name, own in campaigns.items()}
        self._default_ani = parse_phone(settings.default_ani)

    def providers(self, campaign: str) -> tuple[Source, ...]:
        """Providers to ask, in order."""
        return self._of(campaign).providers or self._settings.providers

    def default_ani(self, campaign: str) -> PhoneNumber | None:
        """The number to show when nobody has a better one."""
        return self._default_anis.get(campaign) or self._default_ani

    def caller_id_format(self, campaign: str) -> PhoneFormat:
        """How the number is written into CALLERID(num)."""
        return self._of(campaign).caller_id_format or self._settings.caller_id_format

    def name(self, campaign: str) -> str:
        """The campaign's name for dial records; "" when none is configured."""
        return self._of(campaign).name

    def _of(self, campaign: str) -> CampaignSettings:
        return self._campaigns.get(campaign, _SAME_FOR_ALL)

"""A kept dial in the words of a webhook: the inventory tells what its disposition and campaign mean."""

import logging
from collections.abc import Sequence
from typing import Any

from gateway.engine.statistics import Outcomes
from gateway.model.dial import Dial
from gateway.model.inventory import Campaign, DispoType, Kind
from gateway.providers import dial_batch
from gateway.providers.base import InventoryService, ProviderError
from gateway.providers.dial_batch import DialEvent
from gateway.providers.outboundiq_dials import written

_log = logging.getLogger(__name__)
_INVENTORY_S = 5.0
_MAX_COUNT_DIGITS = 9


class DialEvents:
    """Makes events by the inventory as it was at the last `renew`."""

    def __init__(self, inventory: InventoryService) -> None:
        self._inventory = inventory
        self._outcomes = Outcomes(())
        self._campaigns: dict[str, str] = {}

    async def renew(self) -> None:
        """Read the inventory anew, within 10 s; when it is busy, what was known before stays."""
        try:
            dispos: Sequence[Any] = await self._inventory.list_all(Kind.DISPO, timeout_s=_INVENTORY_S)
            campaigns = await self._inventory.list_all(Kind.CAMPAIGN, timeout_s=_INVENTORY_S)
        except ProviderError as error:
            _log.warning("webhooks go out with the dispositions known before: %s", error)
            return
        self._outcomes = Outcomes(dispos)
        self._campaigns = {one.id: one.name for one in campaigns if isinstance(one, Campaign)}

    def event(self, dial: Dial, company_slug: str) -> DialEvent:
        """The event of one dial. A disposition the inventory does not know has no id and no flags."""
        dispo = self._outcomes.find(dial.disposition_name)
        return DialEvent(
            company_slug=company_slug,
            call_id=dial.dial_id,
            call_direction=dial.call_direction,
            timestamp=dial_batch.iso(dial.at),
            ani=written(dial.ani),
            phone=written(dial.prospect_phone),
            campaign=dial.campaign_name or self._campaigns.get(dial.campaign_id, ""),
            campaign_internal_id=dial.campaign_id,
            agent=dial.agent_name,
            disposition=dispo.name if dispo else dial.disposition_name,
            disposition_id=dispo.id if dispo else "",
            contact=bool(dispo and dispo.contact),
            success=bool(dispo and dispo.success),
            is_system_dispo=bool(dispo and dispo.type is DispoType.SYSTEM),
            total_dial_attempts=_count(dial.total_dial_attempts.strip()),
        )


def _count(text: str) -> int:
    """The number `text` is, 0 when it is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _MAX_COUNT_DIGITS else 0

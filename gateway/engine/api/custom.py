"""outboundIQ's Custom Dialer Integration: campaigns, dispositions and ANIs under /custom.

Source: the Custom Dialer Integration document. GET asks by query, DELETE by a JSON body, or by the same
query where there is no body. Only universal keys may.
"""

from collections.abc import Iterator

import msgspec

from gateway.engine.api.endpoint import Endpoint, Place
from gateway.engine.api.envelopes import OUTBOUNDIQ
from gateway.engine.api.inventory import ANIS, DISPOS, Resource, Site, inventory_endpoints
from gateway.engine.api.inventory_bodies import (
    Id,
    NewPooledCampaign,
    PooledCampaignUpdate,
    ShownPooledCampaign,
)
from gateway.model.inventory import Kind
from gateway.providers.base import InventoryService


class PooledCampaignAnswer(msgspec.Struct):
    """Answer with a campaign."""

    success: bool
    campaign: ShownPooledCampaign


_CAMPAIGNS = Resource(
    Kind.CAMPAIGN, "Campaign", Id, NewPooledCampaign, PooledCampaignUpdate,
    lambda item: PooledCampaignAnswer(success=True, campaign=ShownPooledCampaign.of(item)),
    PooledCampaignAnswer,
)  # fmt: skip
_SITE = Site(OUTBOUNDIQ, "/custom", Place.QUERY)


def custom_endpoints(service: InventoryService) -> Iterator[Endpoint]:
    """All twelve."""
    return inventory_endpoints(_SITE, service, (_CAMPAIGNS, DISPOS, ANIS))

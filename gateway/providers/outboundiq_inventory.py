"""outboundIQ: `/custom/campaigns`, `/custom/dispos` and `/custom/anis`.

Source: the vendor's Custom Dialer Integration page. `carrier_id` is documented as accepted and not kept, so
it is never sent.
"""

from gateway.providers.http import HttpClient
from gateway.providers.inventory_answers import Dialect
from gateway.providers.inventory_client import VendorInventory
from gateway.providers.outboundiq_account import OutboundIqSettings

_DIALECT = Dialect(
    name="outboundiq",
    shown="outboundIQ",
    path="/custom",
    reads_by_query=True,
    lacks=frozenset({"paused_until"}),
    why_forbidden="it is inactive, or not of the universal type",
)
_MAX_CONNECTIONS = 8
"""A person or a sync at work needs few; the vendor's rate limit is unknown."""


class OutboundIqInventory(VendorInventory):
    """Campaigns, dispositions and ANIs at outboundIQ. An `InventoryService`; give it `open` and `close`."""

    def __init__(self, account: OutboundIqSettings) -> None:
        """`account` needs a universal key."""
        http = HttpClient(
            account.url,
            {"Authorization": f"Bearer {account.key}"},
            max_connections=_MAX_CONNECTIONS,
            keepalive_s=account.keepalive_s,
            ca_file=account.ca_file,
        )
        super().__init__(_DIALECT, http, key=account.key)

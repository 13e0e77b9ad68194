"""outboundANI: `/campaigns`, `/dispos` and `/anis`, where GET and DELETE bring a JSON body.

Source: the vendor's AI Dialer Integration page. A campaign has no `inbound_pool_id` there.
"""

from gateway.providers.http import HttpClient
from gateway.providers.inventory_answers import Dialect
from gateway.providers.inventory_client import VendorInventory
from gateway.providers.outboundani import OutboundAniSettings

_DIALECT = Dialect(
    name="outboundani",
    shown="outboundANI",
    path="",
    reads_by_query=False,
    lacks=frozenset({"inbound_pool_id", "paused_until"}),
    why_forbidden="it may not manage the inventory",
)
_MAX_CONNECTIONS = 8
"""A person or a sync at work needs few; the vendor's rate limit is unknown."""


class OutboundAniInventory(VendorInventory):
    """Campaigns, dispositions and ANIs at outboundANI. An `InventoryService`; give it `open` and `close`."""

    def __init__(self, account: OutboundAniSettings) -> None:
        """`account.carrier_id` goes with each ANI that is created."""
        http = HttpClient(
            account.url,
            {"X-ApiKey": account.key},
            max_connections=_MAX_CONNECTIONS,
            keepalive_s=account.keepalive_s,
            ca_file=account.ca_file,
        )
        super().__init__(_DIALECT, http, key=account.key, carrier_id=account.carrier_id)

"""Which numbers a lead may be shown: its campaign's own first, then the shared ones.

A number belongs to a group (`inbound_group_id`). What the group is decides who may use its numbers:

| the group is                                              | its numbers are                            |
| --------------------------------------------------------- | ------------------------------------------ |
| the id or `inbound_pool_id` of a campaign that calls out  | those campaigns' own                       |
| an Inbound campaign that no such campaign points to       | never shown, unless a lead names the group |
| anything else, or empty                                   | shared by all campaigns                    |

A lead that names groups gets numbers of these groups only. A campaign nobody told us about may use every
number that calls out, unless the setting is strict: then it gets none.
"""

from collections.abc import Iterable

from gateway.model.inventory import Campaign
from gateway.model.lead import Lead

SHARED = "shared"
ALL = "all"
Scope = str
"""`SHARED`, `ALL` (every number that calls out), or `group ID`."""


class Pools:
    """The table above for one set of campaigns. Built once; answers without work that grows."""

    def __init__(
        self, campaigns: Iterable[Campaign], *, default_campaign: str = "", strict: bool = False
    ) -> None:
        campaigns = tuple(campaigns)
        self._default = default_campaign
        self._unknown: tuple[tuple[Scope, ...], ...] = () if strict else ((ALL,),)
        self._tiers = {campaign.id: (_own(campaign), (SHARED,)) for campaign in campaigns}
        self._claimed = {
            scope for campaign in campaigns if campaign.type.calls_out for scope in _own(campaign)
        }
        self._inbound = {
            _group(campaign.id) for campaign in campaigns if not campaign.type.calls_out
        } - self._claimed

    def scopes(self, group: str) -> tuple[Scope, ...]:
        """The scopes a number of `group` is found in, its own first."""
        own = _group(group)
        if own in self._inbound:
            return (own,)
        return (own, ALL) if own in self._claimed else (own, ALL, SHARED)

    def tiers(self, lead: Lead) -> tuple[tuple[Scope, ...], ...]:
        """The scopes to search: those of the first tier together, then those of the next."""
        if lead.pools:
            return (tuple(_group(group) for group in dict.fromkeys(lead.pools)),)
        return self._tiers.get(lead.campaign or self._default, self._unknown)


def _own(campaign: Campaign) -> tuple[Scope, ...]:
    # A campaign with both: its own id's numbers and those of its pool are equally its own.
    groups = (campaign.id, campaign.inbound_pool_id) if campaign.inbound_pool_id else (campaign.id,)
    return tuple(_group(group) for group in dict.fromkeys(groups))


def _group(group: str) -> Scope:
    return f"group {group}"

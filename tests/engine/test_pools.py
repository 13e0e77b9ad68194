from gateway.engine.pools import ALL, SHARED, Pools
from gateway.model.inventory import Campaign, CampaignType
from gateway.model.lead import Lead
from gateway.model.phone import PhoneNumber

PHONE = PhoneNumber("+12125550199")
CAMPAIGNS = (
    Campaign("sales", "Sales", CampaignType.OUTBOUND, "returns"),
    Campaign("mixed", "Mixed", CampaignType.BLENDED),
    Campaign("service", "Service", CampaignType.INBOUND),
    Campaign("returns", "Returns", CampaignType.INBOUND),
)


def test_numbers_of_a_claimed_group_are_their_campaigns_own() -> None:
    pools = Pools(CAMPAIGNS)
    for group in ("sales", "returns", "mixed"):
        assert SHARED not in pools.scopes(group)
        assert ALL in pools.scopes(group)


def test_numbers_of_an_inbound_campaign_are_not_shown() -> None:
    assert Pools(CAMPAIGNS).scopes("service") == ("group service",)


def test_numbers_of_no_known_group_are_shared() -> None:
    pools = Pools(CAMPAIGNS)
    assert SHARED in pools.scopes("")
    assert SHARED in pools.scopes("elsewhere")


def test_campaign_searches_its_own_and_its_pools_numbers_then_the_shared() -> None:
    tiers = Pools(CAMPAIGNS).tiers(Lead(PHONE, campaign="sales"))
    assert tiers == (("group sales", "group returns"), (SHARED,))


def test_lead_that_names_groups_gets_these_only() -> None:
    tiers = Pools(CAMPAIGNS).tiers(Lead(PHONE, campaign="sales", pools=("a", "b", "a")))
    assert tiers == (("group a", "group b"),)


def test_unknown_campaign_may_use_all_unless_strict() -> None:
    lead = Lead(PHONE, campaign="new")
    assert Pools(CAMPAIGNS).tiers(lead) == ((ALL,),)
    assert Pools(CAMPAIGNS, strict=True).tiers(lead) == ()


def test_lead_without_a_campaign_is_of_the_default_one() -> None:
    pools = Pools(CAMPAIGNS, default_campaign="mixed", strict=True)
    assert pools.tiers(Lead(PHONE)) == (("group mixed",), (SHARED,))


def test_group_is_always_found_under_its_own_name_first() -> None:
    pools = Pools(CAMPAIGNS)
    for group in ("sales", "returns", "service", "elsewhere", ""):
        assert pools.scopes(group)[0] == f"group {group}"

"""outboundANI's AI Dialer Integration: campaigns, dispositions, ANIs and the next ANI under /dialer.

Source: the AI Dialer Integration document. GET and DELETE carry JSON bodies there; the same names in the
query do as well, as many clients cannot send a body with GET. What the document leaves open is decided here:

- `use_branded`: true asks for branded numbers only, false for plain ones only; without it either will do.
- The answer's `assignment_type` is the rule that really chose the number, in the document's words: the
  nearest area code counts as `area_code`, any number of the prospect's country as `random`. A number that the
  prospect saw before is told as what was asked for.
- Without a number the answer is 404.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated

import msgspec

from gateway.engine.api.bodies import Name, Phone, Text, name, phone
from gateway.engine.api.endpoint import Answered, Asked, Endpoint, Place
from gateway.engine.api.envelopes import OUTBOUNDANI
from gateway.engine.api.explained import Explain, Explained, choose
from gateway.engine.api.inventory import ANIS, DISPOS, Resource, Site, inventory_endpoints
from gateway.engine.api.inventory_bodies import CampaignUpdate, Id, NewCampaign, ShownCampaign
from gateway.engine.provider import NO_ANI, EngineProvider
from gateway.engine.rules import Rule
from gateway.model.inventory import Kind
from gateway.model.lead import AssignmentType, Lead, parse_zip

_MOST_GROUPS = 100
_WORDS: Mapping[Rule, AssignmentType] = {
    Rule.ZIP: AssignmentType.ZIP,
    Rule.AREA_CODE: AssignmentType.AREA_CODE,
    Rule.NEAREST: AssignmentType.AREA_CODE,
    Rule.STATE: AssignmentType.STATE,
    Rule.ANY: AssignmentType.RANDOM,
    Rule.TFN: AssignmentType.TFN,
    Rule.RANDOM: AssignmentType.RANDOM,
    Rule.RATE_STATE: AssignmentType.HIGHEST_CONTACT_RATE,
    Rule.RATE_ANY: AssignmentType.HIGHEST_CONTACT_RATE,
}
_NOTES = (
    "`use_branded`: true asks for branded numbers only, false for plain ones only. The answer's "
    "`assignment_type` is the rule that chose the number, which may not be the one asked for: "
    "`area_code` also stands for the nearest area code, `random` for any number of the prospect's country. "
    "No number: 404."
)


class CampaignAnswer(msgspec.Struct):
    """Answer with a campaign."""

    success: bool
    campaign: ShownCampaign


class NextBody(msgspec.Struct):
    """Body of `POST /dialer/next`."""

    outbound_campaign: Text
    prospect_phone: Phone
    inventory_group_ids: Annotated[list[Name], msgspec.Meta(max_length=_MOST_GROUPS)] | None = None
    prospect_zip: str | None = None
    use_branded: bool | None = None
    assignment_type: AssignmentType | None = None
    e164: bool | None = None
    explain: Explain = None


class NextAni(msgspec.Struct):
    """Answer of `POST /dialer/next`."""

    prospect_phone: str
    """As it was asked."""
    ani: str
    """10 digits, or E.164 with plus when `e164` was asked for."""
    assignment_type: AssignmentType
    """The rule that chose the number."""
    explain: Explained | msgspec.UnsetType = msgspec.UNSET


class NoAni(msgspec.Struct):
    """Answer of `POST /dialer/next` without a number."""

    success: bool
    message: str
    explain: Explained | msgspec.UnsetType = msgspec.UNSET


_CAMPAIGNS = Resource(
    Kind.CAMPAIGN, "Campaign", Id, NewCampaign, CampaignUpdate,
    lambda item: CampaignAnswer(success=True, campaign=ShownCampaign.of(item)), CampaignAnswer,
)  # fmt: skip
_SITE = Site(OUTBOUNDANI, "/dialer", Place.BODY_OR_QUERY)


class DialerApi:
    """All thirteen endpoints over one engine."""

    def __init__(self, provider: EngineProvider) -> None:
        self._provider = provider

    def endpoints(self) -> Iterator[Endpoint]:
        """In the document's order."""
        yield from inventory_endpoints(_SITE, self._provider.inventory(), (_CAMPAIGNS, DISPOS, ANIS))
        yield Endpoint(
            "POST", "/dialer/next", "Get the next ANI", OUTBOUNDANI, self.next,
            {200: (NextAni,), 404: (NoAni,)}, Place.BODY, NextBody, universal=False, notes=_NOTES,
        )  # fmt: skip

    async def next(self, asked: Asked[NextBody]) -> Answered:
        """`POST /dialer/next`."""
        body = asked.given
        choice, why = await choose(self._provider, _lead(asked))
        if choice is None:
            return Answered(NoAni(success=False, message=NO_ANI, explain=why), 404)
        ani = choice.ani.e164 if body.e164 else choice.ani.national
        told = _told(choice.rule, body.assignment_type)
        return Answered(NextAni(body.prospect_phone, ani, told, why))


def _lead(asked: Asked[NextBody]) -> Lead:
    """The lead a body asks for. Raises `BodyError`."""
    body = asked.given
    return Lead(
        phone=phone(body.prospect_phone, "prospect_phone"),
        zip=parse_zip((body.prospect_zip or "").strip()),
        campaign=body.outbound_campaign.strip() or asked.key.default_campaign,
        pools=tuple(name(group, "inventory_group_ids") for group in body.inventory_group_ids or ()),
        assignment_type=body.assignment_type,
        branded=body.use_branded,
        explain=bool(body.explain),
    )


def _told(rule: Rule, asked: AssignmentType | None) -> AssignmentType:
    """The rule in the document's words; a number the prospect saw before is told as what was asked."""
    return _WORDS.get(rule) or asked or AssignmentType.RANDOM

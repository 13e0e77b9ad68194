"""outboundIQ's ANI planner: POST /ani-planner/generate.

Source: the vendor's SDKs; the arithmetic stands in `engine.planning`. What they leave open is decided so: a
target is given by its word or its number and told as the number; `managed` numbers are those not paused
today, `all` has the paused ones too; days are those of `engine.timezone`; campaigns are named by id or name,
and numbers count whatever campaign they belong to; `missingZipData` counts dials without a zip.
"""

from collections.abc import Sequence
from datetime import date
from enum import StrEnum
from typing import Annotated, Literal

import msgspec

from gateway.engine.api.bodies import BodyError, Name
from gateway.engine.api.endpoint import Answered, Asked, Endpoint, Place
from gateway.engine.api.envelopes import OUTBOUNDIQ
from gateway.engine.planner import Planned, Planner, Wish
from gateway.engine.planning import GroupBy, RegionPlan, Target, business_days
from gateway.engine.statistics import rate

MAX_DAYS = 366
"""Longest time a plan looks at."""
_MAX_CAMPAIGNS = 1_000
_EARLIEST, _LATEST = date(1971, 1, 1), date(9998, 1, 1)
"""What clocks can count."""

TargetText = Literal["BEST", "BETTER", "GOOD"]
TargetNumber = Literal[50, 75, 100]
Campaigns = Annotated[list[Name], msgspec.Meta(max_length=_MAX_CAMPAIGNS)]


class InventoryMode(StrEnum):
    """Which numbers count as numbers there are."""

    MANAGED = "managed"
    ALL = "all"


class PlanBody(msgspec.Struct, rename="camel"):
    """Body of `POST /ani-planner/generate`."""

    date_start: date
    date_end: date
    daily_dials_target: TargetText | TargetNumber = "BETTER"
    group_by: GroupBy = GroupBy.AREA_CODE
    inventory_mode: InventoryMode = InventoryMode.MANAGED
    campaigns: Campaigns | None = None
    campaigns_exclude: Campaigns | None = None


class RegionStats(msgspec.Struct, rename="camel"):
    """One region."""

    region: str
    state: str
    area_codes: list[str]
    daily_dials_average: int
    current_anis: int
    proposed_anis: int
    difference: int
    below_threshold: bool


class PlanCampaign(msgspec.Struct):
    """One campaign that could be selected."""

    id: str
    name: str
    dials: int


class PlanData(msgspec.Struct, rename="camel"):
    """The plan."""

    country: str
    date_start: date
    date_end: date
    biz_days: int
    daily_dials_target: int
    group_by: GroupBy
    inventory_mode: InventoryMode
    region_stats: list[RegionStats]
    total_dials: int
    total_contacts: int
    overall_contact_rate: float
    total_current_anis: int
    total_proposed_anis: int
    ani_difference: int
    missing_zip_data: int
    toll_free_recommendation: int
    selected_campaigns: list[str]
    campaigns: list[PlanCampaign]


class PlanAnswer(msgspec.Struct):
    """Answer of `POST /ani-planner/generate`."""

    success: bool
    data: PlanData


class PlannerApi:
    """The endpoint over the engine's own dials and numbers."""

    def __init__(self, planner: Planner) -> None:
        self._planner = planner

    def endpoints(self) -> Sequence[Endpoint]:
        """It."""
        return (
            Endpoint(
                "POST",
                "/ani-planner/generate",
                "Plan how many numbers each region needs",
                OUTBOUNDIQ,
                self.generate,
                {200: (PlanAnswer,)},
                Place.BODY,
                PlanBody,
            ),
        )

    async def generate(self, asked: Asked[PlanBody]) -> Answered:
        """`POST /ani-planner/generate`."""
        body = asked.given
        _check_days(body)
        planned = await self._planner.make(
            Wish(
                body.date_start,
                body.date_end,
                target=_target(body.daily_dials_target),
                group_by=body.group_by,
                with_paused=body.inventory_mode is InventoryMode.ALL,
                campaigns=body.campaigns or (),
                excluded=body.campaigns_exclude or (),
            )
        )
        return Answered(PlanAnswer(success=True, data=_data(body, planned)))


def _check_days(body: PlanBody) -> None:
    """Raises `BodyError`."""
    if not _EARLIEST <= body.date_start <= _LATEST:
        raise BodyError(f"dateStart: must be between {_EARLIEST} and {_LATEST}")
    if body.date_end < body.date_start:
        raise BodyError("dateEnd: must not be before dateStart")
    if (body.date_end - body.date_start).days >= MAX_DAYS:
        raise BodyError(f"dateEnd: at most {MAX_DAYS} days can be planned for")
    if business_days(body.date_start, body.date_end) == 0:
        raise BodyError("dateEnd: there is no business day, Monday to Friday, from dateStart to it")


def _target(given: TargetText | TargetNumber) -> Target:
    return Target[given] if isinstance(given, str) else Target(given)


def _data(body: PlanBody, planned: Planned) -> PlanData:
    return PlanData(
        country=planned.country,
        date_start=body.date_start,
        date_end=body.date_end,
        biz_days=planned.days,
        daily_dials_target=_target(body.daily_dials_target).value,
        group_by=body.group_by,
        inventory_mode=body.inventory_mode,
        region_stats=[_region(one) for one in planned.plan.regions],
        total_dials=planned.dials,
        total_contacts=planned.contacts,
        overall_contact_rate=rate(planned.contacts, planned.dials),
        total_current_anis=planned.numbers,
        total_proposed_anis=planned.plan.proposed,
        ani_difference=planned.plan.proposed - planned.numbers,
        missing_zip_data=planned.without_zip,
        toll_free_recommendation=planned.plan.toll_free,
        selected_campaigns=[one.id for one in planned.campaigns if one.is_selected],
        campaigns=[PlanCampaign(one.id, one.name, one.dials) for one in planned.campaigns],
    )


def _region(one: RegionPlan) -> RegionStats:
    return RegionStats(
        region=one.region.name,
        state=one.region.state,
        area_codes=list(one.region.areas),
        daily_dials_average=one.daily_average,
        current_anis=one.current,
        proposed_anis=one.proposed,
        difference=one.difference,
        below_threshold=one.below_threshold,
    )

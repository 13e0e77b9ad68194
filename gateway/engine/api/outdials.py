"""VoIPBin's outdials API: lists to be dialled, kept in the engine's database.

Source: VoIPBin's outdial tutorial, and its own code where that is silent: what was deleted can still be got,
with its `tm_delete`, but is not listed and cannot be changed.
"""

from collections.abc import Mapping, Sequence

from gateway.engine.api.endpoint import Answered, Asked, Endpoint, Place
from gateway.engine.api.envelopes import VOIPBIN
from gateway.engine.api.outdial_answers import OutdialAnswer, OutdialPage, token_after
from gateway.engine.api.outdial_bodies import (
    OutdialBody,
    OutdialCampaignBody,
    OutdialDataBody,
    OutdialTextsBody,
    PageQuery,
    campaign_id,
    path_id,
)
from gateway.engine.deadline import within
from gateway.model.outdial import Outdial
from gateway.providers.base import NotFoundError
from gateway.stores.outdial_rows import OutdialChange
from gateway.stores.outdials import OutdialStore

OUTDIALS = "/v1.0/outdials"
OUTDIAL = f"{OUTDIALS}/{{id}}"
TIMEOUT_S = 5.0
"""Longest wait for the database, which takes milliseconds unless its disk is in trouble."""
_ONE = {200: (OutdialAnswer,)}
_NO_ONE = (400, 404)


class OutdialsApi:
    """The outdials themselves; see `outdial_targets` for what hangs on them."""

    def __init__(self, store: OutdialStore) -> None:
        self._store = store

    def endpoints(self) -> Sequence[Endpoint]:
        """All of them."""
        body, page = Place.BODY, {200: (OutdialPage,)}
        return (
            Endpoint("GET", OUTDIALS, "List outdials", VOIPBIN, self.list_page, page, Place.QUERY, PageQuery),
            Endpoint("POST", OUTDIALS, "Create an outdial", VOIPBIN, self.create, _ONE, body, OutdialBody),
            Endpoint("GET", OUTDIAL, "Get an outdial", VOIPBIN, self.get, _ONE, failures=_NO_ONE),
            Endpoint(
                "PUT", OUTDIAL, "Change an outdial's name and detail", VOIPBIN, self.set_texts, _ONE,
                body, OutdialTextsBody, failures=_NO_ONE,
            ),
            Endpoint("DELETE", OUTDIAL, "Delete an outdial", VOIPBIN, self.delete, _ONE, failures=_NO_ONE),
            Endpoint(
                "PUT", f"{OUTDIAL}/campaign_id", "Set an outdial's campaign", VOIPBIN, self.set_campaign,
                _ONE, body, OutdialCampaignBody, failures=_NO_ONE,
            ),
            Endpoint(
                "PUT", f"{OUTDIAL}/data", "Set an outdial's data", VOIPBIN, self.set_data, _ONE,
                body, OutdialDataBody, failures=_NO_ONE,
            ),
        )  # fmt: skip

    async def list_page(self, asked: Asked[PageQuery]) -> Answered:
        """`GET /v1.0/outdials`."""
        rows = await within(TIMEOUT_S, self._store.page, before=asked.given.before, limit=asked.given.rows)
        return Answered(OutdialPage([OutdialAnswer.of(row) for row in rows], token_after(rows)))

    async def create(self, asked: Asked[OutdialBody]) -> Answered:
        """`POST /v1.0/outdials`."""
        body = asked.given
        outdial = Outdial(body.name or "", body.detail or "", body.data or "", campaign_id(body.campaign_id))
        return Answered(OutdialAnswer.of(await within(TIMEOUT_S, self._store.create, outdial)))

    async def get(self, asked: Asked[None]) -> Answered:
        """`GET /v1.0/outdials/{id}`."""
        return _one(await within(TIMEOUT_S, self._store.get, path_id(asked.path, "id")))

    async def set_texts(self, asked: Asked[OutdialTextsBody]) -> Answered:
        """`PUT /v1.0/outdials/{id}`."""
        return await self._update(asked.path, OutdialChange(asked.given.name, asked.given.detail))

    async def set_campaign(self, asked: Asked[OutdialCampaignBody]) -> Answered:
        """`PUT /v1.0/outdials/{id}/campaign_id`."""
        change = OutdialChange(campaign_id=campaign_id(asked.given.campaign_id))
        return await self._update(asked.path, change)

    async def set_data(self, asked: Asked[OutdialDataBody]) -> Answered:
        """`PUT /v1.0/outdials/{id}/data`."""
        return await self._update(asked.path, OutdialChange(data=asked.given.data or ""))

    async def delete(self, asked: Asked[None]) -> Answered:
        """`DELETE /v1.0/outdials/{id}`, with its targets; answers what was deleted."""
        return _one(await within(TIMEOUT_S, self._store.delete, path_id(asked.path, "id")))

    async def _update(self, path: Mapping[str, str], change: OutdialChange) -> Answered:
        return _one(await within(TIMEOUT_S, self._store.update, path_id(path, "id"), change))


def _one(found: Outdial | None) -> Answered:
    if found is None:
        raise no_outdial()
    return Answered(OutdialAnswer.of(found))


def no_outdial() -> NotFoundError:
    """For an id that is none, or that of a deleted one where it must not be."""
    return NotFoundError(
        "the outdial does not exist, or is deleted; list the outdials to see which do", status=404
    )

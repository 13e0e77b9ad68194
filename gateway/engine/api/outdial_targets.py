"""VoIPBin's targets of outdials: prospects with up to five destinations each.

Source: VoIPBin's outdial tutorial. Status and try counts are read only here: reported dials change them.
"""

from collections.abc import Sequence

from gateway.engine.api.endpoint import Answered, Asked, Endpoint, Place
from gateway.engine.api.envelopes import VOIPBIN
from gateway.engine.api.outdial_answers import TargetAnswer, TargetPage, token_after
from gateway.engine.api.outdial_bodies import (
    PageQuery,
    TargetBody,
    path_id,
)
from gateway.engine.api.outdials import OUTDIAL, TIMEOUT_S, no_outdial
from gateway.engine.deadline import within
from gateway.model.outdial import OutdialTarget
from gateway.providers.base import NotFoundError
from gateway.stores.outdials import OutdialStore

_TARGETS = f"{OUTDIAL}/targets"
_TARGET = f"{_TARGETS}/{{target_id}}"
_ONE = {200: (TargetAnswer,)}
_NO_ONE = (400, 404)


class OutdialTargetsApi:
    """The endpoints below one outdial."""

    def __init__(self, store: OutdialStore) -> None:
        self._store = store

    def endpoints(self) -> Sequence[Endpoint]:
        """All of them."""
        return (
            Endpoint(
                "GET", _TARGETS, "List an outdial's targets", VOIPBIN, self.list_page, {200: (TargetPage,)},
                Place.QUERY, PageQuery, failures=_NO_ONE,
            ),
            Endpoint(
                "POST", _TARGETS, "Add a target to an outdial", VOIPBIN, self.create, _ONE,
                Place.BODY, TargetBody, failures=_NO_ONE,
            ),
            Endpoint("GET", _TARGET, "Get a target", VOIPBIN, self.get, _ONE, failures=_NO_ONE),
            Endpoint("DELETE", _TARGET, "Delete a target", VOIPBIN, self.delete, _ONE, failures=_NO_ONE),
        )  # fmt: skip

    async def list_page(self, asked: Asked[PageQuery]) -> Answered:
        """`GET /v1.0/outdials/{id}/targets`."""
        outdial, page = path_id(asked.path, "id"), asked.given
        rows = await within(TIMEOUT_S, self._store.page_targets, outdial, before=page.before, limit=page.rows)
        if rows is None:
            raise no_outdial()
        return Answered(TargetPage([TargetAnswer.of(row) for row in rows], token_after(rows)))

    async def create(self, asked: Asked[TargetBody]) -> Answered:
        """`POST /v1.0/outdials/{id}/targets`."""
        body = asked.given
        target = OutdialTarget(
            body.destinations(),
            name=body.name or "",
            detail=body.detail or "",
            data=body.data or "",
            outdial_id=path_id(asked.path, "id"),
        )
        made = await within(TIMEOUT_S, self._store.create_target, target)
        if made is None:
            raise no_outdial()
        return Answered(TargetAnswer.of(made))

    async def get(self, asked: Asked[None]) -> Answered:
        """`GET /v1.0/outdials/{id}/targets/{target_id}`."""
        return _one(await within(TIMEOUT_S, self._store.get_target, *_ids(asked)))

    async def delete(self, asked: Asked[None]) -> Answered:
        """`DELETE /v1.0/outdials/{id}/targets/{target_id}`; answers what was deleted."""
        return _one(await within(TIMEOUT_S, self._store.delete_target, *_ids(asked)))


def _ids(asked: Asked[None]) -> tuple[str, str]:
    return path_id(asked.path, "id"), path_id(asked.path, "target_id")


def _one(found: OutdialTarget | None) -> Answered:
    if found is None:
        raise NotFoundError(
            "the target does not exist in this outdial; list its targets to see which do", status=404
        )
    return Answered(TargetAnswer.of(found))

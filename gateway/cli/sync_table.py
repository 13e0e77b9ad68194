"""How a plan of `sync` and what became of it are shown."""

from collections.abc import Iterator, Mapping
from typing import Any

from gateway.cli.inventory_table import FIELDS, as_object, plain, shown
from gateway.cli.tables import put_table
from gateway.model.inventory import Item, kind_of
from gateway.sync.apply import Outcome
from gateway.sync.plan import Act, Ident, Plan, Step, ident_of

_MARKS = {Act.CREATE: "+", Act.UPDATE: "~", Act.DELETE: "-"}


def put_plan(plan: Plan, limit: int) -> None:
    """Write the first `limit` steps as a table."""
    if plan.steps[:limit]:
        put_table(("", "kind", "key", "what"), (_row(step) for step in plan.steps[:limit]))


def put_failures(outcome: Outcome, limit: int) -> None:
    """Write the first `limit` failures as a table."""
    if outcome.failures[:limit]:
        rows = ((f.step.act, *f.step.ident, f.reason) for f in outcome.failures[:limit])
        put_table(("failed", "kind", "key", "reason"), rows)


def plan_object(plan: Plan) -> dict[str, Any]:
    """A plan for JSON."""
    told: dict[str, Any] = {act.value: [] for act in Act}
    for step in plan.steps:
        told[step.act.value].append(_step_object(step))
    extras = [_named(ident_of(item)) for item in plan.extras]
    return told | {"unchanged": plan.unchanged, "not_in_file": extras}


def unread_object(unread: Mapping[Ident, str]) -> list[dict[str, Any]]:
    """What the backend did not tell, for JSON."""
    return [_named(ident) | {"reason": reason} for ident, reason in unread.items()]


def outcome_object(outcome: Outcome) -> dict[str, Any]:
    """What became of a plan, for JSON."""
    return {
        "done": {act.value: outcome.done[act] for act in Act},
        "not_tried": {act.value: outcome.not_tried[act] for act in Act},
        "failed": [
            {"step": failure.step.act.value, **_named(failure.step.ident), "reason": failure.reason}
            for failure in outcome.failures
        ],
        "stopped": outcome.stopped,
    }


def _row(step: Step) -> tuple[str, ...]:
    kind, key = step.ident
    if step.act is Act.UPDATE:
        what = [f"{name}: {_text(old)} → {_text(new)}" for name, old, new in step.differences()]
    else:
        what = list(_facts(step.item))
    return _MARKS[step.act], kind.value, key, ", ".join(what)


def _facts(item: Item) -> Iterator[str]:
    """All that is told of an item besides its key."""
    for name in FIELDS[kind_of(item)][1:]:
        value = getattr(item, name)
        if value not in ("", None, False) and name != "country_code":
            yield f"{name}={shown(value)}"


def _text(value: object) -> str:
    return shown(value) or "none"


def _step_object(step: Step) -> dict[str, Any]:
    match step.act:
        case Act.CREATE:
            return {"kind": step.ident[0].value, **as_object(step.item)}
        case Act.UPDATE:
            fields = {name: {"old": plain(old), "new": plain(new)} for name, old, new in step.differences()}
            return _named(step.ident) | {"fields": fields}
        case Act.DELETE:
            return _named(step.ident)


def _named(ident: Ident) -> dict[str, Any]:
    return {"kind": ident[0].value, "key": ident[1]}

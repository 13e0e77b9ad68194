"""How the gateway stands, in one word and in a sentence: for `/readyz`, the status document and the metrics.

ready, nothing wrong            ok
ready, something wrong          degraded
no number can be had, or draining   down
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from gateway.admin.snapshot import Snapshot
from gateway.model.decision import Source
from gateway.telemetry.figures import UpstreamFigures, UpstreamState

LINK_IS_WELL = frozenset({"up", "stopped"})


class State(StrEnum):
    """The gateway as a whole."""

    OK = "ok"
    DEGRADED = "degraded"
    DOWN = "down"


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether calls get numbers now, and what is wrong."""

    is_ready: bool
    state: State
    words: str


def standing(snapshot: Snapshot) -> Standing:
    """How it stands at this moment."""
    faults = tuple(_faults(snapshot))
    words = "; ".join((_calls(snapshot), *faults))
    if not snapshot.calls.is_ready:
        return Standing(is_ready=False, state=State.DOWN, words=words)
    return Standing(is_ready=True, state=State.DEGRADED if faults else State.OK, words=words)


def upstream_words(upstream: UpstreamFigures) -> str:
    """How a provider stands, for people."""
    why = upstream.last_failure or "it failed"
    match upstream.state:
        case UpstreamState.OK:
            return "answers" if upstream.requests else "not asked yet"
        case UpstreamState.PROBING:
            return f"is tried again by the next call: {why}"
        case UpstreamState.HELD:
            return "asks to be left alone (429)"
        case UpstreamState.RESTING:
            return f"rests after failures: {why}"


def _calls(snapshot: Snapshot) -> str:
    calls = snapshot.calls
    if not calls.takes_calls:
        return "stopping: no more calls are taken" if snapshot.workers else "nobody answers calls now"
    if not calls.is_ready:
        return "nobody has a number now: calls keep the caller ID they had"
    if any(each.may_answer for each in calls.upstreams) or Source.ENGINE in calls.able:
        return "calls are answered"
    how = {Source.DEFAULT: "the default number", Source.STALE: "earlier answers"}
    return f"calls get {' or '.join(how[one] for one in calls.able)} only"


def _faults(snapshot: Snapshot) -> Iterator[str]:
    for upstream in snapshot.calls.upstreams:
        if upstream.state in {UpstreamState.RESTING, UpstreamState.HELD}:
            yield f"{upstream.name} {upstream_words(upstream)}"
    for link in snapshot.links:
        if link.state not in LINK_IS_WELL:
            yield f"AMI link {link.name} is {link.state}" + (f": {link.words}" if link.words else "")
    if snapshot.reports is None:
        return
    if snapshot.reports.spool_fault:
        yield f"the spool cannot be used: {snapshot.reports.spool_fault}"
    for target in snapshot.reports.targets:
        if target.fault:
            yield f"records wait: {target.name}: {target.fault}"

"""`GET /api/status`: the whole gateway as one JSON document, for screens and scripts.

    {"version", "now", "started_at", "uptime_s", "ready", "state", "words",
     "workers": […], "calls": {…}, "upstreams": […], "cache": {…}, "ami": […],
     "spool": {…} or null, "engine": {…} or null, "last_calls": […]}

Rates and times are those of the last ten seconds or so, counts those since the start. Numbers are masked.
"""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import orjson
from aiohttp import web

from gateway.admin.snapshot import LinkFigures, ReportFigures, Snapshot
from gateway.admin.standing import standing, upstream_words
from gateway.admin.window import Window
from gateway.engine.survey import MOST_SHOWN, EngineSurvey
from gateway.model.phone import PhoneNumber
from gateway.stores.engine_usage import Resting
from gateway.telemetry.figures import CallFigures, Spread, UpstreamFigures
from gateway.telemetry.recent import LastCall

PATH = "/api/status"
_CALLS = "calls"
_NEAR_SHARE = 0.8
_SHARES = {"p50": 0.5, "p99": 0.99}
_CALL_SHARES = {**_SHARES, "p99_9": 0.999}
_MIN_WINDOW_S = 0.5
"""Rates over less would jump about."""


class StatusPage:
    """Writes the document. `time` is the monotonic clock in seconds."""

    def __init__(
        self, look: Callable[[], Snapshot], watch: Callable[[], None], *, time: Callable[[], float]
    ) -> None:
        """`look` gives all figures; `watch` has the last calls noted for some seconds."""
        self._look = look
        self._watch = watch
        self._time = time
        self._window = Window()

    def note(self) -> None:
        """Remember the figures of this moment; call it once a second."""
        self._window.note(self._time(), _histograms(self._look()))

    def document(self) -> bytes:
        """The document of this moment, JSON on one line. Takes about 0.1 ms."""
        self._watch()
        return orjson.dumps(self._document(self._look()), option=orjson.OPT_NON_STR_KEYS)

    def routes(self) -> list[web.RouteDef]:
        """The route, for `make_app`."""
        return [web.get(PATH, self._show)]

    async def _show(self, _request: web.Request) -> web.Response:
        return web.Response(
            body=self.document(), content_type="application/json", headers={"Cache-Control": "no-store"}
        )

    def _document(self, snapshot: Snapshot) -> dict[str, Any]:
        now = standing(snapshot)
        calls = snapshot.calls
        return {
            "version": snapshot.version,
            "now": _written(snapshot.now),
            "started_at": _written(snapshot.started_at),
            "uptime_s": round(snapshot.now - snapshot.started_at, 1),
            "ready": now.is_ready,
            "state": now.state,
            "words": now.words,
            "workers": [
                {
                    "slot": worker.slot,
                    "open": worker.figures.open,
                    "decided": worker.figures.latency.count,
                    "age_s": round(worker.age_s, 1),
                }
                for worker in snapshot.workers
            ],
            "calls": self._calls(calls),
            "upstreams": [self._upstream(each) for each in calls.upstreams],
            "cache": {"entries": calls.cache_entries, "size": calls.cache_size},
            "ami": [self._link(each) for each in snapshot.links],
            "spool": None if snapshot.reports is None else _spool(snapshot.reports),
            "engine": None if snapshot.engine is None else _engine(snapshot.engine),
            "last_calls": [_call(each) for each in calls.last_calls],
        }

    def _calls(self, calls: CallFigures) -> dict[str, Any]:
        latency = calls.latency
        lately, seconds = self._window.lately(self._time(), _CALLS, latency)
        statuses, reasons = Counter[str](), Counter[str]()
        for each in calls.decided:
            statuses[each.status] += each.latency.count
            reasons[each.reason] += each.latency.count
        sources = {source: spread.count for source, spread in calls.by_source.items()}
        return {
            "decided": latency.count,
            "open": calls.open,
            "per_s": round(lately.count / seconds, 1) if seconds >= _MIN_WINDOW_S else None,
            "latency_ms": _quantiles(lately, _CALL_SHARES),
            "by_source": _without_zeros(sources),
            "by_status": _without_zeros(statuses),
            "by_reason": {name: count for name, count in reasons.items() if name and count},
        }

    def _upstream(self, upstream: UpstreamFigures) -> dict[str, Any]:
        lately, _ = self._window.lately(self._time(), f"upstream {upstream.name}", upstream.latency)
        return {
            "name": upstream.name,
            "state": upstream.state,
            "words": upstream_words(upstream),
            "requests": upstream.requests,
            "leads": upstream.leads,
            "failures": dict(upstream.failures),
            "latency_ms": _quantiles(lately, _SHARES),
        }

    def _link(self, link: LinkFigures) -> dict[str, Any]:
        lag = Spread.of(link.metrics.lag)
        lately, _ = self._window.lately(self._time(), f"ami {link.name}", lag)
        return {
            "name": link.name,
            "state": link.state,
            "words": link.words or ("connected" if link.state == "up" else link.state),
            "lag_ms": _quantiles(lately, _SHARES),
            "open_calls": link.open_calls,
            "call_ends": link.metrics.call_ends,
            "losses": link.metrics.losses,
            "findings": list(link.findings),
        }


def _histograms(snapshot: Snapshot) -> dict[str, Spread]:
    return {
        _CALLS: snapshot.calls.latency,
        **{f"upstream {each.name}": each.latency for each in snapshot.calls.upstreams},
        **{f"ami {each.name}": Spread.of(each.metrics.lag) for each in snapshot.links},
    }


def _spool(reports: ReportFigures) -> dict[str, Any]:
    every = [target.metrics for target in reports.targets]
    return {
        "waiting": max((one.waiting for one in every), default=0) + reports.dials.buffered,
        "oldest_s": round(max((one.oldest_s for one in every), default=0.0), 1),
        "dead": sum(one.dead for one in every),
        "words": reports.spool_fault or "on disk",
        "targets": [
            {
                "name": target.name,
                "state": "failing" if target.fault else "ok",
                "words": target.fault or "takes records",
                "waiting": target.metrics.waiting,
                "delivered": target.metrics.delivered_total,
                "failed": target.metrics.retried_total,
                "dead": target.metrics.dead,
            }
            for target in reports.targets
        ],
    }


def _engine(survey: EngineSurvey) -> dict[str, Any]:
    near = [(ani, used) for ani, used in survey.busiest if used >= survey.daily_cap * _NEAR_SHARE]
    return {
        "numbers": survey.numbers,
        "used_today": survey.uses_today,
        "near_cap": [
            {"ani": _masked(ani), "used_today": used, "cap": survey.daily_cap}
            for ani, used in near[:MOST_SHOWN]
        ],
        "resting": [{"ani": _masked(one.number), "words": _until(one)} for one in survey.resting],
        "contact_rates": [
            {
                "ani": _masked(ani),
                "calls": figures.recent,
                "contacts": figures.recent_contacts,
                "rate": figures.contact_rate,
            }
            for ani, figures in survey.rates
        ],
    }


def _call(call: LastCall) -> dict[str, Any]:
    return {
        "at": _written(call.at),
        "phone": call.phone,
        "ani": call.ani,
        "status": call.status,
        "source": call.source,
        "reason": call.reason,
        "took_ms": round(call.took_s * 1000, 2),
        "uniqueid": call.uniqueid,
    }


def _quantiles(spread: Spread, shares: dict[str, float]) -> dict[str, float | None]:
    """In milliseconds, as far as the buckets tell."""
    found = {name: spread.estimate(share) for name, share in shares.items()}
    return {name: None if value is None else round(value * 1000, 2) for name, value in found.items()}


def _until(resting: Resting) -> str:
    if resting.paused_until is not None:
        return "paused" if resting.paused_until == date.max else f"paused until {resting.paused_until}"
    # The time zone of whoever reads it is not known here.
    return f"until {_written(resting.until or 0.0)}"


def _without_zeros(counts: Any) -> dict[str, int]:
    return {name: count for name, count in counts.items() if count}


def _written(epoch_s: float) -> str:
    moment = datetime.fromtimestamp(epoch_s, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _masked(number: str) -> str:
    return PhoneNumber(number).masked

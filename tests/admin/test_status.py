from typing import Any

import orjson
from aiohttp.test_utils import TestClient, TestServer

from gateway.admin.app import make_app
from gateway.admin.settings import AdminSettings
from gateway.admin.snapshot import Snapshot
from gateway.admin.status import StatusPage
from gateway.telemetry.figures import CallFigures
from tests.admin.figures import ANI, BEGAN, BUSY_ANI, snapshot


class Gateway:
    """What is looked at, and a clock."""

    def __init__(self) -> None:
        self.now = 0.0
        self.hits = 3
        self.looked = 0
        self.page = StatusPage(lambda: snapshot(self.hits), self._watch, time=lambda: self.now)

    def _watch(self) -> None:
        self.looked += 1

    def document(self) -> Any:
        return orjson.loads(self.page.document())


def test_the_document_has_everything_a_screen_shows() -> None:
    gateway = Gateway()
    gateway.page.note()
    gateway.now, gateway.hits = 10.0, 13
    document = gateway.document()
    assert {key: document[key] for key in ("version", "started_at", "uptime_s", "ready", "state")} == {
        "version": "0.5.0",
        "started_at": "2025-10-09T08:53:20.000Z",
        "uptime_s": 60.5,
        "ready": True,
        "state": "degraded",
    }
    assert document["words"].startswith("calls are answered; outboundiq rests")
    assert document["workers"] == [{"slot": 1, "open": 1, "decided": 14, "age_s": 0.2}]
    assert document["calls"] == {
        "decided": 14,
        "open": 1,
        "per_s": 1.0,
        "latency_ms": {"p50": 0.75, "p99": 0.99, "p99_9": 1.0},
        "by_source": {"cache": 13, "engine": 1},
        "by_status": {"ASSIGNED": 13, "FALLBACK": 1},
        "by_reason": {"timeout": 1},
    }
    assert document["upstreams"] == [
        {
            "name": "outboundiq",
            "state": "resting",
            "words": "rests after failures: 503: try later",
            "requests": 7,
            "leads": 9,
            "failures": {"unavailable": 4},
            "latency_ms": {"p50": None, "p99": None},
        }
    ]
    assert document["cache"] == {"entries": 10, "size": 100}


def test_the_document_has_the_reports() -> None:
    document = Gateway().document()
    (link,) = document["ami"]
    assert (link["state"], link["words"], link["call_ends"]) == ("refused", "Asterisk refuses user 'gw'", 5)
    assert link["findings"] == ["no_hangups"]
    spool = document["spool"]
    assert (spool["waiting"], spool["oldest_s"], spool["dead"]) == (2, 7.5, 1)
    assert spool["targets"] == [
        {
            "name": "outboundiq",
            "state": "failing",
            "words": "401 Unauthorized",
            "waiting": 2,
            "delivered": 3,
            "failed": 0,
            "dead": 1,
        }
    ]


def test_the_document_has_the_engines_numbers_masked() -> None:
    gateway = Gateway()
    assert gateway.document()["engine"] == {
        "numbers": 100,
        "used_today": 130,
        "near_cap": [{"ani": "+1312*****01", "used_today": 100, "cap": 100}],
        "resting": [
            {"ani": "+1312*****00", "words": "until 2025-10-09T08:55:20.500Z"},
            {"ani": "+1312*****01", "words": "paused"},
        ],
        "contact_rates": [{"ani": "+1312*****01", "calls": 40, "contacts": 8, "rate": 0.2}],
    }
    text = gateway.page.document()
    assert ANI.encode() not in text
    assert BUSY_ANI.encode() not in text


def test_looking_at_it_has_the_last_calls_noted() -> None:
    gateway = Gateway()
    (call,) = gateway.document()["last_calls"]
    assert gateway.looked == 1
    assert call == {
        "at": "2025-10-09T08:54:19.500Z",
        "phone": "+1212*****01",
        "ani": "+1312*****00",
        "status": "ASSIGNED",
        "source": "cache",
        "reason": "",
        "took_ms": 1.0,
        "uniqueid": "1.1",
    }


def test_what_there_is_not_is_null() -> None:
    page = StatusPage(lambda: Snapshot("1", BEGAN, BEGAN, CallFigures(), ()), lambda: None, time=lambda: 0.0)
    document = orjson.loads(page.document())
    assert (document["spool"], document["engine"], document["calls"]["per_s"]) == (None, None, None)
    assert document["calls"]["latency_ms"] == {"p50": None, "p99": None, "p99_9": None}
    assert document["state"] == "down"


async def test_it_is_served_as_json_that_nobody_keeps() -> None:
    app = make_app(AdminSettings(), Gateway().page.routes())
    async with TestClient(TestServer(app)) as client, client.get("/api/status") as answer:
        assert (answer.status, answer.headers["Cache-Control"]) == (200, "no-store")
        assert (await answer.json())["version"] == "0.5.0"

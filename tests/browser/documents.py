"""Status documents as the gateway makes them: the figures follow from the number of seconds."""

import math
from datetime import UTC, datetime, timedelta
from typing import Any

START = datetime(2026, 3, 2, 14, 0, tzinfo=UTC)
Document = dict[str, Any]


def moment(seconds: float) -> str:
    return (START + timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")


def empty() -> Document:
    """A gateway that has nothing yet: no upstream, no AMI, no targets, no engine, no call."""
    return {
        "version": "0.5.0",
        "now": moment(3),
        "started_at": moment(0),
        "uptime_s": 3.2,
        "ready": True,
        "state": "ok",
        "words": "waits for its first call",
        "workers": [{"slot": 0, "open": 0, "decided": 0, "age_s": 0.0}],
        "calls": {
            "decided": 0,
            "open": 0,
            "per_s": None,
            "latency_ms": {"p50": None, "p99": None, "p99_9": None},
            "by_source": {},
            "by_status": {},
            "by_reason": {},
        },
        "upstreams": [],
        "cache": {"entries": 0, "size": 100_000},
        "ami": [],
        "spool": None,
        "engine": None,
        "last_calls": [],
    }


def busy(second: int) -> Document:
    """Some 200 calls a second for `second` seconds, on four workers, with everything set up."""
    decided = 200 * second
    per_s = 200 + 18 * math.sin(second / 40) + 6 * math.sin(second * 1.7)
    p99 = 24 + 7 * math.sin(second / 31) + 5 * math.sin(second * 2.3)
    return {
        **empty(),
        "now": moment(second),
        "uptime_s": second + 0.4,
        "words": "calls are answered, records are delivered",
        "workers": [
            {"slot": slot, "open": second % 4, "decided": decided // 4, "age_s": 0.2 * slot}
            for slot in range(1, 5)
        ],
        "calls": {
            "decided": decided,
            "open": 3 + second % 5,
            "per_s": round(per_s, 1),
            "latency_ms": {"p50": 1.0 if second % 9 else 2.0, "p99": round(p99, 1), "p99_9": 48.0},
            "by_source": {
                "outboundiq": int(decided * 0.61),
                "cache": int(decided * 0.352),
                "engine": int(decided * 0.03),
                "none": decided - int(decided * 0.61) - int(decided * 0.352) - int(decided * 0.03),
            },
            "by_status": {
                "ASSIGNED": int(decided * 0.962),
                "FALLBACK": int(decided * 0.03),
                "BYPASSED": int(decided * 0.008),
            },
            "by_reason": {"": int(decided * 0.962), "timeout": int(decided * 0.03), "emergency": second // 9},
        },
        "upstreams": [
            {
                "name": "outboundiq",
                "state": "ok",
                "words": "answers",
                "requests": second * 81,
                "leads": second * 122,
                "failures": {"timeout": 14},
                "latency_ms": {"p50": 20, "p99": 30},
            },
            {
                "name": "outboundani",
                "state": "ok",
                "words": "answers",
                "requests": 0,
                "leads": 0,
                "failures": {},
                "latency_ms": {"p50": None, "p99": None},
            },
        ],
        "cache": {"entries": min(100_000, 60 * second), "size": 100_000},
        "ami": [
            {
                "name": "pbx-east",
                "state": "up",
                "words": "hears every end of a call",
                "lag_ms": {"p50": 1, "p99": 3},
                "call_ends": decided // 2,
                "losses": 0,
            }
        ],
        "spool": {
            "waiting": 4,
            "oldest_s": 0.6,
            "dead": 0,
            "targets": [
                {
                    "name": "outboundiq",
                    "state": "ok",
                    "words": "takes records",
                    "waiting": 4,
                    "delivered": decided // 2 - 4,
                    "failed": 0,
                    "dead": 0,
                }
            ],
        },
        "engine": _engine(),
        "last_calls": [_call(decided - number) for number in range(20)],
    }


def outage(second: int) -> Document:
    """The same with the upstream resting, AMI refused, and records piling up."""
    document = busy(second)
    document |= {
        "state": "degraded",
        "words": "calls are answered by the engine; records wait: outboundiq refuses them (401)",
    }
    document["upstreams"][0] |= {
        "state": "resting",
        "words": "5 failures in a row; asked again in 12 s",
        "failures": {"timeout": 120, "unavailable": 31},
    }
    document["ami"][0] |= {
        "state": "refused",
        "words": "Asterisk refuses the login; check ami secret",
        "losses": 2,
        "findings": ["no_channelvars"],
    }
    document["spool"] |= {"waiting": 12_408, "oldest_s": 754.0, "dead": 3}
    document["spool"]["targets"][0] |= {
        "state": "refused",
        "words": "refuses the key (401); tries again in 28 s",
        "waiting": 12_408,
        "failed": 96,
        "dead": 3,
    }
    document["workers"][2]["age_s"] = 14.0
    document["last_calls"][:12] = [
        call | {"status": "FALLBACK", "source": "engine", "reason": "unavailable", "took_ms": 0.4}
        for call in document["last_calls"][:12]
    ]
    return document


def _engine() -> Document:
    return {
        "numbers": 240,
        "near_cap": [
            {"ani": f"+1212***01{number:02d}", "used_today": 74 - number, "cap": 75} for number in range(6)
        ],
        "resting": [
            {"ani": "+1718***0144", "words": "until 2026-03-02T15:20:00.000Z"},
            {"ani": "+1917***0102", "words": "paused"},
        ],
        "contact_rates": [
            {
                "ani": f"+1305***01{number:02d}",
                "calls": 400 - 31 * number,
                "contacts": 96 - 13 * number,
                "rate": 0.2,
            }
            for number in range(7)
        ],
    }


def _call(number: int) -> Document:
    kinds = [
        ("ASSIGNED", "outboundiq", "", 21.4),
        ("ASSIGNED", "cache", "", 0.04),
        ("ASSIGNED", "outboundiq", "", 19.8),
        ("FALLBACK", "engine", "timeout", 700.2),
        ("ASSIGNED", "cache", "", 0.2),
        ("UNCHANGED", "none", "no_number", 22.0),
        ("BYPASSED", "none", "emergency", 0.1),
    ]
    status, source, reason, took_ms = kinds[number % len(kinds)]
    has_ani = status in {"ASSIGNED", "FALLBACK"}
    return {
        "at": moment(number / 200),
        "phone": f"+1{201 + number % 700}***{number % 10_000:04d}",
        "ani": f"+1312***{number * 7 % 10_000:04d}" if has_ani else "",
        "status": status,
        "source": source,
        "reason": reason,
        "took_ms": took_ms,
        "uniqueid": f"1772460000.{number}",
    }

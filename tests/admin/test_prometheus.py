from aiohttp.test_utils import TestClient, TestServer
from prometheus_client.parser import text_string_to_metric_families

from gateway.admin.app import make_app
from gateway.admin.prometheus import MetricsPage
from gateway.admin.settings import AdminSettings
from tests.admin.figures import ANI, BUSY_ANI, snapshot

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def scraped(*, per_ani: bool = False) -> Samples:
    page = MetricsPage(snapshot).page(per_ani=per_ani).decode()
    return {
        (sample.name.removeprefix("ani_gateway_"), tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
    }


def test_counters_and_gauges_are_what_was_counted() -> None:
    samples = scraped()
    hit = (("reason", ""), ("source", "cache"), ("status", "ASSIGNED"))
    upstream, target, pbx = (("upstream", "outboundiq"),), (("target", "outboundiq"),), (("pbx", "pbx"),)
    expected = {
        ("decisions_total", hit): 3,
        ("ready", ()): 1,
        ("workers", ()): 1,
        ("worker_figures_age_seconds", (("slot", "1"),)): 0.25,
        ("log_lines_left_out_total", ()): 6,
        ("cache_entries", ()): 10,
        ("sessions_total", ()): 5,
        ("session_health_checks_total", ()): 1,
        ("unknown_argument_keys_total", (("key", "colour"),)): 2,
        ("upstream_requests_total", upstream): 7,
        ("upstream_failures_total", (("reason", "unavailable"), *upstream)): 4,
        ("upstream_state", (("state", "resting"), *upstream)): 1,
        ("upstream_state", (("state", "ok"), *upstream)): 0,
        ("ami_state", (*pbx, ("state", "refused"))): 1,
        ("ami_state", (*pbx, ("state", "up"))): 0,
        ("ami_call_ends_total", pbx): 5,
        ("ami_finding", (("finding", "no_hangups"), *pbx)): 1,
        ("records_total", (("stored", "new"),)): 4,
        ("records_not_made_total", (("reason", "never_dialled"),)): 2,
        ("spool_ok", ()): 1,
        ("target_ok", target): 0,
        ("target_waiting", target): 2,
        ("target_oldest_seconds", target): 7.5,
        ("webhook_in_dials_total", (("result", "confirmed"),)): 2,
        ("webhook_dials_total", (("result", "lost"), ("subscriber", "crm"))): 1,
        ("engine_numbers", ()): 100,
        ("engine_numbers_at_cap", ()): 1,
    }
    assert {key: samples[key] for key in expected} == expected


def test_buckets_are_cumulative() -> None:
    samples = scraped()
    buckets = {
        dict(labels)["le"]: value
        for (name, labels), value in samples.items()
        if name == "decision_seconds_bucket" and ("source", "engine") in labels
    }
    assert (buckets["0.5"], buckets["0.7"], buckets["2.0"], buckets["+Inf"]) == (0, 1, 1, 1)
    assert samples["decision_seconds_sum", (("source", "engine"),)] == 0.7


def test_numbers_are_told_one_by_one_only_when_asked_for() -> None:
    assert ANI.encode() not in MetricsPage(snapshot).page()
    samples = scraped(per_ani=True)
    assert samples["engine_ani_uses_today", (("ani", BUSY_ANI),)] == 100
    assert samples["ani_records_total", (("ani", ANI),)] == 1


async def test_it_is_served_as_prometheus_wants_it() -> None:
    app = make_app(AdminSettings(), MetricsPage(snapshot).routes())
    async with TestClient(TestServer(app)) as client:
        for path, has_numbers in (("/metrics", False), ("/metrics?per_ani=1", True)):
            async with client.get(path) as answer:
                assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
                assert ("engine_ani_uses_today" in await answer.text()) == has_numbers

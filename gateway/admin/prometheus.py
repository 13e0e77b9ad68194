"""`GET /metrics`: all counters in Prometheus' text format, read when they are asked for.

Nothing is registered or counted twice: each scrape makes the metrics out of one snapshot. Numbers by ANI only
with `?per_ani=1`: they have as many labels as there are numbers.
"""

from collections.abc import Callable, Iterable, Iterator

from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import generate_latest

from gateway.admin.metric_family import Family, Kind
from gateway.admin.metrics_of_calls import gateway_metrics
from gateway.admin.metrics_of_reports import report_metrics
from gateway.admin.snapshot import Snapshot
from gateway.telemetry.figures import Spread

PATH = "/metrics"
_CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class MetricsPage:
    """Writes the page; `look` gives all figures."""

    def __init__(self, look: Callable[[], Snapshot]) -> None:
        self._look = look

    def routes(self) -> list[web.RouteDef]:
        """The route, for `make_app`."""
        return [web.get(PATH, self._show)]

    def page(self, *, per_ani: bool = False) -> bytes:
        """The page of this moment. Takes 1 to 2 ms."""
        snapshot = self._look()
        return written((*gateway_metrics(snapshot), *report_metrics(snapshot, per_ani=per_ani)))

    async def _show(self, request: web.Request) -> web.Response:
        per_ani = request.query.get("per_ani", "") not in {"", "0"}
        return web.Response(body=self.page(per_ani=per_ani), headers={"Content-Type": _CONTENT_TYPE})


def written(families: Iterable[Family]) -> bytes:
    """These metrics in the text format."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Scrape(families))
    return generate_latest(registry)


class _Scrape:
    """The metrics of one scrape, as the library wants to collect them."""

    def __init__(self, families: Iterable[Family]) -> None:
        self._families = families

    def describe(self) -> Iterable[Metric]:
        """Nothing: it is registered for one scrape, and conflicts with nobody."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """All metrics."""
        return map(_metric, self._families)


def _metric(family: Family) -> Metric:
    if family.kind is Kind.HISTOGRAM:
        histogram = HistogramMetricFamily(family.name, family.words, labels=family.labels)
        for labels, spread in family.spreads:
            histogram.add_metric(labels, _buckets(spread), spread.sum)
        return histogram
    kind = GaugeMetricFamily if family.kind is Kind.GAUGE else CounterMetricFamily
    metric = kind(family.name, family.words, labels=family.labels)
    for labels, value in family.samples:
        metric.add_metric(labels, float(value))
    return metric


def _buckets(spread: Spread) -> list[tuple[str, float]]:
    """Cumulative, as the format wants it."""
    seen, buckets = 0, []
    for bound, count in zip((*map(str, map(float, spread.bounds)), "+Inf"), spread.counts, strict=True):
        seen += count
        buckets.append((bound, float(seen)))
    return buckets

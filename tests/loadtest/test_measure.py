"""Short loads on the real servers: what each kind of section measures is there, and nothing is lost."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

Part = Callable[[str], Any]


def measured(part: Part, folder: Path, *servers: str, kind: str, load: Mapping[str, float]) -> list[Any]:
    kinds, section = part("sample").Kind, part("sample").Section
    short = section("short", "Short", servers, load, 1, 0.5, kind=kinds(kind), is_fresh=True)
    samples: list[Any] = part("rounds").Bench(folder, patience_s=0.0).run(short)
    assert [sample.server for sample in samples] == list(servers)
    assert all(sample.faults == {} for sample in samples)
    assert all(sample.calls > 0 and sample.cpu_us > 0 for sample in samples)
    return samples


def test_calls_are_answered_and_the_upstreams_own_time_is_known(part: Part, tmp_path: Path) -> None:
    (sample,) = measured(part, tmp_path, "gateway-batches", kind="calls", load={"rate": 100})
    assert 15 < sample.upstream_ms < sample.p50_ms
    assert 0 < sample.requests_per_call <= 1


def test_open_sessions_are_measured_and_then_served(part: Part, tmp_path: Path) -> None:
    load = {"burst": 1000, "pause": True, "hold": True}
    (sample,) = measured(part, tmp_path, "gateway-roomy", kind="sessions", load=load)
    assert sample.answered == 1000
    assert sample.session_mib > 0


def test_each_dial_of_the_whole_gateway_is_delivered_once(part: Part, tmp_path: Path) -> None:
    """A record too few, too many or with a wrong number would be a fault of the sample."""
    (sample,) = measured(part, tmp_path, "gateway-whole", kind="whole", load={"open": 20})
    assert 0 < sample.delivered_per_s <= sample.calls_per_s


def test_both_readers_hear_every_call_end(part: Part, tmp_path: Path) -> None:
    ours, theirs = measured(part, tmp_path, "ami-gateway", "ami-panoramisk", kind="events", load={"rate": 50})
    assert ours.calls == theirs.calls

"""Short loads on the real servers: what each kind of section measures is there, and nothing is lost."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

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


def test_a_fault_is_not_forgotten_when_its_round_is_repeated(part: Part, tmp_path: Path) -> None:
    """The first attempt was wrong and spoilt; the second, good one is kept and still tells."""
    rounds, sample = part("rounds"), part("sample").Sample
    wrong = sample(server="ours", calls=5, cpu_us=1.0, failures={"wrong ANI": 1}, spoilt=True)
    attempts = [wrong, sample(server="ours", calls=5, cpu_us=1.0)]

    class Repeating(rounds.Bench):  # type: ignore[name-defined,misc]  # the scripts are no package
        def _sample(self, *_: object) -> Any:
            return attempts.pop(0)

    section = part("sample").Section("short", "Short", ("ours",), {}, 1, 0.5)
    server = part("servers").Server("ours", "ours", lambda _place: [])
    kept = Repeating(tmp_path, patience_s=60.0)._settled(section, server, None, None, 0)
    assert (kept.attempt, kept.failures, kept.faults) == (1, {}, {"wrong ANI": 1})


def test_a_hit_that_was_asked_for_is_a_fault(part: Part, tmp_path: Path) -> None:
    """Without a cache every known phone is a miss, and the section would measure something else."""
    servers = part("servers")
    server = servers.Server("forgetful", "no cache", servers.gateway("assignment.cache_ttl_s=0"))
    section = part("sample").Section("short", "Short", (), {"rate": 50, "phones": 5}, 1, 0.5)
    bench = part("rounds").Bench(tmp_path, patience_s=0.0)
    with part("stub_process").running_stub(tmp_path, delay_ms=1.0) as stub:
        found = bench._sample(section, server, stub, None)
    assert found.faults["not a hit"] > 0
    assert not found.failures.get("wrong ANI")


def test_sessions_the_server_has_not_accepted_are_counted(
    part: Part, monkeypatch: pytest.MonkeyPatch
) -> None:
    measure = part("measure")
    monkeypatch.setattr(measure, "_ACCEPTED_S", 0.0)
    assert measure._not_open(os.getpid(), 100_000) > 0
    assert measure._not_open(os.getpid(), 1) == 0

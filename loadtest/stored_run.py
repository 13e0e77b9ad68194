"""A run of the benchmark as a JSON file, written after every section: an interrupted one can go on."""

import dataclasses
import json
import os
import platform
import sys
import sysconfig
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

from generator import SHARES
from goals import Verdict, verdicts
from processes import HERE
from sample import Sample

RESULTS = HERE.parent / "bench-results"


class StoredRun:
    """Samples by section, and where they are kept."""

    def __init__(self, path: Path, about: dict[str, Any], samples: dict[str, list[Sample]]) -> None:
        self.path = path
        self.samples = samples
        self._about = about

    @classmethod
    def new(cls, *, is_quick: bool) -> Self:
        """An empty run; its file is named after the time."""
        started = time.time()
        about = {
            "started": started,
            "took_s": 0.0,
            "quick": is_quick,
            "commands": [],
            **machine(),
            "shares": SHARES,
        }
        return cls(RESULTS / time.strftime("bench-%Y%m%d-%H%M%S.json", time.gmtime(started)), about, {})

    @classmethod
    def of(cls, path: Path) -> Self:
        """A stored run. Samples of two machines or interpreters do not belong into one: exits then."""
        about = json.loads(path.read_text())
        samples = {
            name: [Sample(**sample) for sample in stored] for name, stored in about.pop("samples").items()
        }
        del about["verdicts"]
        if other := [name for name, value in machine().items() if about.get(name) != value]:
            sys.exit(f"{path} comes from another {' and '.join(other)}; start a new run")
        return cls(path, about, samples)

    @property
    def verdicts(self) -> list[Verdict]:
        """What the samples show."""
        return verdicts(self.samples)

    def add(self, section: str, samples: Sequence[Sample]) -> None:
        """Add the samples of a section and write the file."""
        self.samples[section] = list(samples)
        command = " ".join(["python", *sys.argv])
        if command not in self._about["commands"]:
            self._about["commands"].append(command)
        self._about["took_s"] = time.time() - self._about["started"]
        self.path.parent.mkdir(exist_ok=True)
        self.path.write_text(json.dumps(self._document(), indent=1))

    def _document(self) -> dict[str, Any]:
        stored = {name: [dataclasses.asdict(one) for one in mine] for name, mine in self.samples.items()}
        judged = [dataclasses.asdict(verdict) for verdict in self.verdicts]
        return {**self._about, "verdicts": judged, "samples": stored}


def machine() -> dict[str, Any]:
    """What a figure depends on."""
    return {
        "python": sys.version,
        "optimised": "--enable-optimizations" in (sysconfig.get_config_var("CONFIG_ARGS") or ""),
        "machine": platform.platform(),
        "cpu": _cpu(),
        "cores": os.cpu_count(),
    }


def _cpu() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next(
        (line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.machine()
    )

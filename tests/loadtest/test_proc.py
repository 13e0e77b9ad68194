import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

CHILD = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'print(1, flush=True); input()'])"


def test_a_process_counts_with_its_children(part: Callable[[str], Any]) -> None:
    proc = part("proc")
    command = [sys.executable, "-c", CHILD]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        parent.stdout.readline()
        assert len(proc.tree(parent.pid)) == 2
        assert set(proc.tree(parent.pid)) < set(proc.tree(os.getpid()))
        assert proc.memory_mb(parent.pid) > 5
        assert proc.Usage.of(parent.pid).cpu_s > 0
        parent.communicate("\n")

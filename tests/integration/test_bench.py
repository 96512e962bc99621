"""The benchmarks run and print what they promise; how fast is no matter of tests."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
KEYS = {"ratio_psql_pipe", "cpu_share", "rss_mb", "rows", "seconds", "versions"}


def test_the_relay_bench_prints_one_line_of_json() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bench.relay", "--quick", "--rows", "5000", "--json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == 1, done.stdout
    found = json.loads(lines[0])
    assert found.keys() >= KEYS, sorted(KEYS - found.keys())
    assert found["rows"] == 5000
    assert {"source": 16, "target": 18}.items() <= found["versions"].items()

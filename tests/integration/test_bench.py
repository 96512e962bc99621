"""The benchmarks run and print what they promise; how fast is no matter of tests."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
KEYS = {"ratio_psql_pipe", "cpu_share", "rss_mb", "rows", "seconds", "versions"}
MOVE_KEYS = {
    "ratio_pgcopydb", "ratio_pg_dump_restore", "ratio_psql_pipe", "ratio_small_tables", "mapped_cost", "mapped_fold_cost",
    "cpu_share", "rss_mb", "schemas", "versions", "machine", "rounds",
}  # fmt: skip


def test_the_relay_bench_prints_one_line_of_json() -> None:
    found = _line("bench.relay", "--quick", "--rows", "5000", "--json")
    assert found.keys() >= KEYS, sorted(KEYS - found.keys())
    assert found["rows"] == 5000
    assert {"source": 16, "target": 18}.items() <= found["versions"].items()


def test_the_move_bench_prints_one_line_of_json() -> None:
    asked = ["--schemas", "narrow", "--peers", "pg_dump_restore", "--no-mapped", "--scale", "0.001"]
    found = _line("bench.move", "--quick", "--json", *asked)
    assert found.keys() >= MOVE_KEYS, sorted(MOVE_KEYS - found.keys())
    narrow = found["schemas"]["narrow"]
    assert narrow["void"] == {}
    assert narrow["rows"] == 3500  # 2,500 readings of 1,000 sensors
    assert {name: len(seconds) for name, seconds in narrow["seconds"].items()} == {"crosswalk": 1, "pg_dump_restore": 1}
    assert found["ratio_pg_dump_restore"] == narrow["ratios"]["pg_dump_restore"] > 0
    assert found["ratio_pgcopydb"] is None  # it was not asked for
    assert found["rss_mb"] > 0


@pytest.mark.drill
def test_the_bench_of_refused_rows_prints_one_line_of_json() -> None:
    found = _line("bench.rejects", "--rows", "2000", "--rounds", "1", "--kinds", "trigger,shared", "--json")
    assert found["rows"] == 2000
    assert {kind: each["refused"] for kind, each in found["kinds"].items()} == {
        kind: {"clean": 0, "one": 1, "hundredth": 20} for kind in ("trigger", "shared")
    }
    assert all(each["cost_of_one"] > 0 for each in found["kinds"].values())


def _line(module: str, *arguments: str) -> dict[str, Any]:
    """What a benchmark prints for machines."""
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments], cwd=ROOT, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == 1, done.stdout
    found: dict[str, Any] = json.loads(lines[0])
    return found

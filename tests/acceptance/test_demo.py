"""The demonstration takes each strategy to a clean verification and leaves a report that opens by itself."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

LEGACY_ROWS = {
    "companies": 1, "clients": 1304, "services": 63, "staff": 12, "staff_schedules": 44, "bookings": 45,
    "dialog_contexts": 21,
}


@pytest.mark.parametrize("strategy", ["recreate", "hybrid"])  # transform: test_readme.py
def test_each_strategy_ends_in_a_clean_verification(strategy: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "crosswalk", "demo", "--strategy", strategy, "--json"],
        capture_output=True, text=True, check=False,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["ok"]
    assert told["decision"]["strategy"] == told["strategy"] == strategy
    assert set(told["strategies"]) == {"recreate", "transform", "hybrid"}
    assert {name for name, each in told["strategies"].items() if each["verified"]} == {strategy}
    assert {name: table["extracted"] for name, table in told["tables"].items()} == LEGACY_ROWS
    for table in told["tables"].values():
        parts = ("loaded", "merged", "quarantined", "filtered")
        assert table["extracted"] == sum(table[part] for part in parts)
    assert told["faults"] == {"planted": 3, "found": 3, "repaired": 3}
    assert told["preserved"] == {
        "whatsapp_auth": {"rows": 1, "unchanged": True}, "whatsapp_keys": {"rows": 1127, "unchanged": True},
    }
    page = Path(told["report"])
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert json.loads(page.with_suffix(".json").read_text(encoding="utf-8"))["headline"]

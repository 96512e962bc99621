"""The README shows what the demonstration really prints, and names files that exist."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
# What differs from run to run and from machine to machine: times, estimates, server versions, plan ids, sizes.
CHANGING = re.compile(r"\d+(\.\d+)? s\b|\b\d+\.\d+ (k|M)?B\b|\b\d+ (k|M)?B\b|(?<=PostgreSQL )\d+")


def _shape(text: str) -> list[str]:
    return [" ".join(CHANGING.sub("#", line).split()) for line in text.strip().splitlines()]


def test_demo_output_is_current() -> None:
    shown = re.search(r"<!-- demo:.*?-->\n```text\n(.*?)```", README, re.DOTALL)
    assert shown is not None
    done = subprocess.run(
        [sys.executable, "-m", "crosswalk", "demo"],
        capture_output=True, text=True, check=False, env={**os.environ, "COLUMNS": "80", "NO_COLOR": "1"},
    )
    assert done.returncode == 0, done.stderr
    assert _shape(shown.group(1)) == _shape(done.stdout)


def test_links_lead_somewhere() -> None:
    for link in re.findall(r"\]\(([^)]+)\)", README):
        assert (ROOT / link).exists(), link

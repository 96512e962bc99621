"""The README shows what the demonstration really prints, and names files that exist."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
# What differs from run to run and from machine to machine: times, estimates, server versions, plan ids, sizes, places.
CHANGING = re.compile(
    r"\d{4}-\d\d-\d\dT[\d:+]+|\d+(\.\d+)? s\b|\b\d+\.\d+ (k|M)?B\b|\b\d+ (k|M)?B\b|(?<=PostgreSQL )\d+|\S*crosswalk-demo-\S+"
)
SHOWN = re.search(r"<!-- demo:.*?-->\n```text\n(.*?)```", README, re.DOTALL)


def _shape(text: str) -> str:
    """The words without their line breaks, which move with what changes."""
    return " ".join(CHANGING.sub("#", " ".join(text.split())).split())


def test_demo_output_is_current() -> None:
    """The README shows whole acts; a line of its own with … stands for those that it leaves out."""
    assert SHOWN is not None
    done = subprocess.run(
        [sys.executable, "-m", "crosswalk", "demo"],
        capture_output=True, text=True, check=False, env={**os.environ, "COLUMNS": "80", "NO_COLOR": "1"},
    )
    assert done.returncode == 0, done.stderr
    printed, place = _shape(done.stdout), 0
    for part in SHOWN.group(1).split("\n…\n"):
        shown = _shape(part)
        assert shown in printed[place:], f"not printed, or not in this order: {part}"
        place = printed.index(shown, place) + len(shown)
    assert printed.endswith(_shape(SHOWN.group(1).rpartition("\n…\n")[2]))


def test_links_lead_somewhere() -> None:
    for link in re.findall(r"\]\(([^)]+)\)", README):
        assert (ROOT / link).exists(), link

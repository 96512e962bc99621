"""Failpoints: every name is passed somewhere, and nothing passes a name that is not listed."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

import pytest

from crosswalk import failpoints
from crosswalk.errors import FailpointHit
from crosswalk.failpoints import NAMES, VARIABLE, hit

PACKAGE = Path(__file__).resolve().parents[2] / "src" / "crosswalk"


def passed() -> Counter[str]:
    """Names in calls `hit("…")` of the package, counted."""
    found: Counter[str] = Counter()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "hit":
                [argument] = node.args
                assert isinstance(argument, ast.Constant), f"{path}:{node.lineno} does not name its failpoint"
                found[str(argument.value)] += 1
    return found


def test_the_list_is_the_code() -> None:
    assert set(passed()) == NAMES


def test_nothing_happens_unless_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    for name in NAMES:
        hit(name)


def test_the_nth_passage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(failpoints, "_passed", Counter())
    monkeypatch.setenv(VARIABLE, "table.done=error@2, chunk.opened=error")
    hit("table.done")
    with pytest.raises(FailpointHit, match=r"table\.done"):
        hit("table.done")
    hit("table.done")
    for _ in range(2):
        with pytest.raises(FailpointHit):
            hit("chunk.opened")

"""docs/errors.md is what errors.py says."""

from __future__ import annotations

from pathlib import Path

from crosswalk.cli.errors_page import page

PAGE = Path(__file__).resolve().parents[2] / "docs" / "errors.md"


def test_the_page_of_errors_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python -m crosswalk.cli.errors_page > docs/errors.md"

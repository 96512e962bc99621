"""Numbers in sentences. Pure."""

from __future__ import annotations


def plural(count: int, word: str, many: str = "") -> str:
    """`1 row`, `1,490 rows`."""
    return f"{count:,} {word if count == 1 else many or word + 's'}"

"""Numbers and times as people read them; the same in HTML and in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

NONE = "–"


def count(value: float | None) -> str:
    """`1,490`; an en dash where nothing is known."""
    return NONE if value is None else f"{value:,.0f}"


def sentence(text: str) -> str:
    """With a capital letter and one full stop."""
    return f"{text[:1].upper()}{text[1:].rstrip('. ')}."


def size(value: float | None) -> str:
    """`512 B`, `1.2 MB`."""
    if value is None:
        return NONE
    amount = float(value)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 1000:
            return f"{amount:.0f} B" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:,.1f} TB"


def duration(seconds: float | None) -> str:
    """`35 ms`, `8.4 s`, `12 min 5 s`, `3 h 20 min`."""
    if seconds is None:
        return NONE
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:,} h {minutes} min" if hours else f"{minutes} min {rest} s"


def rate(value: float | None) -> str:
    return NONE if value is None else f"{value:,.0f} rows/s"


def figure(value: float | None, unit: str) -> str:
    """A number with its unit."""
    known = {"bytes": size, "seconds": duration, "rows/s": rate}
    return known.get(unit, count)(value)


def moment(text: str) -> str:
    """An ISO time without its fractions: `2026-03-01 14:05:09 UTC`."""
    if len(text) < 19:
        return text
    zone = text[19:].lstrip(".0123456789")
    return f"{text[:10]} {text[11:19]} " + ("UTC" if zone in {"", "Z", "+00", "+00:00"} else zone)


def counted(counts: Mapping[str, int]) -> str:
    """`12 kept, 3 dropped`; noughts are left out."""
    return ", ".join(f"{number:,} {word}" for word, number in counts.items() if number)


def listed(names: Iterable[str], limit: int = 0) -> str:
    """`a, b and 3 more`."""
    found = [*names]
    if limit and len(found) > limit:
        return f"{', '.join(found[:limit])} and {len(found) - limit:,} more"
    return ", ".join(found)

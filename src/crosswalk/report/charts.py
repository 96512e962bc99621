"""Small charts as inline SVG: stacked bars and a time line, drawn without text so that they stretch.

Numbers and labels stand beside them in HTML; a chart's own words are its accessible name. Colours
come from the style sheet by class. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from markupsafe import Markup, escape

from crosswalk.names import shown
from crosswalk.report.values import Span
from crosswalk.report.wording import duration

SMALLEST: Final = 0.8
"""Per cent of a bar that anything greater than nought is given, or it could not be seen."""
_BAR: Final = Markup(
    '<svg class="bar" role="img" aria-label="{label}" width="100%" height="14" focusable="false">'
    "<title>{label}</title>{inside}</svg>"
)
_RECT: Final = Markup('<rect class="c-{kind}" x="{x}%" y="0" width="{width}%" height="100%"/>')


def shares(values: Sequence[float]) -> tuple[float, ...]:
    """Per cent of the whole, none that is not nought below the smallest that can be seen; they add up to 100."""
    whole = sum(values)
    if not whole:
        return tuple(0.0 for _ in values)
    small = [bool(v) and 100 * v / whole < SMALLEST for v in values]
    room = 100 - SMALLEST * sum(small)
    rest = sum(v for v, tiny in zip(values, small, strict=True) if not tiny)
    return tuple(SMALLEST if tiny else room * v / rest for v, tiny in zip(values, small, strict=True))


def _svg(label: str, rects: Iterable[Markup]) -> Markup:
    return _BAR.format(label=shown(label), inside=Markup("").join(rects))


def _rect(kind: str, x: float, width: float) -> Markup:
    return _RECT.format(kind=kind.replace(" ", "-"), x=f"{x:.3f}", width=f"{width:.3f}")


def stacked(parts: Iterable[tuple[str, float]], *, whole: float = 0.0, label: str = "") -> Markup:
    """One bar of several parts; each part's word is its colour. With `whole` the bar may end before the right edge."""
    found = [(kind, value) for kind, value in parts if value]
    scale = min(sum(v for _, v in found) / whole, 1.0) if whole else 1.0
    at, rects = 0.0, []
    for (kind, _), share in zip(found, shares([v for _, v in found]), strict=True):
        rects.append(_rect(kind, at, share * scale))
        at += share * scale
    said = ", ".join(f"{kind} {value:,.0f}" for kind, value in found) or "nothing"
    return _svg(f"{label}: {said}" if label else said, rects)


def span(each: Span, whole: float) -> Markup:
    """One stretch of a time line that is `whole` seconds long."""
    at, width = 100 * each.start / whole, max(100 * each.seconds / whole, SMALLEST / 2)
    at = min(at, 100 - width)
    return _svg(f"{each.label}: {duration(each.seconds)}", [_rect(each.kind, at, width)])


def swatch(kind: str) -> Markup:
    """A square of a part's colour, for a legend."""
    return Markup(
        '<svg class="swatch" width="11" height="11" aria-hidden="true" focusable="false">'
        '<rect class="c-{}" width="11" height="11" rx="2"/></svg>'
    ).format(escape(kind.replace(" ", "-")))

"""The report as one HTML file that refers to nothing outside itself and runs no script.

The page forbids itself everything but its own style sheet (Content-Security-Policy, by hash). All
text is escaped by the template engine; control and direction characters of names are made visible.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from crosswalk.names import shown
from crosswalk.report import charts, wording
from crosswalk.report.values import FATES, Absent, Report

_BREAK: Final = re.compile(r"\s*\n\s*")
_LONG: Final = 400
_COLUMNS: Final = ("kept", "folded", "added", "dropped", "archived")


def _harmless(value: Any) -> Any:
    """Every text that the template shows; what the template itself made is Markup and stays."""
    return shown(value) if type(value) is str else value


def prose(text: str) -> str:
    """A text of several lines in one, and not too long."""
    line = _BREAK.sub(" ", text.strip())
    return line if len(line) <= _LONG else line[: _LONG - 1] + "…"


def breakable(name: str) -> Markup:
    """A name that may be broken after a dot or an underscore."""
    made = Markup("").join(
        Markup("{}{}").format(part, Markup("<wbr>") if part in "._" else "") for part in re.split(r"([._])", shown(name)) if part
    )
    return Markup("<code>{}</code>").format(made)


@cache
def _style() -> str:
    return files("crosswalk.report").joinpath("report.css").read_text(encoding="utf-8")


def _policy(style: str) -> str:
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


@cache
def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("crosswalk.report", "templates"), autoescape=True, undefined=StrictUndefined,
        finalize=_harmless, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
    )
    made.filters |= {
        "count": wording.count, "size": wording.size, "duration": wording.duration, "rate": wording.rate,
        "moment": wording.moment, "prose": prose, "name": breakable, "percent": lambda v: f"{v:.0%}",
    }
    made.tests["absent"] = lambda value: isinstance(value, Absent)
    made.globals |= {
        "stacked": charts.stacked, "span": charts.span, "swatch": charts.swatch, "plural": wording.plural,
        "listed": wording.listed, "counted": wording.counted, "figure": wording.figure, "FATES": FATES, "COLUMNS": _COLUMNS,
    }
    return made


def as_html(report: Report) -> str:
    """The page; the same report gives the same bytes."""
    style = _style()
    return _environment().get_template("report.html").render(
        r=report, style=Markup(style), policy=_policy(style), contents=tuple(_contents(report))
    )


def _contents(report: Report) -> Iterable[tuple[str, str]]:
    """(anchor, title) of the sections, in their order."""
    yield from (
        ("findings", "Findings"), ("proof", "Verified"), ("moved", "Moved"), ("rejected", "Rejected"),
        ("preserved", "Preserved"), ("strategies", "Strategies"), ("differences", "Differences"),
        ("mapping", "Field mapping"), ("phases", "Phases"), ("risk", "Risk"), ("history", "History"),
    )
    del report

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
from crosswalk.numerals import plural
from crosswalk.report import charts, wording
from crosswalk.report.values import FATES, Absent, Report

_BREAK: Final = re.compile(r"\s*\n\s*")
_CODE: Final = re.compile(r"`([^`]+)`")
_LONG: Final = 400
_LONG_WORD: Final = re.compile(r"\S{31}")
"""Where it is not the words that make a column wide, they may be broken anywhere."""
_COLUMNS: Final = ("kept", "folded", "added", "dropped")
"""What becomes of the source's columns; archived ones are the target's."""


def _harmless(value: Any) -> Any:
    """Every text that the template shows; what the template itself made is Markup and stays."""
    return shown(value) if type(value) is str else value


def prose(text: str) -> Markup:
    """A text of several lines in one, and not too long; what stands between backticks is code."""
    line = _BREAK.sub(" ", text.strip())
    line = shown(line if len(line) <= _LONG else line[: _LONG - 1] + "…")
    parts = [Markup("<code>{}</code>" if n % 2 else "{}").format(part) for n, part in enumerate(_CODE.split(line))]
    made = Markup("").join(parts)
    return Markup('<span class="long">{}</span>').format(made) if _LONG_WORD.search(line) else made


def breakable(name: str) -> Markup:
    """A name that may be broken after a dot or an underscore."""
    return Markup("<code>{}</code>").format(_wrapped(shown(name), r"([._])"))


def address(url: str) -> Markup:
    """A URL that may be broken before its host and its path."""
    return Markup('<span class="url">{}</span>').format(_wrapped(shown(url), r"([@/])"))


def _wrapped(text: str, after: str) -> Markup:
    pieces = [p for p in re.split(after, text) if p]
    return Markup("").join(Markup("{}<wbr>" if re.fullmatch(after, p) else "{}").format(p) for p in pieces)


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
        "moment": wording.moment, "prose": prose, "sentence": lambda v: prose(wording.sentence(v)), "name": breakable,
        "address": address, "percent": lambda v: f"{v:.0%}",
    }
    made.tests["absent"] = lambda value: isinstance(value, Absent)
    made.globals |= {
        "stacked": charts.stacked, "span": charts.span, "swatch": charts.swatch, "plural": plural,
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

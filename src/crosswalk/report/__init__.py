"""The story of a migration, told at any stage: one value, and HTML, JSON and Markdown made from it.

`gather` reads both servers (read only), the ledger, the plan and the document; `as_html`, `as_json`
and `as_markdown` are pure. What cannot be learned is said in its place.
"""

from __future__ import annotations

from crosswalk.mapping import MappingFile
from crosswalk.planfile import PlanFile
from crosswalk.report.found import look
from crosswalk.report.html import as_html
from crosswalk.report.markdown import as_markdown
from crosswalk.report.telling import tell
from crosswalk.report.values import GENERATOR, Report

__all__ = ["GENERATOR", "Report", "as_html", "as_json", "as_markdown", "gather"]


async def gather(
    source: str | None,
    target: str | None,
    *,
    file: MappingFile | None = None,
    draft: MappingFile | None = None,
    plans: PlanFile | None = None,
    count: bool = True,
) -> Report:
    """The report of things as they stand; with `count` the rows are held against the rules before a move.

    The document is `file`; else, once rows have moved, that of the run; else `draft`, else that of the plan.

    Raises nothing that a server or the ledger may answer: what could not be read stands in the report.
    """
    return tell(await look(source, target, file=file, draft=draft, plans=plans, count=count))


def as_json(report: Report) -> str:
    """The twin of the HTML: the value itself."""
    return report.model_dump_json(indent=2) + "\n"

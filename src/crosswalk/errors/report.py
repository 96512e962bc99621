"""Of the report."""

from __future__ import annotations

from crosswalk.errors.base import EXIT_REFUSED, CrosswalkError


class NothingToReport(CrosswalkError):
    """No server was named, and there is neither a mapping document nor a plan to tell of."""

    remedy = "Give --source and --target (or CROSSWALK_SOURCE and CROSSWALK_TARGET), --mapping or --plan."
    exit_code = EXIT_REFUSED


class ReportInTheWay(CrosswalkError):
    """{path} exists and is no report."""

    remedy = "Give the report another name with -o, or add --force to overwrite the file."

"""Of rows in quarantine, and of how many a run may send there."""

from __future__ import annotations

from crosswalk.errors.base import EXIT_DIFFERENT, EXIT_REFUSED, EXIT_USAGE, CrosswalkError


class NotFinished(CrosswalkError):
    """Run {run} has not finished (it is {state}): what its quarantine holds may still change."""

    remedy = "Run `crosswalk resume` first; it gives the rows in quarantine another chance itself."
    exit_code = EXIT_REFUSED


class NotOfThisRun(CrosswalkError):
    """Run {run} does not fill {table}; it fills {tables}."""

    remedy = "Name a table of the target as `crosswalk quarantine list` does."
    exit_code = EXIT_REFUSED


class NothingChosen(CrosswalkError):
    """No row in quarantine is of {what}, or they have been dropped already."""

    remedy = "`crosswalk quarantine list` shows tables and reasons."
    exit_code = EXIT_REFUSED


class TooManyRejects(CrosswalkError):
    """{rows} of {of} source rows are rejected{when}, and {limit} may be."""

    remedy = (
        "Look for the reasons with `crosswalk check` or `crosswalk quarantine list`. What was committed stays:"
        " `crosswalk resume --max-rejects N` goes on with a higher limit."
    )
    exit_code = EXIT_DIFFERENT


class LimitUnreadable(CrosswalkError):
    """--max-rejects {text} is neither a number of rows nor a percentage."""

    remedy = "Say a number of rows (--max-rejects 100) or a part of all source rows (--max-rejects 0.5%)."
    exit_code = EXIT_USAGE

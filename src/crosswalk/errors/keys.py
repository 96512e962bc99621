"""Of keys and indexes that come once the rows are there."""

from __future__ import annotations

from crosswalk.errors.base import EXIT_DIFFERENT, CrosswalkError


class RowsBreakIndex(CrosswalkError):
    """Rows of {table} are in the target, and {name}, which stands on them in the source, refuses them: {sqlstate} {reason}."""

    remedy = (
        "The source's own index lets them stand: it may be damaged (REINDEX {name} there tells), or the target compares or"
        " stores such values otherwise. Correct the rows in the source (or, where a row of {table} has no other row in the"
        " source any more, in the target) and run `crosswalk resume`; `crosswalk rollback` takes all of it back. Nothing that landed"
        " was lost."
    )
    exit_code = EXIT_DIFFERENT

"""Of keys and indexes that come once the rows are there."""

from __future__ import annotations

from crosswalk.errors.base import EXIT_DIFFERENT, CrosswalkError


class RowsBreakIndex(CrosswalkError):
    """Rows of {table} are in the target, and {name}, which stands on them in the source, refuses them: {sqlstate} {reason}."""

    remedy = (
        "The source's own index lets them stand: it may be damaged (REINDEX tells), or the target compares or stores such"
        " values otherwise. Correct the rows in the source, then run `crosswalk resume`; where several rows of one key have"
        " landed, `crosswalk repair --delete-extra` first. `crosswalk rollback` takes all of it back."
    )
    exit_code = EXIT_DIFFERENT


class RowsBreakRebuilt(CrosswalkError):
    """Rows of {table} are in the target, and its index {name}, which was dropped for the load, refuses one: {sqlstate} {reason}."""

    remedy = (
        "Such a row is set aside, but here nobody could tell which one it is, or it has left and an old transaction still sees"
        " it: end that one and run `crosswalk resume`. Or take the run back with `crosswalk rollback`, which makes the index"
        " again, and plan without `--rebuild`."
    )
    exit_code = EXIT_DIFFERENT

"""Of rows on the move."""

from __future__ import annotations

from crosswalk.errors.base import EXIT_DIFFERENT, EXIT_INTERRUPTED, EXIT_REFUSED, CrosswalkError


class RowsLostInRelay(CrosswalkError):
    """The source sent {sent} rows of {what} and the target took {received}."""

    remedy = "This must not happen: keep both servers' logs and report it; nothing of the chunk was committed."


class AlreadyRunning(CrosswalkError):
    """Another run holds this target: {holder}."""

    remedy = "Wait for it, or end it; two runs on one target would overwrite each other."
    exit_code = EXIT_REFUSED


class RunUnfinished(CrosswalkError):
    """Run {run} of this plan was stopped and has landed rows already."""

    remedy = "Run `crosswalk resume`: it compares what has landed and goes on; a new plan begins a new run."
    exit_code = EXIT_REFUSED


class NothingToResume(CrosswalkError):
    """No unfinished run stands in the target's ledger."""

    remedy = "Start one with `crosswalk migrate PLAN`; `crosswalk status` shows what was done."
    exit_code = EXIT_REFUSED


class FailpointHit(CrosswalkError):
    """The failpoint {name} was hit."""

    remedy = "A test asked for this by CROSSWALK_FAILPOINTS; unset the variable."


class DuplicateKeys(CrosswalkError):
    """{rows} rows of {source} give a key of {table} that another row gives too."""

    remedy = "Say `on_duplicate: first`, `newest by COLUMN` or `quarantine` for the table, or choose another key."
    exit_code = EXIT_DIFFERENT


class SourceKeyDoubled(CrosswalkError):
    """The source_key ({columns}) does not tell the rows of {source} apart: {keys} of its values are shared or NULL."""

    remedy = "Name columns under `source_key` that are never NULL and together unique, or correct the rows."
    exit_code = EXIT_DIFFERENT


class TooManyBarred(CrosswalkError):
    """{rows} rows of {source} cannot stand beside others in {table} ({rules}), and at most {most} can be set aside so."""

    remedy = (
        "So many point to a rule that does not fit: choose another `key` with `on_duplicate: first`, leave rows out by"
        " `where`, or change the target's rule; `crosswalk check` shows them by rule."
    )
    exit_code = EXIT_DIFFERENT


class RowsRefused(CrosswalkError):
    """{rows} rows of {source} do not fit {table} and the mapping's word for that is fail: {reasons}."""

    remedy = "Correct the rows or the rule, or let the mapping say `rejects: quarantine` for the table."
    exit_code = EXIT_DIFFERENT


class TableNotEmpty(CrosswalkError):
    """The target table {table} holds {rows} rows that no run of ours put there{more}."""

    remedy = "Say `existing: keep` or `existing: update` for the table in the mapping, or empty it yourself."
    exit_code = EXIT_REFUSED


class LookupBroken(CrosswalkError):
    """A lookup of {table} into {parent} fails for every row: {reason}."""

    remedy = "A rule of {parent} raises an error for some of its rows: guard its sql (CASE, NULLIF), then plan again."


class AccountingBroken(CrosswalkError):
    """{table}: {extracted} source rows, but {loaded} loaded + {merged} merged + {quarantined} quarantined + {filtered} filtered."""

    remedy = "No row may be lost in silence: keep the ledger (schema crosswalk) as it is and report this."


class StillReferredTo(CrosswalkError):
    """{rows} rows of {table} (not mapped) refer by {key} to rows of {parent} that must go, for these have no parent themselves."""

    remedy = "Let those rows of {table} refer to others, or delete them; then run `crosswalk resume`. Nothing was deleted."
    exit_code = EXIT_DIFFERENT


class RowsWithoutSource(CrosswalkError):
    """{rows} rows of {table} refer to nothing (or to rows that do) and no source row gives them, or they stood there before."""

    remedy = "Give those rows of {table} a parent that stays, or delete them; then run `crosswalk resume`. Nothing was deleted."
    exit_code = EXIT_DIFFERENT


class RowsStay(CrosswalkError):
    """{rows} rows of {table} were to leave it, and {gone} went."""

    remedy = "Look for a rule or a trigger of {table} that keeps a DELETE from happening; then run `crosswalk resume`."


class ComparisonUnsteady(CrosswalkError):
    """{table} was read twice under one snapshot, and the rows were not the same."""

    remedy = "Look for a rule, a view or a column whose value depends on the clock or on chance, then verify again."


class SnapshotLost(CrosswalkError):
    """The snapshot of the source was lost: {reason}."""

    remedy = "Run `crosswalk resume`: it takes a new snapshot, compares what has landed with it and goes on."


class Interrupted(CrosswalkError):
    """Stopped by the user; what was committed stays."""

    remedy = "Run `crosswalk resume` to go on."
    exit_code = EXIT_INTERRUPTED


class Stopped(CrosswalkError):
    """Stopped by the user."""

    remedy = "Run the same command again: it begins anew, and what was committed stays."
    exit_code = EXIT_INTERRUPTED

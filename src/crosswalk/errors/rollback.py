"""Of giving a target its form, and of taking a run back."""

from __future__ import annotations

from crosswalk.errors.base import EXIT_REFUSED, CrosswalkError
from crosswalk.errors.plans import NothingMigrated


class ShapeUnexpected(CrosswalkError):
    """The target's form is not the one that the plan gives it (fingerprint {now}, planned {planned}): {differences}."""

    remedy = "Nothing was moved. Run `crosswalk rollback`, look at who else changes this target, then plan again."
    exit_code = EXIT_REFUSED


class NothingToRollBack(CrosswalkError):
    """No run stands in the target's ledger that could be taken back."""

    remedy = "`crosswalk status` shows what was done, and what was rolled back before."
    exit_code = EXIT_REFUSED


class RolledBack(NothingMigrated):
    """Run {run} was rolled back: nothing of it stands in the target."""

    remedy = "Run `crosswalk migrate PLAN`: the same plan may be carried out again."


class FormerStateUnknown(CrosswalkError):
    """Run {run} has no record of how the target stood before it, so nothing could prove a rollback of it."""

    remedy = "It was begun by an older version: take it back by hand; the ledger (schema crosswalk) says what was done."
    exit_code = EXIT_REFUSED


class LaterRowsLost(CrosswalkError):
    """{table} holds {rows} rows that were not there before, and the ledger knows {known} as ours: {lost} would be lost."""

    remedy = "Move those rows elsewhere, or add --allow loses-later-rows."
    exit_code = EXIT_REFUSED


class LaterChangesLost(CrosswalkError):
    """{what}, and that would be lost."""

    remedy = "Save what has to stay, or add --allow loses-later-changes."
    exit_code = EXIT_REFUSED


class ReferringRowsLost(CrosswalkError):
    """{rows} rows of {table} refer by {key} to rows of {parent} that the rollback takes away."""

    remedy = "{advice}"
    exit_code = EXIT_REFUSED


class StillUsed(CrosswalkError):
    """{user} depends on {table}, which the rollback takes away."""

    remedy = "Drop it, or let it depend on something that stays; then run `crosswalk rollback` again. Nothing was changed."
    exit_code = EXIT_REFUSED


class NotAsBefore(CrosswalkError):
    """After the rollback the target would not be as it was before the run, so all was left as it is: {differences}."""

    remedy = (
        "Take back what others changed there since, or add --allow keeps-later-changes: what differs then stays as it is."
    )
    exit_code = EXIT_REFUSED


class LedgerOutdated(CrosswalkError):
    """The target's ledger was made by an older version and lacks what this one reads."""

    remedy = "Run `crosswalk verify` (or resume, repair, rollback) once: they add what is missing. Nothing was read from it."
    exit_code = EXIT_REFUSED


class NotFormedYet(CrosswalkError):
    """Run {run} stopped before the target had the form that its plan gives it: there are no rows to verify."""

    remedy = "`crosswalk resume` goes on, `crosswalk rollback` takes back what was done."
    exit_code = EXIT_REFUSED


class TargetReadOnly(CrosswalkError):
    """The target server takes no writes: {reason}."""

    remedy = "Give the URL of the primary server, or end what makes this one read-only. Nothing was changed."
    exit_code = EXIT_REFUSED

"""Of plans, and of what keeps one from being carried out."""

from __future__ import annotations

from crosswalk.errors.base import EXIT_DIFFERENT, EXIT_REFUSED, EXIT_USAGE, CrosswalkError


class BadPlan(CrosswalkError):
    """The plan {path} cannot be used: {reason}."""

    remedy = "Make it again with `crosswalk plan`; a plan is not meant to be edited."


class PlanUndecided(CrosswalkError):
    """Nobody has decided which strategy of {path} is carried out."""

    remedy = 'Compare them, then say `crosswalk decide STRATEGY --why "…"`; the decision is kept with the plan.'
    exit_code = EXIT_REFUSED


class StrategyImpossible(CrosswalkError):
    """The strategy {strategy} cannot be taken here: {reason}."""

    remedy = "Remove what stands in its way and plan again, or decide for another strategy."
    exit_code = EXIT_REFUSED


class StrategyChanged(CrosswalkError):
    """Run {run} under {stood} stands in the target, and this plan would carry out {asked} on top of it."""

    remedy = "Run `crosswalk rollback` first, then plan and decide anew; or decide for {stood} again to go on as before."
    exit_code = EXIT_REFUSED


class FormOutgrown(CrosswalkError):
    """{path} speaks of the target as it was before run {run}: that run carried {what} out under {strategy}."""

    remedy = (
        "`crosswalk verify` and `crosswalk repair` go by that run, and `crosswalk migrate` with its plan moves again."
        " To plan anew from this document run `crosswalk rollback` first; else write one for the target's new form"
        " ({problems} problems now)."
    )
    exit_code = EXIT_REFUSED


class PlanDrifted(CrosswalkError):
    """The {side} schema is no longer what the plan stands on{what} (fingerprint {now}, planned {planned})."""

    remedy = "Look at what changed with `crosswalk diff` and `crosswalk check`, then run `crosswalk plan` again."
    exit_code = EXIT_REFUSED


class SchemaMoved(PlanDrifted):
    """A schema has changed since run {run} was planned: {what}."""

    remedy = (
        "Undo the change and ask again. Or say in the document what becomes of it, run `crosswalk plan` again and"
        " `crosswalk migrate` with the new plan; where that is refused, or to give up, `crosswalk rollback` takes the run back."
    )

    @classmethod
    def of(cls, drifted: PlanDrifted, *, run: int) -> SchemaMoved:
        """The drift as one that a run met."""
        side, now, planned = (drifted.fields[name] for name in ("side", "now", "planned"))
        what = str(drifted.fields["what"]).removeprefix(": ")
        return cls(run=run, what=what or f"the {side}'s fingerprint is {now}, planned {planned}")


class TriggerUnplanned(PlanDrifted):
    """The trigger {trigger} of {table} is not in the plan, and would fire for every row that is written."""

    remedy = "Run `crosswalk plan` again: the new plan switches it off while the rows are moved."


class HazardUnknown(CrosswalkError):
    """--allow {asked} names no hazard."""

    remedy = "Known are {known}."
    exit_code = EXIT_USAGE


class HazardNotAllowed(CrosswalkError):
    """The plan has hazards that nobody allowed: {hazards}."""

    remedy = "Read the plan's statements, then add {flags}."
    exit_code = EXIT_REFUSED


class RulesProposed(CrosswalkError):
    """{rules} rules of the mapping are still proposed, the first for {first}."""

    remedy = "Review them in the document and set `status: accepted`, or correct them."
    exit_code = EXIT_REFUSED


class PlanElsewhere(CrosswalkError):
    """The plan was made for another {side} database: {planned}, and this is {now}."""

    remedy = "Check --{side}; to move between these two, run `crosswalk plan` with them."
    exit_code = EXIT_REFUSED


class DocumentRefused(CrosswalkError):
    """The mapping document {path} does not fit the two schemas: {problems} problems, the first in line {line}: {first}."""

    remedy = "`crosswalk check` lists them all with their remedies."
    exit_code = EXIT_DIFFERENT


class NothingToMove(CrosswalkError):
    """The source has no table to move in {where}."""

    remedy = "Check --source and --schema, and that the role has USAGE on the schema."
    exit_code = EXIT_REFUSED


class NothingMigrated(CrosswalkError):
    """The target's ledger knows of no run."""

    remedy = "Run `crosswalk plan`, then `crosswalk migrate PLAN`."
    exit_code = EXIT_REFUSED


class FileInTheWay(CrosswalkError):
    """{path} exists and is not a plan."""

    remedy = "Give the plan another name with -o, or add --force to overwrite the file."


class CannotWrite(CrosswalkError):
    """{path} cannot be written: {reason}."""

    remedy = "Give another place with -o, or mend the directory's rights."


class ExampleMissing(CrosswalkError):
    """The example that the demonstration plays is not installed (looked in {places})."""

    remedy = "Run `make demo` in a checkout, or install the whole distribution again."

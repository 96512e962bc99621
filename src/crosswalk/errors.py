"""Every error of Crosswalk: one base class, one class a failure, fields instead of prose.

An error's docstring is its message: a template filled from the keyword arguments of `raise`.
`remedy` is a second template that tells what to do; the command line prints both and leaves with
`exit_code`. Nothing here imports anything of the project, and no error carries a secret or a value
of a row. `docs/errors.md` is generated from this module and checked by a test.
"""

from __future__ import annotations

import inspect
import string
from typing import Any, ClassVar, Final

EXIT_CLEAN: Final = 0
EXIT_ERROR: Final = 1
EXIT_DIFFERENT: Final = 2
EXIT_REFUSED: Final = 3
EXIT_USAGE: Final = 64
EXIT_INTERRUPTED: Final = 130


class CrosswalkError(Exception):
    """Something went wrong."""

    remedy: ClassVar[str] = ""
    exit_code: ClassVar[int] = EXIT_ERROR

    def __init__(self, **fields: Any) -> None:
        self.fields = fields
        super().__init__(self._fill(inspect.cleandoc(type(self).__doc__ or "")))

    def _fill(self, template: str) -> str:
        names = {name for _, name, _, _ in string.Formatter().parse(template) if name}
        return template.format(**{name: self.fields.get(name, "?") for name in names}).replace("\n", " ")

    @property
    def code(self) -> str:
        """A stable name for machines, e.g. `CannotConnect`."""
        return type(self).__name__

    @property
    def advice(self) -> str:
        """What to do about it, filled in; empty where there is nothing to say."""
        return self._fill(self.remedy)

    def as_json(self) -> dict[str, Any]:
        """The error as the object that `--json` prints; `raw` may hold values of a row and stays out."""
        return {
            "code": self.code,
            "message": str(self),
            "remedy": self.advice,
            "fields": {name: str(value) for name, value in self.fields.items() if name != "raw"},
        }


# --- names --------------------------------------------------------------------------------------


class BadName(CrosswalkError):
    """{text} is not a name of a table or column: {reason}."""

    remedy = 'Write schema.table; quote a part that holds a dot, e.g. public."odd.name".'


# --- connect ------------------------------------------------------------------------------------


class NoServerNamed(CrosswalkError):
    """No {side} server was named."""

    remedy = "Give --{side} postgresql://user@host/database, or set {variable}."
    exit_code = EXIT_USAGE


class CannotConnect(CrosswalkError):
    """The {side} server {url} cannot be reached: {reason}."""

    remedy = "Check that the server runs and that host, port and firewall are right; try `psql` with the same URL."


class LoginRefused(CrosswalkError):
    """The {side} server {url} refused the login: {reason}."""

    remedy = "Check user, password (PGPASSWORD, ~/.pgpass or the URL), database name and pg_hba rules."


class BadConnectionSetting(CrosswalkError):
    """The connection settings of the {side} server {url} cannot be used: {reason}."""

    remedy = "Correct the URL, the PG* variable, the service file or the certificate path that the message names."


class ServerTooOld(CrosswalkError):
    """The {side} server {url} is PostgreSQL {version}; Crosswalk needs 14 or newer."""

    remedy = "Upgrade the server, or copy through a newer one."
    exit_code = EXIT_REFUSED


class ConnectionLost(CrosswalkError):
    """The connection to the {side} server was lost: {reason}."""

    remedy = "When the server is back, run `crosswalk resume`; nothing that was committed is moved twice."


class MissingPrivilege(CrosswalkError):
    """The {side} server refused {what}: {reason}."""

    remedy = "Grant the privilege to the role, or connect as the owner; `crosswalk doctor` prints the GRANT."
    exit_code = EXIT_REFUSED


class RowsHidden(CrosswalkError):
    """Row-level security would hide rows of {table} from the {side} role: {reason}."""

    remedy = "Connect as the owner or with BYPASSRLS; FORCE row security wants `ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY`."
    exit_code = EXIT_REFUSED


class StatementFailed(CrosswalkError):
    """The {side} server failed {what}: {sqlstate} {reason}."""

    remedy = "Look the SQLSTATE up in PostgreSQL's appendix A; `crosswalk check` shows rows that do not fit."


class Timeout(CrosswalkError):
    """The {side} server did not finish {what} in time: {reason}."""

    remedy = "Find who holds the lock in pg_stat_activity, or raise the time-out, then run the same command again."


# --- the mapping document -----------------------------------------------------------------------


class MappingUnreadable(CrosswalkError):
    """The mapping document {path} cannot be read: {reason}."""

    remedy = "Give the path of a crosswalk.yaml; docs/mapping.md shows how one is written."


class BadMapping(CrosswalkError):
    """{path}, line {line}: {place}: {problem}{more}."""

    remedy = "Correct the line; docs/mapping.md describes every key, and `crosswalk schema` prints the JSON schema."


class NotInSchema(CrosswalkError):
    """The {side} has no {what} in {where}."""

    remedy = "The schema changed, or the mapping names it wrongly: run `crosswalk check`, then `crosswalk plan` again."
    exit_code = EXIT_REFUSED


class RuleImpossible(CrosswalkError):
    """The rule for {table}.{column} cannot work: {reason}."""

    remedy = "Change the rule in the mapping document; docs/mapping.md shows each kind with an example."


# --- moving -------------------------------------------------------------------------------------


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


class RowsRefused(CrosswalkError):
    """{rows} rows of {source} do not fit {table} and the mapping's word for that is fail: {reasons}."""

    remedy = "Correct the rows or the rule, or let the mapping say `rejects: quarantine` for the table."
    exit_code = EXIT_DIFFERENT


class TableNotEmpty(CrosswalkError):
    """The target table {table} holds {rows} rows that no run of ours put there."""

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


# --- plans --------------------------------------------------------------------------------------


class BadPlan(CrosswalkError):
    """The plan {path} cannot be used: {reason}."""

    remedy = "Make it again with `crosswalk plan`; a plan is not meant to be edited."


class PlanDrifted(CrosswalkError):
    """The {side} schema is no longer what the plan stands on (fingerprint {now}, planned {planned})."""

    remedy = "Look at what changed with `crosswalk diff` and `crosswalk check`, then run `crosswalk plan` again."
    exit_code = EXIT_REFUSED


class TriggerUnplanned(PlanDrifted):
    """The trigger {trigger} of {table} is not in the plan, and would fire for every row that is written."""

    remedy = "Run `crosswalk plan` again: the new plan switches it off while the rows are moved."


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

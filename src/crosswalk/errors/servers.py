"""Of names, connections and what a server answers.

What a person can do about a SQLSTATE stands in `sqlstates`; the remedy here is for states of which that says nothing.
"""

from __future__ import annotations

from crosswalk import sqlstates
from crosswalk.errors.base import EXIT_REFUSED, EXIT_USAGE, CrosswalkError


class OfState(CrosswalkError):
    """What a server answered, by its SQLSTATE."""

    @property
    def advice(self) -> str:
        """The table's remedy for the state, else the class's."""
        state = str(self.fields.get("sqlstate") or "")
        return (state and sqlstates.remedy(state)) or super().advice


class BadName(CrosswalkError):
    """{text} is not a name of a table or column: {reason}."""

    remedy = 'Write schema.table; quote a part that holds a dot, e.g. public."odd.name".'


class NoServerNamed(CrosswalkError):
    """No {side} server was named."""

    remedy = "Give --{side} postgresql://user@host/database, or set {variable}."
    exit_code = EXIT_USAGE


class CannotConnect(OfState):
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


class ServerStaysAway(CrosswalkError):
    """The run was cut off and the {side} server could not be reached again for {seconds} s: {reason}."""

    remedy = "When it is back, run `crosswalk resume`: what was committed is not moved twice. `--retry-for` waits longer."


class NoHeadway(CrosswalkError):
    """The run was cut off {tries} times without coming any further: {reason}."""

    remedy = "Find what ends the connections (a firewall, a pooler's time-outs, the server's log), then run `crosswalk resume`."


class MissingPrivilege(CrosswalkError):
    """The {side} server refused {what}: {reason}."""

    remedy = "Grant the privilege to the role, or connect as the owner; `crosswalk doctor` prints the GRANT."
    exit_code = EXIT_REFUSED


class RowsHidden(CrosswalkError):
    """Row-level security would hide rows of {table} from the {side} role: {reason}."""

    remedy = "Connect as the owner or with BYPASSRLS; FORCE row security wants `ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY`."
    exit_code = EXIT_REFUSED


class StatementFailed(OfState):
    """The {side} server failed {what}: {sqlstate} {reason}."""

    remedy = "Look the SQLSTATE up in PostgreSQL's appendix A; `crosswalk check` shows rows that do not fit."


class Timeout(OfState):
    """The {side} server did not finish {what} in time: {reason}."""

    remedy = "Find who holds the lock in pg_stat_activity, or raise the time-out, then run the same command again."


class LocksExhausted(CrosswalkError):
    """The {side} server has no room for more locks, needed for {what}: {reason}."""

    remedy = (
        "Raise max_locks_per_transaction on the {side} server and restart it (each of our sessions holds every table that"
        " it moves, partitions too), or run with fewer --jobs; until then the application may meet the same error."
    )
    exit_code = EXIT_REFUSED

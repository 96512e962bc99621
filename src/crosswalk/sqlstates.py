"""What an error of the server means for a move: one table from SQLSTATE to what is done, and what a person can do.

    entry     the line of the table for a state: the longest beginning that fits
    meaning   what is done about it

Everything that decides by a SQLSTATE reads it here: the door (`connect`), the hands that run a transaction again or
set a row aside, the conductor that goes on after a break. docs/survival.md shows the table, and a test compares.
Imports nothing; a state that PostgreSQL does not know was raised by a trigger or a function, and so blames a row.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Meaning(StrEnum):
    """What is done about an error."""

    LOST = "reconnect"
    """The session is gone: connect again, with growing pauses, and repeat what had not been committed."""
    UNLUCKY = "repeat"
    """The transaction left nothing behind and may succeed: on the target it is run again; the source's snapshot
    cannot be begun again, so there the run goes on under a new one."""
    LATER = "wait"
    """The server does not take this now: wait and connect again, as after a lost connection."""
    LATE = "stop: out of time"
    """It took too long, for somebody's or some setting's sake. Not repeated: a person has to look."""
    ROW = "set aside"
    """One row is to blame: the rows are narrowed down to it, and it goes to quarantine."""
    STOP = "stop"
    """Nothing that time mends. What was committed stays, and `crosswalk resume` goes on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A line of the table."""

    states: tuple[str, ...]
    """SQLSTATEs, or beginnings of them (two characters are a class)."""
    what: str
    meaning: Meaning
    remedy: str = ""
    """For a person, where the error is shown; empty where the error's own remedy says enough."""


_RESUME: Final = "then run `crosswalk resume`."
_POOLER: Final = (
    "A pooler in transaction mode stands between: connect to the server itself or to the pooler's port for session mode"
    " (Supabase: 5432, not 6543), then run the same command again."
)

TABLE: Final = (
    Entry(states=("08",), what="the connection broke", meaning=Meaning.LOST),
    Entry(
        states=("57P01", "57P02", "57P03"),
        what="the server is stopped, starts, or recovers; an administrator ended the session", meaning=Meaning.LOST,
    ),
    Entry(states=("57P05", "25P03", "25P04"), what="a session or transaction stood too long for a setting", meaning=Meaning.LOST),
    Entry(states=("40001", "40P01"), what="serialization failure, deadlock, conflict with recovery", meaning=Meaning.UNLUCKY),
    Entry(states=("40003",), what="nobody knows whether the statement was completed", meaning=Meaning.LOST),
    Entry(
        states=("55P03",), what="a lock was not to be had in time", meaning=Meaning.UNLUCKY,
        remedy="Find who holds the lock (pg_blocking_pids, pg_stat_activity) and let it end, " + _RESUME,
    ),
    Entry(
        states=("53300",), what="too many connections", meaning=Meaning.LATER,
        remedy="Close other sessions, raise max_connections or the role's CONNECTION LIMIT, or use fewer --jobs; " + _RESUME,
    ),
    Entry(
        states=("25006",), what="read-only: a standby after a failover, or a full disk at a managed host",
        meaning=Meaning.LATER,
        remedy="Connect to the primary; where default_transaction_read_only was set for a full disk, make room first; " + _RESUME,
    ),
    Entry(
        states=("53200",), what="out of memory (out of room for locks: stop, LocksExhausted)", meaning=Meaning.UNLUCKY,
        remedy="Use fewer --jobs or a smaller --chunk-size, or give the server more memory; " + _RESUME,
    ),
    Entry(
        states=("53100",), what="the server's disk is full", meaning=Meaning.STOP,
        remedy="Make room on the server's disk (tables, WAL kept by an idle slot, temporary files); " + _RESUME,
    ),
    Entry(
        states=("53",), what="another limit of the server (temp_file_limit)", meaning=Meaning.STOP,
        remedy="Raise the limit that the message names, " + _RESUME,
    ),
    Entry(
        states=("57014",), what="the statement was cancelled", meaning=Meaning.LATE,
        remedy=(
            "Somebody cancelled it, or a time-out did that SET statement_timeout = 0 does not reach (a pooler's"
            " query_timeout, a pooler in transaction mode): connect to the server itself, " + _RESUME
        ),
    ),
    Entry(
        states=("57P04",), what="the database was dropped", meaning=Meaning.STOP,
        remedy="Name the database that is to be moved; a ledger that went with it cannot be resumed.",
    ),
    Entry(states=("26000", "42P05"), what="a prepared statement is not there, or twice", meaning=Meaning.STOP, remedy=_POOLER),
    Entry(
        states=("22", "23", "44"), what="a value, a constraint, a view's check", meaning=Meaning.ROW,
    ),
    Entry(
        states=("09", "20", "21", "27", "2F", "38", "39", "P0"),
        what="raised by a trigger, a function or a rule's SQL for a row", meaning=Meaning.ROW,
    ),
    Entry(states=("0A000",), what="an operation that some values do not have, in a CHECK or a rule", meaning=Meaning.ROW),
    Entry(states=("54",), what="a row or an index entry is too large, an expression too deep", meaning=Meaning.ROW),
    Entry(
        states=("54011", "54023"), what="too many columns or arguments", meaning=Meaning.STOP,
        remedy="Map the table in fewer columns; PostgreSQL takes 1,600 in a table and 1,664 in a query.",
    ),
    Entry(
        states=("58",), what="the server cannot read or write a file", meaning=Meaning.STOP,
        remedy="Look into the server's log for the file and its disk, repair that, " + _RESUME,
    ),
    Entry(
        states=("XX001", "XX002"), what="a table or an index of the server is damaged", meaning=Meaning.STOP,
        remedy="Check the server's storage (pg_amcheck) and restore or REINDEX what is damaged, " + _RESUME,
    ),
    Entry(
        states=("XX", "F0"), what="the server failed inside", meaning=Meaning.STOP,
        remedy="Look into the server's log and report it to PostgreSQL's or the extension's authors; " + _RESUME,
    ),
    Entry(
        states=("42501",), what="a privilege is missing", meaning=Meaning.STOP,
        remedy="Grant the privilege to the role, or connect as the owner; `crosswalk doctor` prints the GRANT.",
    ),
    Entry(
        states=("28", "3D000"), what="the login is refused", meaning=Meaning.STOP,
        remedy="Check user, password, database name and pg_hba rules, " + _RESUME,
    ),
)
"""In no order: the longest beginning counts."""

_BY_STATE: Final = {state: each for each in TABLE for state in each.states}
_KNOWN: Final = frozenset(
    {
        "00", "01", "02", "03", "08", "09", "0A", "0B", "0F", "0L", "0P", "0Z", "10", "20", "21", "22", "23", "24", "25",
        "26", "27", "28", "2B", "2D", "2F", "34", "38", "39", "3B", "3D", "3F", "40", "42", "44", "53", "54", "55", "57",
        "58", "72", "F0", "HV", "P0", "XX",
    }
)
"""PostgreSQL's classes (its appendix A)."""
_REST: Final = Entry(
    states=(), what="anything else", meaning=Meaning.STOP,
    remedy="Look the SQLSTATE up in PostgreSQL's appendix A; `crosswalk check` shows rows that do not fit.",
)
_FOREIGN: Final = Entry(
    states=(), what="a state of nobody's class, raised by a trigger or a function", meaning=Meaning.ROW
)


def entry(sqlstate: str) -> Entry:
    """The table's line for a state."""
    for length in range(len(sqlstate), 1, -1):
        if found := _BY_STATE.get(sqlstate[:length]):
            return found
    return _FOREIGN if is_foreign(sqlstate) else _REST


def is_foreign(sqlstate: str) -> bool:
    """Whether PostgreSQL has no such class: a trigger or a function made it up."""
    return len(sqlstate) == 5 and sqlstate[:2] not in _KNOWN


def meaning(sqlstate: str) -> Meaning:
    """What is done about a state."""
    return entry(sqlstate).meaning


def blames_a_row(sqlstate: str) -> bool:
    """Whether one row is to blame, so that the others may land without it."""
    return meaning(sqlstate) is Meaning.ROW


def blaming(state: str) -> str:
    """`blames_a_row` as a condition in SQL over an expression that gives a state."""
    known = sorted(((s, each.meaning is Meaning.ROW) for each in TABLE for s in each.states), key=lambda k: -len(k[0]))
    arms = " ".join(f"WHEN {state} LIKE '{beginning}%' THEN {str(row).lower()}" for beginning, row in known)
    classes = ", ".join(f"'{each}'" for each in sorted(_KNOWN))
    return f"CASE {arms} ELSE pg_catalog.left({state}, 2) NOT IN ({classes}) END"


def remedy(sqlstate: str) -> str:
    """What a person can do about a state; empty where the table says nothing."""
    return entry(sqlstate).remedy


def page_table() -> str:
    """The table as docs/survival.md shows it."""
    lines = ["| SQLSTATE | what happened | what is done | what you can do |", "|---|---|---|---|"]
    for each in (*TABLE, _FOREIGN, _REST):
        states = " ".join(state if len(state) == 5 else f"{state}*" for state in each.states)
        lines.append(f"| {states} | {each.what} | {each.meaning} | {each.remedy} |")
    return "\n".join(lines)

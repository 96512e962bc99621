"""The table of SQLSTATEs: each state once, the longest beginning counts, and the page shows what the code does."""

from __future__ import annotations

from pathlib import Path

import asyncpg
import pytest

from crosswalk.copy.insist import unlucky
from crosswalk.endurance import passes
from crosswalk.errors import (
    CannotConnect,
    ConnectionLost,
    CrosswalkError,
    MissingPrivilege,
    SnapshotLost,
    StatementFailed,
    Timeout,
)
from crosswalk.sqlstates import TABLE, Meaning, blames_a_row, meaning, page_table, remedy
from crosswalk.translation import Side, translate

PAGE = Path(__file__).resolve().parents[2] / "docs" / "survival.md"
MEANINGS = {
    "08006": Meaning.LOST, "57P01": Meaning.LOST, "57P05": Meaning.LOST, "25P04": Meaning.LOST, "57P04": Meaning.STOP,
    "40001": Meaning.UNLUCKY, "40P01": Meaning.UNLUCKY, "40003": Meaning.LOST, "55P03": Meaning.UNLUCKY,
    "53100": Meaning.STOP, "53200": Meaning.UNLUCKY, "53300": Meaning.LATER, "53400": Meaning.STOP,
    "57014": Meaning.LATE, "26000": Meaning.STOP, "58030": Meaning.STOP, "XX001": Meaning.STOP, "XX000": Meaning.STOP,
    "22001": Meaning.ROW, "23505": Meaning.ROW, "44000": Meaning.ROW, "P0001": Meaning.ROW, "0A000": Meaning.ROW,
    "54000": Meaning.ROW, "54001": Meaning.ROW, "54011": Meaning.STOP, "21000": Meaning.ROW, "42501": Meaning.STOP,
    "42P01": Meaning.STOP, "PT402": Meaning.ROW, "": Meaning.STOP,
}


@pytest.mark.parametrize(("state", "wanted"), MEANINGS.items())
def test_what_a_state_means(state: str, wanted: Meaning) -> None:
    assert meaning(state) is wanted


def test_each_state_stands_once() -> None:
    states = [state for each in TABLE for state in each.states]
    assert sorted(states) == sorted(set(states))
    assert all(len(state) in {2, 5} for state in states)


def test_who_has_to_look_is_told_where() -> None:
    silent = {each.states for each in TABLE if each.meaning in {Meaning.STOP, Meaning.LATE, Meaning.LATER} and not each.remedy}
    assert silent == set()


def test_the_page_shows_the_table() -> None:
    assert page_table() in PAGE.read_text(encoding="utf-8"), "put sqlstates.page_table() into docs/survival.md"


def _spoken(state: str, message: str = "the server's words") -> asyncpg.PostgresError:
    found = asyncpg.PostgresError.new({"C": state, "M": message, "S": "ERROR"})
    assert isinstance(found, asyncpg.PostgresError)
    return found


TRANSLATED = {
    "57P01": ConnectionLost, "08006": ConnectionLost, "25P03": ConnectionLost, "55P03": Timeout, "57014": Timeout,
    "40001": StatementFailed, "53100": StatementFailed, "22001": StatementFailed, "42501": MissingPrivilege,
}


@pytest.mark.parametrize(("state", "kind"), TRANSLATED.items())
def test_the_door_translates_by_the_table(state: str, kind: type[CrosswalkError]) -> None:
    found = translate(_spoken(state), side="target", what="a load")
    assert type(found) is kind
    assert found.advice
    if remedy(state):
        assert found.advice == remedy(state)
    assert unlucky(found) == (meaning(state) is Meaning.UNLUCKY)


def test_what_a_trigger_says_under_a_state_of_its_own_is_not_repeated() -> None:
    found = translate(_spoken("PT402", "Ann owes 12.50"), side="target", what="a load")
    assert "Ann" not in str(found)
    assert blames_a_row(str(found.fields["sqlstate"]))


def test_two_tasks_on_one_session_are_no_lost_connection() -> None:
    busy = asyncpg.InterfaceError("cannot perform operation: another operation is in progress")
    assert not passes(translate(busy, side="target", what="a load"))


GOES_ON: list[tuple[str, Side, bool]] = [
    ("57P01", "source", True), ("40001", "source", True), ("40001", "target", False), ("25006", "target", True),
    ("25006", "source", False), ("53100", "target", False), ("57014", "target", False), ("42501", "source", False),
]


@pytest.mark.parametrize(("state", "side", "wanted"), GOES_ON)
def test_after_which_states_a_run_goes_on(state: str, side: Side, wanted: bool) -> None:
    assert passes(translate(_spoken(state), side=side, what="a load")) is wanted


def test_a_server_that_starts_or_is_full_of_sessions_is_waited_for() -> None:
    assert all(passes(CannotConnect(side="target", url="", reason="", sqlstate=s)) for s in ("", "57P03", "53300"))
    assert not passes(CannotConnect(side="target", url="", reason="", sqlstate="55000"))
    assert passes(SnapshotLost(reason="gone"))

"""Rows in quarantine are counted, shown and given up by the command line; accounting and verification go on knowing them."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from crosswalk.cli import main
from crosswalk.embedded import Server
from tests.quarantined import after_a_run, tallies
from tests.road import Road, findings, rows, run
from tests.servers import MakeDatabase, MakeRole, MakeTemplate, Role

SECRETS = ("c3@example.org", "bad 3", "bad 5", "c5@example.org")


@pytest.fixture(scope="session")
def keepers(pg16: Server, pg18: Server, make_role: MakeRole) -> tuple[Role, Role]:
    return make_role(pg16), make_role(pg18)


@pytest.fixture
def moved(
    pg16: Server, pg18: Server, template: MakeTemplate, make_database: MakeDatabase, keepers: tuple[Role, Role],
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
) -> Road:
    way = after_a_run(pg16, pg18, template, make_database, keepers)
    monkeypatch.setenv("CROSSWALK_SOURCE", way.source)
    monkeypatch.setenv("CROSSWALK_TARGET", way.target)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.chdir(tmp_path)
    return way


class Said:
    """What the command line said."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self.capsys = capsys

    def __call__(self, *words: str, code: int = 0) -> str:
        found = main(["quarantine", *words])
        told = self.capsys.readouterr()
        assert found == code, told.out + told.err
        assert max(map(len, told.out.splitlines()), default=0) <= 80 or "--json" in words, told.out
        return told.out + told.err if code else told.out

    def json(self, *words: str, code: int = 0) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self(*words, "--json", code=code).splitlines()[0])
        return found


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Said:
    return Said(capsys)


def held(url: str) -> list[tuple[Any, ...]]:
    """(key, code, row is empty) of the clients in quarantine."""
    text = "SELECT source_key->>0, code, row = '{}' FROM crosswalk.quarantine WHERE target_table = 'public.client' ORDER BY 1"
    return asyncio.run(rows(url, text))


def test_list_and_show_give_no_value_unless_asked(moved: Road, said: Said) -> None:
    listed = said("list")
    assert "public.client" in listed
    assert "1 row of public.client → public.client" not in listed, "two rows for each reason"
    found = said.json("list", "client")
    assert (found["rows"], found["dropped"]) == (4, 0)
    (table,) = found["tables"]
    assert (table["target"], table["rows"], table["accounted"], table["agrees"]) == ("public.client", 4, 4, True)
    assert {(r["code"], r["rows"]) for r in table["reasons"]} == {("not_null", 2), ("refused", 2)}
    shown = said("show", "client")
    assert "sound" in shown
    assert "23514" in shown
    assert not any(secret in shown for secret in SECRETS)
    (only, _) = said.json("show", "client", "--reason", "refused")["rows"]
    assert (only["key"], only["sqlstate"], only["constraint"], "row" in only) == ("•", "23514", "sound", False)
    open_ = said.json("show", "client", "--show-values", "--limit", "3")["rows"]
    assert [r["row"]["phone"] for r in open_ if r["code"] == "refused"][:1] == ["bad 3"]
    assert {r["row"]["token"] for r in open_} == {"redacted"}
    assert "does not fill public.nobody" in said("show", "nobody", code=3)
    asyncio.run(run(moved.target, "DELETE FROM crosswalk.quarantine WHERE code = 'not_null'"))
    assert "the accounting has 4 in quarantine, 2 stand there" in said("list", code=2)


def test_retry_tells_what_became_of_them(moved: Road, said: Said) -> None:
    left = said("retry", code=2)
    assert "0 rows landed, 8 still in quarantine" in left
    asyncio.run(run(moved.target, "ALTER TABLE client DROP CONSTRAINT sound, ALTER email DROP NOT NULL"))
    done = said.json("retry")
    assert (done["landed"], done["left"], done["quarantine"]) == (8, 0, [])
    assert {t["target"]: t["quarantined"] for t in done["accounting"]} == {"public.client": 0, "public.visit": 0}
    assert said("list").startswith("no row is in quarantine")
    assert said("retry").startswith("no row was waiting in quarantine")


def test_rows_given_up_stay_accounted_for_and_lose_what_stood_in_them(moved: Road, said: Said) -> None:
    before = asyncio.run(tallies(moved.target))
    done = said.json("drop", "client", "--why", "nobody answers there", "--who", "Ann")
    assert done["rows"] == {"public.client": 4}
    assert held(moved.target) == [("2", "not_null", True), ("3", "refused", True), ("4", "not_null", True), ("5", "refused", True)]
    assert asyncio.run(tallies(moved.target)) == before
    assert findings(asyncio.run(moved.verify())) == []
    assert "dropped by Ann" in said("show", "client")
    table = said.json("list")["tables"][0]
    assert (table["rows"], table["dropped"], table["agrees"]) == (4, 4, True)
    event = asyncio.run(rows(moved.target, "SELECT detail->>'why', detail->'rows'->>'public.client' FROM crosswalk.event"
                                           " WHERE kind = 'quarantine' AND name = 'dropped'"))
    assert event == [("nobody answers there", "4")]
    assert "or they have been dropped already" in said("drop", "client", "--why", "again", code=3)
    # What is left of them is left alone, also by a retry that has a reason to look at the rows of the table again.
    asyncio.run(run(moved.target, "ALTER TABLE client DROP CONSTRAINT sound"))
    tried = said.json("retry", code=2)
    assert {t["target"]: t["tried"] for t in tried["tables"]} == {"public.visit": 4}
    assert asyncio.run(tallies(moved.target)) == before
    again = said.json("retry", "--dropped", code=2)
    assert {t["target"]: (t["landed"], t["left"]) for t in again["tables"]} == {"public.client": (2, 2), "public.visit": (2, 2)}
    assert held(moved.target) == [("2", "not_null", True), ("4", "not_null", True)]
    assert findings(asyncio.run(moved.verify())) == []


def test_a_row_given_up_that_changes_in_the_source_is_another_row(moved: Road, said: Said) -> None:
    said("drop", "--reason", "refused", "--why", "prank calls")
    assert held(moved.target)[1] == ("3", "refused", True)
    asyncio.run(run(moved.source, "UPDATE client SET phone = 'bad indeed' WHERE id = 3"))
    verified = asyncio.run(moved.verify())
    assert [problem for _, problem in verified.accounting if problem] == [
        "changed in the source since they went to quarantine: 1 row, to be moved again"
    ]
    assert asyncio.run(moved.repair()).after is not None
    assert held(moved.target)[1] == ("3", "refused", False)
    assert held(moved.target)[3] == ("5", "refused", True)
    assert said.json("list")["dropped"] == 3, "client 5 and, of the visits, those that the load refused"
    assert findings(asyncio.run(moved.verify())) == []


@pytest.mark.drill
def test_a_retry_that_is_killed_leaves_each_row_in_one_place(moved: Road, said: Said) -> None:
    asyncio.run(run(moved.target, "ALTER TABLE client DROP CONSTRAINT sound, ALTER email DROP NOT NULL"))
    environment = {**os.environ, "CROSSWALK_FAILPOINTS": "retry.before_commit=kill@2"}
    command = [sys.executable, "-m", "crosswalk", "quarantine", "retry"]
    killed = subprocess.run(command, check=False, env=environment, capture_output=True, text=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert asyncio.run(tallies(moved.target)) == {"client": (8, 8, 0, 0, 0, 8), "visit": (8, 4, 0, 4, 0, 4)}
    assert asyncio.run(rows(moved.target, "SELECT count(*) FROM client")) == [(8,)]
    assert [t["rows"] for t in said.json("list")["tables"]] == [4]
    assert [h.name for h in asyncio.run(moved.verify()).held] == ["touch"]
    assert said.json("retry")["landed"] == 4
    assert asyncio.run(tallies(moved.target)) == {"client": (8, 8, 0, 0, 0, 8), "visit": (8, 8, 0, 0, 0, 8)}
    assert asyncio.run(moved.verify()).clean


@pytest.mark.drill
def test_a_drop_that_is_killed_gives_nothing_up(moved: Road, said: Said) -> None:
    before = held(moved.target)
    environment = {**os.environ, "CROSSWALK_FAILPOINTS": "drop.before_commit=kill"}
    command = [sys.executable, "-m", "crosswalk", "quarantine", "drop", "--reason", "refused", "--why", "prank calls"]
    killed = subprocess.run(command, check=False, env=environment, capture_output=True, text=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert held(moved.target) == before
    assert said.json("list")["dropped"] == 0


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["drop", "client"], "--why"), (["drop", "--why", "x"], "--all"),
        (["drop", "client", "--all", "--why", "x"], "--all"), (["show"], "TABLE"), ([], "Examples"),
    ],
)
def test_what_is_not_understood(words: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["quarantine", *words]) == 64
    found = capsys.readouterr()
    assert told in found.out + found.err

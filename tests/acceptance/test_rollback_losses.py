"""What others did to rows and tables of ours since they were moved is noticed before a rollback takes it away."""

from __future__ import annotations

import pytest

from crosswalk.embedded import Server
from crosswalk.errors import FailpointHit, LaterChangesLost, LaterRowsLost, ReferringRowsLost
from crosswalk.migration import migrate
from crosswalk.rollback import Loss, rollback
from tests.acceptance.test_rollback import fail_at
from tests.road import ALL_HAZARDS, Road, findings, lay, rows, run
from tests.servers import MakeDatabase, MakeRole
from tests.standing import same, standing

SOURCE = """
CREATE TABLE town (name text PRIMARY KEY, size int);
INSERT INTO town VALUES ('Ulm', 1), ('Bonn', 2), ('Kiel', 3);
CREATE TABLE emp (id int PRIMARY KEY, name text, code int);
INSERT INTO emp VALUES (1, 'b', 11), (2, 'a', 12), (3, 'c', 13), (4, 'f', 14);
"""
TARGET = """
CREATE TABLE town (id serial PRIMARY KEY, name text UNIQUE, size int, note text DEFAULT 'n');
CREATE TABLE emp (id int PRIMARY KEY, name text NOT NULL UNIQUE, code int UNIQUE, free text DEFAULT 'f');
INSERT INTO emp VALUES (1, 'a', 10, 'x'), (2, 'b', 11, NULL), (3, 'd', 12, NULL), (7, 'g', 7, NULL);
CREATE TABLE log (line text);
CREATE RULE also AS ON DELETE TO town DO ALSO INSERT INTO log VALUES (OLD.name);
CREATE RULE never AS ON DELETE TO emp DO INSTEAD NOTHING;
ALTER TABLE emp ENABLE ALWAYS RULE never;
CREATE TABLE seat (nr int PRIMARY KEY, town int CONSTRAINT sits REFERENCES town ON DELETE CASCADE);
CREATE TABLE ticket (nr int PRIMARY KEY, seat int REFERENCES seat ON DELETE CASCADE);
CREATE PUBLICATION carried FOR TABLE emp;
ALTER TABLE emp REPLICA IDENTITY FULL;
"""
DOCUMENT = """
version: 1
tables:
  town: {from: town, key: [name], columns: {name: name, size: size, note: {default: true}}}
  emp: {from: emp, key: [id], existing: update, columns: {id: id, name: name, code: code, free: {default: true}}}
preserve: {seat: theirs, ticket: theirs, log: theirs}
"""


@pytest.fixture
async def laid(pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole) -> Road:
    return await lay(make_database, make_role, (pg16, SOURCE), (pg18, TARGET), DOCUMENT)


async def test_rows_that_others_changed_since_are_not_lost_unless_that_is_allowed(laid: Road, pg18: Server) -> None:
    """Swapped unique values go back; rules that would write or swallow do not act; repair heals what it can see."""
    before = await standing(pg18, laid.target)
    plan = await laid.plan()
    await laid.migrate(plan)
    assert await rows(laid.target, "SELECT id, name FROM emp ORDER BY 1") == [(1, "b"), (2, "a"), (3, "c"), (4, "f"), (7, "g")]
    await run(laid.target, "UPDATE town SET size = 9 WHERE name = 'Ulm'")
    with pytest.raises(LaterChangesLost, match=r"^changed after they had been moved: 1 row of public\.town, and"):
        await rollback(laid.target)
    await laid.repair()
    await run(laid.target, "INSERT INTO town (name) VALUES ('later')")
    with pytest.raises(LaterRowsLost):
        await rollback(laid.target)
    with pytest.raises(LaterChangesLost, match=r"rows of public\.town were changed .* before a later run or repair"):
        await rollback(laid.target, allow=[Loss.LATER_ROWS])  # no rule feeds the note: nobody looked whether it is what it was
    done = await rollback(laid.target, allow=[Loss.LATER_ROWS, Loss.CHANGED_ROWS])
    assert {t.target.relation: (t.deleted, t.restored) for t in done.tables} == {"town": (4, 0), "emp": (1, 3)}
    assert any("publication carried" in text for text in done.warnings)
    same(before, await standing(pg18, laid.target))

    await laid.migrate(plan)
    await run(laid.target, "UPDATE town SET note = 'mine' WHERE name = 'Bonn'; UPDATE emp SET free = 'mine' WHERE id = 7")
    with pytest.raises(LaterChangesLost, match=r"1 row of public\.emp; .*: 1 row of public\.town"):
        await rollback(laid.target)
    await run(laid.target, "UPDATE town SET size = NULL; UPDATE emp SET code = 99 WHERE id = 3")
    mended = await laid.repair()
    assert mended.after is not None
    assert mended.after.clean
    with pytest.raises(LaterChangesLost, match=r"rows of public\.town were changed .* before a later run or repair"):
        await rollback(laid.target)
    done = await rollback(laid.target, allow=[Loss.CHANGED_ROWS])
    assert any("rows of public.town were changed" in text for text in done.warnings)
    same(before, await standing(pg18, laid.target))


async def test_rows_that_others_deleted_are_no_loss_as_far_as_that_can_be_told(laid: Road, pg18: Server) -> None:
    """Where there is an image, a copy that was restored elsewhere cannot tell when a row was written."""
    before = await standing(pg18, laid.target)
    await laid.migrate()
    await run(laid.target, "ALTER TABLE emp DISABLE RULE never; DELETE FROM emp WHERE id = 4")
    await run(laid.target, "ALTER TABLE emp ENABLE ALWAYS RULE never")
    [(server,)] = await rows(laid.target, "SELECT server FROM crosswalk.landed WHERE target_table = 'public.emp'")
    await run(laid.target, "UPDATE crosswalk.landed SET server = 'another'")
    with pytest.raises(LaterChangesLost, match=r"public\.emp"):
        await rollback(laid.target)
    await run(laid.target, f"UPDATE crosswalk.landed SET server = '{server}'")
    assert not [text for text in (await rollback(laid.target)).warnings if "emp" in text and "publication" not in text]
    same(before, await standing(pg18, laid.target))


async def test_rows_that_follow_rows_that_follow_are_named(laid: Road, pg18: Server) -> None:
    before = await standing(pg18, laid.target)
    await laid.migrate()
    await run(laid.target, "INSERT INTO seat SELECT id, id FROM town")
    await run(laid.target, "INSERT INTO ticket SELECT nr * 10 + x, nr FROM seat, generate_series(1, 2) AS x")
    with pytest.raises(ReferringRowsLost) as refused:
        await rollback(laid.target)
    assert "Then follow rows that refer to those in turn, of public.ticket." in refused.value.advice
    done = await rollback(laid.target, allow=[Loss.REFERRING_ROWS])
    said = "; ".join(done.warnings)
    assert "3 rows of public.seat went along" in said
    assert "6 rows of public.ticket went along" in said
    same(before, await standing(pg18, laid.target))


async def test_a_table_that_the_plan_made_and_others_altered_is_not_dropped_in_silence(laid: Road, pg18: Server) -> None:
    await run(laid.target, "ALTER TABLE seat DROP CONSTRAINT sits")
    before = await standing(pg18, laid.target)
    await laid.migrate(await laid.plan("recreate"))
    await run(laid.target, "ALTER TABLE town ADD COLUMN mine int DEFAULT 7; CREATE INDEX ON town (size)")
    await run(laid.target, "DELETE FROM emp WHERE id = 1")
    with pytest.raises(LaterChangesLost, match=r"^public\.town, which the run had made, was altered since \(columns, indexes\)"):
        await rollback(laid.target)
    await rollback(laid.target, allow=[Loss.CHANGED_ROWS])
    same(before, await standing(pg18, laid.target))


async def test_rows_of_a_run_killed_while_it_resumed_are_known_to_the_last(
    laid: Road, pg18: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What each transaction added is in the ledger with it: one row more is somebody else's."""
    before = await standing(pg18, laid.target)
    plan = await laid.plan()
    monkeypatch.setattr("crosswalk.migration.note_stop", _nothing)
    fail_at(monkeypatch, "run.before_finish=error")
    with pytest.raises(FailpointHit):
        await migrate(plan, laid.servers, allow=ALL_HAZARDS)
    await run(laid.source, "INSERT INTO town VALUES ('Trier', 4); INSERT INTO emp VALUES (5, 'h', 15); DELETE FROM emp WHERE id = 4")
    fail_at(monkeypatch, "repair.before_commit=error@2")
    with pytest.raises(FailpointHit):
        await laid.resume()
    monkeypatch.undo()
    new = sum(n for (n,) in await rows(laid.target, "SELECT count(*) FROM town UNION ALL SELECT count(*) - 4 FROM emp"))
    assert new in {5, 6}
    await run(laid.target, "INSERT INTO town (name) VALUES ('theirs')")
    with pytest.raises(LaterRowsLost, match=": 1 would be lost"):
        await rollback(laid.target)
    await run(laid.target, "DELETE FROM town WHERE name = 'theirs'; DELETE FROM log")
    done = await rollback(laid.target)
    assert any("went unnoticed" in text for text in done.warnings)
    same(before, await standing(pg18, laid.target))


async def test_a_row_whose_source_is_gone_is_still_ours(laid: Road, pg18: Server) -> None:
    before = await standing(pg18, laid.target)
    await laid.migrate()
    await run(laid.source, "DELETE FROM town WHERE name = 'Kiel'; UPDATE town SET size = 7")
    mended = await laid.repair()
    assert mended.after is not None
    assert [kind for _, kind, *_ in findings(mended.after)] == ["extra"]
    await rollback(laid.target)
    same(before, await standing(pg18, laid.target))


async def _nothing(*_: object) -> None:
    return None

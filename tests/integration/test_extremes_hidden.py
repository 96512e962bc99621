"""Row-level security that would hide rows is an error before anything is moved, on either side and wherever it stands.

Where PostgreSQL itself does not apply a policy (an owner's view, a parent of the partition that has one), all rows come.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from crosswalk.connect import session
from crosswalk.doctor import Severity, examine
from crosswalk.embedded import Server
from crosswalk.errors import AccountingBroken, RowsHidden
from crosswalk.express import Motion
from crosswalk.matching import match
from crosswalk.survey import both, read_both
from tests.extremes import as_reader, tables_of
from tests.road import findings, lay, run, sums
from tests.servers import MakeDatabase, MakeRole

ROWS = "CREATE TABLE t (id int PRIMARY KEY, a text); INSERT INTO t SELECT i, 'a' || i FROM generate_series(1, 10) i;"
EMPTY = "CREATE TABLE t (id int PRIMARY KEY, a text);"
PARTS = """
CREATE TABLE t (id int PRIMARY KEY, a text) PARTITION BY RANGE (id);
CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (1) TO (6);
CREATE TABLE t2 PARTITION OF t DEFAULT;
"""
FILL = "INSERT INTO t SELECT i, 'a' FROM generate_series(1, 10) i;"
ON = "ALTER TABLE {0} ENABLE ROW LEVEL SECURITY; CREATE POLICY few ON {0} USING (id < 5);"
FORCE = "ALTER TABLE {0} FORCE ROW LEVEL SECURITY;"
DOCUMENT = "version: 1\ntables:\n  t: {from: t, key: [id], columns: {id: id, a: a}}\n"
VIEW = DOCUMENT.replace("from: t, ", "from: v, source_key: [id], ") + "ignore: {source: {t: by its view}}"
CHILD = DOCUMENT.replace(
    "tables:", "tables:\n  c: {from: c, key: [id], columns: {id: id, t_id: {lookup: {table: t, match: {id: t}, take: id}}}}"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    source: str = ROWS
    target: str = EMPTY
    document: str = DOCUMENT
    reader: bool = True
    """A role that owns nothing reads the source, else its owner does."""


HIDDEN = {
    "a reader, a policy": Case(source=ROWS + ON.format("t")),
    "a reader, no policy at all": Case(source=ROWS + "ALTER TABLE t ENABLE ROW LEVEL SECURITY"),
    "the owner, forced": Case(source=ROWS + ON.format("t") + FORCE.format("t"), reader=False),
    "a partitioned source": Case(source=PARTS + FILL + ON.format("t")),
    "a view of its reader's rights": Case(
        source=ROWS + ON.format("t") + "CREATE VIEW v WITH (security_invoker) AS SELECT * FROM t", document=VIEW
    ),
    "an owner's view of a forced table": Case(
        source=ROWS + ON.format("t") + FORCE.format("t") + "CREATE VIEW v AS SELECT * FROM t", document=VIEW
    ),
    "the parent of a lookup": Case(
        source=ROWS + "CREATE TABLE c (id int PRIMARY KEY, t int); INSERT INTO c VALUES (1, 9);" + ON.format("t"),
        target=EMPTY + "CREATE TABLE c (id int PRIMARY KEY, t_id int REFERENCES t)",
        document=CHILD,
    ),
    "what a rule's function reads": Case(
        source=ROWS + "CREATE TABLE x (id int, n text); INSERT INTO x VALUES (9, 'n');" + ON.format("x")
        + "CREATE FUNCTION f(i int) RETURNS text LANGUAGE sql STABLE AS 'SELECT n FROM x WHERE x.id = i'",
        document=DOCUMENT.replace("a: a}", "a: {sql: 'f(id)'}}, drop: {a: computed}") + "ignore: {source: {x: read by f}}",
    ),
    "a forced target": Case(target=EMPTY + ON.format("t") + FORCE.format("t"), reader=False),
    "a forced target that checks what is written": Case(
        target=EMPTY + "ALTER TABLE t ENABLE ROW LEVEL SECURITY; CREATE POLICY w ON t USING (true) WITH CHECK (id < 5);"
        + FORCE.format("t"),
        reader=False,
    ),
}  # fmt: skip
SEEN = {
    "the owner of the source": Case(source=ROWS + ON.format("t"), reader=False),
    "the owner of the target": Case(target=EMPTY + ON.format("t")),
    "a partition alone": Case(source=PARTS + FILL + ON.format("t1"), target=PARTS + ON.format("t1") + FORCE.format("t1")),
    "an owner's view": Case(source=ROWS + ON.format("t") + "CREATE VIEW v AS SELECT * FROM t", document=VIEW),
    "a materialized view": Case(source=ROWS + ON.format("t") + "CREATE MATERIALIZED VIEW v AS SELECT * FROM t", document=VIEW),
}  # fmt: skip


@pytest.mark.parametrize("name", HIDDEN)
async def test_hidden_rows_are_an_error_and_nothing_is_begun(
    name: str, pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole
) -> None:
    case = HIDDEN[name]
    way = await lay(make_database, make_role, (pg16, case.source), (pg18, case.target), case.document)
    way = as_reader(way, pg16, make_role) if case.reader else way
    before = tables_of(pg18, way.target)
    for verb in (way.check(), way.plan()):
        with pytest.raises(RowsHidden, match="target role" if "target" in name else "source role"):
            await verb
    assert tables_of(pg18, way.target) == before


@pytest.mark.parametrize("name", SEEN)
async def test_where_no_policy_applies_every_row_comes(
    name: str, pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole
) -> None:
    case = SEEN[name]
    way = await lay(make_database, make_role, (pg16, case.source), (pg18, case.target), case.document)
    way = as_reader(way, pg16, make_role) if case.reader else way
    assert sums(await way.migrate()) == {"t": (10, 10, 0, 0, 0)}
    assert findings(await way.verify()) == []


async def test_policies_that_came_after_the_plan_and_after_the_move(
    pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole
) -> None:
    laid = await lay(make_database, make_role, (pg16, ROWS), (pg18, EMPTY), DOCUMENT)
    way = as_reader(laid, pg16, make_role)
    plan = await way.plan()
    await run(laid.source, ON.format("t"))
    with pytest.raises(RowsHidden):
        await way.migrate(plan)
    assert tables_of(pg18, way.target) == ["public.t"]
    await run(laid.source, "ALTER TABLE t DISABLE ROW LEVEL SECURITY")
    await way.migrate(plan)
    await run(way.target, ON.format("t") + FORCE.format("t"))
    for verb in (way.verify(), way.repair()):
        with pytest.raises(RowsHidden, match="target role"):
            await verb


async def test_match_and_doctor_say_what_they_could_not_see(
    pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole
) -> None:
    parts = "CREATE TABLE p (id int) PARTITION BY RANGE (id); CREATE TABLE p1 PARTITION OF p DEFAULT;"
    laid = await lay(make_database, make_role, (pg16, ROWS + ON.format("t") + parts + ON.format("p1")), (pg18, EMPTY), DOCUMENT)
    way = as_reader(laid, pg16, make_role)
    assert (await match(way.servers)).draft.unseen["public.t"] == "row-level security would hide rows"
    async with both(way.servers, purpose="test") as (source, target):
        found = {f.id: f for f in await examine(source, target, *await read_both(source, target))}
    assert found["source.rls.hides"].severity is Severity.BLOCKER
    assert [str(name) for name in found["source.rls.hides"].tables] == ["public.t"]
    assert found["source.rls.partitions"].severity is Severity.NOTE
    assert [str(name) for name in found["source.rls.partitions"].tables] == ["public.p1"]


async def test_no_session_of_ours_reads_through_a_policy(
    pg16: Server, make_database: MakeDatabase, make_role: MakeRole
) -> None:
    """The ground of it all: the server raises instead of leaving rows out."""
    owner = make_role(pg16)
    url = make_database(pg16, owner=owner)
    await run(url, ROWS + ON.format("t") + FORCE.format("t"))
    async with session("source", url) as opened:
        with pytest.raises(RowsHidden):
            await opened.fetchval("SELECT count(*) FROM t")


async def test_a_row_that_gets_lost_on_its_way_is_missed(
    pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is extracted is held against a count of the table under the same snapshot."""
    way = await lay(make_database, make_role, (pg16, ROWS), (pg18, EMPTY), DOCUMENT)
    whole = Motion.extract

    def losing(*given: Any, **named: Any) -> str:
        return f'SELECT * FROM ({whole(*given, **named)}) AS "cw$lost" OFFSET 1'

    monkeypatch.setattr(Motion, "extract", losing)
    with pytest.raises(AccountingBroken, match="10 source rows, but 9 loaded"):
        await way.migrate()

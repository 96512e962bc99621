"""What others did to rows of a table that was empty before us is told by who wrote them, without a value being read."""

from __future__ import annotations

import pytest

from crosswalk.connect import session
from crosswalk.embedded import Server
from crosswalk.errors import LaterChangesLost
from crosswalk.ledger import census
from crosswalk.names import Name
from crosswalk.rollback import Loss, rollback
from tests.road import Road, connected, lay, rows, run
from tests.servers import MakeDatabase, MakeRole
from tests.standing import same, standing

SOURCE = """
CREATE TABLE town (name text PRIMARY KEY, size int);
INSERT INTO town SELECT 'town ' || i, i FROM generate_series(1, 500) AS i;
CREATE TABLE day (at date, what text);
INSERT INTO day VALUES ('2026-01-01', 'x'), ('2026-01-01', 'x'), ('2026-02-01', 'y');
"""
TARGET = """
CREATE TABLE town (name text PRIMARY KEY, size int);
CREATE TABLE day (id int GENERATED ALWAYS AS IDENTITY, at date, what text) PARTITION BY RANGE (at);
CREATE TABLE day_1 PARTITION OF day FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
CREATE TABLE day_2 PARTITION OF day FOR VALUES FROM ('2026-02-01') TO ('2026-03-01');
"""
DOCUMENT = """
version: 1
tables:
  town: {from: town, key: [name], columns: {name: name, size: size}}
  day: {from: day, key: [], columns: {at: at, what: what}}
"""
TOWN, DAY = Name("public", "town"), Name("public", "day")


@pytest.fixture
async def laid(pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole) -> Road:
    return await lay(make_database, make_role, (pg16, SOURCE), (pg18, TARGET), DOCUMENT)


async def test_no_value_is_read_and_housekeeping_is_no_change(laid: Road, pg18: Server) -> None:
    before = await standing(pg18, laid.target)
    await laid.migrate(chunk_bytes=8192)
    noted = "SELECT target_table, rows, hash, (SELECT sum(value::int) FROM json_each_text(writers)) FROM crosswalk.landed ORDER BY 1"
    assert await rows(laid.target, noted) == [("public.day", 3, None, 3), ("public.town", 500, None, 500)]
    for statement in (
        "VACUUM (FREEZE) town", "VACUUM FULL town", "VACUUM (FULL, FREEZE) day", "CLUSTER town USING town_pkey",
        "ALTER TABLE town SET WITHOUT CLUSTER",
    ):
        await run(laid.target, statement)
    await run(laid.target, "BEGIN; SELECT FROM town FOR UPDATE; ROLLBACK; BEGIN; UPDATE town SET size = 0; ROLLBACK")
    assert (await rollback(laid.target)).warnings == []
    same(before, await standing(pg18, laid.target))


@pytest.mark.parametrize(
    ("done", "said"),
    [
        ("UPDATE town SET size = 9 WHERE size < 4", r"3 rows of public\.town"),
        ("UPDATE town SET size = size WHERE size = 7", r"1 row of public\.town"),
        ("UPDATE day SET at = '2026-02-02' WHERE what = 'x'", r"2 rows of public\.day"),
        ("DELETE FROM town WHERE size < 3; INSERT INTO town VALUES ('town 1', 1)", r"1 row of public\.town"),
        ("INSERT INTO town VALUES ('x', 1); UPDATE town SET size = 1 WHERE size = 2; DELETE FROM town WHERE size = 3",
         r"2 rows of public\.town"),
        ("ALTER TABLE town ALTER size TYPE bigint", r"500 rows of public\.town"),
    ],
)  # fmt: skip
async def test_a_row_that_was_written_again_counts_as_changed(laid: Road, done: str, said: str) -> None:
    """Be it with equal values, moved to another partition, or by a statement that rewrites the table; at most so many."""
    await laid.migrate()
    await run(laid.target, done)
    with pytest.raises(LaterChangesLost, match=f"^changed after they had been moved: {said}, and"):
        await rollback(laid.target)
    told = (await rollback(laid.target, allow=list(Loss))).warnings
    assert any("changed after they had been moved" in text for text in told)


async def test_rows_that_only_went_are_no_loss(laid: Road, pg18: Server) -> None:
    before = await standing(pg18, laid.target)
    await laid.migrate()
    await run(laid.target, "DELETE FROM town WHERE size > 100; TRUNCATE day")
    assert (await rollback(laid.target)).warnings == []
    same(before, await standing(pg18, laid.target))


async def test_rows_that_only_came_are_told_as_such_and_remain_theirs_after_another_run(laid: Road, pg18: Server) -> None:
    before = await standing(pg18, laid.target)
    await laid.migrate()
    await run(laid.target, "INSERT INTO town VALUES ('theirs', 1)")
    await laid.migrate()
    done = await rollback(laid.target, allow=[Loss.LATER_ROWS])
    assert [text for text in done.warnings if "changed" in text] == []
    same(before, await standing(pg18, laid.target))


async def test_a_writer_that_was_under_way_when_we_noted_is_noticed(laid: Road) -> None:
    """In a savepoint, whose number no snapshot knows: what it commits afterwards is a change."""
    plan = await laid.plan()
    await laid.migrate(plan)
    async with connected(laid.target) as busy:
        late = busy.transaction()
        await late.start()
        await busy.execute("SAVEPOINT s; UPDATE town SET size = -1 WHERE name = 'town 9'; DELETE FROM town WHERE name = 'town 8'")
        await laid.migrate(plan)
        await late.commit()
    with pytest.raises(LaterChangesLost, match=r"1 row of public\.town"):
        await rollback(laid.target)


async def test_a_repair_forgets_a_change_where_every_column_is_fed_and_remembers_it_where_not(laid: Road) -> None:
    await laid.migrate()
    await run(laid.target, "UPDATE town SET size = -1 WHERE size < 9; UPDATE day SET what = 'z' WHERE what = 'y'")
    mended = await laid.repair()
    assert mended.after is not None
    with pytest.raises(LaterChangesLost, match=r"^rows of public\.day were changed .* before a later run or repair") as refused:
        await rollback(laid.target, allow=[Loss.LATER_ROWS])
    assert "town" not in str(refused.value)


async def test_in_a_copy_restored_elsewhere_rows_are_counted_only_and_a_later_run_remembers_that(
    laid: Road, pg18: Server
) -> None:
    before = await standing(pg18, laid.target)
    plan = await laid.plan()
    await laid.migrate(plan)
    elsewhere = "UPDATE crosswalk.landed SET server = 'another'"
    await run(laid.target, f"{elsewhere}; UPDATE town SET size = 9")
    told = (await rollback(laid.target)).warnings
    assert [text.partition(":")[0] for text in told] == ["public.day", "public.town"]
    assert all("a copy that was restored elsewhere" in text and "went unnoticed" in text for text in told)
    same(before, await standing(pg18, laid.target))
    await laid.migrate(plan)
    await run(laid.target, elsewhere)
    await laid.migrate(plan)
    with pytest.raises(LaterChangesLost, match=r"rows of public\.day .* restored elsewhere: perhaps.*; rows of public\.town"):
        await rollback(laid.target)
    await rollback(laid.target, allow=[Loss.CHANGED_ROWS])
    same(before, await standing(pg18, laid.target))


async def test_a_table_of_too_many_writers_has_an_image_and_so_has_a_ledger_of_before(
    laid: Road, pg18: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = await standing(pg18, laid.target)
    monkeypatch.setattr(census, "MOST", 1)
    await laid.migrate(chunk_bytes=8192)
    told = "SELECT target_table, hash IS NOT NULL, writers IS NULL FROM crosswalk.landed ORDER BY 1"
    assert await rows(laid.target, told) == [("public.day", False, False), ("public.town", True, True)]
    monkeypatch.undo()
    await run(laid.target, "UPDATE town SET size = size")
    assert (await rollback(laid.target)).warnings == []  # the values are what they were
    same(before, await standing(pg18, laid.target))


async def test_a_census_takes_many_tables_in_one_statement(laid: Road) -> None:
    """Empty ones and partitioned ones among them; names of any kind."""
    await run(laid.target, "".join(f'CREATE TABLE "it\'s %d {i}" (a int); ' for i in range(census.BATCH)))
    names = [DAY, *(Name("public", f"it's %d {i}") for i in range(census.BATCH))]
    await run(laid.target, "INSERT INTO \"it's %d 3\" VALUES (1), (NULL); INSERT INTO day (at) VALUES ('2026-01-05')")
    async with session("target", laid.target) as opened:
        assert await census.holding(opened, names) == {DAY, names[4]}
        assert {n: rows for n, rows in (await census.counts(opened, names)).items() if rows} == {DAY: 1, names[4]: 2}
        by = await census.writers(opened, names)
    assert list(by) == names
    assert [sum(found.values()) for found in by.values()] == [1, 0, 0, 0, 2, *[0] * (census.BATCH - 4)]

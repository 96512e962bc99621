"""Tables and names of every odd shape, the whole road, as plain owner of the target and plain reader of the source."""

from __future__ import annotations

import pytest

from crosswalk.embedded import Server
from crosswalk.errors import DocumentRefused
from crosswalk.names import quote
from crosswalk.plan import Strategy
from crosswalk.report import as_html, as_markdown, gather
from crosswalk.rollback import rollback
from tests.extremes import LONG, ODD, as_key, as_reader, table_key
from tests.road import connected, constraints, findings, lay, rows, run, set_aside, sums
from tests.servers import MakeDatabase, MakeRole
from tests.standing import same, standing

SOURCE = f"""
CREATE SCHEMA {quote(ODD)};
CREATE TABLE {quote(ODD)}."Select" (
    "from" int PRIMARY KEY, {quote(ODD)} text, "a.b" text, {quote(LONG)} int, "%(x)s" text NOT NULL, boss int);
INSERT INTO {quote(ODD)}."Select" SELECT i, 'v' || i, 'b', i, 'p', nullif(i - 1, 0) FROM generate_series(1, 50) i;
INSERT INTO {quote(ODD)}."Select" VALUES (77, repeat('long ', 10), NULL, NULL, '', 1), (78, 'y', NULL, NULL, '', 999);
CREATE TABLE empty (id int PRIMARY KEY, a text);
CREATE TABLE keyless (a int, b text);
INSERT INTO keyless SELECT i % 3, 'b' FROM generate_series(1, 30) i;
CREATE TABLE nothing ();
INSERT INTO nothing SELECT FROM generate_series(1, 3);
CREATE TABLE a (id bigint PRIMARY KEY, b_id int UNIQUE DEFERRABLE INITIALLY DEFERRED);
CREATE TABLE b (id int PRIMARY KEY, a_id bigint NOT NULL REFERENCES a DEFERRABLE INITIALLY DEFERRED);
ALTER TABLE a ADD FOREIGN KEY (b_id) REFERENCES b DEFERRABLE INITIALLY DEFERRED;
BEGIN;
INSERT INTO a SELECT i, i FROM generate_series(1, 20) i;
INSERT INTO b SELECT i, 21 - i FROM generate_series(1, 20) i;
COMMIT;
CREATE TABLE late (id int PRIMARY KEY DEFERRABLE INITIALLY DEFERRED, n int);
INSERT INTO late SELECT i, i FROM generate_series(1, 10) i;
CREATE TABLE part (id int, at date, kind text, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
CREATE TABLE part_1 PARTITION OF part FOR VALUES FROM ('2024-01-01') TO ('2025-01-01') PARTITION BY HASH (id);
CREATE TABLE part_1a PARTITION OF part_1 FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE part_1b PARTITION OF part_1 FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE TABLE part_d PARTITION OF part DEFAULT;
INSERT INTO part SELECT i, date '2023-12-01' + i, (ARRAY['a', 'b', NULL])[1 + i % 3] FROM generate_series(1, 400) i;
CREATE TABLE plain (id int PRIMARY KEY, at date NOT NULL, kind text);
INSERT INTO plain SELECT * FROM part WHERE id <= 300;
CREATE TABLE hashed (id int PRIMARY KEY, n text) PARTITION BY HASH (id);
CREATE TABLE hashed_0 PARTITION OF hashed FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE hashed_1 PARTITION OF hashed FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO hashed SELECT i, 'n' || i FROM generate_series(1, 100) i;
CREATE TABLE made (id int PRIMARY KEY, w int, h int);
INSERT INTO made SELECT i, i, 2 FROM generate_series(1, 20) i;
"""
TARGET = f"""
CREATE SCHEMA {quote(ODD)};
CREATE TABLE {quote(ODD)}."Select" (
    "from" int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, {quote(ODD)} varchar(20), "a.b" text, {quote(LONG)} int,
    "%(x)s" text NOT NULL, boss int CONSTRAINT {quote(ODD)} REFERENCES {quote(ODD)}."Select" DEFERRABLE);
CREATE TABLE empty (id int PRIMARY KEY, a text);
CREATE TABLE keyless (a int, b text);
CREATE TABLE nothing ();
CREATE TABLE a (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, b_id int UNIQUE DEFERRABLE INITIALLY DEFERRED);
CREATE TABLE b (id int PRIMARY KEY,
                a_id bigint NOT NULL UNIQUE DEFERRABLE INITIALLY DEFERRED REFERENCES a DEFERRABLE INITIALLY DEFERRED);
ALTER TABLE a ADD FOREIGN KEY (b_id) REFERENCES b DEFERRABLE INITIALLY DEFERRED;
CREATE TABLE late (id int PRIMARY KEY DEFERRABLE INITIALLY DEFERRED, n int NOT NULL UNIQUE);
CREATE TABLE part (id int PRIMARY KEY, at date, kind text);
CREATE TABLE plain (id int, at date, kind text, UNIQUE (id, at)) PARTITION BY RANGE (at);
CREATE TABLE plain_1 PARTITION OF plain FOR VALUES FROM ('2024-01-01') TO ('2025-01-01') PARTITION BY HASH (id);
CREATE TABLE plain_1a PARTITION OF plain_1 FOR VALUES WITH (MODULUS 2, REMAINDER 0) PARTITION BY RANGE (at);
CREATE TABLE plain_1a0 PARTITION OF plain_1a DEFAULT;
CREATE TABLE plain_1b PARTITION OF plain_1 FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE TABLE plain_d PARTITION OF plain DEFAULT;
CREATE TABLE listed (at date, kind text, id int) PARTITION BY LIST (kind);
CREATE TABLE listed_a PARTITION OF listed FOR VALUES IN ('a', NULL) PARTITION BY LIST (kind);
CREATE TABLE listed_a0 PARTITION OF listed_a FOR VALUES IN ('a');
CREATE TABLE listed_an PARTITION OF listed_a FOR VALUES IN (NULL);
CREATE TABLE listed_d PARTITION OF listed DEFAULT;
CREATE TABLE hashed (id int PRIMARY KEY, n text) PARTITION BY HASH (id);
CREATE TABLE hashed_0 PARTITION OF hashed FOR VALUES WITH (MODULUS 3, REMAINDER 0);
CREATE TABLE hashed_1 PARTITION OF hashed FOR VALUES WITH (MODULUS 3, REMAINDER 1);
CREATE TABLE hashed_2 PARTITION OF hashed FOR VALUES WITH (MODULUS 3, REMAINDER 2);
CREATE TABLE made (id int PRIMARY KEY, w int, h int, area int GENERATED ALWAYS AS (w * h) STORED);
"""
VIRTUAL = "ALTER TABLE made ADD next int GENERATED ALWAYS AS (w + 1) VIRTUAL;"
DOCUMENT = f"""
version: 1
tables:
  {table_key(ODD, "Select")}:
    from: {table_key(ODD, "Select")}
    key: [from]
    rejects: quarantine
    columns: {{from: from, {as_key(ODD)}: {as_key(ODD)}, "a.b": "a.b", {as_key(LONG)}: {as_key(LONG)},
              "%(x)s": "%(x)s", boss: boss}}
  empty: {{from: empty, key: [id], columns: {{id: id, a: a}}}}
  keyless: {{from: keyless, key: [], columns: {{a: a, b: b}}}}
  a: {{from: a, key: [id], columns: {{id: id, b_id: b_id}}}}
  b: {{from: b, key: [id], columns: {{id: id, a_id: a_id}}}}
  late: {{from: late, key: [n], columns: {{id: id, n: n}}}}
  part: {{from: part, key: [id], columns: {{id: id, at: at, kind: kind}}}}
  plain: {{from: plain, key: [id, at], columns: {{id: id, at: at, kind: kind}}}}
  listed: {{from: part, key: [], columns: {{id: id, at: at, kind: kind}}}}
  hashed: {{from: hashed, key: [id], columns: {{id: id, n: n}}}}
  made: {{from: made, key: [id], columns: {{id: id, w: w, h: h}}}}
ignore: {{source: {{nothing: no columns}}, target: {{nothing: no columns}}}}
"""
SUMS = {
    "Select": (52, 50, 0, 2, 0), "empty": (0, 0, 0, 0, 0), "keyless": (30, 30, 0, 0, 0), "a": (20, 20, 0, 0, 0),
    "b": (20, 20, 0, 0, 0), "late": (10, 10, 0, 0, 0), "part": (400, 400, 0, 0, 0), "plain": (300, 300, 0, 0, 0),
    "listed": (400, 400, 0, 0, 0), "hashed": (100, 100, 0, 0, 0), "made": (20, 20, 0, 0, 0),
}  # fmt: skip
WIDTH = 1600


@pytest.mark.parametrize("versions", [("pg16", "pg18"), pytest.param(("pg18", "pg15"), marks=pytest.mark.drill)])
async def test_every_shape_goes_the_whole_road_and_back(
    versions: tuple[str, str], request: pytest.FixtureRequest, make_database: MakeDatabase, make_role: MakeRole
) -> None:
    old, new = (request.getfixturevalue(version) for version in versions)
    made = TARGET + (VIRTUAL if versions[1] == "pg18" else "")
    laid = await lay(make_database, make_role, (old, SOURCE), (new, made), DOCUMENT)
    way = as_reader(laid, old, make_role)
    before = await standing(new, way.target)
    checked = await way.check()
    assert checked.problems == ()
    assert sums(await way.migrate(chunk_bytes=10_000)) == SUMS
    assert findings(await way.verify()) == []
    async with connected(way.target) as conn:
        assert await set_aside(conn, f"{quote(ODD)}.\"Select\"") == {"77": ("length", ODD), "78": ("refused", "boss")}
        assert all(validated for _, _, validated, _ in await constraints(conn))
        assert await conn.fetchval("SELECT count(*) FROM listed_an WHERE kind IS NULL") == 133
        assert await conn.fetchval("SELECT bool_and(area = w * 2) FROM made")
        if versions[1] == "pg18":
            assert await conn.fetchval("SELECT bool_and(next = w + 1) FROM made")
    assert sums(await way.migrate(chunk_bytes=10_000)) == SUMS
    report = await gather(way.source, way.target)
    assert "Select" in as_html(report)
    assert "Select" in as_markdown(report)
    await rollback(way.target)
    await run(new.url(way.target.rpartition("/")[2]), "DROP SCHEMA crosswalk CASCADE")
    same(before, await standing(new, way.target))


@pytest.mark.drill
@pytest.mark.parametrize("strategy", ["recreate", "hybrid"])
async def test_every_shape_under_the_other_strategies(
    strategy: Strategy, pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole
) -> None:
    laid = await lay(make_database, make_role, (pg16, SOURCE), (pg18, TARGET + VIRTUAL), DOCUMENT)
    way = as_reader(laid, pg16, make_role)
    moved = sums(await way.migrate(await way.plan(strategy)))
    expected = dict(SUMS)
    if strategy == "recreate":  # nothing is cut there, and the source's form has no key that a boss breaks
        expected["Select"] = (52, 52, 0, 0, 0)
        del expected["listed"]
    assert moved == expected
    assert findings(await way.verify()) == []


async def test_a_table_without_columns_is_told_what_to_do(
    pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole
) -> None:
    bare = "CREATE TABLE nothing (); INSERT INTO nothing SELECT FROM generate_series(1, 3)"
    document = "version: 1\ntables:\n  nothing: {from: nothing, key: [], columns: {}}\n"
    way = await lay(make_database, make_role, (pg16, bare), (pg18, "CREATE TABLE nothing ()"), document)
    [problem] = (await way.check()).problems
    assert (problem.code, "ignore" in problem.remedy) == ("table.nothing_fed", True)
    with pytest.raises(DocumentRefused):
        await way.plan()


async def test_sixteen_hundred_columns(
    pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole
) -> None:
    """As many as a table can have: all of our SQL fits into the 1,664 columns of a query."""
    names = [f"c{i}" for i in range(1, WIDTH)]
    columns = ", ".join(f"{n} {'smallint' if i % 2 else 'text'}" for i, n in enumerate(names))
    table = f"CREATE TABLE wide (id int PRIMARY KEY, {columns})"
    fill = "; INSERT INTO wide (id, c2, c3) SELECT i, i, 'x' || i FROM generate_series(1, 20) i"
    listed = ", ".join(f"{n}: {n}" for n in ["id", *names])
    document = f"version: 1\ntables:\n  wide: {{from: wide, key: [id], columns: {{{listed}}}}}\n"
    way = await lay(make_database, make_role, (pg16, table + fill), (pg18, table), document)
    assert (await way.check()).problems == ()
    assert sums(await way.migrate()) == {"wide": (20, 20, 0, 0, 0)}
    assert findings(await way.verify()) == []
    assert await rows(way.target, "SELECT sum(c2), max(c3) FROM wide") == [(210, "x9")]


async def test_a_wide_table_is_merged_compared_and_repaired(
    pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole
) -> None:
    names = [f"c{i}" for i in range(1, 900)]
    table = f"CREATE TABLE wide (id int PRIMARY KEY, {', '.join(f'{n} text' for n in names)})"
    fill = "; INSERT INTO wide (id, c2, c3) SELECT i, i, 'x' || i FROM generate_series(1, 20) i"
    listed = ", ".join(f"{n}: {n}" for n in ["id", *names])
    document = f"version: 1\ntables:\n  wide: {{from: wide, key: [id], columns: {{{listed}}}}}\n"
    way = await lay(make_database, make_role, (pg16, table + fill), (pg18, table), document)
    await way.migrate()
    await run(way.target, "UPDATE wide SET c5 = 'y' WHERE id = 3; DELETE FROM wide WHERE id = 4")
    assert findings(await way.verify()) == [
        ("public.wide", "different", '["3"]', ("c5",)), ("public.wide", "missing", '["4"]', ())
    ]  # fmt: skip
    mended = await way.repair()
    assert mended.after is not None
    assert findings(mended.after) == []

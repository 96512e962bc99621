"""Whatever is planted in a clean target, verify names its row and column, and repair heals it."""

from __future__ import annotations

import pytest

from crosswalk.embedded import Server
from crosswalk.errors import MissingPrivilege
from tests.road import Road, connected, findings, road
from tests.servers import MakeDatabase, MakeRole, MakeTemplate, Role, sql

TYPES = """
CREATE TYPE mood AS ENUM ('sad', 'ok', 'glad');
CREATE DOMAIN score AS int CHECK (value >= 0);
CREATE TYPE place AS (street text, number int);
CREATE TYPE span AS RANGE (subtype = float8);
"""
COLUMNS = """
    first_name text, last_name text, short varchar(5), flag boolean, small int, ratio float8, price numeric(10,3),
    exact numeric, seen timestamp, met timestamptz, day date, clock time, pause interval, doc jsonb, raw json,
    data bytea, ints int[], feeling mood, points score, lives place, reach span, nights daterange, ref uuid
"""
NAMES = [part.split()[0] for part in COLUMNS.replace("(10,3)", "").split(",")]
SOURCE = f"""
{TYPES}
CREATE TABLE makers (maker_no int PRIMARY KEY, code text NOT NULL UNIQUE);
CREATE TABLE shelves (id int PRIMARY KEY, label text NOT NULL UNIQUE);
CREATE TABLE things (id int PRIMARY KEY, slug text NOT NULL UNIQUE, serial_no int NOT NULL UNIQUE, nick text UNIQUE,
                     maker_no int, shelf_label text, {COLUMNS});
CREATE TABLE cards (code text PRIMARY KEY, number int NOT NULL UNIQUE);
CREATE TABLE badges (code text PRIMARY KEY, label text);
INSERT INTO badges VALUES ('a', 'quiet');
INSERT INTO makers VALUES (70, 'acme'), (80, 'bolt');
INSERT INTO shelves VALUES (1, 'low'), (2, 'high');
INSERT INTO cards VALUES ('a', 1), ('b', 2), ('c', 3);
INSERT INTO things VALUES
 (1, 'one', 101, 'uno', 70, 'low', 'Ann', '', '', false, 0, 0.0, 1.500, 0, '2024-05-06 07:08:09.123456',
  '2024-05-06 07:08:09.123456+00', '2024-05-06', '07:08:09.5', '30 days', '{{}}', '{{"b": 1,  "a": 2}}', '\\x00ff',
  '{{{{1,2}}}}', 'ok', 7, '("High St",5)', '[0.5,1.5)', '[2024-01-01,2024-01-03)',
  '00000000-0000-0000-0000-000000000001'),
 (2, 'two', 102, 'due', 80, 'high', 'Bob', 'Jones ', 'abcde', true, 5, 'Infinity', 20.125, 1234567890.12345678901,
  '2024-06-01 00:00:00', 'infinity', '2024-06-01', '00:00', '1 mon', '[1, 2]', '[]', '\\x', '{{1,2}}', 'glad', 0,
  '("Low St",)', 'empty', 'empty', '00000000-0000-0000-0000-000000000002'),
 (3, 'three', 103, NULL, 70, 'low', 'Cid', 'Smith', 'x', NULL, -5, 0.1, -3.000, -0.000001, '0044-03-15 BC', '-infinity',
  'infinity', '23:59:59.999999', '1 mon -1 day', '{{"k": {{"z": 1.50, "y": null}}}}', '{{"n":1.0}}', '\\x0a', '{{NULL}}',
  'sad', 9, '(,1)', '(,)', '(,2024-01-01)', NULL),
 (4, 'four', 104, 'quad', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
  NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
"""
TARGET = f"""
{TYPES}
CREATE TABLE makers (id int GENERATED ALWAYS AS IDENTITY (START 500) PRIMARY KEY, code text NOT NULL UNIQUE);
CREATE TABLE shelves (id int PRIMARY KEY, label text NOT NULL UNIQUE);
CREATE TABLE things ({COLUMNS}, maker_id int REFERENCES makers, shelf_id int REFERENCES shelves, nick text UNIQUE,
                     serial_no int NOT NULL UNIQUE, slug text NOT NULL UNIQUE, id int PRIMARY KEY);
CREATE TABLE cards (id int PRIMARY KEY, code text NOT NULL UNIQUE);
CREATE TABLE badges (code text PRIMARY KEY, label text);
CREATE FUNCTION shout() RETURNS trigger LANGUAGE plpgsql AS
  $$BEGIN NEW.label := upper(NEW.label); RETURN NEW; END$$;
CREATE TRIGGER shout BEFORE INSERT OR UPDATE ON badges FOR EACH ROW EXECUTE FUNCTION shout();
ALTER TABLE badges ENABLE ALWAYS TRIGGER shout;
"""
DOCUMENT = f"""\
version: 1
tables:
  makers:
    from: makers
    key: [code]
    columns: {{code: code}}
    drop: {{maker_no: the target makes its own}}
  shelves: {{from: shelves, key: [id], columns: {{id: id, label: label}}}}
  badges: {{from: badges, key: [code], columns: {{code: code, label: label}}}}
  cards: {{from: cards, key: [code], columns: {{code: code, id: number}}}}
  things:
    from: things
    key: [id]
    columns:
      maker_id: {{lookup: {{table: makers, match: {{maker_no: maker_no}}, take: id}}}}
      shelf_id: {{lookup: {{table: shelves, match: {{label: shelf_label}}, take: id}}}}
{"".join(f"      {name}: {name}{chr(10)}" for name in ["id", "slug", "serial_no", "nick", *NAMES])}"""


class Scene:
    """The source, and the target as it is after a clean move; cloned afresh after a test that left it otherwise."""

    def __init__(self, pg16: Server, pg18: Server, owner: Role, template: MakeTemplate) -> None:
        self._new, self._owner = pg18, owner
        self.source = _made(pg16, owner, "catches", template(pg16, "catches_source", _source, owner=owner))
        self._filled = template(pg18, "catches_filled", self._fill, owner=owner)
        self._clones = 0
        self.clean = False

    async def _fill(self, url: str) -> None:
        async with connected(url) as target:
            await target.execute(TARGET)
        way = road(self.source, url, DOCUMENT)
        done = await way.migrate()
        assert [(t.quarantined, t.merged) for t in done.tallies] == [(0, 0)] * 5
        assert findings(await way.verify()) == []
        assert findings(await way.verify(exact=True)) == []

    def road(self) -> Road:
        if not self.clean:
            self._clones += 1
            self.target = _made(self._new, self._owner, f"catches_{self._clones}", self._filled)
        self.clean = False
        return road(self.source, self.target, DOCUMENT)


async def _source(url: str) -> None:
    async with connected(url) as source:
        await source.execute(SOURCE)


def _made(server: Server, owner: Role, name: str, template: str) -> str:
    sql(server, f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY file_copy OWNER "{owner.name}"')
    return owner.url(server, name)


@pytest.fixture(scope="module")
def scene(pg16: Server, pg18: Server, make_role: MakeRole, template: MakeTemplate) -> Scene:
    owner = make_role(pg16)
    sql(pg18, f"CREATE ROLE {owner.name} LOGIN PASSWORD '{owner.password}'")
    return Scene(pg16, pg18, owner, template)


@pytest.fixture
def way(scene: Scene) -> Road:
    """A clean target; a test that leaves it clean says so."""
    return scene.road()


def things(key: int, *columns: str) -> tuple[str, str, str, tuple[str, ...]]:
    return ("public.things", "different", f'["{key}"]', columns)


def swap(column: str, one: int = 1, other: int = 2) -> str:
    """Two rows of a column hand their values over (through a value that nobody has, for unique columns)."""
    return f"""
    DO $$ DECLARE a things; b things; BEGIN
      SELECT * INTO a FROM things WHERE id = {one}; SELECT * INTO b FROM things WHERE id = {other};
      UPDATE things SET {column} = DEFAULT WHERE id = {one} AND '{column}' = 'nick';
      UPDATE things SET serial_no = -1 WHERE id = {one} AND '{column}' = 'serial_no';
      UPDATE things SET slug = '' WHERE id = {one} AND '{column}' = 'slug';
      UPDATE things SET {column} = a.{column} WHERE id = {other};
      UPDATE things SET {column} = b.{column} WHERE id = {one};
    END $$"""


def update(column: str, value: str, key: int) -> str:
    return f"UPDATE things SET {column} = {value} WHERE id = {key}"


CHANGES = {
    "NULL for ''": ("last_name", "NULL", 1),
    "'' for NULL": ("last_name", "''", 4),
    "NULL for 0": ("small", "NULL", 1),
    "NULL for 0.0": ("ratio", "NULL", 1),
    "NULL for false": ("flag", "NULL", 1),
    "false for NULL": ("flag", "false", 3),
    "5 for -5": ("small", "5", 3),
    "NaN for infinity": ("ratio", "'NaN'", 2),
    "lost microseconds": ("seen", "date_trunc('second', seen)", 1),
    "lost microseconds with a zone": ("met", "date_trunc('second', met)", 1),
    "shifted zone": ("met", "met + interval '3 hours'", 1),
    "shifted wall clock": ("seen", "seen + interval '3 hours'", 2),
    "AD for BC": ("seen", "'0044-03-15'", 3),
    "infinity for -infinity": ("met", "'infinity'", 3),
    "trailing space": ("first_name", "'Ann '", 1),
    "lost trailing space": ("last_name", "'Jones'", 2),
    "text cut": ("short", "'abcd'", 2),
    "numeric rounded": ("price", "round(price, 2)", 2),
    "last digit of numeric": ("exact", "1234567890.12345678902", 2),
    "last digit of float8": ("ratio", "0.10000000000000002", 3),
    "sign of numeric": ("exact", "0.000001", 3),
    "jsonb [] for {}": ("doc", "'[]'", 1),
    "jsonb lost null": ("doc", "jsonb_strip_nulls(doc)", 3),
    "json text": ("raw", """'{"a": 2, "b": 1}'""", 1),
    "json blanks": ("raw", """'{"b": 1, "a": 2}'""", 1),
    "array dimensions": ("ints", "'{1,2}'", 1),
    "array bounds": ("ints", "'[0:1]={1,2}'", 2),
    "array element NULL": ("ints", "'{}'", 3),
    "1 mon for 30 days": ("pause", "'1 mon'", 1),
    "30 days for 1 mon": ("pause", "'30 days'", 2),
    "enum label": ("feeling", "'sad'", 1),
    "domain": ("points", "0", 1),
    "bytea": ("data", r"'\xff00'", 1),
    "empty bytea": ("data", "NULL", 2),
    "composite": ("lives", "ROW('High St', 6)::place", 1),
    "composite with NULL": ("lives", "ROW('', 1)::place", 3),
    "range bound": ("reach", "'[0.5,1.5]'", 1),
    "range not empty": ("reach", "'(,)'", 2),
    "date range": ("nights", "'[2024-01-01,2024-01-04)'", 1),
    "uuid": ("ref", "'10000000-0000-0000-0000-000000000001'", 1),
    "time": ("clock", "'23:59:59.999998'", 3),
    "date": ("day", "'2024-05-07'", 1),
    "wrong parent, id kept": ("shelf_id", "2", 1),
    "wrong parent, id made by the target": ("maker_id", "(SELECT id FROM makers WHERE code = 'bolt')", 1),
    "no parent": ("maker_id", "NULL", 2),
    "a parent for nobody": ("maker_id", "(SELECT id FROM makers WHERE code = 'bolt')", 4),
    "unique value": ("slug", "'uno'", 1),
}
DIFFERS = {name: (update(*change), [things(change[2], change[0])]) for name, change in CHANGES.items()}
DIFFERS |= {
    f"{column} swapped between two rows": (swap(column), [things(1, column), things(2, column)])
    for column in (
        "first_name",
        "small",
        "ratio",
        "exact",
        "met",
        "doc",
        "shelf_id",
        "maker_id",
        "slug",
        "serial_no",
        "nick",
    )
}
DIFFERS |= {
    "a ring of three in a unique column": (
        update("slug", "'parked'", 1)
        + ";"
        + update("slug", "'one'", 2)
        + ";"
        + update("slug", "'two'", 3)
        + ";"
        + update("slug", "'three'", 1),
        [things(1, "slug"), things(2, "slug"), things(3, "slug")],
    ),
    "a chain in a unique column": (
        update("serial_no", "1000", 3) + ";" + update("serial_no", "103", 2) + ";" + update("serial_no", "102", 1),
        [things(1, "serial_no"), things(2, "serial_no"), things(3, "serial_no")],
    ),
    "moved to the neighbouring column": (
        "UPDATE things SET last_name = first_name, first_name = NULL WHERE id = 3",
        [things(3, "first_name", "last_name")],
    ),
    "lost row": ("DELETE FROM things WHERE id = 3", [("public.things", "missing", '["3"]', ())]),
    "extra row": (
        "INSERT INTO things (id, slug, serial_no) VALUES (9, 'nine', 109)",
        [("public.things", "extra", '["9"]', ())],
    ),
    "a row under another key": (
        "UPDATE things SET id = 33 WHERE id = 3",
        [("public.things", "extra", '["33"]', ()), ("public.things", "missing", '["3"]', ())],
    ),
    "lost parent whose id the target makes": (
        "DELETE FROM things WHERE maker_id = (SELECT id FROM makers WHERE code = 'bolt');"
        " DELETE FROM makers WHERE code = 'bolt'",
        [("public.makers", "missing", '["bolt"]', ()), ("public.things", "missing", '["2"]', ())],
    ),
    "primary keys swapped": (
        "UPDATE cards SET id = -1 WHERE id = 1; UPDATE cards SET id = 1 WHERE id = 2; UPDATE cards SET id = 2 WHERE id = -1",
        [("public.cards", "different", '["a"]', ("id",)), ("public.cards", "different", '["b"]', ("id",))],
    ),
    "keys swapped": (
        "UPDATE cards SET code = 'x' WHERE code = 'b'; UPDATE cards SET code = 'b' WHERE code = 'c';"
        " UPDATE cards SET code = 'c' WHERE code = 'x'",
        [("public.cards", "different", '["b"]', ("id",)), ("public.cards", "different", '["c"]', ("id",))],
    ),
    "several at once": (
        "; ".join([update("small", "1", 1), update("first_name", "'x'", 2), "DELETE FROM things WHERE id = 4"]),
        [things(1, "small"), things(2, "first_name"), ("public.things", "missing", '["4"]', ())],
    ),
}


@pytest.mark.parametrize("name", DIFFERS)
async def test_what_is_planted_is_found_and_healed(scene: Scene, way: Road, name: str) -> None:
    planted, expected = DIFFERS[name]
    async with connected(way.target) as target:
        await target.execute(planted)
    mended = await way.repair(delete_extra=True)
    assert sorted(findings(mended.before)) == sorted(expected)
    assert mended.after is not None
    assert findings(mended.after) == []
    assert not any(table.refused or table.left for table in mended.tables.values())
    async with connected(way.target) as target:
        assert await target.fetchval("SELECT count(*) FROM crosswalk.quarantine") == 0
    scene.clean = True


async def test_verify_finds_what_repair_would(scene: Scene, way: Road) -> None:
    planted, expected = DIFFERS["several at once"]
    async with connected(way.target) as target:
        await target.execute(planted)
    assert sorted(findings(await way.verify())) == sorted(expected)
    assert (await way.repair()).after is not None
    assert findings(await way.verify(exact=True)) == []
    scene.clean = True


EQUAL = {
    "numeric scale": update("exact", "0.0000", 1),
    "jsonb key order": update("doc", """'{"k": {"y": null, "z": 1.50}}'""", 3),
    "rewritten": "UPDATE things SET first_name = first_name",
    "the same instant": update("met", "'2024-05-06 10:08:09.123456+03'", 1),
}


@pytest.mark.parametrize("name", EQUAL)
async def test_equal_data_is_silent(way: Road, name: str) -> None:
    async with connected(way.target) as target:
        await target.execute(EQUAL[name])
    assert findings(await way.verify(exact=True)) == []


EQUAL_BY_VALUE = {
    "-0 for 0": (update("ratio", "'-0'", 1), "ratio"),
    "scale inside jsonb": (update("doc", """'{"k": {"y": null, "z": 1.5}}'""", 3), "doc"),
}


@pytest.mark.parametrize("name", EQUAL_BY_VALUE)
async def test_equal_by_value_is_listed_and_differs_only_under_exact(way: Road, name: str) -> None:
    planted, column = EQUAL_BY_VALUE[name]
    async with connected(way.target) as target:
        await target.execute(planted)
    loose = await way.verify()
    assert loose.clean
    assert sum(t.same_value for t in loose.tables) == 1
    strict = await way.verify(exact=True)
    assert [f[3] for f in findings(strict)] == [(column,)]


async def test_limits_and_padding_make_no_difference(pg16: Server, pg18: Server, make_database: MakeDatabase) -> None:
    source, target = make_database(pg16), make_database(pg18)
    async with connected(source) as conn:
        await conn.execute(
            "CREATE TABLE t (id char(3) PRIMARY KEY, a numeric(10,2), b char(4), c json, d numeric(6,3)[], e char(2)[],"
            " f numrange, g varchar(9), h bpchar, i timestamp(0));"
            "INSERT INTO t VALUES ('k', 1.50, 'x', '{\"b\":1, \"a\":2}', '{{1.500,2.000},{10.050,NULL}}', '{a,NULL}',"
            " '[1.50,20.00)', 'g', 'h', '2024-01-01'), ('kk', 'NaN', '', '1.50', '[5:5]={0.000}', '{}', 'empty', '', '',"
            " 'infinity')"
        )
    async with connected(target) as conn:
        await conn.execute(
            "CREATE TABLE t (id char(8) PRIMARY KEY, a numeric(9,1), b char(9), c jsonb, d numeric(6,2)[], e char(5)[],"
            " f numrange, g char(12), h char(3), i timestamp(3))"
        )
    columns = ", ".join(f"{c}: {c}" for c in ("id", *"abcdefghi"))
    way = road(source, target, f"version: 1\ntables: {{t: {{from: t, key: [id], columns: {{{columns}}}}}}}")
    done = await way.migrate()
    assert done.tallies[0].loaded == 2
    async with connected(target) as conn:
        await conn.execute("UPDATE t SET f = '[1.5,20)' WHERE id = 'k'")
        before = await conn.fetch("SELECT xmin, ctid FROM t")
        assert findings(await way.verify(exact=True)) == []
        await way.migrate()
        assert await conn.fetch("SELECT xmin, ctid FROM t") == before


async def test_an_error_is_never_a_pass(scene: Scene, way: Road) -> None:
    for url, table in ((way.source, "shelves"), (way.target, "cards")):
        async with connected(url) as conn:
            await conn.execute(f"REVOKE SELECT ON {table} FROM CURRENT_USER")
        with pytest.raises(MissingPrivilege):
            await way.verify()
        async with connected(url) as conn:
            await conn.execute(f"GRANT SELECT ON {table} TO CURRENT_USER")
    assert findings(await way.verify()) == []
    scene.clean = True


async def test_repair_is_not_undone_by_triggers(scene: Scene, way: Road) -> None:
    async with connected(way.target) as target:
        await target.execute("UPDATE badges SET label = 'x' WHERE code = 'a'")
    mended = await way.repair()
    assert findings(mended.before) == [("public.badges", "different", '["a"]', ("label",))]
    assert mended.after is not None
    assert findings(mended.after) == []
    async with connected(way.target) as target:
        assert await target.fetchval("SELECT tgenabled FROM pg_trigger WHERE tgname = 'shout'") == b"A"
    scene.clean = True


async def test_a_row_that_really_clashes_is_set_aside_and_the_hand_over_beside_it_lands(way: Road) -> None:
    async with connected(way.target) as target:
        await target.execute(swap("slug") + "; " + "UPDATE things SET serial_no = 999 WHERE id = 3")
        await target.execute("INSERT INTO things (id, slug, serial_no) VALUES (50, 'fifty', 103)")
    mended = await way.repair(delete_extra=False)
    assert mended.after is not None
    left = findings(mended.after)
    assert ("public.things", "extra", '["50"]', ()) in left
    assert [f for f in left if f[2] in {'["1"]', '["2"]'}] == []

"""Mappings at their edges: keys that may be NULL, ambiguous lookups, arrays, secrets, clocks, odd tables.

Each test is a mapping that once lost, doubled or showed something without a word.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from crosswalk.checking import Checked
from crosswalk.embedded import Server
from crosswalk.errors import ComparisonUnsteady, DuplicateKeys
from crosswalk.express import Moment, Motion
from crosswalk.names import parse
from crosswalk.survey import survey
from crosswalk.verify import Known, compare, compare_table
from tests.road import Road, connected, findings, quarantine, road, sums
from tests.servers import MakeDatabase

Lay = Callable[[str, str, str], Any]


@pytest.fixture
def lay(pg16: Server, pg18: Server, make_database: MakeDatabase) -> Lay:
    async def lay(source: str, target: str, document: str) -> Road:
        urls = make_database(pg16), make_database(pg18)
        for url, text in zip(urls, (source, target), strict=True):
            async with connected(url) as conn:
                await conn.execute(text)
        return road(*urls, f"version: 1\ntables:\n{document}")

    return lay


async def _query(url: str, sql: str) -> list[tuple[Any, ...]]:
    async with connected(url) as conn:
        return [tuple(r) for r in await conn.fetch(sql)]


async def _run(url: str, sql: str) -> None:
    async with connected(url) as conn:
        await conn.execute(sql)


def _codes(checked: Checked) -> list[str]:
    return [p.code for p in checked.problems]


NULLABLE_PARENT = (
    "CREATE TABLE team (name text PRIMARY KEY); CREATE TABLE seat (id int PRIMARY KEY, team text, n int NOT NULL);"
    "INSERT INTO team VALUES ('a'); INSERT INTO seat VALUES (1, 'a', 1), (2, NULL, 2)",
    "CREATE TABLE team (id serial PRIMARY KEY, name text NOT NULL UNIQUE);"
    "CREATE TABLE seat (team_id int REFERENCES team, n int NOT NULL, UNIQUE (team_id, n))",
    """
  team: {from: team, key: [name], columns: {name: name}}
  seat:
    from: seat
    key: [team_id, n]
    rejects: quarantine
    columns:
      team_id: {lookup: {table: team, match: {name: team}, take: id, missing: "null"}}
      n: n
    drop: {id: not needed}
""",
)


async def test_a_key_that_a_reference_leaves_null_is_set_aside(lay: Lay) -> None:
    way: Road = await lay(*NULLABLE_PARENT)
    assert sums(await way.migrate())["seat"] == (2, 1, 0, 1, 0)
    assert findings(await way.verify()) == []
    await way.migrate()
    assert await _query(way.target, "SELECT count(*) FROM seat") == [(1,)]
    async with connected(way.target) as conn:
        assert await quarantine(conn) == {("seat", "key.null", "team_id"): 1}


async def test_a_row_too_many_under_one_key_is_a_difference(lay: Lay) -> None:
    """A key column that the server lets be NULL: the unique index holds equal keys apart."""
    way: Road = await lay(
        "CREATE TABLE a (id int NOT NULL, n int); CREATE UNIQUE INDEX ON a (id); INSERT INTO a VALUES (1, 1), (2, 2)",
        "CREATE TABLE a (id int UNIQUE, n int)",
        "  a: {from: a, key: [id], rejects: quarantine, columns: {id: id, n: n}}",
    )
    await way.migrate()
    await _run(way.target, "ALTER TABLE a DROP CONSTRAINT a_id_key; INSERT INTO a VALUES (2, 2), (2, 3)")
    async with survey(way.file, way.servers, purpose="test") as found:
        motion = Motion(found.facts, parse("a"))
        result = await compare_table(motion, Moment(), found.source, found.target, known=Known())
    assert [(d.kind, d.target_key) for d in result.differences] == [("extra", '["2"]')] * 2


async def test_rows_that_are_other_ones_at_each_reading_are_an_error(
    lay: Lay, monkeypatch: pytest.MonkeyPatch
) -> None:
    way: Road = await lay(
        "CREATE TABLE a (id int PRIMARY KEY); INSERT INTO a VALUES (1), (2)",
        "CREATE TABLE a (id int PRIMARY KEY)",
        "  a: {from: a, key: [id], columns: {id: id}}",
    )
    await way.migrate()
    await _run(way.target, "DELETE FROM a WHERE id = 1")

    async def none(*_: Any, **__: Any) -> tuple[list[Any], list[Any]]:
        return [], []

    monkeypatch.setattr(compare._Sides, "rows", none)
    with pytest.raises(ComparisonUnsteady):
        await way.verify()


TWO_TARGETS = (
    "CREATE TABLE staff (id int PRIMARY KEY, name text NOT NULL);"
    "CREATE TABLE visit (id int PRIMARY KEY, staff int NOT NULL);"
    "INSERT INTO staff VALUES (1, 'a'), (2, 'b'); INSERT INTO visit VALUES (10, 1), (11, 2)",
    "CREATE TABLE people (id int PRIMARY KEY, name text NOT NULL);"
    "CREATE TABLE users (id int PRIMARY KEY, name text NOT NULL);"
    "CREATE TABLE visit (id int PRIMARY KEY, user_id int NOT NULL{key})",
    """
  people: {{from: staff, key: [id], columns: {{id: id, name: name}}}}
  users: {{from: staff, key: [id], columns: {{id: {{sql: id + 100}}, name: name}}}}
  visit:
    from: visit
    key: [id]
    columns:
      id: id
      user_id: {{lookup: {{table: staff, match: {{id: staff}}, take: id{more}}}}}
""",
)


async def test_a_lookup_that_might_mean_two_tables_is_refused(lay: Lay) -> None:
    source, target, document = TWO_TARGETS
    way: Road = await lay(source, target.format(key=""), document.format(more=""))
    problems = (await way.check()).problems
    assert [p.code for p in problems] == ["rule.impossible"]
    assert "target: public.people" in problems[0].message


@pytest.mark.parametrize(
    ("key", "more"), [("", ", target: users"), (" REFERENCES users", "")], ids=["said", "by foreign key"]
)
async def test_a_lookup_goes_where_the_document_or_the_foreign_key_says(lay: Lay, key: str, more: str) -> None:
    source, target, document = TWO_TARGETS
    way: Road = await lay(source, target.format(key=key), document.format(more=more))
    await way.migrate()
    assert await _query(way.target, "SELECT id, user_id FROM visit ORDER BY 1") == [(10, 101), (11, 102)]
    assert findings(await way.verify()) == []


async def test_a_lookup_takes_an_array_as_it_is(lay: Lay) -> None:
    way: Road = await lay(
        "CREATE TABLE p (id int PRIMARY KEY, code text, tags text[]); CREATE TABLE c (id int PRIMARY KEY, code text);"
        "INSERT INTO p VALUES (1, 'x', '{a,\"b,c\"}'), (2, 'x', '{a,\"b,c\"}'), (3, 'y', '{d}'), (4, 'y', '{d,e}'), (5, 'z', NULL);"
        "INSERT INTO c VALUES (1, 'x'), (2, 'y'), (3, 'z'), (4, 'w')",
        "CREATE TABLE p (id int PRIMARY KEY, code text, tags text[]); CREATE TABLE c (id int PRIMARY KEY, tags text[])",
        """
  p: {from: p, key: [id], columns: {id: id, code: code, tags: tags}}
  c: {from: c, key: [id], rejects: quarantine, columns: {id: id, tags: {lookup: {table: p, match: {code: code}, take: tags}}}}
""",
    )
    await way.migrate()
    # A row that is found and holds NULL is found.
    assert await _query(way.target, "SELECT id, tags FROM c ORDER BY 1") == [(1, ["a", "b,c"]), (3, None)]
    async with connected(way.target) as conn:
        assert await quarantine(conn) == {("c", "lookup.ambiguous", "tags"): 1, ("c", "lookup.missing", "tags"): 1}
    assert findings(await way.verify()) == []


async def test_a_lookup_that_cannot_compare_what_it_takes_is_refused(lay: Lay) -> None:
    way: Road = await lay(
        "CREATE TABLE p (id int PRIMARY KEY, code text, doc json); CREATE TABLE c (id int PRIMARY KEY, code text)",
        "CREATE TABLE p (id int PRIMARY KEY, code text, doc json); CREATE TABLE c (id int PRIMARY KEY, doc json)",
        """
  p: {from: p, key: [id], columns: {id: id, code: code, doc: doc}}
  c: {from: c, key: [id], columns: {id: id, doc: {lookup: {table: p, match: {code: code}, take: doc}}}}
""",
    )
    assert _codes(await way.check()) == ["rule.sql"]


SPREAD = (
    "CREATE TABLE tag (id int PRIMARY KEY); INSERT INTO tag VALUES (1), (2), (3);"
    "CREATE TABLE a (id int PRIMARY KEY, xs int[]); INSERT INTO a VALUES (1, '{1,2,77}'), (2, '{77,78}'), (3, '{3}')",
    "CREATE TABLE tag (id int PRIMARY KEY);"
    "CREATE TABLE a_tag (a_id int, tag_id int, PRIMARY KEY (a_id, tag_id){check})",
    """
  tag: {{from: tag, key: [id], columns: {{id: id}}}}
  a_tag:
    from: a
    key: [a_id, tag_id]
    rejects: quarantine
    on_duplicate: {duplicate}
    columns: {{a_id: id, tag_id: {rule}}}
""",
)
LOOKED_UP = "{lookup: {table: tag, match: {id: {unnest: xs}}, take: id}}"


async def test_every_element_that_a_rule_rejects_stands_in_quarantine(lay: Lay) -> None:
    source, target, document = SPREAD
    way: Road = await lay(source, target.format(check=""), document.format(duplicate="fail", rule=LOOKED_UP))
    migrated = await way.migrate()
    assert sums(migrated)["a_tag"] == (3, 2, 0, 1, 0)
    held = "SELECT found_by, source_key #>> '{}' FROM crosswalk.quarantine ORDER BY 1, 2"
    assert await _query(way.target, held) == [("elements", '["1", "3"]'), ("rules", '["2"]')]
    assert findings(await way.verify()) == []


async def test_elements_that_lose_are_set_aside_and_their_row_is_loaded(lay: Lay) -> None:
    source, target, document = SPREAD
    source += "; UPDATE a SET xs = '{1,1,2}' WHERE id = 1; UPDATE a SET xs = '{2,2}' WHERE id = 2"
    way: Road = await lay(
        source, target.format(check=""), document.format(duplicate="quarantine", rule=LOOKED_UP)
    )
    assert sums(await way.migrate())["a_tag"] == (3, 3, 0, 0, 0)
    held = "SELECT found_by, source_key #>> '{}', code FROM crosswalk.quarantine ORDER BY 1, 2"
    assert await _query(way.target, held) == [
        ("elements", '["1", "2"]', "duplicate"),
        ("elements", '["2", "2"]', "duplicate"),
    ]
    assert findings(await way.verify()) == []


async def test_a_row_all_of_whose_elements_lose_is_set_aside_once(lay: Lay) -> None:
    way: Road = await lay(
        "CREATE TABLE a (id int PRIMARY KEY, xs int[]); INSERT INTO a VALUES (1, '{1,2}'), (2, '{2,1}'), (3, '{2,3}')",
        "CREATE TABLE t (id int PRIMARY KEY)",
        "  t: {from: a, key: [id], on_duplicate: quarantine, columns: {id: {unnest: xs}}, drop: {id: no}}",
    )
    assert sums(await way.migrate())["t"] == (3, 2, 0, 1, 0)
    held = "SELECT found_by, source_key #>> '{}' FROM crosswalk.quarantine ORDER BY 1, 2"
    assert await _query(way.target, held) == [
        ("elements", '["3", "1"]'), ("rules", '["2"]'),
    ]
    assert findings(await way.verify()) == []


async def test_an_element_that_the_target_refuses_excuses_no_other(lay: Lay) -> None:
    source, target, document = SPREAD
    # plpgsql: no source can evaluate it, so that only the load finds out
    refusing = "CREATE FUNCTION ok(n int) RETURNS bool LANGUAGE plpgsql AS 'BEGIN RETURN n NOT IN (77, 78); END';"
    way: Road = await lay(
        source,
        refusing + target.format(check=", CHECK (public.ok(tag_id))"),
        document.format(duplicate="fail", rule="{unnest: xs}"),
    )
    migrated = await way.migrate()
    assert sums(migrated)["a_tag"] == (3, 2, 0, 1, 0)
    assert [t.written for t in migrated.tallies if t.target.relation == "a_tag"] == [3]
    held = "SELECT found_by, source_key #>> '{}' FROM crosswalk.quarantine ORDER BY 1, 2"
    assert await _query(way.target, held) == [("load", '["1", "3"]'), ("load", '["2", "1"]'), ("load", '["2", "2"]')]
    assert findings(await way.verify()) == []
    await _run(way.target, "DELETE FROM a_tag WHERE a_id = 1 AND tag_id = 2")
    verified = await way.verify()
    assert [(d.kind, d.target_key) for t in verified.tables for d in t.differences] == [("missing", '["1", "2"]')]
    await way.repair()
    assert findings(await way.verify()) == []
    assert await _query(way.target, held) == [("load", '["1", "3"]'), ("load", '["2", "1"]'), ("load", '["2", "2"]')]
    await way.migrate()
    assert await _query(way.target, held) == [("load", '["1", "3"]'), ("load", '["2", "1"]'), ("load", '["2", "2"]')]


async def test_the_first_of_a_jsonb_list_is_its_text(lay: Lay) -> None:
    way: Road = await lay(
        "CREATE TABLE a (id int PRIMARY KEY, x jsonb);"
        """INSERT INTO a VALUES (1, '["abc", "d"]'), (2, '[null]'), (3, '[]'), (4, '[{"k": 1}]')""",
        "CREATE TABLE a (id int PRIMARY KEY, x text, j jsonb, m text)",
        """
  a:
    from: a
    key: [id]
    columns:
      id: id
      x: {first: x}
      j: {first: x}
      m: {map: {abc: known}, from: {first: x}, else: "null"}
""",
    )
    await way.migrate()
    assert await _query(way.target, "SELECT id, x, j::text, m FROM a ORDER BY 1") == [
        (1, "abc", '"abc"', "known"), (2, None, "null", None), (3, None, None, None), (4, '{"k": 1}', '{"k": 1}', None),
    ]
    assert findings(await way.verify()) == []


async def test_what_a_secret_expression_reads_is_redacted(lay: Lay) -> None:
    way: Road = await lay(
        "CREATE TABLE a (id int PRIMARY KEY, passport text, n text); INSERT INTO a VALUES (1, 'TOPSECRET', 'too long')",
        "CREATE TABLE a (id int PRIMARY KEY, p text, n varchar(3))",
        """
  a:
    from: a
    key: [id]
    rejects: quarantine
    columns: {id: id, p: {sql: "lower(Passport /* n */)", secret: true}, n: n}
""",
    )
    await way.migrate()
    assert await _query(way.target, "SELECT row ->> 'passport', row ->> 'n' FROM crosswalk.quarantine") == [
        ("redacted", "too long")
    ]


async def test_many_secret_columns_are_redacted(lay: Lay) -> None:
    names = [f"s{i}" for i in range(120)]
    columns = ", ".join(f"{n} text DEFAULT 'TOPSECRET'" for n in names)
    way: Road = await lay(
        f"CREATE TABLE a (id int PRIMARY KEY, n text, {columns}); INSERT INTO a (id, n) VALUES (1, 'too long')",
        "CREATE TABLE a (id int PRIMARY KEY, n varchar(3))",
        "  a:\n    from: a\n    key: [id]\n    rejects: quarantine\n    columns: {id: id, n: n}\n    drop:\n"
        + "".join(f"      {n}: {{why: no, secret: true}}\n" for n in names),
    )
    await way.migrate()
    assert await _query(way.target, "SELECT count(*), bool_or(row::text ~ 'TOP') FROM crosswalk.quarantine") == [(1, False)]


async def test_a_cast_that_joins_values_is_no_proof_of_uniqueness(lay: Lay) -> None:
    source = "CREATE TABLE a (code text PRIMARY KEY); INSERT INTO a VALUES ('1'), ('01'), ('2')"
    target = "CREATE TABLE a (code int PRIMARY KEY)"
    way: Road = await lay(source, target, "  a: {from: a, key: [code], columns: {code: code}}")
    with pytest.raises(DuplicateKeys):
        await way.migrate()
    way = await lay(source, target, "  a: {from: a, key: [code], on_duplicate: first, columns: {code: code}}")
    assert sums(await way.migrate())["a"] == (3, 2, 1, 0, 0)
    assert findings(await way.verify()) == []


UNSTEADY = [
    "gen_random_uuid()::text",
    "pg_catalog . random ()::text",
    '"random"()::text',
    "now()::text",
    "Current_Timestamp::text",
    "(localtime)::text",
    "own.shaky(id)",
]
STEADY = ["random::text", "'now()' || id", "id::text -- now()", "/* random() /* nested */ */ id::text", "$q$now()$q$", "own.firm(id)"]


@pytest.mark.parametrize("sql", [*UNSTEADY, *STEADY])
async def test_a_rule_that_gives_another_value_each_time_is_refused(lay: Lay, sql: str) -> None:
    way: Road = await lay(
        "CREATE SCHEMA own; CREATE FUNCTION own.shaky(int) RETURNS text LANGUAGE sql AS $$SELECT $1::text$$;"
        "CREATE FUNCTION own.firm(int) RETURNS text IMMUTABLE LANGUAGE sql AS $$SELECT $1::text$$;"
        "CREATE TABLE a (id int PRIMARY KEY, random int)",
        "CREATE TABLE a (id int PRIMARY KEY, v text)",
        f"""
  a:
    from: a
    key: [id]
    columns:
      id: id
      v:
        sql: {sql!r}
    drop: {{random: no}}
""".replace(repr(sql), '"' + sql.replace('"', '\\"') + '"'),
    )
    codes = _codes(await way.check())
    assert codes == (["rule.unsteady"] if sql in UNSTEADY else []), codes


async def test_a_filter_that_reads_the_clock_is_refused(lay: Lay) -> None:
    way: Road = await lay(
        "CREATE TABLE a (id int PRIMARY KEY, at timestamptz)",
        "CREATE TABLE a (id int PRIMARY KEY, at timestamptz)",
        """
  a: {from: a, key: [id], where: {sql: "at > now()", why: old}, columns: {id: id, at: at}}
""",
    )
    assert _codes(await way.check()) == ["rule.unsteady"]


async def test_a_comment_accounts_for_no_column(lay: Lay) -> None:
    way: Road = await lay(
        "CREATE TABLE a (id int PRIMARY KEY, x text, y text, z text)",
        "CREATE TABLE a (id int PRIMARY KEY, v text)",
        """
  a: {from: a, key: [id], columns: {id: id, v: {sql: "z || E'\\\\' x' /* y /* x */ */ -- x"}}}
""",
    )
    problems = (await way.check()).problems
    assert sorted(p.message.rpartition(".")[2] for p in problems) == ["x", "y"]


async def test_a_check_over_what_the_source_may_see_otherwise_is_left_to_the_target(lay: Lay) -> None:
    """Under a collation of its own, or as a type that travels as text, a value may compare otherwise."""
    way: Road = await lay(
        "CREATE TABLE a (id int PRIMARY KEY, v text, w text, n int);"
        "INSERT INTO a VALUES (1, 'x', 'x', 1), (2, 'y', 'x', 1), (3, 'x', 'y', 1), (4, 'x', 'x', 2)",
        "CREATE TYPE e AS ENUM ('y', 'x');"
        "CREATE TABLE a (id int PRIMARY KEY, v text COLLATE \"C\" CHECK (v = 'x'), w e CHECK (w > 'y'), n int CHECK (n = 1))",
        "  a: {from: a, key: [id], rejects: quarantine, columns: {id: id, v: v, w: w, n: n}}",
    )
    assert sums(await way.migrate())["a"] == (4, 1, 0, 3, 0)
    held = "SELECT source_key ->> 0, found_by FROM crosswalk.quarantine ORDER BY 1"
    assert await _query(way.target, held) == [("2", "load"), ("3", "load"), ("4", "rules")]
    assert findings(await way.verify()) == []


async def test_money_is_refused_where_it_would_be_another_sum(lay: Lay, pg18: Server) -> None:
    way: Road = await lay(
        "CREATE TABLE a (id int PRIMARY KEY, m money); INSERT INTO a VALUES (1, 100)",
        "CREATE TABLE a (id int PRIMARY KEY, m money)",
        "  a: {from: a, key: [id], columns: {id: id, m: m}}",
    )
    assert _codes(await way.check()) == []
    name = way.target.rpartition("/")[2].partition("?")[0]
    other = await _query(way.target, "SELECT current_setting('lc_monetary')")
    try:
        await _run(way.target, f'ALTER DATABASE "{name}" SET lc_monetary = \'{"POSIX" if other != [("POSIX",)] else "C"}\'')
    finally:
        checked = await way.check()
        assert _codes(checked) == ["column.money"]
        assert checked.problems[0].message.startswith("a.m is money")
        assert f'ALTER DATABASE "{name}" SET lc_monetary = ' in checked.problems[0].remedy


async def test_columns_with_names_of_ours_are_refused(lay: Lay) -> None:
    way: Road = await lay(
        'CREATE TABLE a (id int PRIMARY KEY, "cw$v0" int)',
        "CREATE TABLE a (id int PRIMARY KEY, v int)",
        '  a: {from: a, key: [id], columns: {id: id, v: "cw$v0"}}',
    )
    assert _codes(await way.check()) == ["column.reserved"]


@pytest.mark.parametrize("columns", ["", "id serial PRIMARY KEY"])
async def test_a_table_that_nothing_is_written_to_is_refused(lay: Lay, columns: str) -> None:
    way: Road = await lay(
        "CREATE TABLE a ()", f"CREATE TABLE a ({columns})", "  a: {from: a, key: [], columns: {}}"
    )
    assert _codes(await way.check()) == ["table.nothing_fed"]


async def test_the_target_is_read_at_one_moment(lay: Lay, monkeypatch: pytest.MonkeyPatch) -> None:
    """A row that is written between the hashes and the keys is in neither."""
    way: Road = await lay(
        "CREATE TABLE a (id int PRIMARY KEY, v int); INSERT INTO a SELECT i, i FROM generate_series(1, 50) AS i",
        "CREATE TABLE a (id int PRIMARY KEY, v int)",
        "  a: {from: a, key: [id], columns: {id: id, v: v}}",
    )
    await way.migrate()
    await _run(way.target, "DELETE FROM a WHERE id = 7")
    read = compare._Sides.rows

    async def healed(*args: Any, **kwargs: Any) -> Any:
        await _run(way.target, "INSERT INTO a VALUES (7, 7) ON CONFLICT DO NOTHING")
        return await read(*args, **kwargs)

    monkeypatch.setattr(compare._Sides, "rows", healed)
    verified = await way.verify()
    assert [d.kind for d in verified.tables[0].differences] == ["missing"]

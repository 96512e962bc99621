"""Rows to blame are found inside the servers, and cost no more than their own segment of the stream."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial

import pytest

from crosswalk.connect import Session
from crosswalk.copy import segments
from crosswalk.embedded import Server
from crosswalk.express import EVERYTHING, Moment, Motion
from crosswalk.express.exclusion import excluding, pairs_to_compare
from crosswalk.express.together import rules_together
from crosswalk.judge import raising
from crosswalk.judge.broken import narrowed
from crosswalk.names import Name, quote
from crosswalk.sqlstates import TABLE, blames_a_row, blaming
from crosswalk.survey import survey
from tests.road import Road, connected, findings, lay, road, set_aside, sums
from tests.servers import MakeDatabase, MakeRole, database_of, sql

ROWS = 3000
BAD = {700, 701, 1500, 2999}
NO_BLOCKS = "REVOKE USAGE ON LANGUAGE plpgsql FROM PUBLIC"
REFUSES = """
CREATE FUNCTION allowed(text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$SELECT $1 !~ 'check'$$;
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN IF NEW.note ~ 'trigger' THEN RAISE EXCEPTION 'no %', NEW.note; END IF; RETURN NULL; END $$;
ALTER TABLE item ADD CONSTRAINT item_note CHECK (public.allowed(note));
CREATE CONSTRAINT TRIGGER refuse AFTER INSERT ON item FOR EACH ROW EXECUTE FUNCTION refuse();
"""


async def the_items(
    old: Server, new: Server, make_database: MakeDatabase, make_role: MakeRole, *, source_key: str, target: str, key: str
) -> Road:
    """A table of notes, some of which the target alone refuses: half by a CHECK, half by a trigger."""
    bad = ", ".join(map(str, BAD))
    source = f"""
    CREATE TABLE item (id int {source_key}, note text);
    INSERT INTO item SELECT i, CASE WHEN i NOT IN ({bad}) THEN 'note ' || i || repeat('.', 300)
                                    WHEN i % 2 = 0 THEN 'check' ELSE 'trigger' END
    FROM generate_series(1, {ROWS}) i"""
    document = f"""
    version: 1
    tables:
      item: {{from: item, key: [{key}], columns: {{id: id, note: note}}}}
    """
    return await lay(make_database, make_role, (old, source), (new, f"CREATE TABLE item ({target}); {REFUSES}"), document)


def count_twins(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Rows of each COPY into the twin from now on; and blocks small enough for many segments."""
    found: list[int] = []
    copy_in = Session.copy_in

    async def counting(self: Session, table: str, *args: object, **kwargs: object) -> int:
        rows = await copy_in(self, table, *args, **kwargs)  # type: ignore[arg-type]
        if table == "cw_twin":
            found.append(rows)
        return rows

    monkeypatch.setattr(Session, "copy_in", counting)
    monkeypatch.setattr("crosswalk.relay.BLOCK", 2_000)
    monkeypatch.setattr(segments, "SMALLEST", 6_000)
    monkeypatch.setattr(segments, "LARGEST", 6_000)
    return found


@pytest.mark.parametrize(
    ("source_key", "target", "key"),
    [
        ("PRIMARY KEY", "id int PRIMARY KEY, note text", "id"),  # the rows carry their source key
        ("PRIMARY KEY", "id bigint PRIMARY KEY, note varchar(400)", "id"),  # their target key tells it
        ("", "id int PRIMARY KEY, note text", "id"),  # known by place only
        ("PRIMARY KEY", "id int, note text", ""),  # no key in the target
    ],
)
async def test_a_refused_row_costs_its_segment_only(
    source_key: str,
    target: str,
    key: str,
    pg16: Server,
    pg18: Server,
    make_database: MakeDatabase,
    make_role: MakeRole,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    way = await the_items(pg16, pg18, make_database, make_role, source_key=source_key, target=target, key=key)
    plan = await way.plan()
    twins = count_twins(monkeypatch)
    migrated = await way.migrate(plan, jobs=1)
    assert sums(migrated)["item"] == (ROWS, ROWS - len(BAD), 0, len(BAD), 0)
    assert 0 < sum(twins) < ROWS, twins
    async with connected(way.target) as conn:
        assert {r["id"] for r in await conn.fetch("SELECT id FROM item")} == set(range(1, ROWS + 1)) - BAD
        rows = await conn.fetch("SELECT row, sqlstate, constraint_name, message FROM crosswalk.quarantine")
    found = {json.loads(r["row"])["id"]: (r["sqlstate"], r["constraint_name"]) for r in rows}
    assert found == {n: ("P0001", None) if n % 2 else ("23514", "item_note") for n in BAD}
    assert not any("no trigger" in r["message"] for r in rows)
    assert findings(await way.verify()) == []


async def test_after_a_few_refused_segments_the_next_go_to_the_twin_at_once(
    pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole, monkeypatch: pytest.MonkeyPatch
) -> None:
    way = await the_items(
        pg16, pg18, make_database, make_role, source_key="PRIMARY KEY", target="id int PRIMARY KEY, note text", key="id"
    )
    async with connected(way.source) as conn:
        await conn.execute("UPDATE item SET note = 'check' WHERE id % 50 = 0")
    plan = await way.plan()
    twins = count_twins(monkeypatch)
    refused: list[str] = []
    execute = Session.execute

    async def noting(self: Session, text: str, *args: object, **kwargs: object) -> str:
        refused.extend(["again"] if text.startswith("ROLLBACK TO SAVEPOINT") and self.side == "target" else [])
        return await execute(self, text, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(Session, "execute", noting)
    migrated = await way.migrate(plan, jobs=1)
    async with connected(way.source) as conn:
        bad = await conn.fetchval("SELECT count(*) FROM item WHERE note IN ('check', 'trigger')")
    assert sums(migrated)["item"] == (ROWS, ROWS - bad, 0, bad, 0)
    assert len(twins) > 3 * len(refused), (twins, refused)


async def test_without_blocks_the_same_rows_are_found_by_halving(
    pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole
) -> None:
    way = await the_items(
        pg16, pg18, make_database, make_role, source_key="PRIMARY KEY", target="id int PRIMARY KEY, note text", key="id"
    )
    sql(pg18, NO_BLOCKS, database=database_of(way.target))
    migrated = await way.migrate(jobs=1)
    assert sums(migrated)["item"] == (ROWS, ROWS - len(BAD), 0, len(BAD), 0)
    async with connected(way.target) as conn:
        assert await set_aside(conn, "public.item") == {
            str(n): ("refused", None) for n in BAD
        }
    assert findings(await way.verify()) == []


async def test_rows_that_raise_are_named_by_the_source_with_its_word(
    pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole
) -> None:
    """By a key of several columns, one of them in a collation of its own; with and without blocks."""
    source = """
    CREATE TABLE entry (day date, word text COLLATE "C", n int, what text, PRIMARY KEY (day, word));
    INSERT INTO entry SELECT date '2024-01-01' + i % 40, 'w' || i || '"\\', CASE WHEN i % 97 = 0 THEN 0 ELSE 1 END,
        CASE WHEN i % 211 = 5 THEN 'x' ELSE i::text END FROM generate_series(1, 2000) i"""
    target = "CREATE TABLE entry (day date, word text, n int, what int, PRIMARY KEY (day, word))"
    document = """
    version: 1
    tables:
      entry:
        from: entry
        key: [day, word]
        columns: {day: day, word: word, n: {sql: 10 / n}, what: {sql: "what::int"}}
    """
    way = await lay(make_database, make_role, (pg16, source), (pg18, target), document)
    async with connected(way.source) as conn:
        keys = await conn.fetch("SELECT day::text, word, n FROM entry WHERE n = 0 OR what = 'x'")
    expected = {(r["day"], r["word"]): "22012" if r["n"] == 0 else "22P02" for r in keys}
    for blocks in (True, False):
        if not blocks:
            sql(pg16, NO_BLOCKS, database=database_of(way.source))
        async with survey(way.file, way.servers, purpose="test") as found, found.source.transaction():
            motion = Motion(found.facts, Name("public", "entry"))
            query = partial(motion.evaluated, moment=Moment())
            named = await raising(motion, found.source, query, EVERYTHING, what="a test", joins=False)
            whole = await narrowed(motion, found.source, query, what="a test", joins=False)
        assert {each.key: each.sqlstate for each in named} == expected
        assert set(whole) == set(expected)
        assert {each.message for each in named} == {"division by zero", 'invalid input syntax for type integer: "…"'}
    migrated = await way.migrate(jobs=1)
    assert sums(migrated)["entry"] == (2000, 2000 - len(expected), 0, len(expected), 0)
    assert findings(await way.verify()) == []


RANGES = """
CREATE TABLE stay (id int PRIMARY KEY, room int NOT NULL, during tsrange, span numrange, price int4multirange);
INSERT INTO stay SELECT i, i % 3,
    CASE i % 11 WHEN 0 THEN NULL WHEN 1 THEN 'empty'
        WHEN 2 THEN tsrange(NULL, '2024-01-01'::timestamp + i * interval '5 min')
        WHEN 3 THEN tsrange('2024-01-02'::timestamp + i * interval '1 day', NULL)
        ELSE tsrange('2024-01-01'::timestamp + (i * 7919 % 400) * interval '1 hour',
                     '2024-01-01'::timestamp + (i * 7919 % 400 + 1 + i % 3) * interval '1 hour') END,
    numrange((i * 31 % 200)::numeric, (i * 31 % 200 + i % 2)::numeric, (ARRAY['[]', '[)', '()', '(]'])[1 + i % 4]),
    int4multirange(int4range(i * 13 % 900, i * 13 % 900 + 3), int4range(i * 13 % 900 + 50, i * 13 % 900 + 52))
FROM generate_series(1, 600) i
"""
STAYS = """
CREATE TABLE stay (id int PRIMARY KEY, room int NOT NULL, during tsrange, span numrange, price int4multirange)
"""


async def test_rows_in_islands_give_the_same_pairs_as_every_row_against_every_other(
    pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole
) -> None:
    document = """
    version: 1
    tables:
      stay: {from: stay, key: [id], columns: {id: id, room: room, during: during, span: span, price: price}}
    """
    target = STAYS + "".join(
        f"; ALTER TABLE stay ADD CONSTRAINT {quote(f'by_{name}')} EXCLUDE USING gist ({terms})"
        for name, terms in {
            "during": "during WITH &&",
            "span": "span WITH &&",
            "price": "price WITH &&",
            "room": "int4range(room, room, '[]') WITH =, during WITH &&",
        }.items()
    )
    way = await lay(make_database, make_role, (pg16, RANGES), (pg18, target), document)
    async with survey(way.file, way.servers, purpose="test") as found:
        motion = Motion(found.facts, Name("public", "stay"))
        rules, unjudged = rules_together(motion)
        assert (len(rules), unjudged) == (4, [])
        for rule in rules:
            assert rule.swept == (1 if rule.name == "by_room" else 0)
            every = replace(rule, swept=None)
            both = [
                {tuple(r.values()) for r in await found.source.fetch(excluding(motion, each, Moment()))}
                for each in (rule, every)
            ]
            assert both[0] == both[1], rule.name
            assert both[1], rule.name
            pairs = [await found.source.fetchval(pairs_to_compare(motion, each, Moment())) for each in (rule, every)]
            assert len(both[0]) <= pairs[0] <= pairs[1], rule.name
        assert pairs[0] < pairs[1]


async def test_rows_that_raise_beside_a_lookup_cost_no_other_row_and_rows_that_find_nothing_are_told_apart(
    pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole
) -> None:
    source = """
    CREATE TABLE shop (id int PRIMARY KEY, code text);
    INSERT INTO shop SELECT i, 's' || i FROM generate_series(1, 50) i;
    CREATE TABLE sale (id int PRIMARY KEY, shop text, found int, day int);
    INSERT INTO sale SELECT i, 's' || 1 + i % 60, i % 25, i % 7 FROM generate_series(1, 1000) i
    """
    target = """
    CREATE TABLE shop (id int PRIMARY KEY, code text);
    CREATE TABLE sale (id int PRIMARY KEY, shop_id int NOT NULL, share int, day int)
    """
    document = """
    version: 1
    tables:
      shop: {from: shop, key: [id], columns: {id: id, code: code}}
      sale:
        from: sale
        key: [id]
        columns:
          id: id
          shop_id: {lookup: {table: shop, match: {code: shop}, take: id}}
          share: {sql: "1000 / found + 0 * length('$cw$')"}
          day: {sql: 100 / day}
    """
    way = await lay(make_database, make_role, (pg16, source), (pg18, target), document)
    migrated = await way.migrate(jobs=1)
    raising_rows = {str(n) for n in range(1, 1001) if n % 25 == 0 or n % 7 == 0}
    missing = {str(n) for n in range(1, 1001) if 1 + n % 60 > 50} - raising_rows
    bad = len(raising_rows) + len(missing)
    assert sums(migrated)["sale"] == (1000, 1000 - bad, 0, bad, 0)
    async with connected(way.target) as conn:
        found = await set_aside(conn, "public.sale")
    assert {k for k, (code, _) in found.items() if code == "rule.raises"} == raising_rows
    assert {k for k, (code, _) in found.items() if code == "lookup.missing"} == missing
    assert findings(await way.verify()) == []


async def test_many_rows_that_quarantine_cannot_hold_are_written_by_their_keys(
    pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole
) -> None:
    source = r"""
    CREATE TABLE note (id int PRIMARY KEY, body json, n int);
    CREATE TABLE word (id int PRIMARY KEY, body text);
    INSERT INTO note SELECT i, CASE WHEN i % 9 = 0 THEN '"\u0000"' ELSE '1' END::json, CASE WHEN i % 3 > 0 THEN i END
    FROM generate_series(1, 300) i;
    INSERT INTO word SELECT i, CASE WHEN i % 5 = 0 THEN 'жук' ELSE 'beetle' END FROM generate_series(1, 200) i
    """
    sql(pg18, "CREATE DATABASE apart_narrow ENCODING LATIN1 LOCALE 'C' TEMPLATE template0")
    role = make_role(pg18)
    sql(pg18, f'ALTER DATABASE apart_narrow OWNER TO "{role.name}"')
    try:
        url = make_database(pg16, owner=make_role(pg16))
        async with connected(url) as conn:
            await conn.execute(source)
        target = role.url(pg18, "apart_narrow")
        async with connected(target) as conn:
            await conn.execute("CREATE TABLE note (id int PRIMARY KEY, n int NOT NULL)")
            await conn.execute("CREATE TABLE word (id int PRIMARY KEY, body text)")
        way = road(
            url,
            target,
            """
            version: 1
            tables:
              note: {from: note, key: [id], columns: {id: id, n: n}, drop: {body: not wanted}}
              word: {from: word, key: [id], columns: {id: id, body: body}}
            """,
        )
        migrated = await way.migrate(jobs=1)
        assert sums(migrated) == {"note": (300, 200, 0, 100, 0), "word": (200, 160, 0, 40, 0)}
        async with connected(target) as conn:
            bare = "SELECT count(*) FROM crosswalk.quarantine WHERE target_table = $1 AND row = '{}'"
            assert await conn.fetchval(bare, "public.word") == 40
            assert await conn.fetchval("SELECT count(*) FROM crosswalk.quarantine") == 140
        assert findings(await way.verify()) == []
    finally:
        sql(pg18, "DROP DATABASE apart_narrow WITH (FORCE)")


async def test_a_block_and_the_table_of_states_agree_on_who_is_to_blame(pg18: Server, make_database: MakeDatabase) -> None:
    beginnings = {state for entry in TABLE for state in entry.states} | {"ZZ", "U0", "00", "25", "42", "HV"}
    states = [*(state.ljust(5, "0") for state in beginnings), "54011", "54001", "XX000", "MYERR", "57014"]
    async with connected(make_database(pg18)) as conn:
        rows = await conn.fetch(f"SELECT s, {blaming('s')} AS row FROM unnest($1::text[]) AS s", states)
    assert {r["s"]: r["row"] for r in rows} == {state: blames_a_row(state) for state in states}

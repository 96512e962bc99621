"""Values of every type arrive as they left: straight by COPY, through the twin and its merge, and when moved again.

The oracle is the text form of each value on both servers.
"""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crosswalk.catalog import read_schema
from crosswalk.connect import CopyFormat, session
from crosswalk.embedded import Server
from crosswalk.express import EVERYTHING, Facts, Landing, Moment, Motion
from crosswalk.names import Name, array_literal, literal
from crosswalk.relay import relay
from tests.road import connected, findings, road
from tests.servers import MakeDatabase

AWKWARD = [
    "",
    " ",
    "NULL",
    "\\N",
    "\\",
    "\\.",
    "a\tb",
    "a\nb\r\nc",
    "'",
    '"',
    '""',
    "{}",
    "{NULL}",
    "(,)",
    "é",
    "e\u0301",
    "ß",
    "Ω\u200d",
    "👩\u200d👩\u200d👧",
    "\ufeff",
    "\x01\x1f\x7f",
    "\u2028",
    "a,b;c|d",
    "%s $1 :x",
    " trail ",
    "x" * 9000,
]
SCALARS: dict[str, list[str]] = {
    "boolean": ["t", "f"],
    "bytea": ["\\x", "\\x00ff0a5c27"],
    '"char"': ["", "a", "\\377", "\\", "'"],
    "name": ["", "x" * 63, "é" * 31],
    "smallint": ["-32768", "32767"],
    "integer": ["-2147483648", "2147483647"],
    "bigint": ["-9223372036854775808", "9223372036854775807"],
    "real": ["-0", "0", "1e-45", "3.4028235e38", "NaN", "Infinity", "-Infinity", "0.1"],
    "double precision": ["-0", "5e-324", "1.7976931348623157e308", "NaN", "-Infinity", "0.30000000000000004"],
    "numeric": ["0", "-0.000", "1.50", "NaN", "Infinity", "-Infinity", "1e1000", "1e-1000", "9" * 50 + "." + "1" * 50],
    "numeric(7,3)": ["1234.500", "-0.001", "NaN"],
    "money": ["-$92,233,720,368,547,758.08", "$0.01"],
    "text": AWKWARD,
    "character varying(20)": ["", "trail  ", "ÿ" * 20],
    "character(4)": ["", "ab", "é   "],
    "bpchar": ["", "ab ", "b"],
    "json": ['{"b":1,  "a" : [1.50]}', "null", '""', '{"a":1,"a":2}', '"\\u0000"', " [] "],
    "jsonb": ['{"b": 1, "a": [1.50, null]}', "null", "[]", "{}", '"\\u00e9"', "1e100"],
    "jsonpath": ["$.a[*] ? (@ > 1)"],
    "date": ["infinity", "-infinity", "4713-01-01 BC", "5874897-12-31", "2000-02-29"],
    "time": ["00:00:00", "24:00:00", "23:59:59.999999"],
    "time with time zone": ["00:00:00+15:59", "12:00:00.000001-03:30"],
    "timestamp": ["infinity", "-infinity", "4713-01-01 00:00:00 BC", "294276-12-31 23:59:59.999999"],
    "timestamp(3)": ["2024-01-01 00:00:00.125"],
    "timestamp with time zone": ["infinity", "4713-01-01 00:00:00+00 BC", "294276-12-31 23:59:59.999999+00"],
    "interval": [
        "1 mon",
        "30 days",
        "720:00:00",
        "-178000000 years",
        "178000000 years",
        "1 mon -1 day 00:00:00.000001",
    ],
    "interval day to second(3)": ["1 day 00:00:01.5"],
    "uuid": ["00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"],
    "bit(9)": ["101010101"],
    "bit varying": ["", "1", "1" * 100],
    "inet": ["10.0.0.1/8", "::1", "255.255.255.255"],
    "cidr": ["10.0.0.0/8", "2001:db8::/32"],
    "macaddr": ["08:00:2b:01:02:03"],
    "macaddr8": ["08:00:2b:01:02:03:04:05"],
    "oid": ["0", "4294967295"],
    "pg_lsn": ["FFFFFFFF/FFFFFFFF"],
    "xid8": ["18446744073709551615"],
    "xid": ["4294967295"],
    "tid": ["(4294967295,65535)"],
    "int2vector": ["1 2 3", ""],
    "regclass": ["pg_class", "users"],
    "regtype": ["integer", "mood"],
    "regproc": ["now"],
    "refcursor": ["c"],
    "point": ["(1,-0.1)"],
    "line": ["{1,2,3}"],
    "lseg": ["[(0,0),(1,1)]"],
    "box": ["(1,1),(0,0)"],
    "path": ["((0,0),(1,1))", "[(0,0)]"],
    "polygon": ["((0,0),(1,1),(2,0))"],
    "circle": ["<(0,0),2>"],
    "tsvector": ["'a':1A,2 'é'", ""],
    "tsquery": ["'a' & !'b'", ""],
    "int4range": ["[1,5)", "empty", "(,)"],
    "numrange": ["[1.50,)", "(,2]"],
    "tsrange": ["[-infinity,infinity]"],
    "tstzrange": ['["2024-01-01 00:00:00+00",)'],
    "daterange": ["[2024-01-01,2024-02-01)"],
    "int8multirange": ["{}", "{[1,2),[5,7)}"],
    "nummultirange": ["{[1.50,2.0)}"],
    "mood": ["sad", 'it\'s "so", {so}'],
    "price": ["1.50", "0.00"],
    "code": ["AB", "a,b"],
    "tags": ["{}", "{a,NULL}", "{{a},{b}}"],
    "place": ['("High ""St"", 1",5,sad)', "(,,)", '("",-1,"it\'s ""so"", {so}")'],
    "span": ["[0.5,1)", "empty"],
    "spanmultirange": ["{[0.5,1),[2,3)}"],
    "vector(3)": ["[1,-0.5,1e-10]"],
    "vector": ["[0.1]"],
}
TYPES = """
CREATE EXTENSION vector;
CREATE TYPE mood AS ENUM ('sad', 'it''s "so", {so}');
CREATE DOMAIN price AS numeric(8,2) CHECK (value >= 0);
CREATE DOMAIN code AS varchar(10);
CREATE DOMAIN tags AS text[];
CREATE TYPE place AS (street text, number int, feeling mood);
CREATE TYPE span AS RANGE (subtype = float8, multirange_type_name = spanmultirange);
CREATE TABLE users ();
"""
NO_ARRAY = {"int2vector"}


def columns() -> dict[str, tuple[str, list[str]]]:
    """By column name: its type and the texts of its values; arrays of every type among them."""
    found = {}
    for number, (kind, values) in enumerate(SCALARS.items()):
        found[f"c{number}"] = (kind, values)
        if kind not in NO_ARRAY:
            listed: list[str | None] = [*values[:6], None]
            found[f"a{number}"] = (f"{kind}[]", ["{}", _array(listed, ";" if kind == "box" else ",")])
    return found


def _array(values: list[str | None], delimiter: str) -> str:
    quoted = ["NULL" if v is None else '"' + v.replace("\\", "\\\\").replace('"', '\\"') + '"' for v in values]
    return "{" + delimiter.join(quoted) + "}"


async def fill(url: str, *, values: bool) -> None:
    async with connected(url) as conn:
        # Other OIDs on the other server, so that a value which carries one is found out.
        if not values:
            await conn.execute("".join(f"CREATE TYPE other_{n} AS ENUM ('x'); " for n in range(7)))
        await conn.execute(TYPES)
        for name, (kind, texts) in columns().items():
            await conn.execute(f"CREATE TABLE {name} (id int PRIMARY KEY, v {kind})")
            if values:
                await conn.execute(f"INSERT INTO {name} VALUES (-1, NULL)")
                await conn.executemany(f"INSERT INTO {name} SELECT $1::int, $2::text::{kind}", list(enumerate(texts)))


async def texts_of(url: str) -> dict[str, list[tuple[Any, ...]]]:
    async with connected(url) as conn:
        return {
            name: [tuple(r) for r in await conn.fetch(f"SELECT id, v::text FROM {name} ORDER BY id")]
            for name in columns()
        }


def document(rule: str, **options: str) -> str:
    more = "".join(f", {key}: {value}" for key, value in options.items())
    lines = [f"  {name}: {{from: {name}, key: [id]{more}, columns: {{id: {rule}, v: v}}}}" for name in columns()]
    return "version: 1\nignore: {source: {users: none}, target: {users: none}}\ntables:\n" + "\n".join(lines)


@pytest.mark.parametrize("way", ["direct", pytest.param("twin", marks=pytest.mark.drill)])
async def test_every_type_arrives_as_it_left(pg16: Server, pg18: Server, make_database: MakeDatabase, way: str) -> None:
    source, target = make_database(pg16), make_database(pg18)
    await fill(source, values=True)
    await fill(target, values=False)
    # A key that is computed needs the key map, and so the twin.
    moved = road(source, target, document("id") if way == "direct" else document("{sql: id * 1}"))
    plan = await moved.plan()
    assert {t.way for t in plan.tables} == {way}
    done = await moved.migrate(plan, jobs=1)
    assert [t for t in done.tallies if t.loaded != t.extracted] == []
    assert await texts_of(target) == await texts_of(source)
    assert findings(await moved.verify(exact=True)) == []
    if way == "direct":
        return
    async with connected(target) as conn:
        before = {name: await conn.fetch(f"SELECT xmin, ctid FROM {name} ORDER BY id") for name in columns()}
        await moved.migrate(jobs=1)
        assert before == {name: await conn.fetch(f"SELECT xmin, ctid FROM {name} ORDER BY id") for name in columns()}


async def test_xml_arrives_as_it_left(pg15: Server, make_database: MakeDatabase) -> None:
    source, target = make_database(pg15), make_database(pg15)
    for url in (source, target):
        async with connected(url) as conn:
            await conn.execute("CREATE TABLE x (id int PRIMARY KEY, v xml, w xml[])")
    async with connected(source) as conn:
        await conn.execute(
            "INSERT INTO x VALUES (1, '<a b=\"1\">é &amp; </a>', '{<b/>,NULL}'), (2, 'text only', '{}'), (3, NULL, NULL),"
            " (4, '<?xml version=\"1.0\"?><r><!-- c --><![CDATA[<]]></r>', NULL)"
        )
    moved = road(source, target, "version: 1\ntables: {x: {from: x, key: [id], columns: {id: id, v: v, w: w}}}")
    await moved.migrate()
    async with connected(source) as one, connected(target) as other:
        query = "SELECT id, v::text, w::text FROM x ORDER BY id"
        assert await one.fetch(query) == await other.fetch(query)
        await other.execute("UPDATE x SET v = '<a b=\"2\"/>' WHERE id = 1")
    assert findings(await moved.verify()) == [("public.x", "different", '["1"]', ("v",))]


async def test_every_kind_of_key_is_found_again(pg16: Server, pg18: Server, make_database: MakeDatabase) -> None:
    """Rows lost from tables with odd keys are found by key and moved again; the keys travel as text on the way."""
    kinds = {
        "mood": ["sad", 'it\'s "so", {so}'],
        "mood[]": ["{sad}", "{}"],
        "regclass": ["users", "pg_class"],
        "character(4)": ["a", "ab"],
        "bytea": ["\\x00", "\\x"],
        "timestamp with time zone": ["infinity", "2024-01-01 00:00:00+00"],
        "numeric": ["1.50", "2"],
        "double precision": ["0.1", "-0"],
        "uuid": ["00000000-0000-0000-0000-000000000000"],
        "text": AWKWARD[:10],
        "price": ["1.50"],
        "place": ["(,,)", "(a,1,sad)"],
        "interval": ["1 mon", "29 days"],
        "inet": ["10.0.0.1/8"],
        "text[]": ["{}", "{NULL,a}"],
        "daterange": ["empty", "[2024-01-01,)"],
        "boolean": ["t", "f"],
    }
    source, target = make_database(pg16), make_database(pg18)
    for url in (source, target):
        async with connected(url) as conn:
            await conn.execute(TYPES)
            for n, kind in enumerate(kinds):
                await conn.execute(f"CREATE TABLE k{n} (k {kind} PRIMARY KEY, v int)")
    async with connected(source) as conn:
        for n, (kind, values) in enumerate(kinds.items()):
            await conn.executemany(
                f"INSERT INTO k{n} SELECT $1::text::{kind}, $2::int", [(v, i) for i, v in enumerate(values)]
            )
    lines = "".join(f"\n  k{n}: {{from: k{n}, key: [k], columns: {{k: k, v: v}}}}" for n in range(len(kinds)))
    moved = road(
        source, target, f"version: 1\nignore: {{source: {{users: none}}, target: {{users: none}}}}\ntables:{lines}"
    )
    await moved.migrate()
    async with connected(target) as conn:
        for n in range(len(kinds)):
            await conn.execute(f"DELETE FROM k{n} WHERE v = 0; UPDATE k{n} SET v = -1 WHERE v = 1")
    mended = await moved.repair()
    assert len(findings(mended.before)) == sum(min(2, len(v)) for v in kinds.values())
    assert mended.after is not None
    assert findings(mended.after) == []


texts = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=30)
decimals = st.decimals(allow_nan=True, allow_infinity=False).map(lambda d: "NaN" if d.is_nan() else format(d, "f"))
instants = st.datetimes().map(lambda d: d.isoformat(sep=" "))
documents = st.recursive(
    st.none() | st.booleans() | st.integers() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
DRAWN: dict[str, st.SearchStrategy[str]] = {
    "text": texts,
    "bytea": st.binary(max_size=40).map(lambda b: "\\x" + b.hex()),
    "bigint": st.integers(-(2**63), 2**63 - 1).map(str),
    "numeric": decimals,
    "double precision": st.floats().map(repr),
    "real": st.floats(width=32).map(repr),
    "timestamp": instants,
    "interval": st.tuples(st.integers(-9999, 9999), st.integers(-99999, 99999), st.integers(-(10**12), 10**12)).map(
        lambda p: f"{p[0]} mons {p[1]} days {p[2]} microseconds"
    ),
    "text[]": st.lists(texts | st.none(), max_size=5).map(lambda v: _array(v, ",")),
    "place": st.tuples(texts, st.integers(-9, 9)).map(
        lambda p: '("' + p[0].replace("\\", "\\\\").replace('"', '""') + f'",{p[1]},sad)'
    ),
    "numrange": st.tuples(st.integers(-99, 0), st.integers(1, 99)).map(lambda p: f"[{p[0]}.50,{p[1]}.0]"),
}


@pytest.mark.parametrize("kind", DRAWN)
def test_whatever_is_drawn_arrives_and_hashes_alike(
    pg16: Server, pg18: Server, make_database: MakeDatabase, kind: str
) -> None:
    source, target = make_database(pg16), make_database(pg18)

    async def carry(values: list[str]) -> None:
        async with connected(source) as one, connected(target) as other:
            await one.execute("TRUNCATE t")
            await other.execute("TRUNCATE t")
            await one.executemany(f"INSERT INTO t SELECT $1::int, $2::text::{kind}", list(enumerate(values)))
            async with session("source", source) as from_, session("target", target) as to:
                file = road(
                    source, target, "version: 1\ntables: {t: {from: t, key: [id], columns: {id: id, v: v}}}"
                ).file
                facts = Facts(source=await read_schema(from_), target=await read_schema(to), document=file.document)
                motion = Motion(facts, Name("public", "t"))
                landing = Landing(motion)
                form: CopyFormat = "binary" if landing.direct_form == "binary" else "text"
                await relay(
                    from_, motion.extract(EVERYTHING, Moment(), keyed=False), to, "t", landing.columns, form=form
                )
                query = "SELECT id, v::text FROM t ORDER BY id"
                assert await one.fetch(query) == await other.fetch(query)
                ours = sorted(tuple(r) for r in await from_.fetch(motion.hashed(Moment())))
                assert ours == sorted(tuple(r) for r in await to.fetch(landing.hashed(kept=False)))

    async def make() -> None:
        for url in (source, target):
            async with connected(url) as conn:
                await conn.execute(TYPES + f"CREATE TABLE t (id int PRIMARY KEY, v {kind})")

    asyncio.run(make())

    @settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(DRAWN[kind], min_size=20, max_size=60))
    def check(values: list[str]) -> None:
        asyncio.run(carry(values))

    check()


def test_literals_survive_a_real_server(pg18: Server) -> None:
    async def ask(values: list[str | None]) -> None:
        conn = await asyncpg.connect(pg18.url("postgres"))
        try:
            for setting in ("on", "off"):
                await conn.execute(f"SET standard_conforming_strings = {setting}; SET escape_string_warning = off")
                for value in values:
                    if value is not None:
                        assert await conn.fetchval(f"SELECT {literal(value)}::text") == value
                assert await conn.fetchval(f"SELECT {array_literal(values)}::text[]") == values
        finally:
            await conn.close()

    @settings(max_examples=10, deadline=None)
    @given(st.lists(texts | st.none() | st.sampled_from(["NULL", "", "\\", "'", '"', "{", "}", ",", " "]), max_size=30))
    def check(values: list[str | None]) -> None:
        asyncio.run(ask(values))

    check()

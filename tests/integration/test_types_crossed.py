"""Every type into every type by a plain rule: refused with advice, set aside with a code, or the same value.

One table for each pair, all moved in one run. Whether a value that landed is the same is asked of the
values' texts, not of the rules.
"""

from __future__ import annotations

import json
import re
import struct
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any

import asyncpg
import pytest

from crosswalk.embedded import Server
from tests.road import connected, findings, road
from tests.servers import MakeDatabase

HELD: dict[str, list[str]] = {
    "boolean": ["t", "f"],
    "smallint": ["0", "-32768", "32767", "5"],
    "integer": ["0", "-2147483648", "2147483647", "16777217", "7"],
    "bigint": ["-9223372036854775808", "9223372036854775807", "9007199254740993", "1"],
    "numeric": [
        "0",
        "1.50",
        "-0.5",
        "123456.789",
        "1e20",
        "12345678901234567890.123456789",
        "NaN",
        "Infinity",
        "-Infinity",
        "1e-50",
        "1e400",
        "0.1",
        "99.995",
        "32767.4",
        "2147483647.5",
        "9223372036854775807.5",
    ],
    "numeric(6,2)": ["1234.56", "-0.01", "5.00", "NaN"],
    "real": ["0.1", "-0", "16777216", "3.4028235e38", "1e-45", "NaN", "Infinity", "1.5", "2147483648", "65504"],
    "double precision": [
        "0.1",
        "-0",
        "9007199254740993",
        "1.7976931348623157e308",
        "5e-324",
        "NaN",
        "-Infinity",
        "0.30000000000000004",
        "9223372036854775808",
        "1e39",
        "1.5",
        "2",
    ],
    "text": [
        "",
        " ",
        "abc",
        "abc ",
        " 7",
        "7",
        "-1",
        "1.5",
        "0.12345678901234567890",
        "1e400",
        "99999999999999999999",
        "t",
        "yes",
        "true",
        "tomorrow",
        "now",
        "2024-02-30",
        "2024-02-29",
        "2024-02-29 12:00:00",
        "2024-02-29 12:00:00+03",
        "2024-02-29T12:00:00.1234567Z",
        "12:00",
        "12:00:00.5+02",
        "infinity",
        "NaN",
        "0x1F",
        "1_000",
        "00000000-0000-0000-0000-000000000001",
        "{00000000-0000-0000-0000-000000000001}",
        "{1,2}",
        "{a,NULL}",
        "[1,2)",
        '{"a": 1, "a": 2}',
        '{"b":[{"k":1,"k":1}]}',
        '{"b": 1, "a": null}',
        '"\\u0000"',
        "null",
        "101",
        "10.0.0.1",
        "10.0.0.0/8",
        "1 mon",
        "1.1234567 s",
        "glad",
        "\\x6162",
        "é" * 40,
        "x" * 70,
        "a\tb\\n\nc",
        "'\"$1",
    ],
    "character varying(5)": ["", "ab", "ab   ", "abcde", "1", "x"],
    "character(5)": ["", "ab", "abcde", "1"],
    "name": ["", "ab", "1"],
    '"char"': ["a", "5", ""],
    "bytea": ["\\x", "\\x0061ff"],
    "date": ["2024-02-29", "infinity", "-infinity", "4713-01-01 BC", "5874897-12-31"],
    "time": ["00:00:00", "23:59:59.999999", "12:00:00.5", "24:00:00"],
    "time with time zone": ["12:00:00.5+03", "00:00:00-12"],
    "timestamp": [
        "2024-02-29 12:00:00.123456",
        "2024-02-29 00:00:00",
        "infinity",
        "4713-01-01 00:00:00 BC",
        "294276-12-31 23:59:59.999999",
    ],
    "timestamp with time zone": ["2024-02-29 12:00:00.123456+00", "2024-02-29 00:00:00+00", "-infinity"],
    "interval": ["1 mon", "30 days", "1 year 2 mons -3 days 04:05:06.789", "-178000000 years", "00:00:01.5", "2 years"],
    "uuid": ["00000000-0000-0000-0000-000000000001"],
    "json": ['{"b": 1,  "a": 2}', '{"a": 1, "a": 2}', '[{"k": 1, "k": 1}]', '"x"', "1.50", '"\\u0000"', "null"],
    "jsonb": ['{"b": 1, "a": 2}', "[]", "1.50", "null", '"x"'],
    "bit(3)": ["101", "000"],
    "bit varying": ["", "101", "10101010101"],
    "inet": ["10.0.0.1", "10.0.0.0/8", "10.1.0.0/8", "::1"],
    "cidr": ["10.0.0.0/8"],
    "integer[]": ["{}", "{1,2}", "{{1,2},{3,NULL}}", "[0:1]={1,2147483647}"],
    "text[]": ["{}", "{abc,NULL}", "{'abc '}", "{1,2}", '{"a\\"b,{}"}', "{abcdef}", "{glad}", '{"a "}', "{tomorrow}"],
    "numeric[]": ["{1.5,NaN}", "{1234.567}", "{99999}", "[3:3]={0.1}"],
    "double precision[]": ["{0.1,NULL,-0}", "{NaN,1e39}", "{{0.30000000000000004}}"],
    "mood": ["glad", "sad"],
    "mood[]": ["{glad,NULL}", "{sad}"],
    "price": ["1.50", "99"],
    "int4range": ["[1,5)", "empty"],
    "money": ["$1.50"],
    "place": ['("High St",5)'],
}
WANTED = [
    "boolean",
    "smallint",
    "integer",
    "bigint",
    "numeric",
    "numeric(4,1)",
    "numeric(3,-2)",
    "real",
    "double precision",
    "text",
    "character varying(3)",
    "character(3)",
    "bpchar",
    "name",
    '"char"',
    "bytea",
    "date",
    "time",
    "time(0)",
    "time with time zone",
    "timestamp",
    "timestamp(0)",
    "timestamp with time zone",
    "timestamp(3) with time zone",
    "interval",
    "interval(0)",
    "interval year to month",
    "uuid",
    "json",
    "jsonb",
    "bit(3)",
    "bit varying(4)",
    "inet",
    "cidr",
    "integer[]",
    "smallint[]",
    "text[]",
    "character varying(3)[]",
    "character(3)[]",
    "numeric(4,1)[]",
    "numeric[]",
    "timestamp(0)[]",
    "mood",
    "mood[]",
    "price",
    "few",
    "int4range",
    "money",
    "place",
]
SMALLER = "CREATE TYPE mood AS ENUM ('glad', 'ok')"
TYPES = """
CREATE DOMAIN price AS numeric(8,2) CHECK (value >= 0);
CREATE DOMAIN few AS int[];
CREATE TYPE place AS (street text, number int);
"""
STRINGS = {"text", "character varying(5)", "character(5)", "name", '"char"'}
CODES = {"length", "rounded", "range", "label", "precision", "syntax", "changed", "check", "refused"}


@dataclass(frozen=True, kw_only=True)
class Crossed:
    """What became of every value of every pair."""

    refused: dict[tuple[str, str], str]
    landed: dict[tuple[str, str, str], str]
    aside: dict[tuple[str, str, str], str]


def document(pairs: list[tuple[int, int]]) -> str:
    lines = ["version: 1", "tables:"]
    for i, j in pairs:
        lines.append(f"  t_{i}_{j}: {{from: s_{i}, key: [id], rejects: quarantine, columns: {{id: id, v: v}}}}")
    return "\n".join(lines)


async def cross(source: str, target: str) -> Crossed:
    names, pairs = list(HELD), [(i, j) for i in range(len(HELD)) for j in range(len(WANTED))]
    async with connected(source) as conn:
        await conn.execute(TYPES + "CREATE TYPE mood AS ENUM ('sad', 'ok', 'glad')")
        for i, kind in enumerate(names):
            await conn.execute(f"CREATE TABLE s_{i} (id int PRIMARY KEY, v {kind})")
            for n, value in enumerate(HELD[kind]):
                await conn.execute(f"INSERT INTO s_{i} VALUES ({n}, $1::text::{kind})", value)
            await conn.execute(f"INSERT INTO s_{i} VALUES (-1, NULL)")
        texts = {}
        for i, kind in enumerate(names):
            texts[kind] = {r["id"]: r["v"] for r in await conn.fetch(f"SELECT id, v::text FROM s_{i}")}
    async with connected(target) as conn:
        await conn.execute(TYPES + SMALLER)
        for i, j in pairs:
            await conn.execute(f"CREATE TABLE t_{i}_{j} (id int PRIMARY KEY, v {WANTED[j]})")
    checked = await road(source, target, document(pairs)).check()
    refused = {}
    for problem in checked.problems:
        assert problem.code == "rule.impossible", problem
        _, left, right = problem.place[1].split("_")
        refused[names[int(left)], WANTED[int(right)]] = problem.message
    async with connected(target) as conn:
        for i, j in pairs:
            if (names[i], WANTED[j]) in refused:
                await conn.execute(f"DROP TABLE t_{i}_{j}")
    way = road(source, target, document([(i, j) for i, j in pairs if (names[i], WANTED[j]) not in refused]))
    await way.migrate(jobs=1)
    assert findings(await way.verify(exact=True)) == []
    landed, aside = {}, {}
    async with connected(target) as conn:
        for i, j in pairs:
            a, b = names[i], WANTED[j]
            if (a, b) in refused:
                continue
            for number, text in await conn.fetch(f"SELECT id, v::text FROM t_{i}_{j}"):
                assert (text is None) == (number == -1)
                if number != -1:
                    landed[a, b, texts[a][number]] = text
        for table, key, code in await conn.fetch("SELECT target_table, source_key->>0, code FROM crosswalk.quarantine"):
            _, left, right = table.split("_")
            a = names[int(left)]
            aside[a, WANTED[int(right)], texts[a][int(key)]] = code
    return Crossed(refused=refused, landed=landed, aside=aside)


def same_number(one: str, other: str) -> bool:
    try:
        left, right = Decimal(one), Decimal(other)
    except InvalidOperation:
        return False
    return left == right or (left.is_nan() and right.is_nan())


def same_document(one: str, other: str) -> bool:
    """Equal json documents, every key counted."""

    def pairs(found: list[tuple[str, Any]]) -> Any:
        return ("object", sorted(found, key=repr))

    read = [json.loads(text, parse_float=Decimal, object_pairs_hook=pairs) for text in (one, other)]
    return bool(read[0] == read[1])


def exact(text: str, kind: str) -> Fraction | None:
    """The very number that a float's text stands for."""
    try:
        number = float(text)
        return Fraction(struct.unpack("f", struct.pack("f", number))[0] if kind == "real" else number)
    except (ValueError, OverflowError):
        return None


def same_float(value: str, held: str, landed: str, kind: str) -> bool:
    if kind not in FLOATS:
        return False
    number = exact(value, held) if held in FLOATS else Fraction(value) if re.fullmatch(r"-?\d+", value) else None
    return number is not None and number == exact(landed, kind)


def elements(text: str) -> list[Any]:
    """An array's text without padding, with its numbers as numbers."""
    found: list[Any] = []
    for part in re.split(r"([{},=])", text):
        plain = part.strip('" ')
        try:
            found.append(repr((Decimal(plain) + 0).normalize()))
        except InvalidOperation:
            found.append(plain)
    return found


def same_texts(one: str, other: str) -> bool:
    return one == other or same_number(one, other) or ("{" in one and elements(one) == elements(other))


async def reads_as(target: str, wanted: dict[tuple[str, str, str], str]) -> dict[tuple[str, str, str], str]:
    """What the server makes of each text in its type without a limit, cast back to text."""
    found = {}
    async with connected(target) as conn:
        for (held, kind, value), text in wanted.items():
            try:
                found[held, kind, value] = await conn.fetchval(f"SELECT ($1::text::{kind})::text", text)
            except asyncpg.PostgresError as error:
                found[held, kind, value] = f"error {error.sqlstate}"
    return found


def bare(kind: str) -> str:
    """The type without its limit."""
    plain = {
        "character(3)": "text",
        "character varying(3)": "text",
        "bpchar": "text",
        "bit(3)": "varbit",
        "character(3)[]": "text[]",
        "character varying(3)[]": "text[]",
        "interval year to month": "interval",
        "price": "numeric",
        "few": "int[]",
        "timestamp(3) with time zone": "timestamptz",
    }
    return plain.get(kind, re.sub(r"\(.*?\)", "", kind))


@pytest.mark.drill
async def test_no_pair_changes_a_value_in_silence(pg16: Server, pg18: Server, make_database: MakeDatabase) -> None:
    source, target = make_database(pg16), make_database(pg18)
    crossed = await cross(source, target)
    assert all(len(message) > 60 for message in crossed.refused.values())
    assert set(crossed.aside.values()) == CODES
    from_text = {key: key[2] for key in crossed.landed if key[0] in STRINGS and key[1] not in TEXTS}
    back = {key: text for key, text in crossed.landed.items() if key not in from_text}
    read = await reads_as(target, {(a, bare(b), v): v for a, b, v in from_text})
    again = await reads_as(source, {(b, a, v): text for (a, b, v), text in back.items()})
    wrong = []
    for a, b, value in from_text:
        landed, meant = crossed.landed[a, b, value], read[a, bare(b), value]
        same = same_document(value, landed) if b in {"json", "jsonb"} else same_texts(landed, meant)
        if not same:
            wrong.append((a, b, value, landed, meant))
    for a, b, value in back:
        landed, round_trip = crossed.landed[a, b, value], again[b, a, value]
        same = same_texts(value.rstrip(" ") if b in PADDED else value, round_trip) or same_number(value, landed)
        if a in {"json", "jsonb"} and b in {"json", "jsonb"}:
            same = same_document(value, landed)
        same = same or same_float(value, a, landed, b) or ("[]" in a and elements(value) == elements(landed))
        if not same:
            wrong.append((a, b, value, landed, round_trip))
    assert wrong == [], "\n".join(map(str, wrong))
    assert {key: code for key, code in crossed.aside.items() if key in EXPECTED} == {
        key: code for key, code in EXPECTED.items() if code != "lands"
    }
    assert [key for key, code in EXPECTED.items() if code == "lands" and key not in crossed.landed] == []
    assert {pair for pair in REFUSED if pair not in crossed.refused} == set()


TEXTS = {"text", "character varying(3)", "character(3)", "bpchar", "name", '"char"'}
PADDED = {"character(3)", "bpchar"}
FLOATS = {"real", "double precision"}
REFUSED = {
    ("timestamp", "timestamp with time zone"),
    ("date", "timestamp with time zone"),
    ("timestamp with time zone", "date"),
    ("timestamp with time zone", "timestamp"),
    ("boolean", "integer"),
    ("integer", "boolean"),
    ("text", "bytea"),
    ("integer", '"char"'),
    ("json", "text[]"),
    ("integer[]", "integer"),
    ("money", "numeric"),
    ("integer", "date"),
    ("uuid", "bytea"),
    ("timestamp", "time"),
    ("bit(3)", "integer"),
    ("place", "integer"),
    ("int4range", "integer[]"),
}
EXPECTED = {
    ("text", "character varying(3)", "abc"): "lands",
    ("text", "character varying(3)", "abc "): "length",
    ("text", "character(3)", "abc "): "changed",
    ("text", "bpchar", "abc "): "changed",
    ("text", "name", "x" * 70): "changed",
    ("text", "name", "é" * 40): "changed",
    ("text", '"char"', "7"): "lands",
    ("text", '"char"', "abc"): "changed",
    ("text", "integer", " 7"): "lands",
    ("text", "integer", "1.5"): "syntax",
    ("text", "integer", ""): "syntax",
    ("text", "smallint", "99999999999999999999"): "syntax",
    ("text", "real", "1e400"): "syntax",
    ("text", "real", "0.12345678901234567890"): "changed",
    ("text", "double precision", "1.5"): "lands",
    ("text", "uuid", "{00000000-0000-0000-0000-000000000001}"): "lands",
    ("text", "uuid", "7"): "syntax",
    ("text", "boolean", "yes"): "lands",
    ("text", "boolean", "7"): "syntax",
    ("text", "date", "2024-02-29"): "lands",
    ("text", "date", "2024-02-30"): "syntax",
    ("text", "date", "2024-02-29 12:00:00"): "syntax",
    ("text", "date", "tomorrow"): "syntax",
    ("text", "timestamp", "2024-02-29 12:00:00"): "lands",
    ("text", "timestamp", "2024-02-29 12:00:00+03"): "syntax",
    ("text", "timestamp", "now"): "syntax",
    ("text", "timestamp with time zone", "2024-02-29 12:00:00"): "syntax",
    ("text", "timestamp with time zone", "2024-02-29 12:00:00+03"): "lands",
    ("text", "timestamp with time zone", "2024-02-29T12:00:00.1234567Z"): "syntax",
    ("text", "timestamp with time zone", "2024-02-29"): "syntax",
    ("text", "timestamp with time zone", "infinity"): "lands",
    ("text", "time", "12:00:00.5+02"): "syntax",
    ("text", "time(0)", "12:00"): "lands",
    ("text", "interval", "1.1234567 s"): "syntax",
    ("text", "jsonb", '{"a": 1, "a": 2}'): "changed",
    ("text", "jsonb", '{"b":[{"k":1,"k":1}]}'): "changed",
    ("text", "jsonb", '"\\u0000"'): "syntax",
    ("text", "json", '{"a": 1, "a": 2}'): "lands",
    ("text", "jsonb", "tomorrow"): "syntax",
    ("text", "mood", "glad"): "lands",
    ("text", "mood", "abc"): "label",
    ("text", "bit(3)", "101"): "lands",
    ("text", "bit(3)", "7"): "syntax",
    ("text", "price", "-1"): "check",
    ("json", "jsonb", '{"a": 1, "a": 2}'): "changed",
    ("json", "jsonb", '"\\u0000"'): "syntax",
    ("json", "jsonb", '{"b": 1,  "a": 2}'): "lands",
    ('"char"', "integer", "5"): "lands",
    ("character(5)", "character varying(3)", "ab"): "lands",
    ("character(5)", "integer", "1"): "lands",
    ("character varying(5)", "character varying(3)", "ab   "): "length",
    ("bigint", "integer", "9223372036854775807"): "range",
    ("integer", "smallint", "16777217"): "range",
    ("integer", "real", "16777217"): "changed",
    ("integer", "real", "2147483647"): "changed",
    ("bigint", "double precision", "9223372036854775807"): "changed",
    ("bigint", "double precision", "9007199254740993"): "changed",
    ("bigint", "numeric(4,1)", "9007199254740993"): "range",
    ("numeric", "integer", "1.50"): "rounded",
    ("numeric", "integer", "2147483647.5"): "rounded",
    ("numeric", "smallint", "32767.4"): "rounded",
    ("numeric", "bigint", "NaN"): "range",
    ("numeric", "numeric(4,1)", "1.50"): "lands",
    ("numeric", "numeric(4,1)", "99.995"): "rounded",
    ("numeric", "numeric(4,1)", "123456.789"): "rounded",
    ("numeric", "numeric(4,1)", "1" + "0" * 20): "range",
    ("numeric", "numeric(4,1)", "Infinity"): "range",
    ("numeric", "numeric(4,1)", "NaN"): "lands",
    ("numeric", "numeric(3,-2)", "1" + "0" * 20): "range",
    ("numeric", "numeric(3,-2)", "99.995"): "rounded",
    ("numeric", "double precision", "1" + "0" * 400): "range",
    ("numeric", "double precision", "0." + "0" * 49 + "1"): "lands",
    ("numeric", "double precision", "0.1"): "lands",
    ("numeric", "double precision", "12345678901234567890.123456789"): "changed",
    ("numeric", "real", "0." + "0" * 49 + "1"): "range",
    ("real", "numeric", "1.6777216e+07"): "lands",
    ("double precision", "numeric", "0.30000000000000004"): "lands",
    ("double precision", "numeric(4,1)", "0.1"): "lands",
    ("double precision", "numeric(4,1)", "0.30000000000000004"): "rounded",
    ("double precision", "real", "0.1"): "changed",
    ("double precision", "real", "1e+39"): "range",
    ("double precision", "real", "5e-324"): "range",
    ("double precision", "real", "1.5"): "lands",
    ("double precision", "bigint", "9.223372036854776e+18"): "range",
    ("double precision", "bigint", "1.5"): "rounded",
    ("double precision", "integer", "NaN"): "range",
    ("date", "timestamp", "5874897-12-31"): "range",
    ("timestamp", "date", "2024-02-29 12:00:00.123456"): "changed",
    ("timestamp", "date", "2024-02-29 00:00:00"): "lands",
    ("timestamp", "timestamp(0)", "294276-12-31 23:59:59.999999"): "precision",
    ("timestamp with time zone", "timestamp(3) with time zone", "2024-02-29 12:00:00.123456+00"): "precision",
    ("time", "time(0)", "23:59:59.999999"): "precision",
    ("time", "time(0)", "24:00:00"): "lands",
    ("interval", "interval(0)", "00:00:01.5"): "precision",
    ("interval", "interval year to month", "30 days"): "precision",
    ("interval", "interval year to month", "2 years"): "lands",
    ("bit varying", "bit(3)", "10101010101"): "length",
    ("bit varying", "bit varying(4)", ""): "lands",
    ("inet", "cidr", "10.1.0.0/8"): "changed",
    ("inet", "cidr", "10.0.0.0/8"): "lands",
    ("integer[]", "smallint[]", "[0:1]={1,2147483647}"): "range",
    ("integer[]", "smallint[]", "{{1,2},{3,NULL}}"): "lands",
    ("text[]", "character varying(3)[]", "{abcdef}"): "length",
    ("text[]", "character(3)[]", '{"a "}'): "changed",
    ("text[]", "integer[]", "{1,2}"): "lands",
    ("text[]", "integer[]", "{tomorrow}"): "syntax",
    ("text[]", "timestamp(0)[]", "{tomorrow}"): "syntax",
    ("text[]", "mood[]", "{glad}"): "lands",
    ("text[]", "mood[]", "{abcdef}"): "label",
    ("numeric[]", "numeric(4,1)[]", "{1234.567}"): "rounded",
    ("numeric[]", "numeric(4,1)[]", "{99999}"): "range",
    ("double precision[]", "numeric[]", "{{0.30000000000000004}}"): "lands",
    ("mood", "mood", "sad"): "label",
    ("mood[]", "mood[]", "{sad}"): "label",
    ("text", "character varying(3)[]", "{a,NULL}"): "lands",
    ("numeric", "price", "-0.5"): "check",
}
"""What becomes of some values, said by hand."""

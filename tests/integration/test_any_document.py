"""Whatever a document says over one pair of schemas, a check answers: problems with their lines, or verdicts."""

from __future__ import annotations

import asyncio
import json

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crosswalk.checking import check
from crosswalk.embedded import Server
from crosswalk.errors import CrosswalkError
from crosswalk.mapping import read_text
from crosswalk.survey import Servers
from tests.road import Road, run
from tests.servers import MakeDatabase

SOURCE = """
CREATE TABLE a (id int PRIMARY KEY, name text, up int, more jsonb);
CREATE TABLE b (id int PRIMARY KEY, a int, tag text);
INSERT INTO a VALUES (1, 'x', 2, '{}'), (2, 'y', 1, NULL), (3, 'x', 3, '{}'), (4, NULL, NULL, '{}');
INSERT INTO b VALUES (1, 1, 'x'), (2, 3, 'y'), (3, 9, NULL);
"""
TARGET = """
CREATE TABLE p (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text UNIQUE, up int REFERENCES p, rest jsonb);
CREATE TABLE q (id int PRIMARY KEY, p int NOT NULL REFERENCES p, tag text);
"""
UNFINDABLE = """
version: 1
tables:
  p: {from: a, key: [], columns: {name: name, up: {value: null}, rest: more}, drop: {up: gone, id: gone}}
  q:
    from: b
    key: [id]
    columns:
      id: id
      p: {lookup: {table: a, match: {id: a}, take: id}}
      tag: tag
"""


async def _lay(pg16: Server, pg18: Server, make_database: MakeDatabase, document: str) -> Road:
    source, target = make_database(pg16), make_database(pg18)
    await run(source, SOURCE)
    await run(target, TARGET)
    return Road(source=source, target=target, file=read_text(document))


async def test_a_lookup_into_rows_that_nothing_tells_apart_is_a_problem_with_its_line(
    pg16: Server, pg18: Server, make_database: MakeDatabase
) -> None:
    road = await _lay(pg16, pg18, make_database, UNFINDABLE)
    found = {(p.code, p.line, p.message) for p in (await road.check()).problems}
    assert [(code, line) for code, line, text in found if "names no key by which" in text] == [("rule.impossible", 10)]


_source_a, _source_b = st.sampled_from(["id", "name", "up", "more"]), st.sampled_from(["id", "a", "tag"])


def _rules(columns: st.SearchStrategy[str], mine: str) -> st.SearchStrategy[object]:
    other = "b" if mine == "a" else "a"
    found = st.sampled_from(["id", "name", "p", "up"])
    lookup = st.tuples(st.sampled_from([mine, other]), columns, found, st.sampled_from(["quarantine", "null"])).map(
        lambda t: {"lookup": {"table": t[0], "match": {"id": t[1]}, "take": t[2], "missing": t[3]}}
    )
    return st.one_of(
        columns,
        lookup,
        st.just({"default": True}),
        st.just({"value": None}),
        st.just({"value": "7"}),
        columns.map(lambda c: {"sql": f"{c}::text"}),
        st.lists(columns, max_size=2).map(lambda c: {"fold": c, "into": "x"}),
        st.lists(columns, max_size=2).map(lambda c: {"agree": c}),
        columns.map(lambda c: {"map": {"x": "y"}, "from": c, "else": "quarantine"}),
    )


def _table(source: str, columns: list[str]) -> st.SearchStrategy[dict[str, object]]:
    rules = _rules(_source_a if source == "a" else _source_b, source)
    return st.fixed_dictionaries(
        {
            "from": st.just(source),
            "key": st.lists(st.sampled_from(columns), max_size=2, unique=True),
            "columns": st.dictionaries(st.sampled_from(columns), rules, max_size=4),
            "rejects": st.sampled_from(["quarantine", "fail"]),
            "existing": st.sampled_from(["refuse", "keep", "update"]),
            "drop": st.dictionaries(_source_a if source == "a" else _source_b, st.just("gone"), max_size=4),
        }
    )


_documents = st.fixed_dictionaries({"p": _table("a", ["id", "name", "up", "rest"]), "q": _table("b", ["id", "p", "tag"])})


async def _check(document: dict[str, object], servers: Servers) -> None:
    try:
        file = read_text(json.dumps({"version": 1, "tables": document}))
        for problem in (await check(file, servers)).problems:
            assert problem.line
    except CrosswalkError:
        pass  # said in words


def test_no_document_makes_a_check_crash(pg16: Server, pg18: Server, make_database: MakeDatabase) -> None:
    road = asyncio.run(_lay(pg16, pg18, make_database, UNFINDABLE))

    @settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), database=None)
    @given(_documents)
    def each(document: dict[str, object]) -> None:
        asyncio.run(_check(document, road.servers))

    each()

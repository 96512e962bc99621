"""Whatever is asked of it, the store in memory answers as the one upon PostgreSQL does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crosswalk.data.conditions import asc, desc, eq, gt, gte, ilike, in_, like, lt, lte, neq, not_, null
from crosswalk.data.failures import DataError
from crosswalk.data.repository import blocking as blocked
from crosswalk.data.repository.blocking import BlockingRepository, BlockingStore, blocking
from crosswalk.data.repository.memory import MemoryStore
from crosswalk.data.repository.repository import Row
from crosswalk.data.repository.sql import SqlStore
from crosswalk.embedded import Server
from tests.servers import sql

SCHEMA = """
CREATE TABLE things (
  a integer PRIMARY KEY, b text COLLATE "C", n numeric(6,2) DEFAULT 1, f double precision, k integer NOT NULL DEFAULT 5,
  s varchar(4) COLLATE "C" NOT NULL, l boolean,
  up integer CONSTRAINT things_up REFERENCES things (a), CONSTRAINT things_key UNIQUE (b, k)
)
"""
Repository = BlockingRepository[Row]
Act = Callable[[Repository], Any]

TEXTS = st.sampled_from(["", "a", "B", "ab", "a%", "_", "é", "abcd"])
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "a": st.integers(0, 5),
    "b": st.none() | TEXTS,
    "n": st.none() | st.sampled_from([Decimal("1.005"), Decimal("-0.5"), 3, Decimal("99999"), Decimal("NaN")]),
    "f": st.none() | st.sampled_from([0.0, 0.1, -1e300, float("inf"), float("nan")]),
    "k": st.none() | st.integers(0, 1),
    "s": st.none() | TEXTS | st.just("too long"),
    "l": st.none() | st.booleans(),
    "up": st.none() | st.integers(0, 5),
}
LIKELY = {**VALUES, "s": TEXTS, "k": st.integers(0, 1), "n": st.none() | st.integers(-9, 9)}


@st.composite
def rows(draw: st.DrawFn) -> Row:
    of = draw(st.sampled_from([LIKELY, LIKELY, VALUES]))
    optional = draw(st.lists(st.sampled_from(["b", "n", "f", "k", "l", "up"]), unique=True))
    names = [*draw(st.sampled_from([["a", "s"], ["a", "s"], ["a", "s"], ["a"], ["s"]])), *optional]
    return {name: draw(of[name]) for name in names}


@st.composite
def conditions(draw: st.DrawFn) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in draw(st.lists(st.sampled_from(list(VALUES)), max_size=2, unique=True)):
        value = LIKELY[name].filter(lambda each: each is not None)
        several = st.lists(st.none() | value, max_size=3).map(in_)
        texts = TEXTS.filter(lambda t: not t.endswith("\\"))
        ways = [value.map(eq), value.map(neq), value.map(gt), value.map(gte), value.map(lt), value.map(lte), several, st.just(null())]
        ways += [texts.map(like), texts.map(ilike)] if name in {"b", "s"} else []
        condition = draw(st.one_of(ways))
        found[name] = not_(condition) if draw(st.booleans()) else condition
    return found


@st.composite
def acts(draw: st.DrawFn) -> Act:
    kind = draw(st.sampled_from(["bulk", "bulk", "bulk", "upsert", "find", "find", "delete", "iterate", "transaction"]))
    conflict = draw(st.sampled_from([None, None, ("b", "k"), ("k", "b")]))
    where, batch = draw(conditions()), draw(st.lists(rows(), max_size=4))
    row = draw(rows())
    down, column = draw(st.booleans()), draw(st.sampled_from(["a", "b", "n", "f", "l"]))
    order = [(desc if down else asc)(column, nulls_first=draw(st.booleans())), asc("a")]
    limit, offset = draw(st.none() | st.integers(0, 3)), draw(st.integers(0, 2))
    deeds: dict[str, Act] = {
        "bulk": lambda r: r.bulk_upsert(batch, conflict=conflict),
        "upsert": lambda r: r.upsert(row, conflict=conflict),
        "find": lambda r: (r.find_many(where, order=order, limit=limit, offset=offset), r.count(where), r.find_one(where)),
        "delete": lambda r: r.delete(where),
        "iterate": lambda r: [*r.iterate(where, batch=2)],
        "transaction": lambda r: _together(r, batch, row),
    }
    return deeds[kind]


def _together(things: Repository, batch: list[Row], row: Row) -> Any:
    with things.transaction() as bound:
        first = bound.bulk_upsert(batch)
        return first, bound.upsert(row), bound.count()


def said(act: Act, things: Repository) -> str:
    """What came of it; NaN is equal to itself so."""
    try:
        return repr(act(things))
    except DataError as error:
        return f"{type(error).__name__} {error.code} {error.constraint}"


@pytest.fixture(scope="module")
def both(pg16: Server) -> Iterator[tuple[BlockingStore, str]]:
    sql(pg16, "CREATE DATABASE data_random")
    sql(pg16, SCHEMA, database="data_random")
    url = pg16.url("data_random")
    with blocking(SqlStore.open(url)) as store:
        yield store, url
    blocked.stop()
    sql(pg16, "DROP DATABASE data_random WITH (FORCE)")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(done=st.lists(acts(), min_size=2, max_size=8))
def test_memory_answers_as_postgresql_does(both: tuple[BlockingStore, str], done: list[Act]) -> None:
    store, url = both
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DELETE FROM things")
    known = store.store
    assert isinstance(known, SqlStore)
    there, here = store.repository("things"), blocking(MemoryStore(known.tables)).repository("things")
    for act in done:
        assert said(act, here) == said(act, there)
    assert repr(here.find_many(order=[asc("a")])) == repr(there.find_many(order=[asc("a")]))

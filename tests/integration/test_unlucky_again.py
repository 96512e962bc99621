"""Transactions around the rows that lose a deadlock are run again: quarantine, accounting, what leaves before others come."""

from __future__ import annotations

import pytest

from crosswalk.embedded import Server
from crosswalk.mapping import read_text
from tests.road import Road, connected, sums
from tests.servers import MakeDatabase

SOURCE = """
CREATE TABLE p (id int PRIMARY KEY, n text);
INSERT INTO p VALUES (1, 'x'), (2, 'y');
"""
TARGET = "CREATE TABLE p (id int PRIMARY KEY, n text NOT NULL UNIQUE)"
SAME = """
version: 1
tables:
  p:
    from: p
    key: [id]
    rejects: quarantine
    columns: {id: id, n: n}
"""
FLAKY = """
CREATE SEQUENCE public.tries;
CREATE FUNCTION public.flaky() RETURNS trigger LANGUAGE plpgsql AS
$$BEGIN IF nextval('public.tries') < 3 THEN RAISE EXCEPTION 'unlucky' USING ERRCODE = '40P01'; END IF; RETURN NULL; END$$;
CREATE TRIGGER flaky AFTER %s ON crosswalk.%s FOR EACH STATEMENT EXECUTE FUNCTION public.flaky();
"""


@pytest.mark.parametrize(
    ("change", "event", "ledger", "expected"),
    [
        ("UPDATE p SET n = NULL WHERE id = 2", "DELETE", "quarantine", (2, 1, 0, 1, 0)),
        ("INSERT INTO p VALUES (3, NULL)", "INSERT", "quarantine", (3, 2, 0, 1, 0)),
        ("INSERT INTO p VALUES (3, 'z')", "INSERT OR UPDATE", "tally", (3, 3, 0, 0, 0)),
        ("UPDATE p SET n = 'x'", "INSERT", "came", (2, 1, 0, 1, 0)),
    ],
)
async def test_what_stands_beside_the_chunks_is_done_again(
    change: str,
    event: str,
    ledger: str,
    expected: tuple[int, ...],
    pg16: Server,
    pg18: Server,
    make_database: MakeDatabase,
) -> None:
    way = Road(source=make_database(pg16), target=make_database(pg18), file=read_text(SAME))
    for url, text in ((way.source, SOURCE), (way.target, TARGET)):
        async with connected(url) as conn:
            await conn.execute(text)
    await way.migrate()
    async with connected(way.source) as conn:
        await conn.execute(change)
    async with connected(way.target) as conn:
        await conn.execute(FLAKY % (event, ledger))
    assert sums(await way.migrate()) == {"p": expected}
    async with connected(way.target) as conn:
        assert await conn.fetchval("SELECT last_value FROM public.tries") >= 3

"""What a run says of rows that it found in the target, of a limit that its rows exceed, of a sequence that it may not read."""

from __future__ import annotations

import pytest

from crosswalk.allowance import Limit
from crosswalk.embedded import Server
from crosswalk.errors import TooManyRejects
from crosswalk.mapping import read_text
from crosswalk.migration import migrate
from crosswalk.planning import make_plan
from crosswalk.progress import Silent
from tests.road import ALL_HAZARDS, Road, connected, decision
from tests.servers import MakeDatabase, MakeRole, database_of, sql

DOCUMENT = """
version: 1
tables:
  p: {from: p, key: [id], rejects: quarantine, columns: {id: id, n: n}}
"""
SOURCE = "CREATE TABLE p (id serial PRIMARY KEY, n text); INSERT INTO p (n) SELECT 'n' || i FROM generate_series(1, 5) AS i"
TARGET = "CREATE TABLE p (id serial PRIMARY KEY, n text NOT NULL); CREATE INDEX by_n ON p (n)"


class Notes(Silent):
    """What a person was told."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def note(self, text: str) -> None:
        self.said.append(text)


async def _road(pg16: Server, pg18: Server, make: MakeDatabase) -> Road:
    way = Road(source=make(pg16), target=make(pg18), file=read_text(DOCUMENT))
    for url, text in ((way.source, SOURCE), (way.target, TARGET)):
        async with connected(url) as conn:
            await conn.execute(text)
    return way


async def test_rows_that_were_there_are_no_news(pg16: Server, pg18: Server, make_database: MakeDatabase) -> None:
    way = await _road(pg16, pg18, make_database)
    assert (await way.migrate()).there == 0
    async with connected(way.source) as conn:
        await conn.execute("INSERT INTO p (n) VALUES ('new'); UPDATE p SET n = 'other' WHERE id = 3")
    again = await way.migrate()
    assert (again.tallies[0].loaded, again.there) == (6, 5)


async def test_rows_are_counted_before_indexes_are_dropped(pg16: Server, pg18: Server, make_database: MakeDatabase) -> None:
    way = await _road(pg16, pg18, make_database)
    async with connected(way.source) as conn:
        await conn.execute("UPDATE p SET n = NULL WHERE id < 4")
    plan, _ = await make_plan(way.file, way.servers, sample=False, rebuild=True)
    assert [s.name for s in plan.statements if s.if_empty] == ["by_n"]
    plan = plan.model_copy(update={"decision": decision()})
    with pytest.raises(TooManyRejects):
        await migrate(plan, way.servers, allow=ALL_HAZARDS, max_rejects=Limit.read("2"))
    async with connected(way.target) as conn:
        assert await conn.fetchval("SELECT to_regclass('by_n')") is not None


async def test_a_run_tells_of_a_sequence_that_it_may_not_read(
    pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole
) -> None:
    way, reader = await _road(pg16, pg18, make_database), make_role(pg16)
    sql(pg16, f'GRANT SELECT ON p TO "{reader.name}"', database=database_of(way.source))
    way = Road(source=reader.url(pg16, database_of(way.source)), target=way.target, file=way.file)
    notes = Notes()
    await way.migrate(observer=notes)
    assert [s for s in notes.said if "the source's sequence public.p_id_seq may not be read" in s]

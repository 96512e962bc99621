"""A small move over two lines that break, and what must be true of it in the end.

`laid` opens a `Way` between two databases that were filled from SOURCE and TARGET; `Breaker` acts between two chunks, so
that each break falls into the middle of a copy, on every machine.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from crosswalk.endurance import Patience, migrate
from crosswalk.migration import Migrated
from crosswalk.names import Name
from crosswalk.plan import Plan
from crosswalk.progress import Silent, Stretch
from crosswalk.survey import Servers
from tests.cut import Line, line
from tests.road import ALL_HAZARDS, BACKUPS, Road, connected, findings, road

ROWS = 6000
SOURCE = f"""
CREATE TABLE owner (id int PRIMARY KEY, name text NOT NULL, boss int);
CREATE TABLE item (id int PRIMARY KEY, owner int REFERENCES owner, name text);
INSERT INTO owner SELECT i, 'o' || i, NULLIF(i % 50, 0) FROM generate_series(1, 300) AS i;
INSERT INTO item SELECT i, 1 + i % 300, repeat(md5(i::text), 3) FROM generate_series(1, {ROWS}) AS i;
"""
TARGET = """
CREATE TABLE owner (id int PRIMARY KEY, name text NOT NULL, boss int REFERENCES owner);
CREATE TABLE item (number bigint GENERATED ALWAYS AS IDENTITY, id int PRIMARY KEY, owner int REFERENCES owner,
                   name text, touched int DEFAULT 0);
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN NEW.touched := 1; RETURN NEW; END$$;
CREATE TRIGGER touch BEFORE INSERT OR UPDATE ON item FOR EACH ROW EXECUTE FUNCTION touch();
"""
DOCUMENT = """\
version: 1
tables:
  owner: {from: owner, key: [id], columns: {id: id, name: name, boss: boss}}
  item: {from: item, key: [id], columns: {number: {default: true}, id: id, owner: owner, name: name, touched: {value: 7}}}
"""
CONTENT = "SELECT md5(string_agg(t::text, ';' ORDER BY id)) FROM (SELECT {columns} FROM {table}) AS t"
QUICK = Patience(seconds=20, first=0.05, longest=0.5)
CHUNK = 60_000
Act = Callable[[], object]


@dataclass
class Breaker(Silent):
    """Acts once a number of chunks have landed; keeps what was said."""

    act: Act = lambda: None
    after: int = 3
    chunks: int = 0
    said: list[str] = field(default_factory=list)
    hears: Callable[[str], object] = lambda _: None

    def chunk(self, name: Name, stretch: Stretch) -> None:
        self.chunks += 1
        if self.chunks == self.after:
            self.act()

    def note(self, text: str) -> None:
        self.said.append(text)
        self.hears(text)


@dataclass(frozen=True)
class Way:
    """A road whose two ends are reached over lines."""

    straight: Road
    source: Line
    target: Line
    plan: Plan

    @property
    def servers(self) -> Servers:
        return Servers(source=self.source.url, target=self.target.url)

    async def migrate(self, breaker: Breaker, **options: Any) -> Migrated:
        asked = {"patience": QUICK, "jobs": 2, **options}
        return await migrate(
            self.plan, self.servers, allow=ALL_HAZARDS, chunk_bytes=CHUNK, observer=breaker, backup=BACKUPS, **asked
        )

    async def require_whole(self, done: Migrated) -> None:
        """Content, accounting, triggers and proof are those of an undisturbed run."""
        assert {t.target.relation: (t.extracted, t.loaded) for t in done.tallies} == {
            "owner": (300, 300), "item": (ROWS, ROWS),
        }
        for table, columns in (("owner", "id, name, boss"), ("item", "id, owner, name")):
            query = CONTENT.format(table=table, columns=columns)
            async with connected(self.straight.source) as source, connected(self.straight.target) as target:
                assert await source.fetchval(query) == await target.fetchval(query), table
        async with connected(self.straight.target) as target:
            assert await target.fetchval("SELECT count(*) || ' ' || sum(touched) FROM item") == f"{ROWS} {7 * ROWS}"
            assert await target.fetchval("SELECT tgenabled FROM pg_trigger WHERE tgname = 'touch'") == b"O"
            assert await target.fetchval("SELECT count(*) FROM crosswalk.held WHERE released_at IS NULL") == 0
        assert not findings(await self.straight.verify())

    async def snapshots(self) -> int:
        """How many the run was under."""
        async with connected(self.straight.target) as target:
            return int(await target.fetchval("SELECT count(*) FROM crosswalk.event WHERE name = 'copying'"))


@asynccontextmanager
async def laid(source: str, target: str) -> AsyncIterator[Way]:
    straight = road(source, target, DOCUMENT)
    async with line(source) as near, line(target) as far:
        yield Way(straight, near, far, await straight.plan())


async def fill(url: str, text: str) -> None:
    async with connected(url) as conn:
        await conn.execute(text)

"""Wall clocks that jump: a time that never was, or was twice, is set aside and never guessed."""

from __future__ import annotations

import asyncpg

from crosswalk.embedded import Server
from crosswalk.mapping import read_text
from tests.road import Road
from tests.servers import MakeDatabase

SOURCE = """
CREATE TABLE t (id int PRIMARY KEY, a timestamp, b timestamptz);
INSERT INTO t VALUES (1, '2024-03-31 02:30', '2024-06-01 12:00+00'), (2, '2024-03-31 03:30', '2024-10-27 00:30+00'),
    (3, '2024-07-01 12:00', '2024-10-27 01:30+00'), (4, NULL, NULL), (5, 'infinity', '-infinity');
"""
TARGET = "CREATE TABLE t (id int PRIMARY KEY, a timestamptz, b timestamp)"
DOCUMENT = """
version: 1
tables:
  t:
    from: t
    key: [id]
    rejects: quarantine
    columns: {id: id, a: {zone: ZONE, from: a}, b: {zone: ZONE, from: b}}
"""


async def _road(pg16: Server, pg18: Server, make_database: MakeDatabase, zone: str) -> Road:
    source, target = make_database(pg16), make_database(pg18)
    for url, sql in ((source, SOURCE), (target, TARGET)):
        connection = await asyncpg.connect(url)
        await connection.execute(sql)
        await connection.close()
    return Road(source=source, target=target, file=read_text(DOCUMENT.replace("ZONE", zone)))


async def test_times_that_never_were_or_were_twice_are_set_aside(
    pg16: Server, pg18: Server, make_database: MakeDatabase
) -> None:
    road = await _road(pg16, pg18, make_database, "Europe/Berlin")
    checked = await road.check()
    # 1: a clock that never showed 02:30; of 00:30 and 01:30 UTC, both 02:30 in Berlin, one would come back as the other.
    assert [(v.code, v.rows) for v in checked.verdicts] == [("zone", 1), ("zone", 1)]
    done = await road.migrate()
    assert [(t.loaded, t.quarantined) for t in done.tallies] == [(3, 2)]
    assert (await road.verify()).clean


async def test_a_zone_that_posix_would_turn_around_is_refused(
    pg16: Server, pg18: Server, make_database: MakeDatabase
) -> None:
    road = await _road(pg16, pg18, make_database, "UTC+3")
    assert {p.code for p in (await road.check()).problems} == {"zone.posix"}
    road = await _road(pg16, pg18, make_database, "Europe/Moskau")
    assert {p.code for p in (await road.check()).problems} == {"rule.sql"}

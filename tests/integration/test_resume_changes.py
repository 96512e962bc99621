"""Between the kill and the resume the source goes on changing: keys change, rows go, winners change."""

from __future__ import annotations

from collections import Counter

import pytest

from crosswalk.embedded import Server
from crosswalk.errors import FailpointHit
from crosswalk.failpoints import VARIABLE
from crosswalk.mapping import read_text
from crosswalk.migration import migrate, resume
from tests.road import ALL_HAZARDS, Road, rows, run
from tests.servers import MakeDatabase

SOURCE = """
CREATE TABLE shop (id int PRIMARY KEY, name text NOT NULL);
CREATE TABLE client (id int PRIMARY KEY, shop int NOT NULL, phone text NOT NULL, note text, UNIQUE (shop, phone));
CREATE TABLE visit (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), client int NOT NULL, day date NOT NULL, UNIQUE (client, day));
INSERT INTO shop SELECT i, 'shop ' || i FROM generate_series(1, 3) AS i;
INSERT INTO client SELECT i, i % 3 + 1, '7900' || i, repeat('x', 200) FROM generate_series(1, 3000) AS i;
INSERT INTO visit (client, day) SELECT i % 3000 + 1, date '2026-01-01' + i / 3000 FROM generate_series(1, 6000) AS i;
"""
TARGET = """
CREATE TABLE shop (id int PRIMARY KEY, title varchar(50) NOT NULL);
CREATE TABLE client (
    id serial PRIMARY KEY, shop_id int NOT NULL REFERENCES shop, phone varchar(20) NOT NULL, note text,
    UNIQUE (shop_id, phone)
);
CREATE TABLE visit (
    id serial PRIMARY KEY, client_id int NOT NULL REFERENCES client ON DELETE RESTRICT, day date NOT NULL,
    UNIQUE (client_id, day)
);
"""
DOCUMENT = """
version: 1
tables:
  shop: {from: shop, key: [id], columns: {id: id, title: name}}
  client:
    from: client
    key: [shop_id, phone]
    rejects: quarantine
    columns:
      shop_id: {lookup: {table: shop, match: {id: shop}, take: id}}
      phone: phone
      note: note
    drop: {id: the target makes its own}
  visit:
    from: visit
    key: [client_id, day]
    rejects: quarantine
    columns:
      client_id: {lookup: {table: client, match: {id: client}, take: id}}
      day: day
    drop: {id: the target makes its own}
"""
CHANGES = """
UPDATE client SET phone = '7999' || id WHERE id % 100 = 7;
UPDATE client SET note = 'changed' WHERE id % 100 = 8;
DELETE FROM visit WHERE client % 100 = 9;
DELETE FROM client WHERE id % 100 = 9;
INSERT INTO client SELECT i, 1, '8' || i, NULL FROM generate_series(4000, 4050) AS i;
INSERT INTO visit (client, day) SELECT i, '2026-03-01' FROM generate_series(4000, 4050) AS i;
UPDATE visit SET day = day + 100 WHERE client % 100 = 10;
"""


async def _road(pg16: Server, pg18: Server, make_database: MakeDatabase) -> Road:
    source, target = make_database(pg16), make_database(pg18)
    await run(source, SOURCE)
    await run(target, TARGET)
    return Road(source=source, target=target, file=read_text(DOCUMENT))


THEIRS = "SELECT s.name, c.phone, c.note, v.day FROM client c JOIN shop s ON s.id = c.shop LEFT JOIN visit v ON v.client = c.id"
OURS = """SELECT s.title, c.phone, c.note, v.day FROM client c JOIN shop s ON s.id = c.shop_id
LEFT JOIN visit v ON v.client_id = c.id"""
ORDER = " ORDER BY 1, 2, 4"


@pytest.mark.parametrize("failpoint", ["chunk.after_commit=error@2", "table.done=error@2", "run.before_finish=error"])
async def test_resume_meets_a_source_that_changed(
    failpoint: str, pg16: Server, pg18: Server, make_database: MakeDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    road = await _road(pg16, pg18, make_database)
    plan = await road.plan()
    monkeypatch.setenv(VARIABLE, failpoint)
    monkeypatch.setattr("crosswalk.failpoints._passed", Counter())
    with pytest.raises(FailpointHit):
        await migrate(plan, road.servers, allow=ALL_HAZARDS, chunk_bytes=100_000, jobs=1)
    monkeypatch.delenv(VARIABLE)
    before = dict(await rows(road.target, "SELECT phone, id FROM client WHERE phone LIKE '7900%7'"))
    await run(road.source, CHANGES)

    done = await resume(road.servers, jobs=1)

    assert all(t.balanced for t in done.tallies)
    assert all(t.quarantined == 0 for t in done.tallies), done.reasons
    assert await rows(road.target, OURS + ORDER) == await rows(road.source, THEIRS + ORDER)
    verified = await road.verify()
    assert verified.clean, [(str(t.target), t.differences[:3]) for t in verified.tables if not t.clean]
    after = dict(await rows(road.target, "SELECT phone, id FROM client WHERE phone LIKE '7999%'"))
    kept = {phone: number for phone, number in after.items() if f"7900{str(phone)[4:]}" in before}
    assert all(before[f"7900{str(phone)[4:]}"] == number for phone, number in kept.items())


async def test_a_second_move_follows_keys_that_changed(
    pg16: Server, pg18: Server, make_database: MakeDatabase
) -> None:
    road = await _road(pg16, pg18, make_database)
    plan = await road.plan()
    await road.migrate(plan)
    before = dict(await rows(road.target, "SELECT phone, id FROM client"))
    await run(road.source, "UPDATE client SET phone = '7999' || id WHERE id % 100 = 7")
    done = await road.migrate(plan)
    assert all(t.quarantined == 0 for t in done.tallies), done.reasons
    after = dict(await rows(road.target, "SELECT phone, id FROM client"))
    assert len(after) == len(before)
    assert {p: i for p, i in after.items() if str(p).startswith("7999")} == {
        f"7999{str(p)[4:]}": i for p, i in before.items() if int(str(p)[4:]) % 100 == 7
    }
    assert (await road.verify()).clean

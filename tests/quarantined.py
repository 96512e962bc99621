"""A finished run with rows in quarantine, made once and cloned for each test that begins after it."""

from __future__ import annotations

from typing import Any

from crosswalk.embedded import Server
from tests.road import Road, road, rows, run
from tests.servers import MakeDatabase, MakeTemplate, Role

SOURCE = """
CREATE TABLE client (id int PRIMARY KEY, email text, phone text NOT NULL, token text);
CREATE TABLE visit (id int PRIMARY KEY, client int NOT NULL REFERENCES client ON DELETE CASCADE, day date);
INSERT INTO client SELECT i, 'c' || i || '@example.org', '79' || i, 'secret' FROM generate_series(1, 8) AS i;
UPDATE client SET email = NULL WHERE id IN (2, 4);
UPDATE client SET phone = 'bad ' || id WHERE id IN (3, 5);
INSERT INTO visit SELECT i * 10, i, '2026-01-01' FROM generate_series(1, 8) AS i;
"""
TARGET = """
CREATE FUNCTION sound(text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN $1 NOT LIKE 'bad%'; END $$;
CREATE TABLE client (id int PRIMARY KEY, email text NOT NULL, phone text CONSTRAINT sound CHECK (sound(phone)),
    token text, touched timestamptz NOT NULL DEFAULT 'epoch');
CREATE TABLE visit (id int PRIMARY KEY, client_id int NOT NULL REFERENCES client, day date);
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.touched := now(); RETURN NEW; END $$;
CREATE TRIGGER touch BEFORE INSERT OR UPDATE ON client FOR EACH ROW EXECUTE FUNCTION touch();
"""
DOCUMENT = """
version: 1
tables:
  client:
    from: client
    key: [id]
    rejects: quarantine
    columns: {id: id, email: email, phone: phone, token: {sql: token, secret: true}, touched: {default: true}}
  visit:
    from: visit
    key: [id]
    rejects: quarantine
    columns:
      id: id
      client_id: {lookup: {table: client, match: {id: client}, take: id}}
      day: day
"""
_FORGET = "UPDATE crosswalk.run SET plan = jsonb_set(plan::jsonb, '{source,cluster}', '\"\"')::json"
"""A clone of the source is another database than the one that was planned for."""


def after_a_run(
    pg16: Server, pg18: Server, template: MakeTemplate, make_database: MakeDatabase, holders: tuple[Role, Role]
) -> Road:
    """Two clients whose email is NULL (2, 4: the rules see it), two whose phone is bad (3, 5: only the load does), and
    the visits of all four are in quarantine."""
    old = template(pg16, f"set_aside_{holders[0].name}", lambda url: run(url, SOURCE), owner=holders[0])
    source = make_database(pg16, old, owner=holders[0])

    async def move(url: str) -> None:
        await run(url, TARGET)
        await road(source, url, DOCUMENT).migrate()
        await run(url, _FORGET)

    new = template(pg18, f"set_aside_{holders[1].name}", move, owner=holders[1])
    return road(source, make_database(pg18, new, owner=holders[1]), DOCUMENT)


async def tallies(url: str) -> dict[str, tuple[Any, ...]]:
    """The newest accounting as the ledger has it."""
    found = await rows(
        url,
        "SELECT DISTINCT ON (target_table) target_table, extracted, loaded, merged, quarantined, filtered, written"
        " FROM crosswalk.tally ORDER BY target_table, run_id DESC",
    )
    return {name.rpartition(".")[2]: tuple(rest) for name, *rest in found}

"""What `tests/havoc.py` moves: pairs of databases with a document and a strategy, and how to read what came of them.

A world's content is everything that a run leaves, without what may differ between two runs: numbers that the target
makes (`made`, else a query in their place), where their sequences stand, times, and the column named beside a row in
quarantine (a row without its parent is refused by the key, or taken out when the parent is).
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from crosswalk.embedded import Server
from crosswalk.mapping import MappingFile, read_mapping, read_text
from crosswalk.plan import Strategy
from examples.salon.data import load_source, load_target
from tests.road import connected, sequences
from tests.standing import dumped

Build = Callable[[str], Awaitable[None]]
Content = dict[str, str]
ROOT: Final = Path(__file__).parents[1]
SALON: Final = ROOT / "examples" / "salon" / "crosswalk.yaml"
PAIR: Final = ROOT / "tests" / "pair"
_TABLES: Final = (
    "SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
    " WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND n.nspname !~ '^(crosswalk$|pg_|information_schema)'"
)
HASH: Final = "SELECT count(*) || ' ' || COALESCE(sum(hashtextextended(line, 0)), 0) FROM ({lines}) AS t (line)"
_LEDGER: Final = {
    "quarantine": "SELECT concat_ws('|', target_table, source_key, code, sqlstate, \"row\") FROM crosswalk.quarantine",
    "accounts": "SELECT concat_ws('|', target_table, extracted, loaded, merged, quarantined, filtered, written) FROM crosswalk.tally",
    "filled": "SELECT concat_ws('|', target_table, was_empty) FROM crosswalk.filled",
    "held": "SELECT name FROM crosswalk.held WHERE released_at IS NULL",
    "came": "SELECT target_table || sum(rows) FROM crosswalk.came GROUP BY target_table HAVING sum(rows) <> 0",
    "landed": "SELECT concat_ws('|', target_table, rows) FROM crosswalk.landed",
    "preserved": "SELECT concat_ws('|', target_table, rows, hash) FROM crosswalk.preserved",
    "keys": "SELECT concat_ws('|', target_table, source_key) FROM crosswalk.key_map",
    "statements": "SELECT concat_ws('|', number, phase, name) FROM crosswalk.applied WHERE undone_at IS NULL",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """One kind of move."""

    name: str
    file: MappingFile = field(repr=False)
    strategy: Strategy
    old: Build
    new: Build
    made: Mapping[str, str] = field(default_factory=dict)
    """By table: the column that the target numbers itself."""
    queries: Mapping[str, str] = field(default_factory=dict)
    """By table: its rows as texts, where numbers of the target's are referred to."""
    loose: tuple[str, ...] = ()
    """Sequences that may stand anywhere."""

    async def content(self, server: Server, url: str) -> Content:
        """Hashes of everything that a run leaves, and the whole schema as pg_dump writes it."""
        found: Content = {}
        async with connected(url) as conn:
            for (table,) in await conn.fetch(_TABLES):
                short = table.removeprefix("public.")
                lines = self.queries.get(short) or f"SELECT (to_jsonb(t) - '{self.made.get(short, '')}')::text FROM {table} AS t"
                found[_undated(table)] = await conn.fetchval(HASH.format(lines=lines))
            for name, lines in _LEDGER.items():
                found[name] = _undated(await conn.fetchval(HASH.format(lines=lines)))
            for name, state in (await sequences(conn)).items():
                if name.removeprefix("public.") not in self.loose:
                    found[name] = str(state)
        found["schema"] = "\n".join(_undated(line) for line in dumped(server, url))
        return found


def _undated(text: str) -> str:
    return re.sub(r"archive_\d{8}(_\d+)?", "archive", text)


def differing(expected: Content, found: Content) -> list[str]:
    """Names of what differs, with both hashes, and lines of the schema."""
    told = []
    for name in sorted({*expected, *found}):
        one, other = expected.get(name, "nothing"), found.get(name, "nothing")
        if one != other and name == "schema":
            lines, others = one.splitlines(), other.splitlines()
            told += [f"- {line}" for line in lines if line not in others] + [f"+ {line}" for line in others if line not in lines]
        elif one != other:
            told.append(f"{name}: {one} became {other}")
    return told


# --- the worlds -------------------------------------------------------------------------------------


def _by_text(text: str) -> Build:
    async def build(url: str) -> None:
        async with connected(url) as conn:
            await conn.execute(text)

    return build


def _old_salon(*, rows: int | None = None, traps: bool = False) -> Build:
    async def build(url: str) -> None:
        async with connected(url) as conn:
            await load_source(conn, dataset="traps" if traps else "default", rows=rows)

    return build


async def _new_salon(url: str) -> None:
    async with connected(url) as conn:
        await load_target(conn)


def _salon(name: str, strategy: Strategy, *, rows: int | None = None, traps: bool = False) -> World:
    loose = () if strategy == "recreate" else ("bookings_id_seq", "dialog_contexts_id_seq")
    made = {} if strategy == "recreate" else {"bookings": "id", "dialog_contexts": "id"}
    return World(
        name=name, file=read_mapping(SALON), strategy=strategy, old=_old_salon(rows=rows, traps=traps), new=_new_salon,
        made=made, loose=loose,
    )


ODD_SOURCE: Final = """
CREATE TABLE shop (id int PRIMARY KEY, name text NOT NULL, head int);
CREATE TABLE person (id int PRIMARY KEY, boss int, shop int NOT NULL, nick text NOT NULL, note text);
CREATE TABLE log (line text, at timestamp);
CREATE TABLE visit (id int PRIMARY KEY, day date NOT NULL, person int, body text);
INSERT INTO shop SELECT i, 'shop ' || i, i * 100 FROM generate_series(1, 40) AS i;
INSERT INTO person SELECT i, NULLIF(8001 - i / 10, 8001), 1 + i % 40, 'nick ' || i,
    CASE WHEN i % 1000 = 997 THEN 'bad' ELSE repeat(md5(i::text), 8) END FROM generate_series(1, 8000) AS i;
INSERT INTO log SELECT repeat(md5((i % 3000)::text), 8), timestamp '2026-01-01' + interval '1 hour' * (i % 5)
    FROM generate_series(1, 12000) AS i;
INSERT INTO visit SELECT i, date '2026-01-01' + i % 90, CASE WHEN i % 997 = 5 THEN -i ELSE 1 + i % 8000 END,
    repeat(md5(i::text), 5) FROM generate_series(1, 10000) AS i;
"""
ODD_TARGET: Final = """
CREATE FUNCTION fits(text) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT $1 <> ''bad''';
CREATE TABLE shop (id serial PRIMARY KEY, name text NOT NULL UNIQUE, head_id bigint);
CREATE TABLE person (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, nr int NOT NULL UNIQUE, nick text NOT NULL UNIQUE,
    boss_id bigint REFERENCES person, shop_id int NOT NULL REFERENCES shop, note text CHECK (fits(note)), touched int DEFAULT 0
);
ALTER TABLE shop ADD CONSTRAINT headed FOREIGN KEY (head_id) REFERENCES person;
CREATE TABLE log (line text, at timestamp);
CREATE INDEX logged ON log (at);
CREATE TABLE visit (id int, day date NOT NULL, nr int REFERENCES person (nr), body text, seen int DEFAULT 0, PRIMARY KEY (id, day))
    PARTITION BY RANGE (day);
CREATE TABLE visit_1 PARTITION OF visit FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
CREATE TABLE visit_2 PARTITION OF visit FOR VALUES FROM ('2026-02-01') TO ('2026-03-01');
CREATE TABLE visit_3 PARTITION OF visit DEFAULT;
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN NEW.touched := 1; RETURN NEW; END$$;
CREATE TRIGGER touch BEFORE INSERT OR UPDATE ON person FOR EACH ROW EXECUTE FUNCTION touch();
"""
ODD_DOCUMENT: Final = """
version: 1
tables:
  shop:
    from: shop
    key: [name]
    columns:
      name: name
      head_id: {lookup: {table: person, match: {id: head}, take: id, missing: "null"}}
    drop: {id: the target makes its own}
  person:
    from: person
    key: [nr]
    rejects: quarantine
    columns:
      nr: id
      nick: nick
      boss_id: {lookup: {table: person, match: {id: boss}, take: id, missing: "null"}}
      shop_id: {lookup: {table: shop, match: {id: shop}, take: id}}
      note: note
      touched: {value: 7}
  log: {from: log, key: [], columns: {line: line, at: at}}
  visit:
    from: visit
    key: [id, day]
    rejects: quarantine
    columns:
      id: id
      day: day
      nr: {lookup: {table: person, match: {id: person}, take: nr, missing: quarantine}}
      body: body
      seen: {value: 7}
"""
ODD_QUERIES: Final = {
    "log": "SELECT concat_ws('|', line, at) FROM log",
    "visit": "SELECT concat_ws('|', id, day, nr, body, seen) FROM visit",
    "shop": "SELECT concat_ws('|', s.name, p.nr) FROM shop s LEFT JOIN person p ON p.id = s.head_id",
    "person": (
        "SELECT concat_ws('|', p.nr, p.nick, b.nr, s.name, p.note, p.touched) FROM person p"
        " LEFT JOIN person b ON b.id = p.boss_id JOIN shop s ON s.id = p.shop_id"
    ),
}
_OUT: Final = (
    "WITH RECURSIVE out AS (SELECT id FROM person WHERE note = 'bad'"
    " UNION SELECT p.id FROM person p JOIN out o ON p.boss = o.id) "
)
ODD_TRUTH: Final = {
    "shop": "SELECT concat_ws('|', s.name, p.id) FROM shop s LEFT JOIN person p ON p.id = s.head",
    "person": (
        f"{_OUT}SELECT concat_ws('|', p.id, p.nick, b.id, s.name, p.note, 7) FROM person p"
        " LEFT JOIN person b ON b.id = p.boss JOIN shop s ON s.id = p.shop WHERE p.id NOT IN (SELECT id FROM out)"
    ),
    "log": "SELECT concat_ws('|', line, at) FROM log",
    "visit": (
        f"{_OUT}SELECT concat_ws('|', v.id, v.day, p.id, v.body, 7) FROM visit v JOIN person p ON p.id = v.person"
        " WHERE p.id NOT IN (SELECT id FROM out)"
    ),
}
"""What the source says of each table: rows that fit, under the keys that both sides know."""
ODD_CHANGES: Final = (
    "UPDATE person AS p SET nick = o.nick FROM person o WHERE p.id IN ({n}, {m}) AND o.id = {n} + {m} - p.id",
    "UPDATE person SET boss = 7300 + {n} % 500 WHERE id BETWEEN {m} AND {m} + 20",
    "UPDATE person SET note = note || '.' WHERE id BETWEEN {n} AND {n} + 100 AND note <> 'bad'",
    "UPDATE person SET note = 'good now' WHERE id = {n} / 1000 * 1000 + 997",
    "UPDATE visit SET day = day + 31, body = 'moved' WHERE id BETWEEN {n} AND {n} + 30",
    "DELETE FROM visit WHERE id BETWEEN {n} AND {n} + 60",
    "INSERT INTO visit SELECT max(id) + 1, date '2026-01-01' + {n} % 90, {m}, repeat('new ', {n} % 100) FROM visit",
    "INSERT INTO log SELECT line, at FROM log LIMIT 40",
    "DELETE FROM log WHERE ctid IN (SELECT ctid FROM log OFFSET {n} LIMIT 60)",
    "VACUUM log",
)
"""What an application may do to the source at any time; of two persons, n and m."""
ODD: Final = World(
    name="odd", file=read_text(ODD_DOCUMENT), strategy="transform", old=_by_text(ODD_SOURCE), new=_by_text(ODD_TARGET),
    queries=ODD_QUERIES, loose=("shop_id_seq", "person_id_seq"),
)
"""Pages of a table without a key, with equal rows; references to rows that come later; a circle; partitions; rows that
only the target refuses, and rows that refer to them."""

WORLDS: Final = (
    _salon("salon", "transform", rows=12_000),
    _salon("traps", "transform", traps=True),
    _salon("salon recreated", "recreate", rows=6_000),
    _salon("salon hybrid", "hybrid", rows=6_000),
    World(
        name="pair recreated", file=read_mapping(PAIR / "crosswalk.yaml"), strategy="recreate",
        old=_by_text((PAIR / "source.sql").read_text(encoding="utf-8")),
        new=_by_text((PAIR / "target.sql").read_text(encoding="utf-8")),
    ),
    ODD,
)

"""A row is either loaded or in quarantine: also where it was refused late, and others refer to it already."""

from __future__ import annotations

import pytest

from crosswalk.embedded import Server
from tests.judged import announced, in_quarantine
from tests.road import Road, connected, findings, lay, rows, run, sums
from tests.servers import MakeDatabase, MakeRole

SOURCE = """
CREATE TABLE c (id int PRIMARY KEY, vno int NOT NULL, mail text, ref int);
INSERT INTO c VALUES (1, 11, 'a', NULL), (2, 12, 'a', 3), (3, 13, 'c', 2), (4, 14, 'd', 5), (5, 15, 'e', 4),
 (6, 16, 'f', 7), (7, 17, 'old', 6), (8, 18, 'h', 6), (9, 19, 'i', NULL), (10, 20, 'j', 8), (11, 21, 'k', NULL);
CREATE TABLE o (id int PRIMARY KEY, c int);
INSERT INTO o SELECT i, i FROM generate_series(1, 11) AS i;
"""
TARGET = """
CREATE TABLE c (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, vno int UNIQUE NOT NULL, mail text UNIQUE NOT NULL,
 ref int{});
CREATE TABLE o (id int PRIMARY KEY, c_id int NOT NULL REFERENCES c ON DELETE CASCADE);
INSERT INTO c (vno, mail) VALUES (999, 'old'), (21, 'kept');
"""
DOCUMENT = """
version: 1
tables:
  c:
    from: c
    key: [vno]
    rejects: quarantine
    existing: {}
    columns: {{vno: vno, mail: mail, ref: {{lookup: {{table: c, match: {{id: ref}}, take: id}}}}}}
    drop: {{id: the target numbers}}
  o: {{from: o, key: [id], rejects: quarantine, columns: {{id: id, c_id: {{lookup: {{table: c, match: {{id: c}}, take: id}}}}}}}}
"""
BOTH = """
SELECT q.target_table, q.source_key->>0 FROM crosswalk.quarantine AS q JOIN crosswalk.key_map AS m
 USING (target_table, source_key) WHERE q.target_table = 'public.c'
UNION ALL SELECT target_table, source_key->>0 FROM crosswalk.quarantine JOIN o ON o.id = (source_key->>0)::int
 WHERE target_table = 'public.o'
"""
DANGLING = "SELECT vno FROM c AS a WHERE ref IS NOT NULL AND NOT EXISTS (SELECT FROM c WHERE id = a.ref)"
REASONS = "SELECT (source_key->>0)::int, column_name, code, message FROM crosswalk.quarantine WHERE target_table = $1 ORDER BY 1"


async def _lay(
    pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole, existing: str, refers: str = " REFERENCES c"
) -> Road:
    return await lay(make_database, make_role, (pg16, SOURCE), (pg18, TARGET.format(refers)), DOCUMENT.format(existing))


@pytest.mark.parametrize(("existing", "refers"), [("keep", " REFERENCES c"), ("update", ""), ("keep", "")])
async def test_a_row_is_loaded_or_in_quarantine_and_never_both(
    pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole, existing: str, refers: str
) -> None:
    """2 doubles a mail of the source, 7 one that stands in the target: they go, and with them all that refers to them."""
    road = await _lay(pg16, pg18, make_database, make_role, existing, refers)
    checked = await road.check()
    said = await announced(road.file, road.servers)
    done = await road.migrate()
    assert await rows(road.target, BOTH) == []
    async with connected(road.target) as conn:
        assert await in_quarantine(conn) == said
        gone = {key.strip('[]"') for key in said["public.c"]}
        why = {r[0]: tuple(r)[1:] for r in await conn.fetch(REASONS, "public.c")}
    assert gone == {"2", "3", "6", "7", "8", "10"}
    assert {key.strip('[]"') for key in said["public.o"]} == gone
    merged = 1 if existing == "keep" else 0
    assert sums(done) == {"c": (11, 5 - merged, merged, 6, 0), "o": (11, 5, 0, 6, 0)}
    assert {t.target.relation: (t.extracted, t.quarantined) for t in checked.tallies} == {"c": (11, 6), "o": (11, 6)}
    assert why[2] == ("mail", "unique", "another row has the same mail")
    assert why[3] == (
        "ref", "lookup.missing", "the row of c that it refers to was set aside (another row has the same mail)",
    )  # fmt: skip
    assert why[7][0] is None or why[7][0] == "mail"
    assert "c_mail_key" in why[7][2]
    assert await rows(road.target, DANGLING) == []
    assert findings(await road.verify()) == []


async def test_repair_takes_out_what_refers_to_a_row_that_had_to_go(
    pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole
) -> None:
    """Somebody takes 5's mail after the move and 5 is lost: 4, which refers to it, cannot stay, nor can its child."""
    road = await _lay(pg16, pg18, make_database, make_role, "keep")
    await road.migrate()
    await run(
        road.target,
        "UPDATE c SET ref = NULL WHERE vno = 14; DELETE FROM o WHERE id = 5; DELETE FROM c WHERE vno = 15;"
        "INSERT INTO c (vno, mail) VALUES (1000, 'e')",
    )
    mended = await road.repair()
    assert mended.after is not None
    assert [t for t in mended.after.tables for d in t.differences if d.kind != "extra"] == []
    assert await rows(road.target, "SELECT vno FROM c ORDER BY 1") == [(11,), (19,), (21,), (999,), (1000,)]
    assert await rows(road.target, "SELECT id FROM o ORDER BY 1") == [(1,), (9,), (11,)]

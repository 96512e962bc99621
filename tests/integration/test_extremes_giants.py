"""Values of hundreds of megabytes: carried where both servers can, else set aside with a clear word. Drills: they take minutes."""

from __future__ import annotations

import pytest

from crosswalk.embedded import Server
from tests.road import connected, findings, lay, rows, run, sums
from tests.servers import MakeDatabase, MakeRole

TABLE = """
CREATE TABLE giant (id int PRIMARY KEY, a text, b text);
ALTER TABLE giant ALTER a SET STORAGE EXTERNAL, ALTER b SET STORAGE EXTERNAL;
"""
SMALL = "INSERT INTO giant VALUES (1, 'x', 'u'), (3, 'y', 'w');"
DOCUMENT = """
version: 1
tables:
  giant: {from: giant, key: [id], rejects: quarantine, columns: {id: id, a: a, b: b}}
"""
pytestmark = pytest.mark.drill


async def test_a_value_of_three_hundred_megabytes_is_carried(
    pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole
) -> None:
    fill = SMALL + "INSERT INTO giant VALUES (2, repeat('a', 300000000), NULL);"
    way = await lay(make_database, make_role, (pg16, TABLE + fill), (pg18, TABLE), DOCUMENT)
    assert sums(await way.migrate()) == {"giant": (3, 3, 0, 0, 0)}
    assert findings(await way.verify()) == []
    assert await rows(way.target, "SELECT id, octet_length(a) FROM giant ORDER BY 1") == [(1, 1), (2, 300000000), (3, 1)]


async def test_a_giant_that_the_target_refuses_is_set_aside_by_its_key(
    pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole
) -> None:
    """Its row is more than jsonb holds: quarantine keeps the key and the reason."""
    fill = SMALL + "INSERT INTO giant VALUES (2, repeat('a', 300000000), NULL);"
    target = TABLE + "ALTER TABLE giant ADD EXCLUDE (id WITH =), ADD CHECK (a < 'z' OR a > 'zz'), ALTER b SET NOT NULL;"
    way = await lay(make_database, make_role, (pg16, TABLE + fill), (pg18, target), DOCUMENT)
    assert sums(await way.migrate()) == {"giant": (3, 2, 0, 1, 0)}
    async with connected(way.target) as conn:
        aside = await conn.fetch("SELECT source_key::text, row::text, code FROM crosswalk.quarantine")
        assert [tuple(row) for row in aside] == [('["2"]', "{}", "not_null")]
    assert findings(await way.verify()) == []


async def test_a_row_of_over_a_gigabyte_is_set_aside_with_a_clear_word(
    pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole
) -> None:
    """No server can send or store it in one piece: an UPDATE alone could make it."""
    way = await lay(make_database, make_role, (pg16, TABLE + SMALL), (pg18, TABLE), DOCUMENT)
    await run(way.source, "INSERT INTO giant VALUES (4, repeat('b', 550000000), '')")
    await run(way.source, "UPDATE giant SET b = repeat('c', 550000000) WHERE id = 4")
    assert sums(await way.migrate()) == {"giant": (3, 2, 0, 1, 0)}
    async with connected(way.target) as conn:
        [row] = await conn.fetch("SELECT source_key::text, row::text, message FROM crosswalk.quarantine")
        assert tuple(row)[:2] == ('["4"]', "{}")
        assert "over 1 GB" in row["message"]
    assert findings(await way.verify()) == []

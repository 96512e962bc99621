"""A run stops where more rows are rejected than were allowed, and goes on with a higher limit."""

from __future__ import annotations

import pytest

from crosswalk.allowance import Limit
from crosswalk.cli import main
from crosswalk.embedded import Server
from crosswalk.errors import CrosswalkError, TooManyRejects
from crosswalk.migration import migrate, resume
from tests.road import ALL_HAZARDS, BACKUPS, Road, connected, findings, road, rows, run, triggers
from tests.servers import MakeDatabase, MakeRole, MakeTemplate, Role

SOURCE = """
CREATE TABLE client (id int PRIMARY KEY, email text, phone text NOT NULL);
INSERT INTO client SELECT i, CASE WHEN i NOT IN (7, 8) THEN 'c' || i END,
    CASE WHEN i % 40 = 0 THEN 'bad ' ELSE '79' END || i || repeat('x', 900) FROM generate_series(1, 400) AS i;
"""
TARGET = """
CREATE FUNCTION sound(text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN $1 NOT LIKE 'bad%'; END $$;
CREATE TABLE client (id int PRIMARY KEY, email text NOT NULL, phone text CONSTRAINT sound CHECK (sound(phone)));
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
CREATE TRIGGER touch BEFORE INSERT OR UPDATE ON client FOR EACH ROW EXECUTE FUNCTION touch();
"""
DOCUMENT = """
version: 1
tables:
  client: {from: client, key: [id], rejects: quarantine, columns: {id: id, email: email, phone: phone}}
"""


@pytest.fixture(scope="session")
def stewards(pg16: Server, pg18: Server, make_role: MakeRole) -> tuple[Role, Role]:
    return make_role(pg16), make_role(pg18)


@pytest.fixture
async def way(
    pg16: Server, pg18: Server, template: MakeTemplate, make_database: MakeDatabase, stewards: tuple[Role, Role]
) -> Road:
    """Of 400 rows the rules reject 2 and the load 10, one here and one there."""
    old = template(pg16, "limit_old", lambda url: run(url, SOURCE), owner=stewards[0])
    new = template(pg18, "limit_new", lambda url: run(url, TARGET), owner=stewards[1])
    return road(
        make_database(pg16, old, owner=stewards[0]), make_database(pg18, new, owner=stewards[1]), DOCUMENT
    )


async def stopped(way: Road, limit: str) -> CrosswalkError:
    with pytest.raises(TooManyRejects) as raised:
        await migrate(
            await way.plan(), way.servers, allow=ALL_HAZARDS, jobs=1, chunk_bytes=40_000, backup=BACKUPS,
            max_rejects=Limit.read(limit),
        )
    assert (await rows(way.target, "SELECT name FROM crosswalk.event WHERE kind = 'state' ORDER BY id DESC LIMIT 1")) == [
        ("stopped",)
    ]
    return raised.value


async def test_the_rules_alone_exceed_it_before_anything_is_moved(way: Road) -> None:
    error = await stopped(way, "1")
    assert str(error) == "2 of 400 source rows are rejected by the rules alone, and 1 may be."
    assert error.exit_code == 2
    assert "crosswalk resume --max-rejects" in error.advice
    assert await rows(way.target, "SELECT (SELECT count(*) FROM client), (SELECT count(*) FROM crosswalk.chunk)") == [(0, 0)]
    assert (await resume(way.servers, max_rejects=Limit.read("3%"))).tallies[0].quarantined == 12
    assert findings(await way.verify()) == []


async def test_the_load_exceeds_it_at_a_chunks_edge_and_the_limit_outlives_the_stop(way: Road) -> None:
    async with connected(way.target) as conn:
        before = await triggers(conn)
    error = await stopped(way, "1%")
    assert (error.fields["rows"], error.fields["of"], error.fields["when"]) == (5, 400, "")
    async with connected(way.target) as conn:
        landed, refused = await conn.fetchval("SELECT count(*) FROM client"), "SELECT count(*) FROM crosswalk.quarantine"
        assert 0 < landed < 388, "the chunks before it stay"
        assert await conn.fetchval(refused) == 3
        assert await triggers(conn) == before
    with pytest.raises(TooManyRejects):
        await resume(way.servers)
    assert (await rows(way.target, "SELECT count(*) FROM client"))[0][0] < 388
    done = await resume(way.servers, max_rejects=Limit.read("12"))
    assert [(t.loaded, t.quarantined) for t in done.tallies] == [(388, 12)]
    assert findings(await way.verify()) == []


def test_a_limit_that_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["resume", "--max-rejects", "few", "--source", "postgresql://a/b", "--target", "postgresql://c/d"]) == 64
    assert "--max-rejects few is neither" in capsys.readouterr().err

"""A sequence of the source that the role may not read: the plan says what that costs and which GRANT helps."""

from __future__ import annotations

from crosswalk.embedded import Server
from crosswalk.mapping import read_text
from tests.road import Road, connected
from tests.servers import MakeDatabase, MakeRole, database_of, sql

TABLE = "CREATE TABLE p (id serial PRIMARY KEY, n text)"
SAME = """
version: 1
tables:
  p:
    from: p
    key: [id]
    columns: {id: id, n: n}
"""


async def test_the_plan_tells_of_a_sequence_that_may_not_be_read(
    pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole
) -> None:
    reader, urls = make_role(pg16), (make_database(pg16), make_database(pg18))
    for url in urls:
        async with connected(url) as conn:
            await conn.execute(TABLE)
    database = database_of(urls[0])
    sql(pg16, "INSERT INTO p (n) VALUES ('x'), ('y')", "DELETE FROM p WHERE id = 2", database=database)
    sql(pg16, f'GRANT SELECT ON p TO "{reader.name}"', database=database)
    way = Road(source=reader.url(pg16, database), target=urls[1], file=read_text(SAME))
    grant = f'GRANT SELECT ON SEQUENCE "public"."p_id_seq" TO "{reader.name}"'
    for strategy in ("transform", "recreate"):
        warnings = (await way.plan(strategy)).warnings
        assert [w for w in warnings if "sequence public.p_id_seq may not be read: public.p.id" in w and grant in w], warnings
    sql(pg16, grant, database=database)
    assert not [w for w in (await way.plan()).warnings if "sequence" in w]

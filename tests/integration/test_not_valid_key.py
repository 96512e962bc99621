"""A foreign key that the plan makes NOT VALID, as it is in the source, refuses no row that comes: the plan says so."""

from __future__ import annotations

from crosswalk.embedded import Server
from crosswalk.mapping import read_text
from crosswalk.planning import make_plan
from tests.road import Road, connected, sums
from tests.servers import MakeDatabase

SOURCE = """
CREATE TABLE parent (id int PRIMARY KEY);
CREATE TABLE child (id int PRIMARY KEY, p int);
INSERT INTO parent VALUES (1);
INSERT INTO child VALUES (1, 1), (2, 77);
ALTER TABLE child ADD FOREIGN KEY (p) REFERENCES parent NOT VALID;
"""
DOCUMENT = """
version: 1
tables:
  parent: {from: parent, key: [id], columns: {id: id}}
  child: {from: child, key: [id], columns: {id: id, p: p}}
"""


async def test_rows_without_a_parent_are_foretold_as_they_land(
    pg16: Server, pg18: Server, make_database: MakeDatabase
) -> None:
    way = Road(source=make_database(pg16), target=make_database(pg18), file=read_text(DOCUMENT))
    async with connected(way.source) as conn:
        await conn.execute(SOURCE)
    async with connected(way.target) as conn:
        await conn.execute("CREATE TABLE parent (id int PRIMARY KEY); CREATE TABLE child (id int PRIMARY KEY, p int)")
    plan, checked = await make_plan(way.file, way.servers, strategy="recreate", sample=False)
    assert {t.target.relation: (t.extracted, t.loaded, t.quarantined) for t in checked.tallies} == {
        "parent": (1, 1, 0), "child": (2, 2, 0),
    }  # fmt: skip
    assert sums(await way.migrate(await way.plan("recreate"))) == {"parent": (1, 1, 0, 0, 0), "child": (2, 2, 0, 0, 0)}
    assert not [w for w in plan.warnings if "child" in w]

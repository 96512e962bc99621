"""What a fold sends as bytes is what its document would have been, for every kind of value, on either way."""

from __future__ import annotations

import pytest

from crosswalk.embedded import Server
from tests.road import connected, findings, lay
from tests.servers import MakeDatabase, MakeRole

SOURCE = r'''
CREATE TYPE mood AS ENUM ('froh', 'müde');
CREATE TYPE spot AS (x int, y text);
CREATE TABLE old (
    id int PRIMARY KEY, t text, n numeric, big bigint, f float8, b boolean, d date, ts timestamp, tz timestamptz, iv interval,
    u uuid, raw bytea, j jsonb, js json, arr text[], nums numeric[], m mood, s spot, r int4range, "od""d name" text, ip inet
);
INSERT INTO old VALUES
    (1, E'quote " back \\ tab\t newline\n кириллица 😀', 1.50, 9223372036854775807, 'NaN', true, '2024-02-29', 'infinity',
     '2024-01-01 00:00+03', '1 mon 2 days 03:04:05.6', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '\x00ff', '{"a": [1, null]}',
     '{"z":1,  "a" : "x"}', '{"a,b","",NULL}', '{1.10,NaN}', 'müde', '(1,"a ""b""")', '[1,5)', 'x', '10.0.0.1/8'),
    (2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
    (3, '', 'NaN', -1, '-0', false, 'infinity', '2024-01-01 12:00:00.123456', '-infinity', '-1 days', NULL, '', 'null', 'null',
     '{}', '{}', 'froh', '(,)', 'empty', '', '::1');
'''
TARGET = "CREATE TABLE new (id bigint PRIMARY KEY, legacy jsonb NOT NULL, plain jsonb)"
FOLDED = "t, n, big, f, b, d, ts, tz, iv, u, raw, j, js, arr, nums, m, s, r, ip"
DOCUMENT = f"""
version: 1
tables:
  public.new:
    from: public.old
    key: [id]
    existing: update
    columns:
      id: id
      legacy: {{fold: [{FOLDED}, "od\\"d name"], into: "ol\\"d"}}
      plain: {{fold: [t, n, "od\\"d name"]}}
"""
EXPECTED = (
    "SELECT id, jsonb_build_object('ol\"d', to_jsonb(old) - 'id') AS legacy,"
    " to_jsonb(old) - string_to_array('id,big,f,b,d,ts,tz,iv,u,raw,j,js,arr,nums,m,s,r,ip', ',') AS plain FROM old ORDER BY id"
)


@pytest.mark.parametrize("stands", [False, True])
async def test_a_fold_arrives_as_the_document_that_it_is(
    stands: bool, pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole
) -> None:
    target = TARGET + ("; INSERT INTO new VALUES (2, '{}', NULL)" if stands else "")
    road = await lay(make_database, make_role, (pg16, SOURCE), (pg18, target), DOCUMENT)
    await road.migrate()
    async with connected(road.source) as old, connected(road.target) as new:
        wanted = [tuple(r) for r in await old.fetch(EXPECTED)]
        assert [tuple(r) for r in await new.fetch("SELECT id, legacy, plain FROM new ORDER BY id")] == wanted
    assert findings(await road.verify(exact=True)) == []

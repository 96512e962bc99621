"""Recreating a schema on real servers: what is read again is what was there, and the way back leaves nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from crosswalk.ddl import Made, difference, recreate
from crosswalk.diff import Verdict, compare
from crosswalk.embedded import Server
from crosswalk.fingerprint import fingerprint
from crosswalk.names import Name
from crosswalk.plan import Hazard
from crosswalk.schema import Schema, TriggerState
from tests.ddl import carry_out, facts, plain, read, take_back, unequal
from tests.integration.nasty import run
from tests.servers import MakeDatabase, MakeRole, MakeTemplate, database_of, sql

HERE = Path(__file__).parent
SALON = HERE.parents[1] / "examples" / "salon"
ARCHIVE = "crosswalk_archive_20260101"
STAY = {"public.add(a integer, b integer)", "public.nothing()", "public.total(integer)"}
"""Functions of the nasty schema that have nothing to do with its tables."""


def public(relation: str) -> Name:
    return Name("public", relation)


def with_roles(server: Server) -> Server:
    """The server with the roles that `belongings.sql` grants to."""
    known = sql(server, "SELECT rolname FROM pg_roles").splitlines()
    for role in ("reader", 'Strange "role"'):
        if role not in known:
            quoted = role.replace('"', '""')
            sql(server, f'CREATE ROLE "{quoted}"')
    return server


async def build(url: str) -> None:
    await run(url, (HERE / "nasty.sql").read_text(encoding="utf-8"), (HERE / "belongings.sql").read_text(encoding="utf-8"))


def owned(server: Server, make_database: MakeDatabase, make_role: MakeRole) -> str:
    """An empty database of a role that is no superuser; nobody else may create in its schema public."""
    owner = make_role(server)
    url = make_database(server, owner=owner)
    sql(server, "REVOKE CREATE ON SCHEMA public FROM PUBLIC", f"GRANT CREATE ON SCHEMA public TO {owner.name}",
        database=database_of(url))
    return url


def roots(schema: Schema) -> list[Name]:
    return [table.name for table in schema.roots]


async def onto(source: Schema, url: str, tables: Sequence[Name], *, preserved: Sequence[Name] = ()) -> tuple[Made, Schema]:
    """The source's tables made on the target: what was said, and the target read again."""
    made = recreate(source, await read(url), tables=tables, preserved=preserved, archive=ARCHIVE)
    await carry_out(url, made)
    return made, await read(url)


@pytest.mark.parametrize(("old", "new"), [("pg16", "pg18"), ("pg15", "pg18"), ("pg18", "pg16")])
async def test_everything_comes_along_and_goes_again(
    request: pytest.FixtureRequest, old: str, new: str, template: MakeTemplate, make_database: MakeDatabase,
    make_role: MakeRole,
) -> None:
    """Onto an empty database of a plain owner; the second comparison is empty, and the catalog is what was foretold."""
    there, here = with_roles(request.getfixturevalue(old)), with_roles(request.getfixturevalue(new))
    source = await read(make_database(there, template(there, "belongings", build)))
    url = owned(here, make_database, make_role)
    before = await read(url)
    made, now = await onto(source, url, roots(source))
    assert difference(source, now, roots(source)) == []
    compared = compare(source, now)
    assert {o.source for o in compared.objects} == STAY
    assert [t.source for t in (*compared.tables, *compared.views) if t.verdict is not Verdict.SAME] == []
    assert fingerprint(made.projected, now.tables) == fingerprint(now, now.tables)
    assert unequal(facts(plain(made.projected)), facts(plain(now))) == {}
    await take_back(url, made.statements)
    assert unequal(facts(before), facts(await read(url))) == {}


async def test_the_way_back_works_from_every_step(
    pg18: Server, template: MakeTemplate, make_database: MakeDatabase
) -> None:
    """A run that was killed after any statement of its shape has left just those before it."""
    server = with_roles(pg18)
    source = await read(make_database(server, template(server, "belongings", build)))
    url = make_database(server)
    before = facts(await read(url))
    made = recreate(source, await read(url), tables=roots(source), preserved=[], archive=ARCHIVE)
    shape = [s for s in made.statements if s.phase == "shape"]
    for count in range(1, len(shape), 9):
        await carry_out(url, replace(made, statements=tuple(shape[:count])), complete=False)
        await take_back(url, shape[:count])
    assert unequal(before, facts(await read(url))) == {}


async def test_the_salons_legacy_schema_takes_the_place_of_the_new_one(
    pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole
) -> None:
    legacy, url = owned(pg16, make_database, make_role), owned(pg18, make_database, make_role)
    await run(legacy, (SALON / "legacy.sql").read_text(encoding="utf-8"))
    await run(url, (SALON / "new.sql").read_text(encoding="utf-8"))
    source, before = await read(legacy), await read(url)
    kept = [public("whatsapp_auth"), public("whatsapp_keys")]
    made, now = await onto(source, url, roots(source), preserved=kept)
    assert difference(source, now, roots(source)) == []
    assert fingerprint(made.projected, now.tables) == fingerprint(now, now.tables)
    assert unequal(facts(before, only=kept), facts(now, only=kept)) == {}
    assert not any(s.table.startswith("public.whatsapp") for s in made.statements)
    assert {s.hazard for s in made.statements if s.kind == "archive"} == {Hazard.ARCHIVES_TABLES}
    archived = sql(pg18, f"SELECT count(*) FROM pg_tables WHERE schemaname = '{ARCHIVE}'", database=database_of(url))
    assert archived == "10"
    assert any("public.reminders is archived too" in w for w in made.warnings)
    await take_back(url, made.statements)
    assert unequal(facts(before), facts(await read(url))) == {}


async def test_the_libraries_come_along_with_their_circle_of_keys(
    pg16: Server, make_database: MakeDatabase
) -> None:
    one, two = make_database(pg16), make_database(pg16)
    await run(one, (HERE.parent / "pair" / "source.sql").read_text(encoding="utf-8"))
    source, before = await read(one), await read(two)
    made, now = await onto(source, two, roots(source))
    assert len(made.foreign_keys) == 3
    assert compare(source, now).equal
    await take_back(two, made.statements)
    assert unequal(facts(before), facts(await read(two))) == {}


_OLD = """
CREATE TYPE mood AS ENUM ('old');
CREATE TYPE same AS ENUM ('a', 'b');
CREATE FUNCTION f(n integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT n';
CREATE FUNCTION g(n integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT n + 1';
CREATE SEQUENCE free START 5;
CREATE TABLE item (id serial PRIMARY KEY, m mood, s same, n integer CHECK (f(n) > g(0)), q bigint DEFAULT nextval('free'))
    PARTITION BY RANGE (id);
CREATE TABLE item_1 PARTITION OF item FOR VALUES FROM (0) TO (10);
CREATE STATISTICS together ON n, q FROM item;
CREATE TABLE follower (id integer PRIMARY KEY, item integer REFERENCES item);
CREATE TABLE follower_2 (id integer REFERENCES follower);
CREATE SCHEMA crm CREATE TABLE item (id serial PRIMARY KEY);
CREATE TABLE kept (id integer PRIMARY KEY, s same DEFAULT 'a');
ALTER TABLE item ADD FOREIGN KEY (n) REFERENCES kept;
CREATE VIEW item_view AS SELECT id FROM item;
CREATE VIEW other_view AS SELECT id FROM follower;
INSERT INTO kept VALUES (1);
INSERT INTO item (m, s, n) VALUES ('old', 'a', NULL);
"""
_NEW = """
CREATE TYPE mood AS ENUM ('new', 'newer');
CREATE TYPE same AS ENUM ('a', 'b');
CREATE FUNCTION f(n integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT n';
CREATE FUNCTION g(n integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT n + 2';
CREATE SEQUENCE free START 7;
CREATE TABLE item (id bigserial PRIMARY KEY, m mood, s same, n integer CHECK (f(n) > g(0)), q bigint DEFAULT nextval('free'));
CREATE STATISTICS together ON n, q FROM item;
CREATE SCHEMA crm CREATE TABLE item (id integer PRIMARY KEY);
CREATE VIEW item_view AS SELECT n FROM item;
"""


async def test_what_is_in_the_way_goes_to_the_archive_and_comes_back(
    pg18: Server, make_database: MakeDatabase, make_role: MakeRole
) -> None:
    one, two = make_database(pg18), owned(pg18, make_database, make_role)
    await run(one, _NEW)
    await run(two, _OLD)
    source, before = await read(one), await read(two)
    made, now = await onto(source, two, roots(source), preserved=[public("kept")])
    assert difference(source, now, roots(source)) == []
    assert unequal(facts(before, only=[public("kept"), public("same")]), facts(now, only=[public("kept"), public("same")])) == {}
    where = dict(
        line.split("|") for line in sql(
            pg18, "SELECT n.nspname || '.' || c.relname, c.relkind FROM pg_class c JOIN pg_namespace n ON n.oid = "
            "c.relnamespace WHERE n.nspname ~ '^crosswalk_archive' AND c.relkind IN ('r', 'p', 'v', 'S')"
            " UNION ALL SELECT n.nspname || '.' || typname, 'e' FROM pg_type t JOIN pg_namespace n ON n.oid = typnamespace"
            " WHERE typtype = 'e' AND n.nspname ~ '^crosswalk' UNION ALL SELECT n.nspname || '.' || proname, 'f' FROM pg_proc"
            " JOIN pg_namespace n ON n.oid = pronamespace WHERE n.nspname ~ '^crosswalk'", database=database_of(two),
        ).splitlines()
    )
    other = f"{ARCHIVE}_2"
    assert where == {
        f"{ARCHIVE}.item": "r", f"{ARCHIVE}.item_id_seq": "S", f"{other}.item": "p", f"{other}.item_1": "r",
        f"{other}.item_id_seq": "S", f"{other}.follower": "r", f"{other}.follower_2": "r", f"{other}.item_view": "v",
        f"{other}.free": "S", f"{other}.mood": "e", f"{other}.g": "f",
    }
    assert sorted(w for w in made.warnings if "view" in w or "archived too" in w) == [
        "public.follower is archived too: public.follower refers to public.item (follower_item_fkey)",
        "public.follower_2 is archived too: public.follower_2 refers to public.follower (follower_2_id_fkey)",
        "the view public.other_view stays and reads the archived tables from now on",
    ]
    await take_back(two, made.statements)
    assert unequal(facts(before), facts(await read(two))) == {}
    assert sql(pg18, "SELECT count(*) FROM item", database=database_of(two)) == "1"


@pytest.mark.parametrize(("there", "here", "why"), [
    ("", "CREATE TABLE kept (id integer)", "public.kept is preserved in the target"),
    ("CREATE TABLE t (id integer)", "CREATE TABLE t (id integer PRIMARY KEY); CREATE TABLE kept (t integer REFERENCES t)",
     "public.kept is preserved and refers to public.t (kept_t_fkey)"),
    ("CREATE TABLE t (id serial)", "CREATE TABLE t (id serial); CREATE TABLE kept (t integer DEFAULT nextval('t_id_seq'))",
     "public.kept is preserved and needs public.t_id_seq"),
    ("CREATE TYPE mood AS ENUM ('a'); CREATE TABLE t (m mood)",
     "CREATE TYPE mood AS ENUM ('b'); CREATE TABLE t (m mood); CREATE TABLE kept (m mood)",
     "the target's type public.mood differs from the source's, and public.kept uses it"),
    ("CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; CREATE TABLE t (); "
     "CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f()",
     "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'; CREATE TABLE kept (); "
     "CREATE TRIGGER g BEFORE INSERT ON kept FOR EACH ROW EXECUTE FUNCTION f()",
     "the target's function public.f() differs from the source's, and public.kept uses it"),
    ("CREATE TABLE t (id integer CONSTRAINT taken PRIMARY KEY)", "CREATE TABLE other (id integer CONSTRAINT taken PRIMARY KEY)",
     "the index taken of public.t cannot be made: the target keeps an index or a sequence of public.other"),
    ("CREATE TABLE a (); CREATE TABLE t () INHERITS (a)", "", "public.t inherits from public.a, which is not among"),
    ("CREATE OPERATOR === (LEFTARG = integer, RIGHTARG = integer, FUNCTION = int4eq); "
     "CREATE TABLE t (a integer CHECK (a OPERATOR(public.===) 1))", "", "public.t needs the operator"),
    ("CREATE EXTENSION vector; CREATE TABLE t (v vector(3))", "", "the extension vector is needed; only a superuser"),
])
async def test_what_cannot_be_done_is_said_beforehand(
    pg16: Server, make_database: MakeDatabase, make_role: MakeRole, there: str, here: str, why: str
) -> None:
    one, two = make_database(pg16), owned(pg16, make_database, make_role)
    await run(one, there or "CREATE TABLE kept (id integer)")
    await run(two, here or "SELECT")
    source, target = await read(one), await read(two)
    tables = [name for name in source.tables if name.relation != "a"]
    kept = [public("kept")] if "kept" in here else []
    made = recreate(source, target, tables=tables, preserved=kept, archive=ARCHIVE)
    assert [said for said in made.blockers if why in said], made.blockers


async def test_what_an_older_server_cannot_have_is_a_blocker(pg16: Server, pg18: Server, make_database: MakeDatabase) -> None:
    one = make_database(pg18)
    await run(one, "CREATE TABLE t (a integer, late text, twice integer GENERATED ALWAYS AS (a * 2), room int4range, "
              "during int4range, PRIMARY KEY (room, during WITHOUT OVERLAPS), CONSTRAINT soft CHECK (a > 0) NOT ENFORCED)",
              "ALTER TABLE t ADD CONSTRAINT soon NOT NULL late NOT VALID")
    source = await read(one)
    older = make_database(pg16)
    made = recreate(source, await read(older), tables=roots(source), preserved=[], archive=ARCHIVE)
    assert [b.rsplit(" ", 3)[1:] for b in made.blockers] == [["needs", "PostgreSQL", "18"]] * 4
    equal = make_database(pg18)
    made, now = await onto(source, equal, roots(source))
    assert difference(source, now, roots(source)) == []
    assert unequal(facts(made.projected), facts(now)) == {}


async def test_a_plain_role_is_told_what_it_lacks(pg18: Server, make_database: MakeDatabase, make_role: MakeRole) -> None:
    one, two = make_database(pg18), make_database(pg18)
    await run(one, "CREATE SCHEMA s CREATE TABLE t (); CREATE TABLE t ()")
    await run(two, "CREATE TABLE t ()")
    role = make_role(pg18)
    source, target = await read(one), await read(role.url(pg18, database_of(two)))
    made = recreate(source, target, tables=roots(source), preserved=[], archive=ARCHIVE)
    assert made.blockers == (
        "public.t must be archived and belongs to postgres, not to " + role.name,
        f"{role.name} may not create the schemas s, {ARCHIVE}: GRANT CREATE ON DATABASE {target.database} TO {role.name}",
        f"{role.name} may create nothing in the schema public: GRANT CREATE ON SCHEMA public TO {role.name}",
    )


async def test_default_privileges_of_the_target_give_nothing_away(
    pg16: Server, make_database: MakeDatabase, make_role: MakeRole
) -> None:
    """Hosted servers grant every new table to roles that the whole world may log in as."""
    server = with_roles(pg16)
    one, two = make_database(server), owned(server, make_database, make_role)
    await run(one, "CREATE TABLE t (id serial); GRANT SELECT ON t TO reader; CREATE POLICY p ON t TO nobody_there USING (true)"
              .replace("nobody_there", "reader"),
              "CREATE FUNCTION f() RETURNS integer LANGUAGE sql AS 'SELECT 1'; CREATE VIEW v AS SELECT f() FROM t")
    anon = make_role(server)
    await run(two, f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON TABLES TO {anon.name}, reader",
              f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON SEQUENCES TO {anon.name}",
              f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON FUNCTIONS TO {anon.name}")
    source = await read(one)
    made, now = await onto(source, two, roots(source))
    assert unequal(facts(made.projected), facts(now)) == {}
    assert [a.partition("/")[0] for a in now.tables[public("t")].acl if a.startswith("reader")] == ["reader=r"]
    assert anon.name not in str([*now.tables.values(), *now.sequences.values(), *now.functions])


async def test_roles_that_are_absent_are_told_and_open_nothing(
    pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole
) -> None:
    absent, one, two = make_role(pg16), make_database(pg16), make_database(pg18)
    await run(one, f"CREATE TABLE t (a integer); GRANT SELECT ON t TO {absent.name}; ALTER TABLE t ENABLE ROW LEVEL SECURITY;"
              f"CREATE POLICY p ON t TO {absent.name} USING (true)")
    sql(pg18, f"DROP ROLE IF EXISTS {absent.name}")
    source = await read(one)
    made, now = await onto(source, two, roots(source))
    assert f"grants to {absent.name} are left out: the target has no such role" in made.warnings
    assert f"public.t: the policy p is for {absent.name}, who is no role of the target" in made.warnings
    table = now.tables[public("t")]
    assert (table.policies, table.row_security.enabled, table.acl) == ((), True, ())


async def test_every_trigger_has_its_own_state(
    pg18: Server, template: MakeTemplate, make_database: MakeDatabase
) -> None:
    server = with_roles(pg18)
    source = await read(make_database(server, template(server, "belongings", build)))
    tables = [Name("shop", name) for name in ("sale", "item")]
    _, now = await onto(source, make_database(server), tables)
    states = {n.relation: t.state for n, table in now.tables.items() for t in table.triggers if t.name == "log"}
    assert states == {
        "sale": TriggerState.ORIGIN, "south": TriggerState.ORIGIN, "south_new": TriggerState.ORIGIN,
        "south_old": TriggerState.DISABLED, "north": TriggerState.ALWAYS,
    }

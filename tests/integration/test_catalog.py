"""The catalog reader on real servers: every kind of object, hostile names, roles that may not read."""

from __future__ import annotations

import asyncio
import time

import asyncpg
import pytest

from crosswalk.catalog import read_schema
from crosswalk.connect import session
from crosswalk.embedded import Server
from crosswalk.names import Name
from crosswalk.schema import Constraint, ConstraintKind, RelationKind, Schema, Table, TriggerState, TypeKind
from tests.integration.nasty import CHILD, LONG, SELECT, nasty, public, run
from tests.servers import MakeDatabase, MakeRole, MakeTemplate, database_of, sql


@pytest.fixture(params=["pg15", "pg16", "pg18"])
def server(request: pytest.FixtureRequest) -> Server:
    found = request.getfixturevalue(request.param)
    assert isinstance(found, Server)
    return found


@pytest.fixture
def url(server: Server, template: MakeTemplate, make_database: MakeDatabase) -> str:
    return nasty(server, template, make_database)


_KNOWN: dict[int, Schema] = {}


@pytest.fixture
async def schema(server: Server, template: MakeTemplate, make_database: MakeDatabase) -> Schema:
    """The nasty schema as this server's superuser sees it, with exact counts; read once for all tests."""
    if server.version not in _KNOWN:
        _KNOWN[server.version] = await read(nasty(server, template, make_database), exact_counts=True)
    return _KNOWN[server.version]


async def read(url: str, *, exact_counts: bool = False) -> Schema:
    async with session("source", url) as opened:
        return await read_schema(opened, exact_counts=exact_counts)


def constraint(table: Table, name: str) -> Constraint:
    return next(c for c in table.constraints if c.name == name)


async def test_columns_have_their_exact_types(schema: Schema) -> None:
    table = schema.tables[SELECT]
    assert {c.name: str(c.type) for c in table.columns} == {
        "from": "bigint", "Ключ": "uuid", 'a "quoted" name': "text", "price": "numeric(10,2)",
        "with_tax": "numeric", "n": "integer", LONG: "character varying(20)[]", "feeling": "public.mood",
        "feelings": "public.mood[]", "grade": "public.small_positive", "code": "public.code",
        "labels": "public.tags", "home": "public.address", "homes": "public.address[]",
        "span": "public.money_range", "slots": "tstzmultirange", "at": "timestamp(3) with time zone",
        "bits": "bit varying(5)", "select": "interval day to second(2)",
    }
    kinds = {c.name: c.type.kind for c in table.columns}
    assert (kinds["homes"], kinds["home"], kinds["span"], kinds["slots"]) == (
        TypeKind.ARRAY, TypeKind.COMPOSITE, TypeKind.RANGE, TypeKind.MULTIRANGE,
    )


async def test_elements_and_bases_are_resolved_with_their_modifiers(schema: Schema) -> None:
    table = schema.tables[SELECT]
    types = {c.name: c.type for c in table.columns}
    element = types[LONG].element
    assert element is not None
    assert (str(element), element.plain) == ("character varying(20)", "character varying")
    assert types["feelings"].element is not None
    assert types["feelings"].element.kind is TypeKind.ENUM
    assert (types["grade"].kind, str(types["grade"].storage)) == (TypeKind.DOMAIN, "integer")
    assert (str(types["code"].storage), types["code"].storage.modifier) == ("character varying(12)", 16)
    assert types["labels"].storage.element is not None
    assert str(types["labels"].storage.element) == "character varying(7)"
    assert not types["feeling"].builtin
    assert types["price"].builtin


async def test_columns_tell_null_default_identity_generated_collation_comment(schema: Schema) -> None:
    table = schema.tables[SELECT]
    columns = {c.name: c for c in table.columns}
    assert [n for n, c in columns.items() if c.not_null] == ["from", "Ключ", "price", "feelings", "grade"]
    assert columns["from"].identity == "always"
    assert columns["with_tax"].generated == "stored"
    assert columns["with_tax"].default == "(price * 1.2)"
    assert columns['a "quoted" name'].default == "'it''s'::text"
    assert columns['a "quoted" name'].collation == 'pg_catalog."C"'
    assert columns["code"].collation is None  # it is the domain's
    assert columns["n"].default == "nextval('public.free_seq'::regclass)"
    assert columns["Ключ"].comment == "ключ"
    assert table.comment == 'A "comment"; with [red]markup[/red] and a\nline break'


async def test_keys_checks_and_exclusions(schema: Schema) -> None:
    table, child = schema.tables[SELECT], schema.tables[CHILD]
    assert table.primary_key == ("from",)
    assert ("Ключ",) in table.unique_keys
    assert ("n",) not in table.unique_keys  # partial
    assert not constraint(table, "not yet").validated
    assert set(constraint(table, "not yet").columns) == {"n", "price"}
    assert constraint(table, "not yet").expression == "((n > 0) AND (price < (100000)::numeric))"
    foreign = constraint(child, "child of $1_parent_fkey")
    assert (foreign.references, foreign.referenced_columns) == (SELECT, ("from",))
    assert foreign.deferrable
    assert foreign.deferred
    assert ("a", "b") not in child.unique_keys  # deferrable
    assert constraint(child, "apart").kind is ConstraintKind.EXCLUSION
    assert {c.kind for c in table.constraints} == {
        ConstraintKind.PRIMARY, ConstraintKind.UNIQUE, ConstraintKind.CHECK,
    }  # no NOT NULL
    assert (child.replica_identity, child.options) == ("full", ("fillfactor=70",))
    assert schema.tables[public("by_index")].replica_identity == "index by_index_a"
    assert schema.tables[public("fleeting")].persistence == "unlogged"


async def test_indexes(schema: Schema) -> None:
    indexes = {i.name: i for i in schema.tables[SELECT].indexes}
    odd = indexes["on USING (index)"]
    assert (odd.columns, odd.expressions, odd.partial, odd.unique) == (("", "Ключ"), True, True, False)
    assert odd.predicate == "(price > (10)::numeric)"
    assert indexes["Select_pkey"].constraint == "Select_pkey"
    assert indexes["Partial"].partial


async def test_partitions_form_a_tree_and_sum_up(schema: Schema) -> None:
    events = schema.tables[public("events")]
    assert (events.kind, events.partition_key) == (RelationKind.PARTITIONED, "RANGE (at)")
    assert [t.name.relation for t in schema.partitions(events.name)] == ["events_2024", "events_2025"]
    rest = schema.tables[public("events_2024_rest")]
    assert (rest.partition_of, rest.partition_bound) == (public("events_2024"), "DEFAULT")
    assert (events.rows, events.rows_exact) == (3, True)
    leaves = ("events_2024_a", "events_2024_rest", "events_2025")
    assert events.bytes == sum(schema.tables[public(leaf)].bytes for leaf in leaves) > 0
    assert all(i.inherited for i in rest.indexes)
    assert all(c.inherited for c in rest.constraints)
    notes = schema.tables[public("event_notes")]
    assert [c.references for c in notes.foreign_keys] == [events.name]  # not one for each partition
    assert [c.inherited for c in schema.tables[public("parts_0")].foreign_keys] == [True]


async def test_plain_inheritance_is_told_apart(schema: Schema) -> None:
    birds = schema.tables[public("birds")]
    assert (birds.inherits, birds.partition_of) == ((public("animals"),), None)
    assert schema.tables[public("animals")].rows == 1
    assert birds.rows == 2
    assert [c.inherited for c in birds.checks] == [True]


async def test_triggers_in_every_state_and_on_partitions(schema: Schema) -> None:
    triggers = {t.name: t for t in schema.tables[SELECT].triggers}
    assert [t.state for _, t in sorted(triggers.items())] == [
        TriggerState.ORIGIN, TriggerState.DISABLED, TriggerState.REPLICA, TriggerState.ALWAYS, TriggerState.ORIGIN,
    ]
    first = triggers["1 origin"]
    assert (first.timing, first.events, first.row) == ("before", ("insert", "update"), True)
    assert first.function == "public.touch"
    assert triggers["4 always"].events == ("delete", "truncate")
    assert triggers["5 late"].constraint
    assert not first.constraint
    clones = schema.tables[public("events_2024_a")].triggers
    assert [(t.name, t.inherited) for t in clones] == [("on_events", True)]
    assert not schema.tables[public("event_notes")].triggers  # those of foreign keys are the server's own


async def test_policies_and_views(schema: Schema) -> None:
    own, narrow = sorted(schema.tables[public("no_key")].policies, key=lambda p: p.permissive, reverse=True)
    assert (own.name, own.command, own.roles, own.check) == ("own rows", "SELECT", ("public",), None)
    assert (narrow.permissive, narrow.using, narrow.check) == (False, "(a > 0)", "(a > 1)")
    assert schema.tables[public("cheap")].options == ("security_invoker=true",)
    assert '"Odd.schema"."child of $1"' in schema.views[public("cheap")]
    assert schema.tables[public("counted")].kind is RelationKind.MATERIALIZED_VIEW
    assert [i.name for i in schema.tables[public("counted")].indexes] == ["counted_kind"]


async def test_types_of_our_own(schema: Schema) -> None:
    assert schema.enums[public("mood")].labels == ("sad", "it's ok", "Ünïcode", "[bold]happy")
    feelings = schema.tables[SELECT].column("feelings")
    assert feelings is not None
    assert feelings.type.element is not None
    assert len(schema.enum_labels(feelings.type.element)) == 4
    small = schema.domains[public("small_positive")]
    assert (str(small.base), str(small.base.storage), small.not_null) == ("public.positive", "integer", True)
    assert small.checks == (("below_ten", "((VALUE)::integer < 10)"),)
    code = schema.domains[public("code")]
    assert (str(code.base), code.collation, code.default) == (
        "character varying(12)", 'pg_catalog."C"', "'none'::character varying",
    )
    assert [(n, str(t)) for n, t in schema.composites[public("address")].attributes] == [
        ("street", "character varying(40)"), ("house number", "integer"), ("moods", "public.mood[]"),
    ]
    assert str(schema.ranges[public("money_range")].subtype) == "numeric"


async def test_sequences_know_their_owner_and_users(schema: Schema) -> None:
    sequences = schema.sequences
    free = sequences[public("free_seq")]
    assert (free.type, free.increment, free.start, free.cycle) == ("integer", 5, 10, True)
    assert (free.owner_table, free.used_by, free.last_value) == (None, ((SELECT, "n"),), 55)
    owned = sequences[Name("Odd.schema", "child of $1_id_seq")]
    assert (owned.owner_table, owned.owner_column, owned.last_value) == (CHILD, "id", None)
    identity = sequences[public("Select_from_seq")]
    assert (identity.owner_table, identity.used_by, identity.last_value) == (SELECT, (), 10)


async def test_functions_without_those_of_types_and_extensions(schema: Schema) -> None:
    functions = schema.functions
    assert {(f.name.relation, f.kind) for f in functions} == {
        ("add", "function"), ("nothing", "procedure"), ("notice", "function"), ("standard", "function"),
        ("total", "aggregate"), ("touch", "function"),
    }
    add = next(f for f in functions if f.name.relation == "add")
    assert add.arguments == "a integer, b integer"
    assert add.definition.startswith("CREATE OR REPLACE FUNCTION public.add(a integer, b integer DEFAULT 1)")


async def test_a_role_without_rights_reads_the_catalog_and_is_told_so(
    server: Server, url: str, make_role: MakeRole
) -> None:
    role = make_role(server)
    database = database_of(url)
    sql(server, f"GRANT SELECT (id, at) ON events TO {role.name}", f"GRANT SELECT ON no_key TO {role.name}",
        f"GRANT SELECT ON parts TO {role.name}", database=database)
    schema = await read(role.url(server, database), exact_counts=True)
    assert len(schema.tables) == len((await read(url)).tables)
    assert schema.tables[SELECT].privileges == frozenset()
    assert not any(c.selectable for c in schema.tables[SELECT].columns)
    events = schema.tables[public("events")]
    assert [c.name for c in events.columns if c.selectable] == ["id", "at"]
    assert (events.rows, events.rows_exact) == (3, True)
    no_key = schema.tables[public("no_key")]
    assert no_key.row_security.hides
    assert not no_key.rows_exact
    assert no_key.privileges == {"SELECT"}
    assert schema.sequences[public("free_seq")].last_value is None
    assert not schema.sequences[public("free_seq")].readable


async def test_row_security_hides_from_an_owner_only_by_force(
    server: Server, make_database: MakeDatabase, make_role: MakeRole
) -> None:
    owner = make_role(server)
    url = make_database(server, owner=owner)
    sql(server, f"GRANT CREATE ON SCHEMA public TO {owner.name}", database=database_of(url))
    await run(url, "CREATE TABLE a (); CREATE TABLE b (); CREATE TABLE c ()",
              "ALTER TABLE a ENABLE ROW LEVEL SECURITY", "ALTER TABLE b ENABLE ROW LEVEL SECURITY",
              "ALTER TABLE b FORCE ROW LEVEL SECURITY")
    tables = (await read(url)).tables
    assert [t.row_security.hides for t in tables.values()] == [False, True, False]
    assert "OWNER" in tables[public("a")].privileges
    superuser = (await read(server.url(database_of(url)))).tables
    assert not any(t.row_security.hides for t in superuser.values())


async def test_our_own_schemas_are_left_out_and_others_can_be(url: str) -> None:
    await run(url, "CREATE SCHEMA crosswalk CREATE TABLE run ()", "CREATE SCHEMA crosswalk_archive_20240101 "
              "CREATE TABLE old ()", "CREATE SCHEMA crosswalks CREATE TABLE theirs ()")
    schemas = {name.schema for name in (await read(url)).tables}
    assert schemas == {"public", "Odd.schema", "crosswalks"}
    async with session("source", url) as opened:
        narrow = await read_schema(opened, schemas=["Odd.schema"])
    assert set(narrow.tables) == {CHILD}
    assert not narrow.functions


async def test_nulls_not_distinct_is_told(url: str) -> None:
    await run(url, "CREATE TABLE u (a integer, UNIQUE NULLS NOT DISTINCT (a))")
    table = (await read(url)).tables[public("u")]
    assert [c.nulls_not_distinct for c in table.constraints] == [True]
    assert [i.nulls_not_distinct for i in table.indexes] == [True]


async def test_what_only_18_has(pg18: Server, make_database: MakeDatabase) -> None:
    url = make_database(pg18)
    await run(url, "CREATE TABLE t (a integer CONSTRAINT must NOT NULL, late text, "
              "twice integer GENERATED ALWAYS AS (a * 2), "
              "room int4range, during int4range, PRIMARY KEY (room, during WITHOUT OVERLAPS), "
              "CONSTRAINT soft CHECK (a > 0) NOT ENFORCED)",
              "ALTER TABLE t ADD CONSTRAINT soon NOT NULL late NOT VALID")
    table = (await read(url)).tables[public("t")]
    twice = table.column("twice")
    assert twice is not None
    assert (twice.generated, twice.default) == ("virtual", "(a * 2)")
    assert {c.name: c.not_null_validated for c in table.columns if c.not_null} == {
        "a": True, "room": True, "during": True, "late": False,
    }
    assert {c.name for c in table.constraints} == {"t_pkey", "soft"}
    assert not constraint(table, "soft").validated
    assert table.unique_keys == ()  # periods that do not overlap are not unique values


async def test_a_thousand_tables_are_read_in_seconds(pg18: Server, make_database: MakeDatabase) -> None:
    url = make_database(pg18)
    await run(url, "SET synchronous_commit = off", *(
        f"DO $$BEGIN FOR n IN {start} .. {start + 249} LOOP EXECUTE format('CREATE TABLE t%s (a bigint CHECK (a > 0), "
        "b text DEFAULT %L, c timestamptz, d numeric(10, 2), e int[]); CREATE INDEX ON t%s (b, c)', n, n, n); "
        "END LOOP; END$$" for start in range(1, 1001, 250)
    ))
    began = time.monotonic()
    schema = await read(url)
    assert len(schema.tables) == 1000
    assert time.monotonic() - began < 5


async def test_tables_that_come_and_go_do_not_disturb_the_reading(
    pg16: Server, make_database: MakeDatabase
) -> None:
    url = make_database(pg16)
    stop = asyncio.Event()

    async def churn() -> None:
        connection = await asyncpg.connect(url)
        while not stop.is_set():
            await connection.execute("CREATE TABLE gone (a serial PRIMARY KEY, b text DEFAULT 'x' CHECK (b <> ''))")
            await connection.execute("CREATE VIEW seen AS SELECT * FROM gone; CREATE TYPE briefly AS ENUM ('a')")
            await connection.execute("DROP TABLE gone CASCADE; DROP TYPE briefly")
            await asyncio.sleep(0.02)
        await connection.close()

    task = asyncio.create_task(churn())
    try:
        for _ in range(30):
            schema = await read(url)
            assert set(schema.tables) <= {public("gone"), public("seen")}
    finally:
        stop.set()
        await task

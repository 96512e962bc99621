"""Requests compiled to one statement each, run on a real server; what PostgREST 12.0.2 answers is written beside them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from crosswalk.data import builder
from crosswalk.data.builder import SchemaCache, cache
from crosswalk.data.failures import DataError, NotSupported, TableMissing
from crosswalk.data.request import Answer, Request
from crosswalk.embedded import Server
from crosswalk.names import Name
from tests.servers import sql

SCHEMA = Path(__file__).with_name("data_compile.sql").read_text(encoding="utf-8")
Connection = psycopg.Connection[tuple[Any, ...]]
Ask = Callable[..., Answer]


@pytest.fixture(scope="module")
def connection(pg16: Server) -> Iterator[Connection]:
    sql(pg16, "CREATE DATABASE data_compile")
    sql(pg16, SCHEMA, database="data_compile")
    try:
        with psycopg.connect(pg16.url("data_compile"), autocommit=True) as opened:
            yield opened
    finally:
        sql(pg16, "DROP DATABASE data_compile WITH (FORCE)")


@pytest.fixture(scope="module")
def known(connection: Connection) -> SchemaCache:
    return load(connection)


def load(connection: Connection) -> SchemaCache:
    statement = cache.statement(("public",))
    row = psycopg.RawCursor(connection).execute(statement.sql, statement.parameters).fetchone()
    assert row is not None
    return SchemaCache.from_row(row)


@pytest.fixture
def ask(connection: Connection, known: SchemaCache) -> Iterator[Ask]:
    """Runs requests in one transaction, which is taken back."""

    def run(method: Any, name: str, params: dict[str, str] | None = None, body: Any = None, **more: Any) -> Answer:
        options = {key: more.pop(key) for key in ("max_rows", "aggregates", "filterless", "decimals") if key in more}
        decimals = options.pop("decimals", False)
        request = Request(method=method, name=name, params=tuple((params or {}).items()), body=body, **more)
        statement = builder.compile(request, known, **options)
        cursor = psycopg.RawCursor(connection, row_factory=dict_row)
        row = cursor.execute(statement.sql, statement.parameters).fetchone()
        assert row is not None
        plan = None
        if statement.plan:
            explained = cursor.execute(statement.plan.sql, statement.plan.parameters).fetchone()
            plan = next(iter((explained or {}).values()))
        return builder.answer(request, row, plan=plan, decimals=decimals)

    with connection.transaction(force_rollback=True):
        yield run


def rows(answer: Answer) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in answer.data]


def code(run: Callable[[], object]) -> str:
    with pytest.raises((DataError, psycopg.Error)) as refused:
        run()
    error = refused.value
    return error.code if isinstance(error, DataError) else getattr(error, "sqlstate", "")


# The cache


def test_the_cache_knows_keys_types_and_relationships_over_views(known: SchemaCache) -> None:
    clients = known.relations[Name("public", "clients")]
    assert (clients.primary, set(clients.uniques)) == (("id",), {("id",), ("email",)})
    assert clients.columns["mood"].type == "public.mood"
    assert clients.columns["balance"].type == "numeric(10,2)"
    assert known.relations[Name("public", "project_view")].primary == ("pid",)
    found = {(each.target.relation, each.kind) for each in known.related[Name("public", "project_view")]}
    assert {("clients", "m2o"), ("client_view", "m2o"), ("tasks", "o2m")} <= found


def test_the_cache_is_the_same_from_the_newest_server(known: SchemaCache, pg18: Server) -> None:
    sql(pg18, "CREATE DATABASE data_compile")
    try:
        sql(pg18, SCHEMA, database="data_compile")
        with psycopg.connect(pg18.url("data_compile"), autocommit=True) as opened:
            assert load(opened) == known
    finally:
        sql(pg18, "DROP DATABASE data_compile WITH (FORCE)")


def test_a_cache_is_limited_to_the_exposed_schemas(connection: Connection) -> None:
    with connection.transaction(force_rollback=True):
        connection.execute(
            "CREATE SCHEMA hidden CREATE TABLE secrets (id int PRIMARY KEY REFERENCES public.clients (id))"
        )
        found = load(connection)
    assert Name("hidden", "secrets") not in found.relations
    assert all(each.target.schema == "public" for several in found.related.values() for each in several)


# Reads


@pytest.mark.parametrize(
    ("params", "names"),
    [
        ({"id": "eq.1"}, ["Ann"]),
        ({"id": "not.in.(1,2)"}, ['Cy, "x"']),
        ({"id": "in.()"}, []),
        ({"name": 'in.("Cy, \\"x\\"",Bob)'}, ["Bob", 'Cy, "x"']),
        ({"name": "like(any).{A*,*b}"}, ["Ann", "Bob"]),
        ({"id": "gt(all).{1,2}"}, ['Cy, "x"']),
        ({"name": "imatch.^a"}, ["Ann"]),
        ({"email": "is.null"}, ['Cy, "x"']),
        ({"id": "isdistinct.1"}, ["Bob", 'Cy, "x"']),
        ({"bio": "wfts.cat or dog"}, ["Ann", 'Cy, "x"']),
        ({"bio": "not.fts(english).cats"}, ["Bob", 'Cy, "x"']),
        ({"tags": "cs.{a}"}, ["Ann"]),
        ({"tags": "ov.{b,c}"}, ["Ann", 'Cy, "x"']),
        ({"span": "adj.[5,7)"}, ["Ann"]),
        ({"span": "sl.[8,9)"}, ["Ann"]),
        ({"meta->a->b": "cs.[2]"}, ["Ann"]),
        ({"meta->>n": "eq.5"}, ["Ann"]),
        ({"tags->>0": "eq.c"}, ['Cy, "x"']),
        ({"or": "(id.eq.1,and(name.eq.Bob,id.gt.1))"}, ["Ann", "Bob"]),
        ({"not.or": "(id.eq.1,id.eq.2)"}, ['Cy, "x"']),
        ({"upper_name": "eq.ANN"}, ["Ann"]),
    ],
)
def test_filters(ask: Ask, params: dict[str, str], names: list[str]) -> None:
    found = ask("GET", "clients", {"select": "name", "order": "id", **params})
    assert [row["name"] for row in found.data] == names


def test_columns_may_be_renamed_cast_and_followed_into_json(ask: Ask) -> None:
    found = ask("GET", "clients", {"select": "n:name,meta->a->b->>0,x:meta->>n::int,tags->0,id::text", "id": "eq.1"})
    assert found.data == [{"n": "Ann", "b": "1", "x": 5, "tags": "a", "id": "1"}]


def test_embeds_in_every_direction(ask: Ask) -> None:
    many = ask("GET", "clients", {"select": "name,projects(name,tasks(name))", "id": "eq.2"})
    assert many.data == [{"name": "Bob", "projects": [{"name": "P3", "tasks": [{"name": "T4"}]}]}]
    one = ask("GET", "projects", {"select": "name,c:clients(name)", "order": "id.desc", "limit": "2"})
    assert one.data == [{"name": "P4", "c": None}, {"name": "P3", "c": {"name": "Bob"}}]
    through = ask(
        "GET", "users", {"select": "name,tasks(name),profiles(bio)", "tasks.order": "name.desc", "order": "id"}
    )
    assert through.data[0] == {"name": "u1", "tasks": [{"name": "T2"}, {"name": "T1"}], "profiles": {"bio": "b1"}}
    composite = ask("GET", "parts", {"select": "id,pairs(note)", "order": "id"})
    assert rows(composite) == [(1, {"note": "n11"}), (2, {"note": "n12"}), (3, None)]
    own = ask("GET", "tasks", {"select": "name,tasks(name),parent_id(name)", "id": "eq.2"})
    assert own.data == [{"name": "T2", "tasks": [{"name": "T4"}], "parent_id": {"name": "T1"}}]
    views = ask("GET", "client_view", {"select": "name,project_view(title)", "id": "eq.2"})
    assert views.data == [{"name": "Bob", "project_view": [{"title": "P3"}]}]
    computed = ask("GET", "projects", {"select": "id,client_of(name)", "order": "client_of(name),id", "limit": "1"})
    assert computed.data == [{"id": 1, "client_of": {"name": "Ann"}}]


def test_a_hint_chooses_between_keys(ask: Ask) -> None:
    found = ask(
        "GET", "orders", {"select": "id,addresses!billing(street),b:addresses!shipping_id(street)", "id": "eq.1"}
    )
    assert found.data == [{"id": 1, "addresses": {"street": "s1"}, "b": {"street": "s2"}}]


def test_embeds_filter_their_parents(ask: Ask) -> None:
    inner = {"select": "name,projects!inner()", "projects.name": "like.P*", "order": "id.desc", "limit": "2"}
    found = ask("GET", "tasks", inner, count="exact")
    assert (rows(found), found.count, found.status) == ([("T4",), ("T3",)], 4, 206)
    missing = ask("GET", "clients", {"select": "name,projects()", "projects": "is.null"}, count="exact")
    assert (missing.data, missing.count) == ([{"name": 'Cy, "x"'}], 1)
    either = {"select": "name,users()", "or": "(users.not.is.null,name.eq.T4)", "order": "id"}
    assert rows(ask("GET", "tasks", either, count="exact")) == [("T1",), ("T2",), ("T4",)]


def test_spread_puts_columns_into_the_row(ask: Ask) -> None:
    found = ask("GET", "tasks", {"select": "name,...projects(project:name,...clients(mood))", "id": "eq.1"})
    assert found.data == [{"name": "T1", "project": "P1", "mood": "ok"}]


def test_aggregates_group_by_what_stands_beside_them(ask: Ask) -> None:
    found = ask("GET", "tasks", {"select": "done,n:count(),hours.sum()::int", "order": "done.nullslast"})
    assert rows(found) == [(False, 1, 2), (True, 2, 6), (None, 1, None)]
    spread = ask(
        "GET", "project_view", {"select": "...client_view(name,balance.max()),count()", "client_id": "not.is.null"}
    )
    assert sorted(tuple(sorted(row.items())) for row in spread.data) == [
        (("count", 1), ("max", 0), ("name", "Bob")),
        (("count", 2), ("max", 10.5), ("name", "Ann")),
    ]
    inside = ask("GET", "projects", {"select": "id,tasks(count())", "id": "eq.1"})
    assert inside.data == [{"id": 1, "tasks": [{"count": 2}]}]
    assert code(lambda: ask("GET", "tasks", {"select": "count()"}, aggregates=False)) == "PGRST123"


def test_counts_exact_planned_and_estimated(ask: Ask, connection: Connection) -> None:
    connection.execute("ANALYZE clients")
    page = {"select": "id", "limit": "1"}
    for count in ("exact", "planned", "estimated"):
        assert (ask("GET", "clients", page, count=count).count, ask("HEAD", "clients", page, count=count).data) == (
            3,
            None,
        )
    connection.execute("INSERT INTO clients (name) SELECT 'more' FROM generate_series(1, 5)")
    assert ask("GET", "clients", page, count="exact").count == 8
    assert ask("GET", "clients", page, count="estimated", max_rows=10).count == 8


def test_max_rows_cuts_the_page_and_every_embed(ask: Ask) -> None:
    found = ask("GET", "clients", {"select": "id,projects(id)", "order": "id"}, max_rows=1, count="exact")
    assert (found.data, found.count) == ([{"id": 1, "projects": [{"id": 1}]}], 3)


def test_one_object_csv_and_rows_without_nulls(ask: Ask) -> None:
    assert ask("GET", "clients", {"select": "id", "id": "eq.1"}, shape="object").data == {"id": 1}
    assert (
        ask("GET", "clients", {"select": "id,name", "order": "id"}, shape="csv").data
        == 'id,name\n1,Ann\n2,Bob\n3,"Cy, ""x"""'
    )
    assert ask("GET", "clients", {"select": "id,meta", "id": "eq.2"}, strip_nulls=True).data == [{"id": 2}]
    with pytest.raises(DataError, match="multiple") as refused:
        ask("GET", "clients", {"select": "id"}, shape="object")
    assert (refused.value.code, refused.value.details) == ("PGRST116", "The result contains 3 rows")


def test_fractions_may_be_decimals(ask: Ask) -> None:
    found = ask("GET", "clients", {"select": "balance", "id": "eq.1"}, decimals=True)
    assert (found.data, str(found.data[0]["balance"])) == ([{"balance": Decimal("10.50")}], "10.50")


@pytest.mark.parametrize(
    ("name", "params", "wanted"),
    [
        ("nope", {}, "42P01"),
        ("clients", {"select": "nope"}, "42703"),
        ("clients", {"id": "5"}, "PGRST100"),
        ("clients", {"projects.id": "eq.5"}, "PGRST108"),
        ("clients", {"order": "projects(id)"}, "PGRST108"),
        ("clients", {"select": "projects(id)", "order": "projects(id)"}, "PGRST118"),
        ("clients", {"select": "...projects(id)"}, "PGRST119"),
        ("clients", {"select": "nope(id)"}, "PGRST200"),
        ("orders", {"select": "addresses(street)"}, "PGRST201"),
        ("clients", {"select": "id::nope"}, "42704"),
        ("clients", {"select": "id::text $$ nope,name::$$"}, "42704"),
        ("clients", {"mood": "eq.nope"}, "22P02"),
        ("clients", {"select": '""'}, "42601"),
        ("clients", {"limit": "0", "offset": "5"}, "PGRST103"),
    ],
)
def test_reads_are_refused_by_postgrest_s_codes(ask: Ask, name: str, params: dict[str, str], wanted: str) -> None:
    assert code(lambda: ask("GET", name, params)) == wanted


def test_an_offset_behind_the_last_row_is_refused_where_the_count_is_known(ask: Ask) -> None:
    assert code(lambda: ask("GET", "clients", {"offset": "10"}, count="exact")) == "PGRST103"
    assert ask("GET", "clients", {"offset": "10"}).data == []


def test_a_request_without_end_is_refused(ask: Ask) -> None:
    with pytest.raises(NotSupported):
        ask("GET", "tasks", {"select": "tasks(" * 3000 + "id" + ")" * 3000})


def test_values_never_enter_the_sql(known: SchemaCache) -> None:
    evil = "'; DROP TABLE clients; --"
    params = (("name", f"eq.{evil}"), ("or", f'(name.eq."{evil}",meta->"{evil}".is.null)'))
    statement = builder.compile(Request(method="GET", name="clients", params=params), known)
    assert "DROP" not in statement.sql
    assert statement.parameters.count(evil) == 3


# Writes


def test_insert_returns_what_is_asked_for_with_embeds(ask: Ask) -> None:
    body = {"name": "Zed", "balance": Decimal("1.5"), "tags": ["q"], "meta": {"k": [1]}}
    found = ask("POST", "clients", {"select": "name,balance,tags,meta,projects(id)"}, body, returning="representation")
    assert found.data == [{**body, "balance": 1.5, "projects": []}]
    assert (found.status, ask("POST", "clients", {}, {"name": "quiet"}).data) == (201, None)


def test_bulk_inserts_and_the_columns_that_some_rows_leave_out(ask: Ask) -> None:
    bodies = [{"name": "a"}, {"name": "b", "mood": "sad"}]
    assert code(lambda: ask("POST", "clients", {}, bodies)) == "PGRST102"
    params = {"columns": "name,mood", "select": "mood"}
    assert rows(ask("POST", "clients", params, bodies, returning="representation")) == [(None,), ("sad",)]
    filled = ask("POST", "clients", params, bodies, returning="representation", missing="default")
    assert rows(filled) == [("ok",), ("sad",)]
    assert ask("POST", "users", {}, [{}, {}], returning="representation", count="exact").count == 2
    assert ask("POST", "clients", {}, [], returning="representation").data == []
    assert code(lambda: ask("POST", "clients", {"columns": "nope"}, bodies)) == "PGRST204"


def test_upsert_merges_or_ignores(ask: Ask) -> None:
    bodies = [{"a": 1, "b": 1, "note": "merged"}, {"a": 9, "b": 9, "note": "new"}]
    merged = ask("POST", "pairs", {}, bodies, returning="representation", resolution="merge-duplicates")
    assert merged.data == bodies
    ignored = ask("POST", "pairs", {}, bodies[:1], returning="representation", resolution="ignore-duplicates")
    assert ignored.data == []
    by_email = ask(
        "POST", "clients", {"on_conflict": "email", "select": "id,name"}, {"name": "A2", "email": "a@x"},
        returning="representation", resolution="merge-duplicates",
    )  # fmt: skip
    assert by_email.data == [{"id": 1, "name": "A2"}]
    assert code(
        lambda: ask("POST", "clients", {"on_conflict": "name"}, {"name": "x"}, resolution="merge-duplicates")
    ) == "42P10"  # fmt: skip


def test_update_and_delete_what_a_filter_names(ask: Ask) -> None:
    params = {"id": "eq.1", "select": "name,projects(name)", "projects.id": "eq.2"}
    found = ask("PATCH", "clients", params, {"name": "New"}, returning="representation")
    assert found.data == [{"name": "New", "projects": [{"name": "P2"}]}]
    either = ask(
        "PATCH", "clients", {"or": "(name.eq.New,id.eq.2)", "select": "id"}, {"name": "x"}, returning="representation"
    )
    assert sorted(rows(either)) == [(1,), (2,)]
    assert ask("PATCH", "clients", {"id": "eq.1"}, {}, returning="representation").data == []
    assert ask("PATCH", "clients", {"id": "eq.1"}, {"name": "y"}, count="exact").count == 1
    gone = ask("DELETE", "plain", {"x": "eq.1", "select": "y"}, returning="representation", count="exact")
    assert (sorted(rows(gone)), gone.count) == ([("a",), ("c",)], 2)


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
def test_a_write_without_a_filter_is_refused_unless_allowed(ask: Ask, method: str) -> None:
    body = {"y": "all"} if method == "PATCH" else None
    with pytest.raises(DataError, match="names no row") as refused:
        ask(method, "plain", {"select": "y"}, body)
    assert refused.value.code == "21000"
    assert ask(method, "plain", {}, body, count="exact", filterless=True).count == 3


def test_a_write_may_be_limited_by_an_order(ask: Ask) -> None:
    found = ask(
        "DELETE", "tasks", {"id": "gt.2", "order": "id.desc", "limit": "1", "select": "id"}, returning="representation"
    )
    assert found.data == [{"id": 4}]
    assert code(lambda: ask("DELETE", "tasks", {"limit": "1"})) == "PGRST109"
    # Two rows are first by this order.
    assert code(lambda: ask("DELETE", "plain", {"x": "eq.1", "order": "x", "limit": "1"})) == "PGRST110"


def test_a_write_of_more_rows_than_allowed_is_refused(ask: Ask) -> None:
    assert code(lambda: ask("DELETE", "plain", {"x": "eq.1"}, max_affected=1)) == "PGRST124"
    assert code(lambda: ask("PATCH", "plain", {"x": "eq.77"}, {"y": "z"}, shape="object")) == "PGRST116"


def test_put_replaces_one_row_by_its_key(ask: Ask) -> None:
    body = {"a": 1, "b": 1, "note": "put"}
    assert ask("PUT", "pairs", {"a": "eq.1", "b": "eq.1"}, body, returning="representation").data == [body]
    assert code(lambda: ask("PUT", "pairs", {"a": "eq.1", "b": "eq.7"}, body)) == "PGRST115"
    assert code(lambda: ask("PUT", "pairs", {"a": "eq.1"}, body)) == "PGRST105"
    assert code(lambda: ask("PUT", "pairs", {"a": "eq.1", "limit": "1"}, body)) == "PGRST114"


def test_writes_go_through_views(ask: Ask) -> None:
    params = {"select": "title,clients(name)"}
    found = ask("POST", "project_view", params, {"title": "seen", "client_id": 2}, returning="representation")
    assert found.data == [{"title": "seen", "clients": {"name": "Bob"}}]


def test_a_write_to_nothing_is_refused_before_it_is_sent(ask: Ask) -> None:
    with pytest.raises(TableMissing):
        ask("POST", "nope", {}, {"a": 1})


@pytest.mark.parametrize("body", [None, "text", [1], {"name": float("nan")}, {"name": object()}])
def test_a_body_that_is_no_json_object_is_refused(ask: Ask, body: object) -> None:
    assert code(lambda: ask("POST", "clients", {}, body)) == "PGRST102"


# Functions


def call(ask: Ask, name: str, body: Any = None, params: dict[str, str] | None = None, **more: Any) -> Any:
    return ask("POST", name, params, {} if body is None else body, rpc=True, **more).data


def test_functions_give_scalars_rows_sets_and_nothing(ask: Ask) -> None:
    assert call(ask, "add_them", {"a": 1}) == 11
    assert call(ask, "names") == ["Ann", "Bob", 'Cy, "x"']
    assert call(ask, "one_client", {"cid": 1}, {"select": "name,projects(id)"}) == {
        "name": "Ann", "projects": [{"id": 1}, {"id": 2}],
    }  # fmt: skip
    assert call(ask, "tab", {"n": 3}, {"sq": "gt.1", "order": "i.desc"}) == [{"i": 3, "sq": 9}, {"i": 2, "sq": 4}]
    assert call(ask, "outs", {"a": 4}) == {"a": 4, "b": "x"}
    assert call(ask, "vsum", {"nums": [1, 2, 3]}) == 6
    assert call(ask, "echo_json", {"any": ["thing"]}) == {"any": ["thing"]}
    nothing = ask("POST", "nothing", {}, {}, rpc=True)
    assert (nothing.data, nothing.status) == (None, 204)


def test_a_set_of_rows_is_read_like_a_table(ask: Ask) -> None:
    params = {"select": "id,upper_name,projects(name)", "id": "gt.1", "order": "id.desc", "limit": "1"}
    found = ask("POST", "all_clients", params, {}, rpc=True, count="exact")
    assert (found.data, found.count) == ([{"id": 3, "upper_name": 'CY, "X"', "projects": []}], 2)


def test_a_function_may_be_called_by_get(ask: Ask) -> None:
    assert ask("GET", "add_them", {"a": "1", "b": "2"}, rpc=True).data == 3
    assert ask("GET", "all_clients", {"select": "id,name", "id": "eq.2"}, rpc=True).data == [{"id": 2, "name": "Bob"}]
    assert ask("HEAD", "all_clients", {}, rpc=True, count="exact").count == 3
    assert ask("GET", "vsum", {"nums": "4"}, rpc=True).data == 4


def test_a_function_whose_first_argument_only_comes_back_is_called_too(ask: Ask) -> None:
    """PostgREST 12.0.2 does not find it: it takes the names of all arguments for those of the input ones."""
    assert call(ask, "back_first", {"a": 4}) == {"x": 8, "y": "y"}


def test_only_a_volatile_function_that_is_posted_writes(known: SchemaCache) -> None:
    def reads(method: Any, name: str, **more: Any) -> bool:
        return builder.compile(Request(method=method, name=name, rpc=True, **more), known).reads

    assert reads("POST", "all_clients", body={})
    assert not reads("POST", "add_client", body={"name": "x"})
    assert reads("GET", "add_client", params=(("name", "x"),))


def test_the_overload_is_chosen_by_the_names_of_its_arguments(ask: Ask) -> None:
    assert (call(ask, "over", {"a": 1}), call(ask, "over", {"a": 1, "b": 2})) == ("int", "two")
    assert code(lambda: call(ask, "amb", {"a": 1})) == "PGRST203"
    assert code(lambda: call(ask, "nope", {"a": 4})) == "PGRST202"
    assert code(lambda: call(ask, "add_them", {"a": 1, "c": 2})) == "PGRST202"

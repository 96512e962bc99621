"""What an application or its user may send by mistake or malice: odd names and values, identities that cross, schemas that move.

Every trial is one that has failed once, or a door that has to stay shut; on a real server.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hmac
import itertools
import json
import os
import random
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from crosswalk.data import APIError, BadValue, Client, Misconfigured, NotSupported, create_async_client, create_client
from crosswalk.data.failures import DataError
from crosswalk.embedded import Server
from tests.postgrest import make_roles
from tests.servers import sql

WORLD = Path(__file__).with_suffix(".sql").read_text()
SECRET = "signs"
ODD = 'Sel"ect %s $1 {x} (a,b):c.d'
_names = itertools.count(1)


@dataclass(frozen=True, kw_only=True)
class World:
    server: Server
    database: str
    url: str

    def sql(self, *statements: str) -> str:
        return sql(self.server, *statements, database=self.database)


@pytest.fixture(scope="module")
def world(pg16: Server) -> Iterator[World]:
    name = f"data_breaking_{next(_names)}"
    password = make_roles(pg16)
    sql(pg16, f"CREATE DATABASE {name} TEMPLATE template0")
    sql(pg16, WORLD, database=name)
    yield World(server=pg16, database=name, url=pg16.url(name, user="authenticator", password=password))
    sql(pg16, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="module")
def client(world: World) -> Iterator[Client]:
    with create_client(world.url, "service_role", max_size=3) as made:
        yield made


def token(**claims: Any) -> str:
    said = [json.dumps(part).encode() for part in ({"alg": "HS256"}, claims)]
    head = b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in said)
    signature = hmac.digest(SECRET.encode(), head, "sha256")
    return (head + b"." + base64.urlsafe_b64encode(signature).rstrip(b"=")).decode()


def who(client: Client) -> dict[str, Any]:
    found: dict[str, Any] = client.rpc("whoami").execute().data
    return found


# --- who asks


@pytest.mark.parametrize("said", [{"key": ""}, {"key": "none"}, {"role": ""}, {"role": "none"}, {"claims": {"role": ""}}])
def test_no_role_is_not_everybody(world: World, client: Client, said: dict[str, Any]) -> None:
    """An empty variable of the environment must not make a request that of the connected user."""
    with pytest.raises(Misconfigured):
        create_client(world.url, **said)
    with pytest.raises(Misconfigured):
        client.acting_as(**said)


def test_a_token_cannot_name_the_connected_user(world: World) -> None:
    with create_client(world.url, token(role="none"), jwt_secret=SECRET) as client, pytest.raises(APIError) as refused:
        who(client)
    assert refused.value.code == "22023"


def test_claims_without_a_role_keep_the_role(world: World) -> None:
    with create_client(world.url, "anon", jwt_secret=SECRET) as client:
        assert who(client.acting_as(claims={"sub": "ann"})) == {"role": "anon", "claims": {"sub": "ann", "role": "anon"}}
        assert who(client.acting_as(role="authenticated").acting_as(claims={"n": 1}))["role"] == "authenticated"
        with pytest.raises(Misconfigured):
            client.acting_as(token(role="authenticated")).acting_as(claims={"sub": "ann"})
        with pytest.raises(Misconfigured):
            client.postgrest.auth(None)  # type: ignore[arg-type]
        assert who(client)["role"] == "anon"


@pytest.mark.parametrize("claims", [{"role": ["anon"]}, {"born": date(2000, 1, 1)}, {"n": float("nan")}])
def test_claims_that_have_no_form(world: World, claims: dict[str, Any]) -> None:
    with pytest.raises(Misconfigured):
        create_client(world.url, claims=claims)


def test_a_role_that_a_function_left_behind_is_gone(world: World) -> None:
    with create_client(world.url, max_size=1) as client:
        assert client.acting_as("anon").rpc("becomes", {"other": "service_role"}).execute().data == "service_role"
        assert who(client)["role"] == "authenticator"
        client.rpc("becomes", {"other": "service_role"}).execute()
        assert client.rpc("writes").execute().data == "authenticator"


async def test_who_asks_is_settled_when_it_is_asked(world: World) -> None:
    async with await create_async_client(world.url, "anon", jwt_secret=SECRET) as client:
        client.postgrest.auth(token(role="authenticated"))
        first = client.rpc("whoami").execute()
        client.postgrest.auth(token(role="service_role"))
        answers = await asyncio.gather(first, client.rpc("whoami").execute())
    assert [answer.data["role"] for answer in answers] == ["authenticated", "service_role"]


@pytest.mark.parametrize("kill", [False, True])
async def test_identities_never_mix(world: World, kill: bool) -> None:
    """Cancelled, refused, killed, many over few connections: each sees its own rows or an error."""
    dice = random.Random(5)
    strange: list[Any] = []
    seen = 0

    async def asks(user: str) -> None:
        nonlocal seen
        mine = shared.acting_as(role="authenticated", claims={"sub": user})
        kind = dice.randrange(5)
        if kind == 0:
            rows = (await mine.table("own").select("owner").execute()).data
            strange.extend(row for row in rows if row["owner"] != user)
            seen += len(rows)
        elif kind < 3:
            answer = await mine.rpc("naps" if kind == 1 else "naps_writing", {"seconds": dice.random() * 0.01}).execute()
            strange.extend([answer.data] if answer.data != user else [])
        elif kind == 3:
            await mine.rpc("boom").execute()
        else:
            answer = await shared.rpc("whoami").execute()
            strange.extend([answer.data] if answer.data != {"role": "authenticator", "claims": {}} else [])

    async def one(number: int) -> None:
        limit = dice.random() * 0.02 if dice.random() < 0.5 else None
        with contextlib.suppress(TimeoutError, DataError):
            await asyncio.wait_for(asks(f"user {number % 10}"), limit)

    async with await create_async_client(world.url, max_size=3) as shared:
        for _ in range(3):
            await asyncio.gather(*map(one, range(60)))
            if kill:
                ended = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'crosswalk'"
                await asyncio.to_thread(world.sql, f"{ended} AND datname = current_database()")
    assert seen
    assert strange == []


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_forked_process_has_its_own_connections(world: World) -> None:
    with create_client(world.url, "anon", max_size=1, pool_timeout=10) as client:
        own = client.rpc("session").execute().data
        child = os.fork()
        if not child:
            try:
                other = {client.acting_as("service_role").rpc("session").execute().data for _ in range(20)}
                os._exit(0 if own not in other else 3)
            finally:
                os._exit(4)
        mine = {tuple(client.rpc("session_and_role").execute().data) for _ in range(20)}
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert mine == {(own, "anon")}


def test_another_event_loop_is_told(world: World) -> None:
    async def asks() -> Any:
        return (await shared.rpc("whoami").execute()).data["role"]

    async def trial() -> None:
        assert await asks() == "anon"
        with pytest.raises(NotSupported, match="event loop"):
            await asyncio.to_thread(asyncio.run, asks())
        assert await asks() == "anon"
        await shared.aclose()

    shared = asyncio.run(create_async_client(world.url, "anon"))
    asyncio.run(trial())


# --- where to


@pytest.mark.parametrize("url", [None, ""])
def test_no_url(url: Any) -> None:
    with pytest.raises(Misconfigured, match="no URL"):
        create_client(url, "anon")


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:hush/x@127.0.0.1:1/d", "postgresql://u:p@hush@127.0.0.1:1/d", "postgresql://u:1/hush@127.0.0.1:1/d",
        "host=127.0.0.1 port=hush", "postgresql://u:hush@127.0.0.1:1/d", "postgresql://u:p@127.0.0.1:1/d?hush=1",
    ],
)  # fmt: skip
def test_no_part_of_a_password_is_told(url: str, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(DataError) as refused, create_client(url, "anon", connect_timeout=2) as client:
        who(client)
    error = refused.value
    assert "hush" not in f"{error!r} {error} {vars(error)} {caplog.text} {error.__cause__}"


@pytest.mark.parametrize("timeout", [0, -1, float("inf"), float("nan")])
def test_a_timeout_is_a_number_of_seconds(world: World, timeout: float) -> None:
    with pytest.raises(Misconfigured, match="timeout"):
        create_client(world.url, "anon", timeout=timeout)


PROGRAMS = {
    "sync": "client = create_client(url, 'anon'); client.rpc('whoami').execute()",
    "async": """
import asyncio
async def main():
    client = await create_async_client(url, 'anon')
    await client.rpc('whoami').execute()
    while client._door._pool.get_stats()['pool_size'] > client._door._pool.get_stats()['pool_available']:
        await asyncio.sleep(0.01)  # a connection that is being made would swallow the loop's cancelling
asyncio.run(main())""",
}


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_program_may_end_without_closing(world: World, program: str) -> None:
    code = f"import os\nfrom crosswalk.data import *\nurl = os.environ['WORLD']\n{PROGRAMS[program]}"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], env={**os.environ, "WORLD": world.url},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


# --- schemas


async def test_the_first_requests_go_to_several_schemas(world: World) -> None:
    async with await create_async_client(world.url, "service_role") as client:
        asked = [("public", "plain"), ("far", "numbered"), ("further", "plain")]
        rows = (client.schema(schema).table(table).insert({"id": 500}).execute() for schema, table in asked)
        assert [answer.data[0]["id"] for answer in await asyncio.gather(*rows)] == [500] * 3


def test_only_the_role_may_use_a_schema(client: Client) -> None:
    """The connected user reads the schema cache without a privilege on what it is about."""
    rows = client.schema("far").table("numbered").insert([{"note": "x"}], default_to_null=False).execute().data
    assert rows == [{"id": 1, "note": "x"}]


def test_a_default_means_what_its_table_means(world: World) -> None:
    """The function far.next() and not public.next(), whatever the search path of the request."""
    with create_client(world.url, "service_role", schemas=("far", "public")) as client:
        rows = client.schema("public").table("plain").insert([{"id": 600}], default_to_null=False).execute().data
    assert rows == [{"id": 600, "made": 42}]


def test_more_defaults_than_a_function_has_arguments(client: Client) -> None:
    row = client.table("wide").insert([{"id": 1}], default_to_null=False).execute().data[0]
    assert (row["c1"], row["c120"]) == (1, 120)


@pytest.mark.parametrize("schema", ["", "nowhere", "NULL", 'a"b', "x" * 100])
def test_a_schema_that_is_none(client: Client, schema: str) -> None:
    for build in (client.schema(schema).table("plain").select("*"), client.schema(schema).rpc("whoami")):
        with pytest.raises(APIError) as refused:
            build.execute()
        assert refused.value.code in ("42601", "42P01", "PGRST202")


# --- names


def test_a_table_of_an_odd_name(client: Client) -> None:
    table = ODD
    row = {"id": 1, 'a " b': 2, "имя": "%s $1", "%s": 1, "$1": 3, "a.b": 4, "a,b": 5, "(c)": 6, "c:d": 7, "Select": 8}
    assert client.table(table).upsert(row).execute().data == [row]
    assert client.table(table).update({"%s": 9, "имя": "{}"}).eq("$1", 3).execute().data == [{**row, "%s": 9, "имя": "{}"}]
    assert client.table(table).select('"a,b","(c)","имя"').eq("c:d", 7).eq("Select", 8).execute().data == [
        {"a,b": 5, "(c)": 6, "имя": "{}"}
    ]


def test_a_key_that_is_no_text(client: Client) -> None:
    with pytest.raises(APIError) as refused:
        client.table("words").insert({5: 1, "id": 2}).execute()
    assert refused.value.code == "PGRST204"


def test_a_column_named_like_a_parameter_filters(client: Client) -> None:
    """A filter that is not understood must not be passed over: the delete would take every other row."""
    client.table("words").insert([{"id": 1, "limit": 1}, {"id": 2, "limit": 2, "or": 5, "select": 6, "order": 7}]).execute()
    for column, value in {"limit": 2, "or": 5, "select": 6, "order": 7}.items():
        assert client.table("words").select("id").eq(column, value).execute().data == [{"id": 2}]
    assert client.table("words").delete().gt("id", 0).eq("limit", 2).execute().data[0]["id"] == 2
    assert client.table("words").delete().gt("id", 0).eq("offset", 9).execute().data == []


def test_half_a_name_is_no_name(client: Client) -> None:
    with pytest.raises(APIError) as refused:
        client.table("words").delete().eq("limit€", 1).execute()
    assert refused.value.code == "PGRST100"


@pytest.mark.parametrize("name", ["_t", "h", "a", "s", "r", "pgrst_source", "own_other_1"])
def test_an_alias_is_never_taken_for_a_row(client: Client, name: str) -> None:
    """Names that the statement has for itself are free for columns."""
    asked = client.table("plain").select(f"id,{name}:made").eq("id", 1)
    assert asked.execute().data == [{"id": 1, name: 7}]
    assert asked.csv().execute().data == f"id,{name}\n1,7"
    inner = client.table("parent").select(f"child({name}:name, parent_child_1:name)").execute().data
    assert inner == [{"child": [{name: "x", "parent_child_1": "x"}]}]


def test_what_looks_like_sql_is_a_name_or_a_value(world: World, client: Client) -> None:
    evil = "1); DROP TABLE words; --"
    asked: list[Callable[[], Any]] = [
        lambda: client.table(evil).select("*"),
        lambda: client.table("words").select(f'"{evil}"'),
        lambda: client.table("words").select(f'"{evil}":id').eq("id", 1),
        lambda: client.table("words").select("id::int) FROM words; DROP TABLE words; --"),
        lambda: client.table("words").select("id::text FROM pg_authid"),
        lambda: client.table("words").select(f'doc->"{evil}"->>"{evil}"'),
        lambda: client.table("words").select("id").eq(evil, evil),
        lambda: client.table("words").select("id").filter("id", f"eq.{evil}", evil),
        lambda: client.table("words").select("id").or_(f"id.eq.{evil},text.eq.{evil}"),
        lambda: client.table("words").select("id").in_("text", [evil, "'", '"', "\\", "{", "NULL", None]),
        lambda: client.table("words").select("id").like_any_of("text", '%a%,"x\\'),
        lambda: client.table("words").select("id").is_("id", f"null){evil}"),
        lambda: client.table("words").select("id").order(f'"{evil}"'),
        lambda: client.table("words").select("id").text_search("text", evil, {"config": f"english', {evil}"}),
        lambda: client.table("words").upsert({"id": 9}, on_conflict=f'"{evil}"'),
        lambda: client.table("words").insert({evil: 1}),
        lambda: client.table("words").select("id").limit(evil),  # type: ignore[arg-type]
        lambda: client.rpc(evil, {evil: evil}),
        lambda: client.rpc("whoami", {evil: evil}, get=True),
        lambda: client.schema(f'public"; {evil}').table("words").select("*"),
        lambda: client.acting_as(role=f"anon'; {evil}").rpc("whoami"),
    ]
    client.table("words").upsert([{"id": 1, "text": "a"}, {"id": 2, "text": "b"}]).execute()
    before = world.sql("TABLE words")
    for number, build in enumerate(asked):
        with contextlib.suppress(DataError):
            answer = build().execute().data
            assert len(answer) <= 2, number
            assert "authenticator" not in str(answer), number
    assert world.sql("TABLE words") == before
    assert who(client.acting_as(role="anon", claims={"x": "'\"; RESET ROLE --"}))["role"] == "anon"


# --- values


@pytest.mark.parametrize("text", ["\ud800", "a\0b"])
def test_a_text_that_the_server_cannot_hold(client: Client, text: str) -> None:
    asked: list[Callable[[], Any]] = [
        lambda: client.table("words").select("id").eq("text", text),
        lambda: client.table("words").insert({"id": 90, "text": text}),
        lambda: client.table("words").select(f'"{text}"'),
        lambda: client.table(text).select("*"),
        lambda: client.schema(text).table("words").select("*"),
        lambda: client.rpc(text),
        lambda: client.rpc("whoami", {text: text}),
    ]
    for build in asked:
        with pytest.raises(APIError):
            build().execute()
    with pytest.raises(BadValue):
        asked[0]().execute()
    assert who(client)["role"] == "service_role"


def test_numbers_of_many_digits(world: World, client: Client) -> None:
    with create_client(world.url, "service_role", max_rows=2) as capped:
        assert capped.table("plain").select("id").limit("9" * 5000).eq("id", 1).execute().data == [{"id": 1}]  # type: ignore[arg-type]
    assert client.rpc("vast").execute().data == 10**6000
    for limit in ("9" * 30, "9" * 5000):
        with pytest.raises(APIError) as refused:
            client.table("words").select("id").limit(limit).execute()  # type: ignore[arg-type]
        assert refused.value.code == "22003"
    for number in (Decimal("1E+900000000"), Decimal("1E-900000000")):
        with pytest.raises(APIError) as refused:
            client.table("words").insert({"id": 91, "number": number}).execute()
        assert refused.value.code == "22003"


def test_a_list_of_a_megabyte(client: Client) -> None:
    """Its reading takes as long as it is, not the square of that."""
    assert client.table("plain").select("id").in_("id", [*range(-150_000, 0), 1]).execute().data == [{"id": 1}]


def test_more_values_than_a_statement_takes(client: Client) -> None:
    with pytest.raises(NotSupported, match="65535"):
        client.table("plain").select("id").or_(",".join(["id.eq.1"] * 65_536)).execute()


def test_deep_nesting_is_refused(client: Client) -> None:
    depth = 20_000
    asked: list[Callable[[], Any]] = [
        lambda: client.table("plain").select("id").or_("and(" * depth + "id.eq.1" + ")" * depth),
        lambda: client.table("plain").select("plain(" * depth + "id" + ")" * depth),
        lambda: client.table("plain").select("plain(" * depth),
    ]
    for build in asked:
        with pytest.raises(APIError) as refused:
            build().execute()
        assert refused.value.code in ("0A000", "54001", "PGRST100", "PGRST200")


def test_a_table_without_columns(client: Client) -> None:
    assert client.table("bare").insert({}, returning="minimal").execute().data == []
    assert client.table("bare").select("*").execute().data == [{}]


def test_a_cut_text_of_long_fields(world: World) -> None:
    with create_client(world.url, "service_role", max_rows=2) as client, warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        text = client.table("long").select("id,text").order("id").csv().execute().data
    field = '"' + "x" * 150_000 + '\n""y"""'
    assert text == f"id,text\n1,{field}\n2,{field}"
    assert len(told) == 1


def test_an_error_that_a_function_makes_up(client: Client) -> None:
    for details in ("no JSON", '[{"a": 1}]'):
        with pytest.raises(APIError) as refused:
            client.rpc("raises", {"code": "PGRST201", "details": details}).execute()
        assert refused.value.code == "PGRST201"
        assert refused.value.details in (details, [{"a": 1}])

"""The client on a real server: who asks, what comes back, what is refused and how, and what a broken connection does.

Where PostgREST answers as well, the expectation is its own answer, through the public package.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hmac
import io
import itertools
import json
import logging
import re
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

import postgrest
from crosswalk.data import (
    APIError,
    APIResponse,
    AsyncClient,
    Client,
    ClientOptions,
    DuplicateKey,
    Misconfigured,
    NotSupported,
    SingleAPIResponse,
    TableMissing,
    Unavailable,
    create_async_client,
    create_client,
)
from crosswalk.data.client import course
from crosswalk.embedded import Server
from tests.postgrest import JWT_SECRET, Api, jwt, make_roles, serve
from tests.servers import sql

WORLD = Path(__file__).with_suffix(".sql").read_text()
_names = itertools.count(1)
Build = Callable[[Any], Any]
"""Given a client, of either kind: something to execute."""


@dataclass(frozen=True, kw_only=True)
class World:
    server: Server
    database: str
    api: Api
    url: str
    session: httpx.Client

    def sql(self, *statements: str) -> str:
        return sql(self.server, *statements, database=self.database)

    def kill(self) -> int:
        """Every session of the clients; how many there were."""
        found = "FROM pg_stat_activity WHERE application_name = 'crosswalk'"
        killed = self.sql(f"SELECT count(pg_terminate_backend(pid)) {found}")
        self.sql(f"SELECT count(pg_terminate_backend(pid, 5000)) {found}")
        return int(killed)


@pytest.fixture(scope="module")
def world(pg16: Server) -> Iterator[World]:
    name = f"data_client_{next(_names)}"
    password = make_roles(pg16)
    sql(pg16, f"CREATE DATABASE {name} TEMPLATE template0")
    sql(pg16, WORLD, database=name)
    url = pg16.url(name, user="authenticator", password=password)
    with serve(pg16, name, schemas=("public", "archive"), max_rows=None) as api, httpx.Client() as session:
        yield World(server=pg16, database=name, api=api, url=url, session=session)
    sql(pg16, f"DROP DATABASE {name} WITH (FORCE)")


class Asked:
    """Clients of one kind, with their waiting hidden."""

    def __init__(self, kind: str, url: str, loop: asyncio.Runner) -> None:
        self.kind, self.url, self.loop = kind, url, loop
        self.opened: list[Any] = []
        self.kept: dict[str, Any] = {}

    def shared(self, *arguments: Any, **said: Any) -> Any:
        """One for all tests that say the same."""
        key = repr((arguments, said))
        if key not in self.kept:
            self.kept[key] = self.client(*arguments, **said)
        return self.kept[key]

    def client(self, *arguments: Any, **said: Any) -> Any:
        if self.kind == "sync":
            made: Any = create_client(self.url, *arguments, **said)
        else:
            made = self.loop.run(create_async_client(self.url, *arguments, **said))
        self.opened.append(made)
        return made

    def run(self, built: Any) -> Any:
        """The built request's answer; a coroutine's result."""
        came = built.execute() if hasattr(built, "execute") else built
        return self.loop.run(_awaited(came)) if self.kind == "async" else came

    def shut(self, client: Any) -> None:
        self.run(client.close() if self.kind == "sync" else client.aclose())

    def close(self) -> None:
        for each in self.opened:
            self.shut(each)


async def _awaited(came: Any) -> Any:
    return await came if asyncio.iscoroutine(came) else came


@pytest.fixture(scope="module")
def loop() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(scope="module", params=["sync", "async"])
def asked(request: pytest.FixtureRequest, world: World, loop: asyncio.Runner) -> Iterator[Asked]:
    made = Asked(request.param, world.url, loop)
    yield made
    made.close()


@pytest.fixture(scope="module")
def anon(world: World) -> Iterator[Client]:
    with create_client(world.url, "anon") as client:
        yield client


def _public(world: World, token: str | None = None) -> postgrest.SyncPostgrestClient:
    client = postgrest.SyncPostgrestClient(world.api.url, http_client=world.session)
    return client.auth(token) if token else client


# who asks


def test_policies_see_the_role_and_the_claims(asked: Asked) -> None:
    def visits(client: Any) -> list[int]:
        return sorted(row["id"] for row in asked.run(client.table("visit").select("id")).data)

    ann = asked.shared(role="authenticated", claims={"sub": "ann"})
    assert visits(ann) == [2, 4, 6, 8, 10]
    assert visits(ann.acting_as(role="authenticated", claims={"sub": "bob"})) == [1, 3, 5, 7, 9]
    assert visits(ann.acting_as("anon")) == []
    assert len(visits(ann.acting_as("service_role"))) == 10
    assert visits(ann) == [2, 4, 6, 8, 10], "a role stays behind in a session"


def test_a_transaction_is_told_what_postgrest_tells_it(world: World, asked: Asked) -> None:
    token = jwt("authenticated", sub="ann", team=[1, 2])
    client = asked.shared(token, jwt_secret=JWT_SECRET, headers={"X-Told": "yes"})
    theirs = _public(world, token)
    theirs.headers["X-Told"] = "yes"
    for get in (True, False):
        assert asked.run(client.rpc("told", {}, get=get)).data == theirs.rpc("told", {}, get=get).execute().data


def test_without_a_role_requests_are_those_of_the_user_who_is_connected(world: World, asked: Asked) -> None:
    assert asked.run(asked.shared().rpc("whoami")).data == {"role": "authenticator", "claims": {}}


def _token(head: dict[str, Any], claims: dict[str, Any], method: str = "sha256", secret: str | None = JWT_SECRET) -> str:
    def text(raw: bytes) -> str:
        return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()

    signed = ".".join(text(json.dumps(each).encode()) for each in (head, claims))
    return f"{signed}.{text(hmac.digest(secret.encode(), signed.encode(), method)) if secret else ''}"


TOKENS: dict[str, Callable[[], str]] = {
    "good": lambda: jwt("authenticated", sub="ann", exp=time.time() + 60, iat=time.time(), nbf=int(time.time())),
    "signed by another secret": lambda: jwt("authenticated", "another secret, as long as it has to be"),
    "expired": lambda: jwt("authenticated", exp=time.time() - 60),
    "expired, but clocks differ": lambda: jwt("authenticated", exp=time.time() - 10),
    "not valid yet": lambda: jwt("authenticated", nbf=time.time() + 60),
    "from the future": lambda: jwt("authenticated", iat=time.time() + 60),
    "without a role": lambda: _token({"alg": "HS256"}, {"sub": "x"}),
    "not signed": lambda: _token({"alg": "none"}, {"role": "authenticated"}, secret=None),
    "signed by another method": lambda: _token({"alg": "HS512"}, {"role": "authenticated"}, "sha512"),
    "signed by a method it does not name": lambda: _token({"alg": "HS512"}, {"role": "authenticated"}),
    "with times that are no numbers": lambda: jwt("authenticated", exp="soon"),
    "with a role that is not there": lambda: jwt("nobody"),
    "with a role that is not given": lambda: jwt("postgres"),
}


@pytest.mark.parametrize("make", TOKENS.values(), ids=TOKENS)
def test_a_token_is_judged_as_postgrest_judges_it(world: World, make: Callable[[], str], loop: asyncio.Runner) -> None:
    token = make()
    with create_client(world.url, token, jwt_secret=JWT_SECRET) as client:
        assert _outcome(lambda: client.rpc("whoami").execute()) == _outcome(lambda: _public(world, token).rpc("whoami", {}).execute())


def test_a_token_is_judged_at_each_request(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time()
    with create_client(world.url, jwt("authenticated", exp=now + 60), jwt_secret=JWT_SECRET) as client:
        client.rpc("nothing").execute()
        monkeypatch.setattr(time, "time", lambda: now + 100)
        with pytest.raises(APIError, match="JWT expired") as raised:
            client.rpc("nothing").execute()
    assert raised.value.code == "PGRST301"


def test_the_secret_comes_from_the_environment_too(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CROSSWALK_JWT_SECRET", JWT_SECRET)
    with create_client(world.url, jwt("service_role")) as client:
        assert client.rpc("whoami").execute().data["role"] == "service_role"


def test_postgrest_auth_changes_who_asks(world: World, asked: Asked) -> None:
    client = asked.client("anon", jwt_secret=JWT_SECRET)
    client.postgrest.auth(jwt("authenticated", sub="ann"))
    assert len(asked.run(client.table("visit").select("id")).data) == 5


# answers


def test_answers_are_those_of_the_old_library(world: World, asked: Asked) -> None:
    client, theirs = asked.shared("anon"), _public(world)
    for build in ANSWERED:
        mine, expected = asked.run(build(client)), build(theirs).execute()
        if expected is None:
            assert mine is None
            continue
        assert (mine.data, mine.count) == (expected.data, expected.count)
        assert type(mine).__name__ == type(expected).__name__
        assert isinstance(mine, APIResponse)


ANSWERED: tuple[Build, ...] = (
    lambda c: c.table("salon").select("id, name", count="exact").order("id").limit(2),
    lambda c: c.from_("salon").select("*", count="exact", head=True),
    lambda c: c.table("salon").select("id", count="planned").order("id"),
    lambda c: c.table("salon").select("id", count="estimated").order("id").limit(1),
    lambda c: c.table("salon").select("id, tags").eq("id", 1).single(),
    lambda c: c.table("salon").select("id").eq("id", 1).maybe_single(),
    lambda c: c.table("salon").select("id").eq("id", 77).maybe_single(),
    lambda c: c.table("salon").select("id, name").order("id").csv(),
    lambda c: c.table("salon").select("id, tags").order("id").strip_nulls(),
    lambda c: c.table("salon").select("id").eq("id", 77),
    lambda c: c.table("salon").update({"tags": ["b"]}, count="exact").eq("id", 1),
    lambda c: c.table("salon").update({"tags": ["a"]}, returning="minimal").eq("id", 1),
    lambda c: c.schema("archive").table("salon").select("*"),
    lambda c: c.rpc("numbers", {"many": 4}, count="exact").gt("n", 1).order("n", desc=True),
    lambda c: c.rpc("numbers", {"many": 4}, get=True),
    lambda c: c.rpc("numbers", {"many": 4}, head=True, count="exact"),
    lambda c: c.rpc("numbers", {"many": 1}).single(),
    lambda c: c.rpc("packed", {"many": 3}),
    lambda c: c.rpc("nothing", {}),
    lambda c: c.rpc("unknown", {}),
)


def test_fractions_are_decimals_on_request(asked: Asked) -> None:
    asks: Build = lambda c: c.table("salon").select("id, balance").lt("id", 3).order("id")  # noqa: E731
    exact = [{"id": 1, "balance": Decimal("12345678901234567890.10")}, {"id": 2, "balance": Decimal("0.5")}]
    assert asked.run(asks(asked.shared("anon", decimals=True))).data == exact
    assert [type(row["balance"]) for row in asked.run(asks(asked.shared("anon"))).data] == [float, float]


def test_a_decimal_is_written_with_all_its_digits(world: World, asked: Asked) -> None:
    client = asked.shared("service_role", decimals=True)
    row = {"id": 50, "name": "n", "balance": Decimal("98765432109876543210.12345")}
    try:
        assert asked.run(client.table("salon").insert(row).select("balance").single()).data == {"balance": row["balance"]}
    finally:
        asked.run(client.table("salon").delete().eq("id", 50))


# pages


def test_there_is_no_cap_unless_asked_for(asked: Asked) -> None:
    assert len(asked.run(asked.shared("anon").rpc("numbers", {"many": 2500})).data) == 2500


@pytest.mark.parametrize(
    ("build", "kept"),
    [
        (lambda c: c.table("salon").select("id", count="exact").order("id"), [{"id": 1}, {"id": 2}]),
        (lambda c: c.table("salon").select("id").order("id").limit(3), [{"id": 1}, {"id": 2}]),
        (lambda c: c.rpc("numbers", {"many": 4}), [{"n": 1}, {"n": 2}]),
        (lambda c: c.table("salon").select("name").order("id", desc=True).csv(), 'name\n"two\nlines"\n"Bob, ""b"""'),
    ],
    ids=["table", "limit above", "function", "csv"],
)
def test_max_rows_cuts_and_warns(asked: Asked, build: Build, kept: Any) -> None:
    client = asked.shared("service_role", max_rows=2)
    with pytest.warns(UserWarning, match="max_rows=2") as warned:
        answer = asked.run(build(client))
    assert answer.data == kept
    assert answer.count in {None, 3}
    assert asked.kind == "async" or warned[0].filename == __file__


@pytest.mark.parametrize(
    "build",
    [
        lambda c: c.table("salon").select("id").limit(2),
        lambda c: c.table("salon").select("id").gt("id", 1),
        lambda c: c.table("salon").select("id, visit(id)").eq("id", 1).single(),
        lambda c: c.table("visit").select("id", count="exact", head=True),
        lambda c: c.table("visit").update({"owner": "bob"}).eq("owner", "bob"),
        lambda c: c.rpc("packed", {"many": 5}),
    ],
)
def test_max_rows_is_silent_where_nothing_is_cut(asked: Asked, build: Build) -> None:
    capped, free = asked.shared("service_role", max_rows=2), asked.shared("service_role")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert asked.run(build(capped)) == asked.run(build(free))


# refusals


def _outcome(ask: Callable[[], Any]) -> Any:
    try:
        return ask().data
    except (APIError, postgrest.APIError) as refused:
        return refused.json()


def _in_full(client: Any, message: str, detail: str = '{"status":418,"headers":{}}') -> Any:
    return client.rpc("fails", {"state": "PGRST", "message": message, "detail": detail})


REFUSED: dict[str, Build] = {
    "duplicate": lambda c: c.table("salon").insert({"id": 1, "name": "x"}),
    "foreign key": lambda c: c.table("visit").insert({"id": 99, "salon_id": 99}),
    "null": lambda c: c.table("salon").insert({"id": 99}),
    "check": lambda c: c.table("visit").insert({"id": 99, "salon_id": 1, "minutes": 0}),
    "bad value": lambda c: c.table("salon").select("id").eq("id", "x"),
    "no column": lambda c: c.table("salon").select("nope"),
    "no table": lambda c: c.table("nope").select(),
    "no column written": lambda c: c.table("salon").update({"nope": 1}).eq("id", 1),
    "no relationship": lambda c: c.table("salon").select("id, secret(*)"),
    "no function": lambda c: c.rpc("nope", {"a": 1}),
    "no conflict key": lambda c: c.table("salon").upsert({"id": 1, "name": "x"}, on_conflict="name"),
    "no right": lambda c: c.table("secret").select(),
    "none of one": lambda c: c.table("salon").select("id").eq("id", 77).single(),
    "two of one": lambda c: c.table("salon").select("id").single(),
    "two of one at most": lambda c: c.table("salon").select("id").maybe_single(),
    "no operator": lambda c: c.table("salon").select("id").filter("id", "xx", 1),
    "no schema": lambda c: c.schema("nope").table("salon").select(),
    "raised": lambda c: c.rpc("fails", {"state": "P0001", "message": "m", "detail": "d", "hint": "h"}),
    "raised with a status": lambda c: c.rpc("fails", {"state": "PT402", "message": "Pay", "detail": "Quota", "hint": "Upgrade"}),
    "raised in full": lambda c: _in_full(c, '{"code":"123","message":"m","details":"d","hint":"h"}'),
    "raised in full, shortly": lambda c: _in_full(c, '{"code":"123","message":"m"}'),
    "raised in full, badly": lambda c: _in_full(c, '{"code":'),
    "raised in full, without status": lambda c: _in_full(c, '{"code":"1","message":"m"}', "x"),
    "at commit": lambda c: c.rpc("late", {}),
    "write by get": lambda c: c.rpc("slow", {"seconds": 0}, get=True),
}  # fmt: skip


@pytest.mark.parametrize("build", REFUSED.values(), ids=REFUSED)
def test_a_refusal_says_what_postgrest_says(world: World, asked: Asked, build: Build) -> None:
    token = jwt("service_role")
    client = asked.shared(token, jwt_secret=JWT_SECRET, schemas=("public", "archive"))
    expected = _outcome(lambda: build(_public(world, token)).execute())
    assert {"code", "message", "details", "hint"} == set(expected), "PostgREST did not refuse"
    assert _outcome(lambda: asked.run(build(client))) == expected


def test_an_error_is_raised_and_not_logged_besides(asked: Asked, caplog: pytest.LogCaptureFixture) -> None:
    client = asked.shared("service_role")
    asked.run(client.rpc("nothing"))
    with caplog.at_level(logging.DEBUG, "psycopg"):
        for _ in range(8):
            with pytest.raises(APIError):
                asked.run(client.table("salon").select("id").eq("id", "a value"))
    assert [each.message for each in caplog.records if each.levelno >= logging.WARNING] == []
    assert "a value" not in caplog.text


def test_an_error_is_the_old_library_s_and_one_by_name(anon: Client) -> None:
    with pytest.raises(DuplicateKey) as raised:
        anon.table("salon").insert({"id": 1, "name": "a value"}).execute()
    error = raised.value
    assert isinstance(error, APIError)
    assert (error.code, error.constraint, error.table, error.hint) == ("23505", "salon_pkey", "salon", None)
    assert error.details == "Key (id)=(1) already exists."
    assert "23505" in str(error)
    assert "duplicate key" in str(error)
    shown = "".join(traceback.format_exception(error)) + repr(error)
    assert "already exists" not in shown, "a row's values are in the error's text"


def test_a_zero_byte_is_refused(asked: Asked) -> None:
    with pytest.raises(APIError) as raised:
        asked.run(asked.shared("anon").table("salon").select().eq("name", "a\x00b"))
    assert raised.value.code == "22021"


@pytest.mark.parametrize(
    "build",
    [
        lambda c: c.table("visit").update({"minutes": 500}).lte("id", 2).single(),
        lambda c: c.table("visit").update({"minutes": 500}).lte("id", 2).maybe_single(),
        lambda c: c.table("visit").update({"minutes": 500}).lte("id", 2).max_affected(1),
        lambda c: c.table("visit").delete().lte("id", 2).single(),
    ],
    ids=["single", "maybe single", "max affected", "delete"],
)
def test_a_write_that_is_refused_for_its_answer_leaves_no_trace(world: World, asked: Asked, build: Build) -> None:
    contents = "SELECT md5(string_agg(visit::text, ',' ORDER BY id)) FROM visit"
    before = world.sql(contents)
    with pytest.raises(APIError) as raised:
        asked.run(build(asked.shared("service_role")))
    assert raised.value.code in {"PGRST116", "406", "PGRST124"}
    assert world.sql(contents) == before


@pytest.mark.parametrize("build", [lambda c: c.table("salon").delete(), lambda c: c.table("salon").update({"name": "x"}).order("id")])
def test_a_write_without_a_filter_is_refused_unless_allowed(world: World, asked: Asked, build: Build) -> None:
    with pytest.raises(APIError, match="filter") as raised:
        asked.run(build(asked.shared("service_role")))
    assert raised.value.code == "21000"
    assert world.sql("SELECT count(*) FROM salon") == "3"


def test_a_write_without_a_filter_may_be_allowed(world: World, asked: Asked) -> None:
    name = f"emptied_{asked.kind}"
    world.sql(f"CREATE TABLE {name} AS SELECT 1 AS id UNION SELECT 2", f"GRANT ALL ON {name} TO anon")
    assert len(asked.run(asked.shared("anon", allow_filterless=True).table(name).delete()).data) == 2


@pytest.mark.parametrize(
    ("use", "name"),
    [
        (lambda c: c.auth, "auth"),
        (lambda c: c.storage, "storage"),
        (lambda c: c.functions, "functions"),
        (lambda c: c.realtime, "realtime"),
        (lambda c: c.channel("x"), r"channel\(\)"),
        (lambda c: c.get_channels(), r"get_channels\(\)"),
        (lambda c: c.remove_all_channels(), r"remove_all_channels\(\)"),
        (lambda c: c.table("t").select().explain(), r"explain\(\)"),
    ],
)
def test_what_is_not_supported_says_its_name(anon: Client, use: Build, name: str) -> None:
    with pytest.raises(NotSupported, match=name):
        use(anon)


# the schema's changes


@pytest.fixture
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(course, "FRESH_SECONDS", 0.0)


@pytest.mark.usefixtures("_no_waiting")
def test_a_table_made_later_is_found(world: World, asked: Asked) -> None:
    name = f"later_{asked.kind}"
    client = asked.client("anon")
    with pytest.raises(TableMissing):
        asked.run(client.table(name).insert({"id": 1}))
    world.sql(f"CREATE TABLE {name} (id int, salon_id int REFERENCES salon)")
    assert asked.run(client.table(name).insert({"id": 1})).data == [{"id": 1, "salon_id": None}]
    world.sql(f"ALTER TABLE {name} ADD note text")
    noted = client.table(name).update({"note": "x"}).eq("id", 1).select("note, salon(id)")
    assert asked.run(noted).data == [{"note": "x", "salon": None}]


def test_a_column_may_change_its_type_under_prepared_statements(world: World, asked: Asked) -> None:
    name = f"changed_{asked.kind}"
    world.sql(f"CREATE TABLE {name} AS SELECT 7 AS code", f"GRANT ALL ON {name} TO anon")
    client = asked.client("anon", max_size=1)
    found = [asked.run(client.table(name).select("code").eq("code", 7)).data for _ in range(8)]
    world.sql(f"ALTER TABLE {name} ALTER code TYPE text USING 'n' || code")
    assert found == [[{"code": 7}]] * 8
    asked.run(client.reload())
    assert asked.run(client.table(name).select("code").eq("code", "n7")).data == [{"code": "n7"}]


def test_a_young_cache_is_not_read_again_for_an_unknown_name(world: World, anon: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(course, "FRESH_SECONDS", 1e9)
    known = anon._door.known
    anon.reload()
    before = known._version
    for _ in range(3):
        with pytest.raises(APIError):
            anon.table("salon").update({"nope": 1}).eq("id", 1).execute()
    assert known._version == before
    anon.reload()
    assert known._version == before + 1


def test_many_first_callers_read_the_cache_once(world: World, loop: asyncio.Runner) -> None:
    with create_client(world.url, "anon", max_size=4) as client, ThreadPoolExecutor(12) as threads:
        answers = list(threads.map(lambda _: client.table("salon").select("id").execute().data, range(40)))
        assert client._door.known._version == 1

    async def gathered() -> tuple[list[Any], int]:
        async with await create_async_client(world.url, "anon", max_size=4) as other:
            came = await asyncio.gather(*(other.table("salon").select("id").execute() for _ in range(40)))
            return [each.data for each in came], other._door.known._version

    others, version = loop.run(gathered())
    assert version == 1
    assert {len(each) for each in (*answers, *others)} == {3}


# broken connections


def test_a_read_survives_a_connection_that_was_ended(world: World, asked: Asked) -> None:
    client = asked.client("anon", min_size=3)
    first = asked.run(client.rpc("session")).data
    assert world.kill() >= 1
    assert asked.run(client.rpc("session")).data != first


def test_a_write_survives_a_connection_that_was_ended_before_it(world: World, asked: Asked) -> None:
    client = asked.client("anon", min_size=3)
    asked.run(client.rpc("session"))
    try:
        for balance in (41, 42):
            assert world.kill() >= 1
            asked.run(client.table("salon").update({"balance": balance}).eq("id", 2))
        assert world.sql("SELECT balance FROM salon WHERE id = 2") == "42"
    finally:
        world.sql("UPDATE salon SET balance = 0.5 WHERE id = 2")


def test_a_read_is_not_repeated_where_that_is_forbidden(world: World, asked: Asked) -> None:
    client = asked.client("anon", min_size=2)
    asked.run(client.rpc("session"))
    world.kill()
    with pytest.raises(Unavailable):
        asked.run(client.rpc("session").retry(False))
    assert asked.run(client.rpc("session")).data > 0


def test_a_write_that_was_under_way_is_never_repeated(world: World, asked: Asked) -> None:
    client = asked.shared("service_role")
    called = int(world.sql("SELECT last_value FROM calls")) if asked.kind == "async" else 0
    running = "FROM pg_stat_activity WHERE application_name = 'crosswalk' AND query LIKE '%slow%' AND wait_event = 'PgSleep'"
    with ThreadPoolExecutor(1) as threads:
        asking = threads.submit(lambda: asked.run(client.rpc("slow", {"seconds": 30})))
        while world.sql(f"SELECT count(*) {running}") == "0":
            assert not asking.done(), asking.exception()
        world.sql(f"SELECT pg_terminate_backend(pid) {running}")
        with pytest.raises(Unavailable) as raised:
            asking.result(timeout=20)
    assert isinstance(raised.value, APIError)
    assert raised.value.code in {"57P01", "08006"}
    assert int(world.sql("SELECT last_value FROM calls")) == called + 1
    assert asked.run(client.rpc("session")).data > 0


def test_a_request_that_is_given_up_leaves_nothing_running(world: World, loop: asyncio.Runner) -> None:
    running = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'crosswalk' AND state <> 'idle'"

    async def given_up() -> int:
        async with await create_async_client(world.url, "service_role", max_size=1) as client:
            await client.rpc("session").execute()
            asking = asyncio.ensure_future(client.rpc("slow", {"seconds": 30}).execute())
            while await asyncio.to_thread(world.sql, running) == "0":
                assert not asking.done(), asking.exception()
            asking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asking
            assert world.sql(running) == "0"
            return len((await client.table("salon").select("id").execute()).data)

    assert loop.run(given_up()) == 3


def test_a_server_that_went_is_said_and_the_client_recovers(world: World, asked: Asked) -> None:
    client = asked.client("anon", min_size=2, pool_timeout=0.5)
    asked.run(client.rpc("session"))
    try:
        world.sql("ALTER ROLE authenticator NOLOGIN")
        world.kill()
        with pytest.raises(Unavailable) as raised:
            asked.run(client.rpc("session"))
        assert raised.value.code == "PGRST003"
    finally:
        world.sql("ALTER ROLE authenticator LOGIN")
    assert asked.run(asked.client("anon").rpc("session")).data > 0
    deadline = time.monotonic() + 30
    while True:
        try:
            assert asked.run(client.rpc("session")).data > 0
            break
        except Unavailable:
            assert time.monotonic() < deadline, "the client did not recover"


def test_a_statement_is_ended_when_its_time_is_over(asked: Asked) -> None:
    client = asked.shared("anon", timeout=0.1)
    with pytest.raises(APIError, match="statement timeout") as raised:
        asked.run(client.rpc("slowly", {"seconds": 20}))
    assert raised.value.code == "57014"
    assert asked.run(client.rpc("told")).data["timeout"] == "100ms"


def test_a_role_s_own_settings_hold_and_the_client_s_go_before(world: World, asked: Asked) -> None:
    role = f"hasty_{asked.kind}"
    world.sql(f"CREATE ROLE {role}", f"GRANT {role} TO authenticator", f"ALTER ROLE {role} SET statement_timeout = '7s'")
    try:
        for given, expected in (({}, "7s"), ({"timeout": 2.5}, "2500ms")):
            assert asked.run(asked.client(role, **given).rpc("told")).data["timeout"] == expected
    finally:
        world.sql(f"DROP ROLE {role}")


@pytest.mark.parametrize("pooler", [False, True])
def test_a_transaction_pooler_gets_no_prepared_statements(asked: Asked, pooler: bool) -> None:
    client = asked.client("anon", transaction_pooler=pooler, max_size=1)
    found = [asked.run(client.rpc("statements")).data for _ in range(8)]
    assert (found[-1] == 0) == pooler


def test_no_transaction_stays_open(world: World, asked: Asked) -> None:
    client = asked.shared("service_role")
    for build in (REFUSED["duplicate"], REFUSED["two of one"], REFUSED["at commit"], REFUSED["no right"]):
        with pytest.raises(APIError):
            asked.run(build(client))
        assert world.sql("SELECT DISTINCT state FROM pg_stat_activity WHERE application_name = 'crosswalk'") == "idle"


# how it is opened and closed


def test_a_closed_client_says_so(asked: Asked) -> None:
    used, unused = asked.client("anon"), asked.client("anon")
    asked.run(used.rpc("nothing"))
    for client in (used, unused):
        asked.shut(client)
        with pytest.raises(Unavailable, match="closed"):
            asked.run(client.rpc("nothing"))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda url: url.replace("authenticator:", "authenticator:wrong"), "password authentication failed"),
        (lambda url: url.replace("/data_client", "/nowhere"), "does not exist"),
        (lambda url: "postgresql://who:s3cret@127.0.0.1:1/db", "127.0.0.1"),
    ],
    ids=["password", "database", "port"],
)
def test_a_server_that_cannot_be_reached_is_said_at_once(
    world: World, loop: asyncio.Runner, change: Callable[[str], str], reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    url = change(world.url)
    password = url.split("@")[0].rsplit(":", 1)[1]
    for kind in ("sync", "async"):
        asked = Asked(kind, url, loop)
        with caplog.at_level(logging.DEBUG), pytest.raises(Unavailable) as raised:
            asked.run(asked.client("anon").rpc("nothing"))
        asked.close()
        shown = "".join(traceback.format_exception(raised.value)) + raised.value.hint
        assert reason in raised.value.hint
        assert password not in shown + caplog.text


@pytest.mark.parametrize("url", ["https://x.supabase.co", "u:s3cret", "postgresql://u:s3cret@h/d?nope=1"])
def test_a_url_of_something_else_is_refused_without_being_repeated(url: str) -> None:
    with pytest.raises(Misconfigured, match="URL") as raised:
        create_client(url, "anon")
    assert "s3cret" not in "".join(traceback.format_exception(raised.value))


@pytest.mark.parametrize(
    "said",
    [
        {"key": "a.b.c"}, {"key": "anon", "role": "service_role"}, {"key": "a.b.c", "jwt_secret": "s", "claims": {}},
        {"role": "anon", "claims": {"role": "x"}}, {"max_rows": 0}, {"min_size": 5, "max_size": 2},
    ],
    ids=str,
)  # fmt: skip
def test_settings_that_contradict_each_other_are_refused(world: World, said: dict[str, Any]) -> None:
    with pytest.raises(Misconfigured):
        create_client(world.url, **said)


def test_the_old_library_s_options_are_read(world: World) -> None:
    options = ClientOptions(schema="archive", headers={"x-told": "yes"}, postgrest_client_timeout=7, auto_refresh_token=False)
    with create_client(world.url, "anon", options) as client:
        assert client.table("salon").select("closed").execute().data == [{"closed": "2020-02-29"}]
        told = client.schema("public").rpc("told").execute().data
        assert (told["header"], told["timeout"]) == ("yes", "7s")


def test_no_secret_is_in_a_repr(world: World) -> None:
    token = jwt("anon")
    with create_client(world.url, token, jwt_secret=JWT_SECRET) as client:
        shown = " ".join(map(repr, (client, client._settings, client._sender, client._door.known, vars(client))))
    assert not any(each in shown for each in (token, JWT_SECRET, world.url.split("@")[0].rsplit(":", 1)[1]))


PAGE = Path(__file__).parents[2] / "docs" / "leave-supabase-py.md"


def _blocks(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```", PAGE.read_text(), re.DOTALL | re.MULTILINE)


def _with_roles_once(script: str) -> str:
    """Roles are the server's, and others of the tests may have made them."""
    once = r"DO $$BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '\2') THEN \1; END IF; END$$;"
    return re.sub(r"(CREATE ROLE (\w+)[^;]*);", once, script)


def test_the_page_shows_what_its_program_prints(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"{world.database}_page"
    sql(world.server, f"CREATE DATABASE {name} TEMPLATE template0")
    sql(world.server, *(_with_roles_once(block) for block in _blocks("sql")), database=name)
    monkeypatch.setenv("SUPABASE_URL", world.url.replace(world.database, name))
    monkeypatch.setenv("SUPABASE_KEY", "service_role")
    (program,), (printed,) = _blocks("python"), _blocks("text")
    known: dict[str, Any] = {}
    with contextlib.redirect_stdout(io.StringIO()) as shown:
        exec(compile(program, str(PAGE), "exec"), known)
    known["supabase"].close()
    sql(world.server, f"DROP DATABASE {name} WITH (FORCE)")
    assert shown.getvalue() == printed


def test_the_names_are_there() -> None:
    assert issubclass(SingleAPIResponse, APIResponse)
    assert {Client.__name__, AsyncClient.__name__} == {"Client", "AsyncClient"}

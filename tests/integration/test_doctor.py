"""The doctor on real servers: each trouble is planted and found, and a healthy pair is left in peace."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from rich.console import Console

from crosswalk.catalog import read_schema
from crosswalk.cli.findings import render_findings
from crosswalk.connect import Session, connect, session
from crosswalk.doctor import IDS, Finding, Severity, examine
from crosswalk.doctor.scene import Scene
from crosswalk.doctor.servers import pooler
from crosswalk.embedded import Server
from crosswalk.names import Name
from tests.integration.nasty import SELECT, nasty, public, run
from tests.servers import MakeDatabase, MakeRole, MakeTemplate, database_of, sql

DOCS = Path(__file__).parents[2] / "docs" / "doctor.md"


@dataclass(frozen=True)
class Moves:
    tables: tuple[tuple[Name, Name], ...]


async def look(source: str, target: str, *, document: Moves | None = None) -> dict[str, Finding]:
    async with session("source", source) as one, session("target", target) as two:
        found = await examine(one, two, await read_schema(one), await read_schema(two), document=document)
    assert {f.id for f in found} <= set(IDS)
    return {f"{f.id} {f.severity}" if f.id == "target.privileges.owner" else f.id: f for f in found}


@pytest.fixture
def pair(pg16: Server, pg18: Server, make_database: MakeDatabase) -> tuple[str, str]:
    return make_database(pg16), make_database(pg18)


async def test_a_healthy_pair_has_no_blocker_and_no_warning(pair: tuple[str, str]) -> None:
    source, target = pair
    await run(source, "CREATE TABLE a (id integer PRIMARY KEY)")
    await run(target, "CREATE TABLE a (id bigserial PRIMARY KEY)")
    found = await look(source, target)
    assert {f.id for f in found.values() if f.severity is not Severity.NOTE} == set()
    assert found["servers.versions"].evidence[0].startswith("source 16")


async def test_an_older_target_is_a_warning(pg16: Server, pg18: Server, make_database: MakeDatabase) -> None:
    found = await look(make_database(pg18), make_database(pg16))
    assert found["servers.versions"].severity is Severity.WARNING


async def test_one_database_under_two_urls(pg18: Server, make_database: MakeDatabase) -> None:
    url = make_database(pg18)
    assert "servers.same" in await look(url, url)


async def test_a_role_without_rights_is_told_each_grant_and_the_grants_heal(
    pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole
) -> None:
    reader, writer = make_role(pg16), make_role(pg18)
    source, target = make_database(pg16), make_database(pg18)
    await run(source, "CREATE SCHEMA s; CREATE TABLE s.a (id integer PRIMARY KEY, b text)")
    await run(target, "CREATE SCHEMA s; CREATE TABLE s.a (id integer PRIMARY KEY)",
              f'REVOKE TEMPORARY ON DATABASE "{database_of(target)}" FROM PUBLIC')
    urls = reader.url(pg16, database_of(source)), writer.url(pg18, database_of(target))
    found = await look(*urls)
    expected = {"source.privileges.schema", "target.privileges.schema", "source.privileges.select",
                "target.privileges.write", "target.privileges.ledger", "target.privileges.temp"}
    assert {f.id for f in found.values() if f.severity is Severity.BLOCKER} == expected
    assert found["target.privileges.write"].tables == (Name("s", "a"),)
    for id_ in expected:
        await run(source if id_.startswith("source") else target, found[id_].fix)
    healed = await look(*urls)
    assert [f for f in healed.values() if f.severity is Severity.BLOCKER] == []
    assert "target.privileges.owner warning" in healed


async def test_a_column_that_may_not_be_read_blocks(
    pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole
) -> None:
    role, source = make_role(pg16), make_database(pg16)
    await run(source, "CREATE TABLE a (id integer PRIMARY KEY, secret text)", f"GRANT SELECT (id) ON a TO {role.name}")
    found = await look(role.url(pg16, database_of(source)), make_database(pg18))
    assert found["source.privileges.select"].evidence == ("public.a: columns secret",)


async def test_row_security_that_hides_rows_blocks_on_both_sides(
    pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole
) -> None:
    owners = make_role(pg16), make_role(pg18)
    urls = [make_database(server, owner=owner) for server, owner in zip((pg16, pg18), owners, strict=True)]
    for server, owner, url in zip((pg16, pg18), owners, urls, strict=True):
        sql(server, f"GRANT CREATE ON SCHEMA public TO {owner.name}", database=database_of(url))
        await run(url, "CREATE TABLE a (id integer PRIMARY KEY); CREATE TABLE b (id integer PRIMARY KEY)",
                  "ALTER TABLE a ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY",
                  "ALTER TABLE b ENABLE ROW LEVEL SECURITY")
    found = await look(*urls)
    for side, url in zip(("source", "target"), urls, strict=True):
        finding = found[f"{side}.rls.hides"]
        assert (finding.severity, finding.tables) == (Severity.BLOCKER, (public("a"),))
        await run(url, finding.fix)
    assert not {"source.rls.hides", "target.rls.hides"} & set(await look(*urls))


async def test_what_fires_makes_or_refuses_values_in_the_target(
    pg16: Server, pg18: Server, template: MakeTemplate, make_database: MakeDatabase
) -> None:
    url = nasty(pg18, template, make_database)
    found = await look(make_database(pg16), url)
    assert [line.split(" before")[0] for line in found["target.triggers.rewrite"].evidence] == [
        'public."Select": 1 origin'
    ]
    assert [line.split(" after")[0] for line in found["target.triggers.effects"].evidence] == [
        "public.events: on_events"
    ]
    assert [line.split(" after")[0] for line in found["target.triggers.always"].evidence] == [
        'public."Select": 4 always'
    ]
    assert found["target.identity.always"].evidence == ('public."Select": from',)
    assert found["target.columns.generated"].evidence == ('public."Select": with_tax (stored)',)
    assert found["target.partitions.no_default"].tables == (public("events"),)
    assert found["target.constraints.not_validated"].evidence == ('public."Select": not yet (check)',)
    await run(url, *(found[i].fix for i in (
        "target.triggers.rewrite", "target.triggers.effects", "target.partitions.no_default",
        "target.constraints.not_validated",
    )))
    healed = await look(make_database(pg16), url)
    assert not {"target.triggers.rewrite", "target.triggers.effects", "target.partitions.no_default",
                "target.constraints.not_validated"} & set(healed)


async def test_what_is_not_enforced_is_not_to_be_validated(pg16: Server, pg18: Server, make_database: MakeDatabase) -> None:
    source, target = make_database(pg16), make_database(pg18)
    await run(target, "CREATE TABLE t (id int PRIMARY KEY, n int CONSTRAINT loose CHECK (n > 0) NOT ENFORCED)")
    found = (await look(source, target))["target.constraints.not_validated"]
    assert (found.evidence, found.fix) == (("public.t: loose (check, not enforced)",), "")


async def test_a_document_narrows_the_look_to_its_tables(
    pg16: Server, pg18: Server, template: MakeTemplate, make_database: MakeDatabase
) -> None:
    source, target = nasty(pg16, template, make_database), nasty(pg18, template, make_database)
    wide = await look(source, target)
    narrow = await look(source, target, document=Moves(((public("by_index"), public("by_index")),)))
    assert SELECT in wide["target.triggers.rewrite"].tables
    assert not any(f.tables for f in narrow.values())


async def test_sequences_that_lag_are_found_and_the_fix_heals(pair: tuple[str, str]) -> None:
    source, target = pair
    await run(source, 'CREATE TABLE "Odd T" ("Id" serial PRIMARY KEY, n serial); INSERT INTO "Odd T" VALUES (7, 9)')
    await run(target, "CREATE TABLE a (id integer GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY)",
              "INSERT INTO a VALUES (DEFAULT), (2)", "CREATE TABLE b (id serial PRIMARY KEY)")
    found = await look(source, target)
    assert found["source.sequences.behind"].tables == (public("Odd T"),)
    assert found["target.sequences.behind"].tables == (public("a"),)
    await run(source, found["source.sequences.behind"].fix)
    await run(target, found["target.sequences.behind"].fix)
    assert not {"source.sequences.behind", "target.sequences.behind"} & set(await look(source, target))


async def test_deferrable_keys_invalid_indexes_and_replica_identity(pair: tuple[str, str]) -> None:
    source, target = pair
    await run(source, "CREATE TABLE late (id integer PRIMARY KEY DEFERRABLE)",
              "CREATE TABLE nokey (a integer NOT NULL, b integer); INSERT INTO nokey VALUES (1), (1)",
              "CREATE TABLE quiet (a integer NOT NULL UNIQUE)", "CREATE PUBLICATION p FOR TABLE nokey")
    with pytest.raises(asyncpg.UniqueViolationError):
        await run(source, "CREATE UNIQUE INDEX CONCURRENTLY broken ON nokey (a)")
    found = await look(source, target)
    assert found["source.keys.deferrable"].severity is Severity.WARNING
    assert found["source.indexes.invalid"].evidence == ("public.nokey: broken (unique)",)
    assert found["source.replica_identity.published"].tables == (public("nokey"),)
    assert found["source.replica_identity.missing"].tables == (public("late"), public("quiet"))
    assert 'REPLICA IDENTITY USING INDEX "quiet_a_key"' in found["source.replica_identity.missing"].fix
    await run(source, found["source.replica_identity.published"].fix, found["source.replica_identity.missing"].fix)
    assert not {i for i in await look(source, target) if "replica_identity" in i}


async def test_extensions_and_functions_that_the_target_lacks(pair: tuple[str, str]) -> None:
    source, target = pair
    await run(source, "CREATE EXTENSION vector; CREATE SCHEMA auth",
              "CREATE FUNCTION auth.uid() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
              "CREATE TABLE a (id integer PRIMARY KEY DEFAULT auth.uid(), v vector(3))",
              "CREATE POLICY p ON a USING (id = auth.uid())")
    found = await look(source, target)
    assert found["target.extensions.missing"].evidence == ("vector: available, 1 column",)
    assert found["target.functions.missing"].evidence == (
        "auth.uid: called by policy p of a and 1 more",
    ) or found["target.functions.missing"].evidence == ("auth.uid: called by the default of a.id and 1 more",)
    await run(target, found["target.extensions.missing"].fix, "CREATE SCHEMA auth",
              "CREATE FUNCTION auth.uid() RETURNS integer LANGUAGE sql AS 'SELECT 1'")
    healed = await look(source, target)
    assert not {"target.extensions.missing", "target.functions.missing"} & set(healed)


async def test_time_outs_read_only_and_encodings(
    pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole
) -> None:
    source, target = make_database(pg16), make_database(pg18)
    role = make_role(pg18)
    sql(pg18, f"ALTER ROLE {role.name} SET statement_timeout = '2min'",
        f"ALTER ROLE {role.name} SET transaction_timeout = '1h'",
        f"ALTER ROLE {role.name} SET default_transaction_read_only = on")
    found = await look(source, role.url(pg18, database_of(target)))
    assert found["target.timeouts.overridden"].evidence == ("statement_timeout = 120000 ms",)
    assert found["target.timeouts.kept"].evidence == ("transaction_timeout = 3600000 ms",)
    assert "target.read_only.default" in found
    name = f"{database_of(source)}_latin"
    sql(pg16, f'CREATE DATABASE "{name}" TEMPLATE template0 ENCODING LATIN1 LOCALE "C"')
    try:
        assert {"servers.encodings", "servers.collations"} <= set(await look(pg16.url(name), target))
    finally:
        sql(pg16, f'DROP DATABASE "{name}" WITH (FORCE)')


async def test_settings_that_did_not_take_effect_block(pair: tuple[str, str]) -> None:
    source, target = pair
    async with session("source", source) as one, session("target", target) as two:
        await two.execute("SET row_security = on; SET TimeZone = 'Europe/Moscow'")
        found = await examine(one, two, await read_schema(one), await read_schema(two))
    lost = next(f for f in found if f.id == "target.settings.lost")
    assert lost.evidence == ("row_security = on, not off", "TimeZone = Europe/Moscow, not UTC")
    assert found[0] is lost  # worst first


class Pooled(Session):
    """A session as a pooler in transaction mode serves it: every statement runs on the other connection."""

    def share(self, other: Session) -> None:
        self.others = [other.raw, self.raw]

    def turn(self) -> None:
        self.others.reverse()
        self.raw = self.others[0]

    async def execute(self, sql: str, *args: Any, what: str = "a statement") -> str:
        self.turn()
        return await super().execute(sql, *args, what=what)

    async def fetch(self, sql: str, *args: Any, what: str = "a query") -> list[asyncpg.Record]:
        self.turn()
        return await super().fetch(sql, *args, what=what)


async def test_a_pooler_in_transaction_mode_is_found_by_what_it_loses(
    pg18: Server, make_database: MakeDatabase
) -> None:
    url = make_database(pg18)
    one, two = await connect("target", url), await connect("target", url)
    pooled = Pooled(side="target", url=one.url, version=one.version, role=one.role, database=one.database,
                    read_only=False, raw=one.raw)
    pooled.share(two)
    schema = await read_schema(two)
    try:
        [found] = [f async for f in pooler(Scene(side="target", session=pooled, schema=schema, tables=()))]
        assert (found.id, found.severity) == ("target.pooler.transaction", Severity.BLOCKER)
        assert [f async for f in pooler(Scene(side="target", session=two, schema=schema, tables=()))] == []
        two.url = re.sub(r":\d+/", ":6543/", two.url)
        [hint] = [f async for f in pooler(Scene(side="target", session=two, schema=schema, tables=()))]
        assert hint.id == "target.pooler.port"
    finally:
        await one.close()
        await two.close()


async def test_old_transactions_and_idle_slots_are_named(
    pair: tuple[str, str], pg16: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = pair
    slot = f"slot_{database_of(source)}"
    holder = await asyncpg.connect(source)
    await holder.execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1")
    sql(pg16, f"SELECT pg_create_logical_replication_slot('{slot}', 'pgoutput')", database=database_of(source))
    asked = Scene.ask

    async def impatient(self: Scene, query: str, *args: Any) -> list[asyncpg.Record]:
        if query == "old_transactions":
            text = (Path(__file__).parents[2] / "src/crosswalk/doctor/old_transactions.sql").read_text()
            return await self.session.fetch(text.replace("'5 minutes'", "'0 minutes'"))
        return await asked(self, query, *args)

    monkeypatch.setattr(Scene, "ask", impatient)
    try:
        found = await look(source, target)
        pid = holder.get_server_pid()
        [line] = [line for line in found["source.transactions.long"].evidence if f"pid {pid}," in line]
        assert "open for 00:00:0" in line
        assert f"pg_terminate_backend({pid})" in found["source.transactions.long"].fix
        assert any(line.startswith(slot) for line in found["source.slots.idle"].evidence)
    finally:
        await holder.close()
        sql(pg16, f"SELECT pg_drop_replication_slot('{slot}')")


async def test_a_check_that_fails_is_never_a_pass(pair: tuple[str, str]) -> None:
    source, target = pair
    await run(source, "CREATE TABLE a (id serial PRIMARY KEY)")
    async with session("source", source) as one, session("target", target) as two:
        schema, other = await read_schema(one), await read_schema(two)
        await run(source, "DROP TABLE a")
        found = await examine(one, two, schema, other)
    failed = next(f for f in found if f.id == "check.failed")
    assert "sequences_behind" in failed.title
    assert "does not exist" in failed.evidence[0]


async def test_nothing_is_written(
    pg16: Server, pg18: Server, template: MakeTemplate, make_database: MakeDatabase
) -> None:
    source, target = nasty(pg16, template, make_database), nasty(pg18, template, make_database)
    async with session("source", source) as one, session("target", target, read_only=True) as two:
        found = await examine(one, two, await read_schema(one), await read_schema(two))
    assert not [f for f in found if f.id == "check.failed"]


async def test_findings_for_people_are_short_and_harmless(pair: tuple[str, str]) -> None:
    source, target = pair
    await run(source, "".join(f"CREATE TABLE \"[red]{n}\x1b[31m\" (a text);" for n in range(20)))
    found = await look(source, target)
    console = Console(width=80, record=True, file=io.StringIO())
    console.print(render_findings(found.values()))
    text = console.export_text()
    assert 'public."[red]0\\x1b[31m"' in text
    assert "and 12 more" in text
    assert "\x1b" not in text


def test_every_id_is_explained() -> None:
    explained = set(re.findall(r"^\| (`.+?`) \|", DOCS.read_text(encoding="utf-8"), re.MULTILINE))
    words = {id_ for cell in explained for id_ in re.findall(r"`([^`]+)`", cell)}
    assert words == set(IDS)

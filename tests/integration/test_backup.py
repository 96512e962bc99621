"""Dumps of preserved tables: exact, proven, refused where they cannot be, and nothing half done.

Each test reads what a restore gives, or sees the proof refuse what would not give it.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from crosswalk import embedded
from crosswalk.backup import Backup, back_up, proof
from crosswalk.backup.dump import Dumped
from crosswalk.backup.login import login_of
from crosswalk.backup.programs import Programs, find_programs
from crosswalk.connect import Session, session
from crosswalk.embedded import Server
from crosswalk.errors import (
    BackupImpossible,
    BackupUnproven,
    BackupWrong,
    LoginRefused,
    MissingPrivilege,
    NoDumpProgram,
    RowsHidden,
)
from crosswalk.names import Name, parse
from tests.servers import MakeDatabase, MakeRole, MakeTemplate, database_of, sql

SALON = Path(__file__).resolve().parents[2] / "examples" / "salon"
WHATSAPP = (Name("public", "whatsapp_auth"), Name("public", "whatsapp_keys"))
LONG = "ы" * 31 + "x"

ODD = f"""
CREATE SCHEMA "Ключи ""и"" замки";
SET search_path = "Ключи ""и"" замки";
CREATE TYPE mood AS ENUM ('happy', 'it''s fine', 'грусть');
CREATE DOMAIN posint AS int CHECK (VALUE > 0);
CREATE TYPE pair AS (a int, b text);
CREATE SEQUENCE tickets INCREMENT 5;
CREATE FUNCTION code() RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT 'c'::text $$;
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.note := NEW.note; RETURN NEW; END $$;
CREATE TABLE parents (id int PRIMARY KEY, tenant text NOT NULL, secret text, UNIQUE (tenant));
CREATE TABLE "odd; DROP TABLE parents;--" (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    serial_id bigserial,
    ticket int DEFAULT nextval('tickets'),
    "m'ood" mood DEFAULT 'happy' NOT NULL,
    moods mood[],
    size posint,
    pair pair,
    twice int GENERATED ALWAYS AS (size * 2) STORED,
    code text DEFAULT code(),
    parent_id int REFERENCES parents,
    num numeric, f float8, ts timestamptz, j json, kind regclass, bits bit(3), b bytea, tags text[],
    note varchar(20) COLLATE "C",
    CHECK (size < 1000)
);
CREATE INDEX ON "odd; DROP TABLE parents;--" (lower(note)) WHERE size > 1;
CREATE TRIGGER touch BEFORE UPDATE ON "odd; DROP TABLE parents;--" FOR EACH ROW EXECUTE FUNCTION touch();
ALTER TABLE "odd; DROP TABLE parents;--" DISABLE TRIGGER touch;
ALTER TABLE "odd; DROP TABLE parents;--" ENABLE ROW LEVEL SECURITY;
CREATE POLICY seen ON "odd; DROP TABLE parents;--" TO ROLE_NAME
    USING (EXISTS (SELECT FROM parents p WHERE p.id = parent_id AND p.tenant = current_user AND code() = 'c'));
COMMENT ON COLUMN "odd; DROP TABLE parents;--".note IS 'it''s a "note"';
CREATE TABLE {LONG} ("{LONG}" int) PARTITION BY RANGE ("{LONG}");
CREATE TABLE low PARTITION OF {LONG} FOR VALUES FROM (0) TO (10);
CREATE TABLE high PARTITION OF {LONG} FOR VALUES FROM (10) TO (20);
CREATE TABLE empty (id int PRIMARY KEY);
CREATE TABLE nothing ();
INSERT INTO parents VALUES (1, 'a', 's'), (2, 'b', 's');
INSERT INTO "odd; DROP TABLE parents;--" (size, "m'ood", moods, pair, parent_id, num, f, ts, j, kind, bits, b, tags, note)
SELECT n, 'грусть', ARRAY['happy', NULL]::mood[], (n, E'a\\tb\\\\')::pair, 1 + n % 2, 1.50, 0.1 + 0.2, now(), '{{"a":  1}}',
       'parents', B'101', '\\x00ff', '{{"a b",NULL}}', 'Ä' || n FROM generate_series(1, 50) AS n;
INSERT INTO {LONG} SELECT generate_series(0, 19);
"""
ODD_TABLES = tuple(
    Name('Ключи "и" замки', name) for name in ("odd; DROP TABLE parents;--", LONG, "empty", "nothing")
)


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    conn = await asyncpg.connect(url)
    try:
        yield conn
    finally:
        await conn.close()


async def _taken(url: str, tables: tuple[Name, ...], directory: Path, *, allow: tuple[str, ...] = ()) -> Backup:
    async with session("target", url) as opened:
        return await back_up(opened, tables, directory=directory, allow=allow)


async def _salon(url: str) -> None:
    async with connected(url) as conn:
        await conn.execute((SALON / "new.sql").read_text())
        await conn.execute((SALON / "whatsapp.sql").read_text())


@pytest.fixture
def salon(pg18: Server, template: MakeTemplate, make_database: MakeDatabase) -> str:
    return make_database(pg18, template(pg18, "backup_salon", _salon))


def _password(url: str) -> str:
    found = urlsplit(url).password
    assert found
    return found


def _leftovers(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir()) if directory.exists() else []


def _restored(server: Server, url: str, backup: Backup) -> None:
    """As docs/backup.md says: first what the tables stand on, errors being no matter, then the tables."""
    environment = {**os.environ, **server.environment(database_of(url))}
    program = server.bindir / "pg_restore"
    told = ["--dbname", database_of(url), "--no-owner", "--no-privileges"]
    if len(backup.files) == 3:
        subprocess.run([program, *told, backup.files[1]], env=environment, capture_output=True, check=False)
    subprocess.run([program, "--exit-on-error", *told, backup.files[0]], env=environment, check=True)


# --- what is dumped comes back ------------------------------------------------------------------


async def test_the_live_tables_come_back_byte_for_byte(
    salon: str, pg18: Server, make_database: MakeDatabase, tmp_path: Path
) -> None:
    made = await _taken(salon, WHATSAPP, tmp_path / "backups")
    assert (made.proven, [(str(t.table), t.rows) for t in made.tables]) == (
        True, [("public.whatsapp_auth", 1), ("public.whatsapp_keys", 1127)],
    )  # fmt: skip
    assert _leftovers(tmp_path / "backups") == [made.directory.name]
    assert {path.stat().st_mode & 0o777 for path in made.files} == {0o600}
    assert made.directory.stat().st_mode & 0o777 == 0o700
    manifest = json.loads(made.files[-1].read_text())
    assert (manifest["proven"], manifest["sha256"]) == (True, made.sha256)
    assert _password(salon) not in made.files[-1].read_text()
    fresh = make_database(pg18)
    _restored(pg18, fresh, made)
    for table in WHATSAPP:
        async with connected(salon) as before, connected(fresh) as after:
            text = f"SELECT t::text FROM {table.sql} AS t ORDER BY 1"
            assert await before.fetch(text) == await after.fetch(text)


@pytest.mark.parametrize("version", [15, 16, 18])
async def test_odd_names_and_types_are_proven(
    version: int, request: pytest.FixtureRequest, make_database: MakeDatabase, make_role: MakeRole, tmp_path: Path
) -> None:
    server: Server = request.getfixturevalue(f"pg{version}")
    role, policy_role = make_role(server), make_role(server)
    url = make_database(server, owner=role)
    async with connected(url) as conn:
        await conn.execute(ODD.replace("ROLE_NAME", policy_role.name))
    made = await _taken(url, ODD_TABLES, tmp_path)
    assert [t.rows for t in made.tables] == [0, 0, 50, 20]
    assert made.pg_dump.split()[2].partition(".")[0] == str(max(16, version))


async def test_a_table_in_use_is_proven_as_it_was_in_the_snapshot(
    salon: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The writer changes rows after the snapshot and before pg_dump reads them."""
    real = login_of

    async def with_a_writer(opened: Session) -> object:
        async with connected(salon) as conn:
            await conn.execute("DELETE FROM whatsapp_keys WHERE key_type = 'pre-key'; UPDATE whatsapp_auth SET creds = '{}'")
        return await real(opened)

    monkeypatch.setattr("crosswalk.backup.dump.login_of", with_a_writer)
    made = await _taken(salon, WHATSAPP, tmp_path)
    assert [t.rows for t in made.tables] == [1, 1127]
    async with connected(salon) as conn:
        assert await conn.fetchval("SELECT count(*) FROM whatsapp_keys") < 1127


# --- what the proof refuses ---------------------------------------------------------------------


def _cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def _flip(place: float) -> Callable[[Path], None]:
    def flip(path: Path) -> None:
        found = bytearray(path.read_bytes())
        found[int(len(found) * place)] ^= 0x10
        path.write_bytes(bytes(found))

    return flip


async def test_a_damaged_dump_is_refused_even_where_an_unproven_one_is_allowed(
    salon: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cut in half; a bit, and a bit near the end, in one and the same dump."""
    real = proof.prove

    async def damaged(dumped: Dumped, programs: Programs) -> None:
        whole = dumped.file.read_bytes()
        for harm in (_flip(0.5), _flip(0.9)):
            harm(dumped.file)
            with pytest.raises(BackupWrong):
                await real(dumped, programs)
            dumped.file.write_bytes(whole)
        _cut(dumped.file)
        await real(dumped, programs)

    monkeypatch.setattr("crosswalk.backup.take.prove", damaged)
    with pytest.raises(BackupWrong):
        await _taken(salon, WHATSAPP, tmp_path, allow=("unproven-backup",))
    assert _leftovers(tmp_path) == []


CHANGES = (
    # Each is found before the ones above it.
    ("DROP POLICY whatsapp_keys_own_company ON public.whatsapp_keys", "policy whatsapp_keys_own_company"),
    ("ALTER TABLE public.whatsapp_auth ALTER created_at DROP DEFAULT", "column created_at"),
    ("UPDATE public.whatsapp_auth SET created_at = created_at + interval '1 us'", "comes back with other values"),
    ("DELETE FROM public.whatsapp_auth", "whatsapp_auth comes back with 0 rows and had 1"),
)


async def test_whatever_the_restore_does_not_give_back_is_found(
    salon: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = proof._require_equal

    async def meddled(opened: Session, dumped: Dumped) -> None:
        for change, said in CHANGES:
            await opened.execute(change)
            with pytest.raises(BackupWrong, match=said):
                await real(opened, dumped)
        await real(opened, dumped)

    monkeypatch.setattr("crosswalk.backup.proof._require_equal", meddled)
    with pytest.raises(BackupWrong):
        await _taken(salon, WHATSAPP, tmp_path)


async def test_a_default_that_calls_a_function_of_a_missing_extension_is_proven(
    pg15: Server, make_database: MakeDatabase, tmp_path: Path
) -> None:
    url = make_database(pg15)
    async with connected(url) as conn:
        await conn.execute('CREATE SCHEMA ext; CREATE EXTENSION "uuid-ossp" SCHEMA ext')
        await conn.execute("CREATE TABLE t (id uuid DEFAULT ext.uuid_generate_v4() PRIMARY KEY); INSERT INTO t DEFAULT VALUES")
    assert (await _taken(url, (parse("t"),), tmp_path)).proven


async def test_a_partition_of_a_table_outside_is_proven(
    pg18: Server, make_database: MakeDatabase, tmp_path: Path
) -> None:
    url = make_database(pg18)
    async with connected(url) as conn:
        await conn.execute(
            "CREATE TABLE p (a int PRIMARY KEY, b text) PARTITION BY RANGE (a); CREATE INDEX ON p (b);"
            " CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10); INSERT INTO p SELECT generate_series(0, 9)"
        )
    assert (await _taken(url, (parse("p1"),), tmp_path)).proven


async def test_code_in_the_dump_runs_without_rights(pg18: Server, make_database: MakeDatabase, tmp_path: Path) -> None:
    """A check's function fails where a superuser runs it on another server; the restore calls it."""
    url = make_database(pg18)
    async with connected(url) as conn:
        await conn.execute(
            "CREATE TABLE t (a int); INSERT INTO t VALUES (1);"
            " CREATE FUNCTION harmless(i int) RETURNS bool LANGUAGE plpgsql AS $f$ BEGIN"
            f" RETURN inet_server_port() = {pg18.port} OR current_setting('is_superuser') = 'off'; END $f$;"
            " ALTER TABLE t ADD CHECK (harmless(a))"
        )
    assert (await _taken(url, (parse("t"),), tmp_path)).proven


async def test_what_this_server_cannot_restore_is_said_and_may_be_allowed(
    pg15: Server, make_database: MakeDatabase, tmp_path: Path
) -> None:
    """The embedded server has no citext."""
    url = make_database(pg15)
    async with connected(url) as conn:
        await conn.execute("CREATE EXTENSION citext; CREATE TABLE t (id int PRIMARY KEY, name citext)")
    with pytest.raises(BackupUnproven, match="citext") as caught:
        await _taken(url, (parse("t"),), tmp_path)
    assert "--allow unproven-backup" in caught.value.advice
    assert _leftovers(tmp_path) == []
    made = await _taken(url, (parse("t"),), tmp_path, allow=("unproven-backup",))
    assert (made.proven, "citext" in made.unproven) == (False, True)
    assert json.loads(made.files[-1].read_text())["proven"] is False


# --- what cannot be dumped ----------------------------------------------------------------------


async def test_rows_that_a_policy_hides_are_an_error(
    salon: str, pg18: Server, make_role: MakeRole, tmp_path: Path
) -> None:
    role = make_role(pg18)
    async with connected(salon) as conn:
        await conn.execute(f"GRANT SELECT ON whatsapp_auth TO {role.name}")
    with pytest.raises(RowsHidden):
        await _taken(role.url(pg18, database_of(salon)), WHATSAPP[:1], tmp_path)
    with pytest.raises(MissingPrivilege):
        await _taken(role.url(pg18, database_of(salon)), WHATSAPP[1:], tmp_path)
    assert _leftovers(tmp_path) == []


async def test_what_pg_dump_complains_of_is_told_and_nothing_stays(
    salon: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = login_of

    async def wrong(opened: Session) -> object:
        return replace(await real(opened), password="wr0ng")

    monkeypatch.setattr("crosswalk.backup.dump.login_of", wrong)
    with pytest.raises(BackupImpossible, match="password authentication failed") as caught:
        await _taken(salon, WHATSAPP, tmp_path)
    assert "wr0ng" not in str(caught.value.as_json())
    assert _leftovers(tmp_path) == []


async def test_a_view_and_a_missing_table_and_a_place_that_is_none(salon: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    async with connected(salon) as conn:
        await conn.execute("CREATE VIEW seen AS SELECT 1 AS one")
    with pytest.raises(BackupImpossible, match=r"public\.seen is view"):
        await _taken(salon, (parse("seen"),), tmp_path)
    with pytest.raises(BackupImpossible, match="cannot be written"):
        await _taken(salon, WHATSAPP, tmp_path / "file" / "below")
    assert _leftovers(tmp_path) == ["file"]


def test_the_oldest_programs_that_are_new_enough_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [find_programs(version).major for version in (14, 16, 17, 18)] == [16, 16, 18, 18]
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(NoDumpProgram, match="PostgreSQL 99"):
        find_programs(99)


# --- the way in ---------------------------------------------------------------------------------


async def test_the_password_stands_in_no_command_line(
    salon: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    real = asyncio.create_subprocess_exec

    async def watched(*words: object, **options: object) -> object:
        seen.extend(map(str, words))
        return await real(*words, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(asyncio, "create_subprocess_exec", watched)
    await _taken(salon, WHATSAPP[:1], tmp_path)
    assert any(word.startswith("--snapshot") for word in seen)
    assert not [word for word in seen if _password(salon) in word]


@asynccontextmanager
async def _variables(monkeypatch: pytest.MonkeyPatch, values: dict[str, str]) -> AsyncIterator[None]:
    with monkeypatch.context() as patched:
        for name, value in values.items():
            patched.setenv(name, value)
        yield


async def test_a_service_and_a_pass_file_are_enough(
    salon: str, pg18: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = pg18.environment(database_of(salon))
    service, passes = tmp_path / "service", tmp_path / "pass"
    service.write_text(f"[s]\nhost={found['PGHOST']}\nport={found['PGPORT']}\nuser=postgres\ndbname={found['PGDATABASE']}\n")
    passes.write_text(f"*:*:*:postgres:{found['PGPASSWORD']}\n")
    passes.chmod(0o600)
    async with _variables(monkeypatch, {"PGSERVICEFILE": str(service), "PGPASSFILE": str(passes)}):
        made = await _taken("postgresql://?service=s", WHATSAPP[:1], tmp_path / "out")
    assert made.proven


@pytest.fixture(scope="session")
def encrypted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Path]]:
    """A server that speaks TLS and lets nobody in without it; the embedded ones cannot."""
    found = sorted(Path("/usr/lib/postgresql").glob("15/bin/postgres"))
    if not found:
        pytest.skip("this machine has no PostgreSQL 15")
    place = tmp_path_factory.mktemp("tls")
    place.chmod(0o755)
    for parent in place.parents[:3]:
        parent.chmod(parent.stat().st_mode | 0o011)
    with embedded.ephemeral(bindir=found[0].parent, fast=True) as server:
        key, certificate = place / "server.key", place / "server.crt"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
             "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", key, "-out", certificate],
            check=True, capture_output=True,
        )  # fmt: skip
        status = server.data.stat()
        for path in (key, certificate):
            path.chmod(0o600)
            os.chown(path, status.st_uid, status.st_gid)
        hba = Path(sql(server, "SHOW hba_file"))
        hba.write_text("hostssl all all 127.0.0.1/32 scram-sha-256\n")
        sql(server, f"ALTER SYSTEM SET ssl_cert_file = '{certificate}'", f"ALTER SYSTEM SET ssl_key_file = '{key}'",
            "ALTER SYSTEM SET ssl = on", "SELECT pg_reload_conf()")  # fmt: skip
        readable = place / "root.crt"
        readable.write_bytes(certificate.read_bytes())
        while sql(server, "SHOW ssl") != "on":
            time.sleep(0.05)
        yield server, readable


async def test_a_server_is_reached_through_tls_as_the_url_says(
    encrypted: tuple[Server, Path], make_database: MakeDatabase, tmp_path: Path
) -> None:
    server, root = encrypted
    url = make_database(server)
    async with connected(url) as conn:
        await conn.execute("CREATE TABLE t AS SELECT n, md5(n::text) AS x FROM generate_series(1, 20000) AS n")
    with pytest.raises(LoginRefused, match="no encryption"):
        await _taken(f"{url}?sslmode=disable", (parse("t"),), tmp_path)
    for asked in (f"verify-full&sslrootcert={root}", "prefer"):
        made = await _taken(f"{url}?sslmode={asked}", (parse("t"),), tmp_path)
        assert [t.rows for t in made.tables] == [20000]

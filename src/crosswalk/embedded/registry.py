"""What is remembered of each server: one JSON file, replaced in one step, read by any process.

It holds what the next start needs and who owns the server; never the password, and never whether
it runs: that is asked of the process table each time.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from crosswalk.embedded.errors import EmbeddedError, EmbeddedServerUnknown
from crosswalk.embedded.home import Place, write_file
from crosswalk.embedded.postmaster import find
from crosswalk.embedded.process import birth

SUPERUSER = "postgres"
LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """A process whose end is the end of the server."""

    pid: int
    born: str

    @classmethod
    def of(cls, pid: int) -> Owner | None:
        """The process as an owner; None when there is no such process."""
        born = birth(pid)
        return cls(pid=pid, born=born) if born else None

    @property
    def alive(self) -> bool:
        return birth(self.pid) == self.born


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """The memory of one server."""

    version: int
    bindir: Path
    port: int = 0
    fast: bool = False
    settings: Mapping[str, str] = field(default_factory=dict)
    owners: tuple[Owner, ...] = ()
    """Empty for a server that stays until it is stopped; else it stops after the last of them."""
    ephemeral: bool = False
    """Wiped, not only stopped, after the last owner."""

    def save(self, place: Place) -> None:
        text = json.dumps(dataclasses.asdict(self), default=str, indent=1)
        write_file(place.state, text + "\n", mode=0o600)

    @classmethod
    def load(cls, place: Place) -> State | None:
        """The remembered state; None for a server that does not exist."""
        try:
            values: dict[str, Any] = json.loads(place.state.read_text())
        except FileNotFoundError:
            return None
        values["bindir"] = Path(values["bindir"])
        values["owners"] = tuple(Owner(**owner) for owner in values["owners"])
        return cls(**values)


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """An embedded server as it was when it was asked for. It holds no password: `url()` reads it."""

    name: str
    version: int
    """Major version of PostgreSQL."""
    data: Path
    """The data directory; the files beside it are the server's too."""
    port: int
    pid: int | None
    """The postmaster, None when the server does not run."""
    bindir: Path
    """Programs of the same release: psql, pg_dump."""

    @property
    def running(self) -> bool:
        return self.pid is not None

    @property
    def log(self) -> Path:
        return self.data.with_name("server.log")

    def url(self, database: str = "postgres", user: str = SUPERUSER, password: str | None = None) -> str:
        """A connection URL with the password in it; other roles than the superuser bring their own."""
        secret = password if password is not None or user != SUPERUSER else self._password()
        return self._url(database, quote(user, safe="") + (f":{quote(secret, safe='')}" if secret else ""))

    def masked_url(self, database: str = "postgres", user: str = SUPERUSER) -> str:
        """The URL as it may be printed."""
        return self._url(database, f"{quote(user, safe='')}:***")

    def environment(self, database: str = "postgres") -> dict[str, str]:
        """PG* variables of the superuser, for programs whose arguments anybody may read."""
        return {
            "PGHOST": LOOPBACK,
            "PGPORT": str(self.port),
            "PGUSER": SUPERUSER,
            "PGPASSWORD": self._password(),
            "PGDATABASE": database,
        }

    def _url(self, database: str, login: str) -> str:
        return f"postgresql://{login}@{LOOPBACK}:{self.port}/{quote(database, safe='')}"

    def _password(self) -> str:
        try:
            return self.data.with_name("password").read_text().strip()
        except FileNotFoundError:
            raise EmbeddedServerUnknown(name=self.name) from None
        except OSError as problem:
            raise EmbeddedError(name=self.name, action="give its password", log=problem) from problem


def describe(place: Place, state: State) -> Server:
    """The server as it is now."""
    return Server(
        name=place.name,
        version=state.version,
        data=place.data,
        port=state.port,
        pid=find(place),
        bindir=state.bindir,
    )

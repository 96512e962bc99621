"""Where the embedded servers live on disk, and the locks that keep two callers apart.

    HOME/servers/NAME/   server.json, password (0600), postgresql.conf, pg_hba.conf, server.log, data/
    HOME/templates/      initialised data directories, copied for each new server
    HOME/binaries/       the wheel's programs, copied only where the server account cannot reach them
    HOME/locks/          one file a name; whoever holds its lock may change that server

HOME is $CROSSWALK_HOME, else /var/lib/crosswalk for root and the user's data directory otherwise.
Under root only `data/` and the log belong to the servers' account: it can neither read the password
nor plant a link where root writes.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from crosswalk.embedded.account import Account, account
from crosswalk.embedded.errors import EmbeddedHomeUnusable, EmbeddedNameInvalid

VARIABLE: Final = "CROSSWALK_HOME"
NAME: Final = re.compile(r"[a-z][a-z0-9_-]{0,39}")
# pg_ctl hands the path to a shell between double quotes.
UNSAFE_IN_PATH: Final = re.compile(r'["$`\\\n\r]')


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The files of one server; nothing says that they exist."""

    name: str
    directory: Path

    @property
    def data(self) -> Path:
        return self.directory / "data"

    @property
    def state(self) -> Path:
        return self.directory / "server.json"

    @property
    def password(self) -> Path:
        return self.directory / "password"

    @property
    def log(self) -> Path:
        return self.directory / "server.log"

    @property
    def exists(self) -> bool:
        return self.state.exists()


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """One state directory: the world in which server names are unique."""

    path: Path
    account: Account

    def place(self, name: str) -> Place:
        """The files of the server `name`; raises EmbeddedNameInvalid."""
        if not NAME.fullmatch(name):
            raise EmbeddedNameInvalid(name=name)
        return Place(name=name, directory=self.path / "servers" / name)

    def places(self) -> list[Place]:
        """Every server that was ever started here and not wiped, by name."""
        return [place for place in self.traces() if place.exists]

    def traces(self) -> list[Place]:
        """Every name that has a directory or a lock file here, server or not."""
        names = {path.name for path in (self.path / "servers").iterdir()}
        names |= {path.stem for path in (self.path / "locks").iterdir()}
        return [self.place(name) for name in sorted(names) if NAME.fullmatch(name)]

    @property
    def templates(self) -> Path:
        return self.path / "templates"

    @property
    def binaries(self) -> Path:
        return self.path / "binaries"

    def lock_file(self, name: str) -> Path:
        return self.path / "locks" / f"{name}.lock"

    @contextmanager
    def locked(self, name: str) -> Iterator[None]:
        """Hold the lock of a name; waits for as long as somebody else holds it."""
        descriptor = _acquire(self.lock_file(name), wait=True)
        try:
            yield
        finally:
            if descriptor is not None:
                os.close(descriptor)

    @contextmanager
    def locked_if_free(self, name: str) -> Iterator[bool]:
        """Hold the lock of a name if nobody does; yields whether it is held now."""
        descriptor = _acquire(self.lock_file(name), wait=False)
        try:
            yield descriptor is not None
        finally:
            if descriptor is not None:
                os.close(descriptor)


def _acquire(file: Path, *, wait: bool) -> int | None:
    while True:
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            # The last holder may have wiped the server and its lock file: then this lock guards nothing.
            if _is_still(file, descriptor):
                return descriptor
        except BlockingIOError:
            os.close(descriptor)
            return None
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _is_still(file: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(file.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def default_path() -> Path:
    """$CROSSWALK_HOME, else the platform's place for such data."""
    if chosen := os.environ.get(VARIABLE):
        return Path(chosen)
    if os.geteuid() == 0:
        # Not below root's own home: the servers' account could not walk there.
        return Path("/var/lib/crosswalk")
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "crosswalk"
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "crosswalk"


def open_home(path: Path | None = None) -> Home:
    """The state directory, made where it does not exist; raises EmbeddedHomeUnusable."""
    runner = account()
    chosen = path or default_path()
    try:
        home = Home(path=chosen.expanduser().absolute().resolve(), account=runner)
        make_directory(home.path, mode=0o755 if runner.foreign else 0o700)
        for part in ("servers", "templates", "binaries", "locks"):
            make_directory(home.path / part, mode=0o755 if runner.foreign else 0o700)
    except (OSError, RuntimeError) as problem:
        raise EmbeddedHomeUnusable(home=chosen, reason=f"cannot be made: {problem}") from problem
    if UNSAFE_IN_PATH.search(str(home.path)):
        raise EmbeddedHomeUnusable(home=home.path, reason="has a quote, $ or \\ in its name")
    if not runner.can_enter(home.path):
        raise EmbeddedHomeUnusable(home=home.path, reason="is closed to the account that the servers run as")
    return home


def make_directory(path: Path, *, mode: int) -> None:
    """Make a directory with exactly this mode, whatever the umask; one that exists stays as it is."""
    if not path.is_dir():
        path.mkdir(parents=True, exist_ok=True)
        path.chmod(mode)


def remove_tree(directory: Path) -> None:
    """Remove a directory in which a dying process may still be writing."""
    for _ in range(20):
        shutil.rmtree(directory, ignore_errors=True)
        if not directory.exists():
            return
        time.sleep(0.05)


def sweep(directory: Path, prefix: str, *, older_than: float = 0.0) -> None:
    """Remove what killed processes left unfinished: entries whose names begin so, of that age in seconds."""
    for leftover in directory.iterdir():
        if leftover.name.startswith(prefix) and time.time() - leftover.stat().st_mtime >= older_than:
            remove_tree(leftover) if leftover.is_dir() else leftover.unlink()


def write_file(path: Path, text: str, *, mode: int) -> None:
    """Replace a file in one step, so that a reader sees the old text or the new one."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w") as file:
        os.fchmod(file.fileno(), mode)
        file.write(text)
    fresh.replace(path)

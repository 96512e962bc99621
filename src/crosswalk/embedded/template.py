"""A new data directory: a copy of an initialised template, with a password of its own.

initdb runs once for each release and locale; later servers copy its result. Everything unfinished
carries another name and is renamed as the last step, so a killed start leaves nothing that could be
taken for a server. The password is set in single-user mode, before anything can connect.
"""

from __future__ import annotations

import hashlib
import secrets
import subprocess
from pathlib import Path
from typing import Final

from crosswalk.embedded.binaries import Binaries
from crosswalk.embedded.errors import EmbeddedError
from crosswalk.embedded.home import Home, Place, make_directory, remove_tree, sweep, write_file
from crosswalk.embedded.registry import SUPERUSER

LOCALES: Final = ("C.UTF-8", "C")
"""In this order: not every system has C.UTF-8; the encoding is UTF8 with both."""

LEFTOVER_SECONDS: Final = 60.0

OPTIONS: Final = ("--encoding=UTF8", "--auth=scram-sha-256", "--no-instructions", "-U", SUPERUSER)


def make_data(home: Home, place: Place, binaries: Binaries, *, durable: bool) -> None:
    """Make the server's data directory unless it has one. The caller holds the lock of the name."""
    if not place.data.exists():
        sweep(place.directory, "data.part")
        part = place.directory / f"data.part-{secrets.token_hex(4)}"
        _copy(home, place, binaries, part)
        _set_password(home, place, binaries, part)
        if durable:
            # The copy was not synced file by file; this is initdb's own way to do it at once.
            done = home.account.run(binaries.program("initdb"), "--sync-only", "-D", part)
            _check(place, "sync its files", done)
        part.rename(place.data)
    elif not place.password.exists():
        _set_password(home, place, binaries, place.data)


def _copy(home: Home, place: Place, binaries: Binaries, part: Path) -> None:
    template = _template(home, place, binaries)
    _own_directory(home, part)
    _check(place, "copy its template", home.account.run("cp", "-RpP", f"{template}/.", f"{part}/"))


def _template(home: Home, place: Place, binaries: Binaries) -> Path:
    made_of = (binaries.release, str(binaries.directory), *LOCALES, *OPTIONS)
    digest = hashlib.sha256("\0".join(made_of).encode()).hexdigest()[:10]
    target = home.templates / f"{binaries.version}-{digest}"
    # Most starts find it made: no lock then, a rename is all or nothing.
    if target.exists():
        return target
    with home.locked(f".template-{target.name}"):
        if not target.exists():
            # The initdb of a killed caller runs on for a moment; it is left to end by itself.
            sweep(home.templates, f".{target.name}.", older_than=LEFTOVER_SECONDS)
            part = home.templates / f".{target.name}.{secrets.token_hex(4)}"
            _initialise(home, place, binaries, part)
            part.rename(target)
    return target


def _initialise(home: Home, place: Place, binaries: Binaries, part: Path) -> None:
    for locale in LOCALES:
        remove_tree(part)
        _own_directory(home, part)
        # Nobody may log in with this word: it is replaced before a server opens its port.
        word = part.with_name(f"{part.name}.word")
        write_file(word, secrets.token_urlsafe(24), mode=0o600)
        home.account.give(word)
        done = home.account.run(
            binaries.program("initdb"), "-D", part, f"--locale={locale}", f"--pwfile={word}", *OPTIONS
        )
        word.unlink()
        if done.returncode == 0:
            # The configuration is the caller's file beside the data: the servers' account cannot change it.
            (part / "postgresql.conf").unlink()
            (part / "postgresql.conf").symlink_to("../postgresql.conf")
            return
    _check(place, "initialise", done)


def _own_directory(home: Home, directory: Path) -> None:
    make_directory(directory, mode=0o700)
    home.account.give(directory)


def _set_password(home: Home, place: Place, binaries: Binaries, data: Path) -> None:
    word = secrets.token_urlsafe(24)
    done = home.account.run(
        binaries.program("postgres"),
        "--single", "-D", data,
        # The statement holds the word: it may not reach a log, not even that of an error.
        "-c", "log_min_error_statement=panic", "-c", "log_statement=none",
        *(("-c", "fsync=off") if data != place.data else ()),
        "postgres",
        text=f"ALTER ROLE {SUPERUSER} PASSWORD '{word}'\n",
    )  # fmt: skip
    _check(place, "set its password", done)
    if "ERROR:" in done.stderr:
        raise EmbeddedError(name=place.name, action="set its password", log=place.log)
    write_file(place.password, word + "\n", mode=0o600)


def _check(place: Place, action: str, done: subprocess.CompletedProcess[str]) -> None:
    if done.returncode:
        with place.log.open("a") as log:
            log.write(done.stderr)
        raise EmbeddedError(name=place.name, action=action, log=place.log)

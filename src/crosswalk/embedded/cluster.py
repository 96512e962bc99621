"""Start, stop, list and wipe embedded servers; the public face of `crosswalk.embedded`.

Every change happens under the lock of the server's name, across processes and threads. A server is
a daemon of its own and outlives its starter, unless it was started for an owner: then a watcher
process ends it when the owner is gone, however it went. All calls block; none of them prints.
"""

from __future__ import annotations

import dataclasses
import os
import random
import secrets
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import crosswalk
from crosswalk.embedded.binaries import Binaries, find_binaries
from crosswalk.embedded.errors import EmbeddedError, EmbeddedOwnerGone, EmbeddedServerUnknown, EmbeddedVersionDiffers
from crosswalk.embedded.home import Home, Place, make_directory, open_home, remove_tree
from crosswalk.embedded.postmaster import find, halt, wait_ready
from crosswalk.embedded.registry import LOOPBACK, Owner, Server, State, describe
from crosswalk.embedded.settings import check_settings, write_configuration
from crosswalk.embedded.template import make_data

# Below the range from which the system takes ports of outgoing connections.
PORTS: Final = range(15_500, 30_000)
PORT_ATTEMPTS: Final = 10
START_SECONDS: Final = 120


def start(
    name: str,
    *,
    version: int | None = None,
    root: Path | None = None,
    owner_pid: int | None = None,
    settings: Mapping[str, str] | None = None,
    fast: bool = False,
    bindir: Path | None = None,
) -> Server:
    """Make sure that the server `name` runs, and return it; a running one is returned as it is.

    `version` is a major version (16 or 18 from the wheel; a new server is 18 unless it says otherwise,
    an old one keeps its own); `bindir` takes the programs from elsewhere. `owner_pid` ties the server
    to that process; a running server that has no owner gets none, and a start without owner makes an
    owned server permanent. `settings` go to postgresql.conf at this start and all later ones; `fast`
    gives up durability for tests. Raises EmbeddedError and its kinds.
    """
    request = _Request(version=version, owner_pid=owner_pid, settings=settings, fast=fast, bindir=bindir)
    return _start(open_home(root), name, request)


def stop(name: str, *, immediate: bool = False, root: Path | None = None) -> None:
    """Stop the server; nothing happens when it is stopped already. `immediate` skips the checkpoint."""
    home = open_home(root)
    place = home.place(name)
    _known(place)
    with home.locked(name):
        _bring_down(home, place, immediate=immediate)


def get(name: str, *, root: Path | None = None) -> Server:
    """The server of that name, running or not; raises EmbeddedServerUnknown."""
    place = open_home(root).place(name)
    return describe(place, _known(place))


def list_servers(*, root: Path | None = None) -> list[Server]:
    """Every server of this state directory, by name."""
    known = ((place, State.load(place)) for place in open_home(root).places())
    return [describe(place, state) for place, state in known if state]


def wipe(name: str, *, missing_ok: bool = False, root: Path | None = None) -> None:
    """Stop the server and remove all that belongs to it, its data first of all."""
    home = open_home(root)
    place = home.place(name)
    if not place.exists:
        if missing_ok:
            return
        raise EmbeddedServerUnknown(name=name)
    with home.locked(name):
        _remove(home, place)


@contextmanager
def ephemeral(
    *,
    version: int | None = None,
    root: Path | None = None,
    settings: Mapping[str, str] | None = None,
    fast: bool = True,
    bindir: Path | None = None,
) -> Iterator[Server]:
    """A server with a random name for the time of the block; wiped after it, also when we are killed."""
    home = open_home(root)
    _sweep(home)
    name = f"tmp-{secrets.token_hex(5)}"
    request = _Request(
        version=version, owner_pid=os.getpid(), settings=settings, fast=fast, bindir=bindir, ephemeral=True
    )
    try:
        yield _start(home, name, request)
    finally:
        wipe(name, missing_ok=True, root=home.path)


def retire(home: Home, place: Place, owner: Owner) -> None:
    """Take an owner that is gone off the server, and end the server if that was the last one."""
    with home.locked(place.name):
        state = State.load(place)
        if state is None or owner not in state.owners:
            _unlock_nothing(home, place)
            return
        state = dataclasses.replace(state, owners=tuple(other for other in state.owners if other != owner))
        if state.owners:
            state.save(place)
        elif state.ephemeral:
            _remove(home, place)
        else:
            _bring_down(home, place, immediate=False)
            state.save(place)


# --- starting -----------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Request:
    """What the caller of `start` asked for."""

    version: int | None
    owner_pid: int | None
    settings: Mapping[str, str] | None
    fast: bool
    bindir: Path | None
    ephemeral: bool = False

    def owner(self, name: str) -> Owner | None:
        if self.owner_pid is None:
            return None
        owner = Owner.of(self.owner_pid)
        if owner is None:
            raise EmbeddedOwnerGone(name=name, pid=self.owner_pid)
        return owner


def _start(home: Home, name: str, request: _Request) -> Server:
    place = home.place(name)
    check_settings(name, request.settings or {})
    owner = request.owner(name)
    with home.locked(name):
        old = State.load(place)
        if old and request.version not in (None, old.version):
            raise EmbeddedVersionDiffers(name=name, version=old.version, asked=request.version)
        if old and find(place):
            return _join(home, place, old, owner)
        binaries = _binaries(home, request, old)
        state = State(
            version=binaries.version,
            bindir=binaries.directory,
            port=old.port if old else 0,
            fast=request.fast,
            settings=dict(request.settings if request.settings is not None else old.settings if old else {}),
            owners=(owner,) if owner else (),
            ephemeral=request.ephemeral,
        )
        return _launch(home, place, state, binaries)


def _binaries(home: Home, request: _Request, old: State | None) -> Binaries:
    if old is None or request.bindir is not None:
        return find_binaries(home, version=request.version, directory=request.bindir)
    with suppress(EmbeddedError):
        return find_binaries(home, version=old.version, directory=old.bindir)
    # The environment that it was made from is gone or was upgraded: any release of the version will do.
    return find_binaries(home, version=old.version)


def _join(home: Home, place: Place, state: State, owner: Owner | None) -> Server:
    """Take the running server, and settle on whom it depends from now on."""
    if owner is None and state.owners:
        dataclasses.replace(state, owners=(), ephemeral=False).save(place)
    elif owner and state.owners and owner not in state.owners:
        dataclasses.replace(state, owners=(*state.owners, owner)).save(place)
        _collect(place, _send_watcher(home, place, owner))
    if not wait_ready(place):
        raise EmbeddedError(name=place.name, action="become ready", log=place.log)
    return describe(place, state)


def _launch(home: Home, place: Place, state: State, binaries: Binaries) -> Server:
    make_directory(place.directory, mode=0o755 if home.account.foreign else 0o700)
    # What outlived a killed postmaster must be gone before another one opens the same files.
    _bring_down(home, place, immediate=True)
    state = dataclasses.replace(state, port=_free_port(home, place, state.port))
    state.save(place)
    _open_log(home, place)
    # The watcher comes first: there is no moment in which a killed owner leaves an unwatched server.
    watchers = [_send_watcher(home, place, owner) for owner in state.owners]
    try:
        write_configuration(place, state)
        make_data(home, place, binaries, durable=not state.fast)
        for watcher in watchers:
            _collect(place, watcher)
        return describe(place, _run(home, place, state, binaries))
    except BaseException:
        _bring_down(home, place, immediate=True)
        for watcher in watchers:
            watcher.wait()
        raise


def _run(home: Home, place: Place, state: State, binaries: Binaries) -> State:
    """Run the postmaster; a port that somebody else took first is exchanged for another one."""
    for _ in range(PORT_ATTEMPTS):
        seen = place.log.stat().st_size
        done = home.account.run(
            binaries.program("pg_ctl"), "start", "-D", place.data,
            "-l", place.log, "-s", "-w", "-t", str(START_SECONDS),
        )  # fmt: skip
        if done.returncode == 0:
            return state
        with place.log.open(errors="replace") as log:
            log.seek(seen)
            if "Address already in use" not in log.read():
                break
        _bring_down(home, place, immediate=True)
        state = dataclasses.replace(state, port=_free_port(home, place, 0))
        state.save(place)
        write_configuration(place, state)
    raise EmbeddedError(name=place.name, action="start", log=place.log)


def _open_log(home: Home, place: Place) -> None:
    place.log.touch(mode=0o600)
    home.account.give(place.log)


def _free_port(home: Home, place: Place, preferred: int) -> int:
    """The port of the last start if it is free, else a free one that no other server calls its own."""
    others = {state.port for other in home.places() if other != place and (state := State.load(other))}
    candidates = [preferred] if preferred else []
    candidates += random.sample(PORTS, k=200)
    for port in candidates:
        if port not in others and _is_free(port):
            return port
    raise EmbeddedError(name=place.name, action="find a free port", log=place.log)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As the postmaster does: connections that linger after their end do not make a port taken.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


# --- watching -----------------------------------------------------------------------------------


def _send_watcher(home: Home, place: Place, owner: Owner) -> subprocess.Popen[bytes]:
    """Start the watcher. The process returned only forks it and ends at once, so that we father no zombie."""
    source = str(Path(crosswalk.__file__).resolve().parents[1])
    path = os.pathsep.join(filter(None, (source, os.environ.get("PYTHONPATH"))))
    with (place.directory / "watch.log").open("ab") as log:
        return subprocess.Popen(
            [
                sys.executable, "-P", "-m", "crosswalk.embedded.watch",
                str(home.path), place.name, str(owner.pid), owner.born,
            ],
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={"PATH": os.environ.get("PATH", os.defpath), "PYTHONPATH": path},
            start_new_session=True,
        )  # fmt: skip


def _collect(place: Place, watcher: subprocess.Popen[bytes]) -> None:
    if watcher.wait():
        raise EmbeddedError(name=place.name, action="get its watcher", log=place.directory / "watch.log")


# --- ending -------------------------------------------------------------------------------------


def _known(place: Place) -> State:
    state = State.load(place)
    if state is None:
        raise EmbeddedServerUnknown(name=place.name)
    return state


def _bring_down(home: Home, place: Place, *, immediate: bool) -> None:
    if not halt(place, home.account, immediate=immediate):
        raise EmbeddedError(name=place.name, action="stop", log=place.log)


def _remove(home: Home, place: Place) -> None:
    _bring_down(home, place, immediate=True)
    # The state goes first: what a killed wipe leaves behind is no server any more.
    place.state.unlink(missing_ok=True)
    remove_tree(place.directory)
    _unlock_nothing(home, place)


def _unlock_nothing(home: Home, place: Place) -> None:
    """Remove the lock file of a name without a server, while its lock is held."""
    if not place.exists:
        home.lock_file(place.name).unlink(missing_ok=True)


def _sweep(home: Home) -> None:
    """Remove what a crash of the machine left (ephemeral servers), or a start killed in its first moment."""
    for place in home.traces():
        with home.locked_if_free(place.name) as ours:
            if ours and _is_abandoned(State.load(place)):
                _remove(home, place)


def _is_abandoned(state: State | None) -> bool:
    # Under its lock a name without a state is one whose start did not get that far.
    return state is None or (state.ephemeral and not any(owner.alive for owner in state.owners))

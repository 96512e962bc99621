"""Where the flags come from: the environment, or a file that is looked at again at each call.

    CROSSWALK_FLAGS=/etc/shop/flags.toml     all settings from that file (TOML or JSON), re-read when it changes
    else                                      USE_REPOSITORY_PATTERN …, CROSSWALK_MODE, CROSSWALK_PRIMARY,
                                              CROSSWALK_MODES="clients=shadow, clients:count=new",
                                              CROSSWALK_SHADOW_SAMPLE, CROSSWALK_SYNC_OWNS="clients, orders"

Both at once are refused. A changed file counts once it has stayed the same for a moment, so that one that is being
written is not taken for a finished one. A file that cannot be read or contradicts itself leaves the flags as they were;
it is said once.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import time
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from crosswalk.data.failures import Misconfigured
from crosswalk.data.modes.flags import SWITCHES, Flags, Settings, flags

FILE: Final = "CROSSWALK_FLAGS"
_OWN: Final = (
    "CROSSWALK_MODE", "CROSSWALK_PRIMARY", "CROSSWALK_MODES", "CROSSWALK_SHADOW_SAMPLE", "CROSSWALK_SYNC_OWNS",
)  # fmt: skip
_TRUE: Final = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
_YOUNG: Final = 2_000_000_000
"""Nanoseconds in which a file may change again without another time of change."""
_log = logging.getLogger("crosswalk.data")


class Switch:
    """The flags of now. `poll` never waits for anything but one look at the file."""

    def __init__(
        self, current: Flags, *, file: Path | None = None, settle: float = 0.2, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Use `from_environment`, `from_file` or, for flags that never change, this."""
        self.current = current
        self.refused = 0
        """Files that were not taken."""
        self._file, self._settle, self._clock = file, settle, clock
        self._look: tuple[int, ...] = ()
        self._content = ""
        self._pending: tuple[str, float] | None = None
        self._complained: set[str] = set()

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None, *, settle: float = 0.2) -> Switch:
        """Raises Misconfigured."""
        said = os.environ if environ is None else environ
        file = said.get(FILE)
        if not file:
            return cls(_noted(flags(from_environment(said))))
        for name in (*SWITCHES, *_OWN):
            if said.get(name):
                raise Misconfigured(
                    f"{FILE} and {name} are both set in the environment, and only one of them can say what holds",
                    hint=f"Move {name} into the file, or take {FILE} out.",
                )
        return cls.from_file(Path(file), settle=settle)

    @classmethod
    def from_file(cls, file: Path, *, settle: float = 0.2, clock: Callable[[], float] = time.monotonic) -> Switch:
        """Raises Misconfigured."""
        try:
            look, content = _look(file), file.read_bytes()
        except OSError as error:
            raise Misconfigured(f"the flag file {file} cannot be read: {error.strerror}", hint=f"Correct {FILE}.") from None
        made = cls(_noted(_parsed(file, content)), file=file, settle=settle, clock=clock)
        made._look, made._content = look, _digest(content)
        return made

    def poll(self) -> Flags | None:
        """The flags of a file that has changed; None where nothing has. `take` or `refuse` must follow."""
        if self._file is None:
            return None
        try:
            look = _look(self._file)
            if look == self._look and not self._pending and time.time_ns() - look[0] > _YOUNG:
                return None
            content = self._file.read_bytes()
            digest = _digest(content)
            self._look = look
            return _parsed(self._file, content) if self._ripe(digest) else None
        except OSError as error:
            self.refuse(Misconfigured(f"the flag file {self._file} cannot be read: {error.strerror}"))
        except Misconfigured as error:
            self.refuse(error)
        return None

    def take(self, new: Flags) -> None:
        """From now on these hold."""
        self._content, self._pending = self._pending[0] if self._pending else self._content, None
        self._complained.clear()
        self.current = new
        _noted(new)
        _log.warning("the flags have changed: %s", self._file)

    def refuse(self, error: Misconfigured) -> None:
        """The flags stay as they were; said once for each reason."""
        self._content, self._pending = self._pending[0] if self._pending else self._content, None
        if error.message in self._complained:
            return
        self._complained.add(error.message)
        self.refused += 1
        _log.error("new flags were not taken, the old ones hold: %s", error.message)

    def _ripe(self, digest: str) -> bool:
        """Whether the content is new, and has been there for a moment."""
        if digest == self._content:
            self._pending = None
            return False
        if self._pending is None or self._pending[0] != digest:
            self._pending = (digest, self._clock())
        return self._clock() - self._pending[1] >= self._settle


def from_environment(said: Mapping[str, str]) -> Settings:
    """The settings of the environment's variables; raises Misconfigured."""
    found: dict[str, Any] = {name: _bool(name, said[name]) for name in SWITCHES if said.get(name)}
    if mode := said.get("CROSSWALK_MODE"):
        found["mode"] = mode
    if primary := said.get("CROSSWALK_PRIMARY"):
        found["primary"] = primary
    if modes := said.get("CROSSWALK_MODES"):
        found["repositories"] = _modes(modes)
    if owned := said.get("CROSSWALK_SYNC_OWNS"):
        found["sync_owns"] = [each.strip() for each in owned.split(",") if each.strip()]
    if sample := said.get("CROSSWALK_SHADOW_SAMPLE"):
        found["shadow"] = {"sample": _share(sample)}
    return Settings.read(found, origin="environment")


def _bool(name: str, text: str) -> bool:
    value = _TRUE.get(text.strip().lower())
    if value is None:
        raise Misconfigured(f"{name} is neither true nor false", hint=f"Set {name}=true or {name}=false.")
    return value


def _share(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise Misconfigured("CROSSWALK_SHADOW_SAMPLE is no number", hint="Set it to a share from 0 to 1.") from None


def _modes(text: str) -> dict[str, Any]:
    """`clients=shadow, clients:count=new`."""
    found: dict[str, dict[str, Any]] = {}
    for entry in filter(None, (part.strip() for part in text.split(","))):
        name, equals, mode = (part.strip() for part in entry.partition("="))
        table, colon, method = name.partition(":")
        if not (equals and table and mode and (method or not colon)):
            raise Misconfigured(
                f"CROSSWALK_MODES: {entry} is no table=mode or table:method=mode", hint='Write "clients=shadow, clients:count=new".'
            )
        own = found.setdefault(table, {})
        place = own.setdefault("methods", {}) if method else own
        key = method or "mode"
        if key in place:
            raise Misconfigured(f"CROSSWALK_MODES names {name} twice", hint="Name it once.")
        place[key] = mode
    return found


def _parsed(file: Path, content: bytes) -> Flags:
    return flags(Settings.read(_document(file, content), origin=str(file)))


def _document(file: Path, content: bytes) -> dict[str, Any]:
    try:
        text = content.decode("utf-8")
        found = json.loads(text, object_pairs_hook=_once) if file.suffix == ".json" else tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        kind = "JSON" if file.suffix == ".json" else "TOML"
        raise Misconfigured(f"{file} is no {kind}: {error}", hint="Correct the file.") from None
    if not isinstance(found, dict) or "version" not in found:
        # An empty file is valid TOML, and would send everything to the old database.
        raise Misconfigured(f"{file} lacks its version", hint="Begin it with: version = 1")
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """TOML refuses it by itself; JSON would let the last one hold."""
    names = [name for name, _ in pairs]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise ValueError(f"{twice} is said twice")
    return dict(pairs)


def _look(file: Path) -> tuple[int, ...]:
    seen = file.stat()
    return (seen.st_mtime_ns, seen.st_ctime_ns, seen.st_size, seen.st_ino)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _noted(made: Flags) -> Flags:
    for note in made.notes:
        _log.warning("%s", note)
    return made

"""What the flags mean: settings in, one route for each repository and method out. Pure; reads no file.

    legacy       the old database answers and is written
    new          the new one does
    shadow       the primary answers and is written; reads run on the other side as well, and the answers are compared
    dual-write   the primary answers; a write goes to the primary first, then to the other side

`primary` says which side is the first in the last two modes. Nothing is guessed: settings that contradict one another
are refused (Misconfigured), with both of them named and what to do.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from crosswalk.data.failures import Misconfigured

Mode = Literal["legacy", "new", "shadow", "dual-write"]
Side = Literal["legacy", "new"]
MODES: Final[tuple[str, ...]] = get_args(Mode)
READS: Final = ("find_one", "find_many", "count", "iterate")
WRITES: Final = ("upsert", "bulk_upsert", "delete", "transaction")
SWITCHES: Final = (
    "USE_REPOSITORY_PATTERN", "USE_LEGACY_SUPABASE", "ENABLE_DUAL_WRITE", "COMPARE_DUAL_RESULTS", "LOG_DATABASE_CALLS",
)  # fmt: skip


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class ShadowSettings(_Strict):
    """How much of the other side's time a comparison may take."""

    sample: float = Field(default=1.0, ge=0, le=1)
    """The share of calls that is compared."""
    timeout: float = Field(default=10.0, gt=0)
    """Seconds for the other side's answer."""
    waiting: int = Field(default=1000, ge=1)
    """Comparisons that may wait or run; what comes on top is skipped, and counted as skipped."""
    at_once: int = Field(default=4, ge=1)
    """Calls to the other side at the same time."""
    again: float = Field(default=0.0, ge=0)
    """Seconds after which both sides are asked again where they differed; 0: never."""


class RepositorySettings(_Strict):
    mode: Mode | None = None
    primary: Side | None = None
    compare: bool | None = None
    """In dual-write: whether reads are compared; else COMPARE_DUAL_RESULTS."""
    methods: Mapping[str, Mode] = {}


class Settings(_Strict):
    """A flag file, or what the environment says; None: not said."""

    version: Literal[1] = 1
    USE_REPOSITORY_PATTERN: bool | None = None
    USE_LEGACY_SUPABASE: bool | None = None
    ENABLE_DUAL_WRITE: bool | None = None
    COMPARE_DUAL_RESULTS: bool | None = None
    LOG_DATABASE_CALLS: bool = False
    mode: Mode | None = None
    primary: Side | None = None
    repositories: Mapping[str, RepositorySettings] = {}
    calls: Mapping[str, Mode] = {}
    """By name: an application's own reading functions (`Modes.shadow`)."""
    sync_owns: Sequence[str] = ()
    """Tables that a live sync writes: no dual-write there."""
    shadow: ShadowSettings = ShadowSettings()

    @classmethod
    def read(cls, said: Mapping[str, Any], *, origin: str) -> Settings:
        """Raises Misconfigured: an unknown setting, or a value that it cannot have."""
        try:
            return cls.model_validate(said)
        except ValidationError as error:
            wrong = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors(include_input=False))
            raise Misconfigured(f"{origin}: {wrong}", hint="See docs/shadow.md for the settings and their values.") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """What becomes of a call."""

    mode: Mode
    primary: Side
    compare: bool = False
    """Reads run on the other side as well."""

    @property
    def secondary(self) -> Side:
        return "new" if self.primary == "legacy" else "legacy"

    @property
    def written(self) -> tuple[Side, ...]:
        """The sides that a write goes to, in order."""
        return (self.primary, self.secondary) if self.mode == "dual-write" else (self.primary,)

    @property
    def sides(self) -> frozenset[Side]:
        return frozenset((self.primary, self.secondary) if self.mode in ("shadow", "dual-write") else (self.primary,))


@dataclass(frozen=True, slots=True, kw_only=True)
class Flags:
    """One consistent set of flags."""

    base: Route
    repositories: Mapping[str, Mapping[str, Route]] = field(default_factory=dict)
    """By table, then by method; those of the flags only."""
    calls: Mapping[str, Route] = field(default_factory=dict)
    shadow: ShadowSettings = field(default_factory=ShadowSettings)
    log_calls: bool = False
    sync_owns: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()
    """What is allowed and still may surprise."""

    def route(self, table: str, method: str) -> Route:
        return self.repositories.get(table, {}).get(method, self.base)

    def call(self, name: str) -> Route:
        """Of an application's own function."""
        return self.calls.get(name, self.base)

    def writes_both(self, table: str) -> bool:
        return self.route(table, "upsert").mode == "dual-write"


def flags(settings: Settings) -> Flags:
    """The flags that these settings mean; raises Misconfigured where they contradict one another."""
    base = _base(settings)
    named = {qualified(name): said for name, said in settings.repositories.items()}
    if len(named) < len(settings.repositories):
        raise Misconfigured("repositories: a table is named with and without its schema", hint="Name each once.")
    repositories = {table: _methods(table, said, base, settings) for table, said in named.items()}
    return Flags(
        base=base,
        repositories=repositories,
        calls={name: _called(name, mode, base) for name, mode in settings.calls.items()},
        shadow=settings.shadow,
        log_calls=settings.LOG_DATABASE_CALLS,
        sync_owns=frozenset(map(qualified, settings.sync_owns)),
        notes=tuple(_surprises(settings, base, repositories)),
    )


def qualified(table: str) -> str:
    """With its schema; public where none is named."""
    return table if "." in table else f"public.{table}"


# --- what holds for all repositories ------------------------------------------------------------

_AGAINST: Final[Mapping[str, Mapping[str, object]]] = {
    "legacy": {"USE_LEGACY_SUPABASE": False, "ENABLE_DUAL_WRITE": True, "COMPARE_DUAL_RESULTS": True, "primary": "new"},
    "new": {
        "USE_REPOSITORY_PATTERN": False, "USE_LEGACY_SUPABASE": True, "ENABLE_DUAL_WRITE": True,
        "COMPARE_DUAL_RESULTS": True, "primary": "legacy",
    },
    "shadow": {"USE_REPOSITORY_PATTERN": False, "ENABLE_DUAL_WRITE": True, "COMPARE_DUAL_RESULTS": False},
    "dual-write": {"USE_REPOSITORY_PATTERN": False, "ENABLE_DUAL_WRITE": False},
}  # fmt: skip
"""By mode: what cannot stand beside it where it is said aloud."""


def _base(settings: Settings) -> Route:
    said = settings.USE_LEGACY_SUPABASE
    if settings.primary and said is not None and (settings.primary == "legacy") != said:
        raise _clash("primary", settings.primary, "USE_LEGACY_SUPABASE", said)
    mode = _declared(settings, settings.mode) if settings.mode else _derived(settings)
    legacy = settings.primary != "new" and settings.USE_LEGACY_SUPABASE is not False
    primary: Side = mode if mode in ("legacy", "new") else "legacy" if legacy else "new"
    compare = mode == "shadow" or (mode == "dual-write" and bool(settings.COMPARE_DUAL_RESULTS))
    return Route(mode=mode, primary=primary, compare=compare)


def _declared(settings: Settings, mode: Mode) -> Mode:
    for name, value in _AGAINST[mode].items():
        if getattr(settings, name) == value and getattr(settings, name) is not None:
            raise _clash("mode", mode, name, value)
    return mode


def _derived(settings: Settings) -> Mode:
    """From the switches alone."""
    new_side, both = bool(settings.USE_REPOSITORY_PATTERN), bool(settings.ENABLE_DUAL_WRITE)
    legacy = settings.primary != "new" and settings.USE_LEGACY_SUPABASE is not False
    if not new_side:
        if not legacy:
            off = "USE_LEGACY_SUPABASE" if settings.USE_LEGACY_SUPABASE is False else "primary"
            raise Misconfigured(
                f"USE_REPOSITORY_PATTERN=false and {off}={_said(getattr(settings, off))}: no database is left to answer",
                hint="Set USE_REPOSITORY_PATTERN=true for the new database, or USE_LEGACY_SUPABASE=true for the old one.",
            )
        for name in ("ENABLE_DUAL_WRITE", "COMPARE_DUAL_RESULTS"):
            if getattr(settings, name):
                raise _clash(name, True, "USE_REPOSITORY_PATTERN", False)
    if both:
        return "dual-write"
    if settings.COMPARE_DUAL_RESULTS:
        return "shadow"
    return "legacy" if legacy else "new"


def _clash(one: str, says: object, other: str, says_too: object) -> Misconfigured:
    return Misconfigured(
        f"{one}={_said(says)} and {other}={_said(says_too)} contradict each other",
        hint=f"Change {one} or {other}, or take one of them out: docs/shadow.md lists what goes together.",
    )


def _said(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


# --- one repository -----------------------------------------------------------------------------


def _methods(table: str, said: RepositorySettings, base: Route, settings: Settings) -> dict[str, Route]:
    unknown = sorted(set(said.methods) - {*READS, *WRITES})
    if unknown:
        raise Misconfigured(
            f"repositories.{table}.methods: no repository has a method {', '.join(unknown)}",
            hint=f"Methods are {', '.join((*READS, *WRITES))}; functions of the application stand under `calls`.",
        )
    own = _own(table, said, base)
    routes = {method: _method(table, method, said, own) for method in (*READS, *WRITES)}
    for method, route in routes.items():
        if "new" in route.sides and settings.USE_REPOSITORY_PATTERN is False:
            raise _clash(f"repositories.{table} ({method})", route.mode, "USE_REPOSITORY_PATTERN", False)
    _one_way(table, routes)
    return routes


def _own(table: str, said: RepositorySettings, base: Route) -> Route:
    mode = said.mode or base.mode
    primary = said.primary or base.primary
    if mode in ("legacy", "new"):
        if said.primary not in (None, mode):
            raise _clash(f"repositories.{table}.primary", said.primary, "mode", mode)
        primary = mode
    if mode == "shadow" and said.compare is False:
        raise _clash(f"repositories.{table}.compare", said.compare, "mode", mode)
    if said.compare and mode in ("legacy", "new"):
        raise _clash(f"repositories.{table}.compare", said.compare, "mode", mode)
    wanted = base.compare if said.compare is None else said.compare
    return Route(mode=mode, primary=primary, compare=mode == "shadow" or (mode == "dual-write" and wanted))


def _method(table: str, method: str, said: RepositorySettings, own: Route) -> Route:
    mode = said.methods.get(method)
    if mode is None:
        return own
    wrong = {"shadow": "writes, and a write is never shadowed", "dual-write": "writes nothing"}
    if (mode == "shadow" and method in WRITES) or (mode == "dual-write" and method in READS):
        raise Misconfigured(
            f"repositories.{table}.methods: {method}={mode}, but {method} {wrong[mode]}",
            hint=f"Say legacy or new for {method}, or set {mode} for the whole repository.",
        )
    primary: Side = mode if mode in ("legacy", "new") else own.primary
    return Route(mode=mode, primary=primary, compare=mode == "shadow")


def _one_way(table: str, routes: Mapping[str, Route]) -> None:
    """All writes of a table go the same way: one that went elsewhere would be missed there."""
    first, *others = WRITES
    for method in others:
        if routes[method].written != routes[first].written:
            raise _clash(
                f"repositories.{table} {first}", routes[first].mode, f"repositories.{table} {method}", routes[method].mode
            )


def _called(name: str, mode: Mode, base: Route) -> Route:
    if mode == "dual-write":
        raise Misconfigured(
            f"calls.{name}=dual-write, but only reading functions stand under `calls`", hint="Say legacy, new or shadow."
        )
    primary: Side = mode if mode in ("legacy", "new") else base.primary
    return Route(mode=mode, primary=primary, compare=mode == "shadow")


def _surprises(settings: Settings, base: Route, repositories: Mapping[str, Mapping[str, Route]]) -> Iterator[str]:
    asked = base.sides.union(*(route.sides for each in repositories.values() for route in each.values()))
    if settings.USE_REPOSITORY_PATTERN and "new" not in asked:
        yield "USE_REPOSITORY_PATTERN=true, yet nothing asks the new database: USE_LEGACY_SUPABASE=true answers everything"


# --- all combinations ---------------------------------------------------------------------------


def combinations() -> Iterator[tuple[tuple[bool, ...], str]]:
    """Every setting of the first four switches, and what it means; of a refused one the reason."""
    for said in itertools.product((False, True), repeat=4):
        try:
            made = flags(Settings.read(dict(zip(SWITCHES, said, strict=False)), origin="")).base
        except Misconfigured as error:
            yield said, f"refused: {error.message}"
            continue
        compared = ", compared" if made.compare and made.mode == "dual-write" else ""
        yield said, made.mode if made.mode == made.primary else f"{made.mode} ({made.primary} first{compared})"

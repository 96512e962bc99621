r"""The form of a compiled mapping: the file by which the new schema is read and written under legacy names. Pure.

One entry a legacy table (`tables`), each saying where its rows stand, how each legacy column is read there (`columns`)
and how a whole legacy row becomes a row of the target (`values`, `writes`, `refusals`). All names inside SQL are quoted
already; no text holds a value of a row. The SQL speaks of three aliases:

    t          the target's row, in `read`, `compare`, `joins` and `merge`
    <alias>    a whole legacy row with the legacy columns and types, in `values` (its name is the table's `alias`)
    cw$row     the level above: the `values` by name, in `writes` and `refusals`

An entry, shortened:

    "public.orders": {
      "target": "public.purchases", "alias": "orders",
      "joins": [{"alias": "cw$j1", "table": "public.shops", "by": "id",
                 "sql": "LEFT JOIN \"public\".\"shops\" AS \"cw$j1\" ON \"cw$j1\".\"id\" = \"t\".\"shop_id\""}],
      "columns": {
        "number": {"type": "integer", "cast": "\"pg_catalog\".\"int4\"", "not_null": true,
                   "read": "\"t\".\"id\"", "compare": {"sql": "\"t\".\"id\""}, "exact": true},
        "shop": {"type": "bigint", "cast": "\"pg_catalog\".\"int8\"", "not_null": true,
                 "read": "(\"cw$j1\".\"vendor_id\")::\"pg_catalog\".\"int8\"",
                 "compare": {"sql": "\"cw$j1\".\"vendor_id\""}, "exact": true},
        "scratch": {"type": "text", "cast": "\"pg_catalog\".\"text\"", "absent": "dropped: never used"}},
      "values": {"cw$v0": "\"orders\".\"number\"", "cw$f1_0": "(SELECT …)", "cw$o1_0_0": "\"orders\".\"shop\""},
      "writes": {
        "id": {"sql": "\"cw$v0\"", "reads": ["number"]},
        "shop_id": {"sql": "(\"cw$f1_0\")[1]", "reads": ["shop"], "looks_into": ["public.shops"]}},
      "refusals": [{"sql": "\"cw$f1_0\" IS NULL AND (\"cw$o1_0_0\" IS NOT NULL)", "code": "lookup.missing",
                    "sqlstate": "23503", "column": "shop_id", "reads": ["shop"],
                    "reason": "no row of public.shops matches"}],
      "keys": [{"columns": ["number"], "primary": true, "arbiter": ["id"], "matched": ["id"]}],
      "target_columns": {"id": {"type": "integer", "not_null": true, "default": true}, "shop_id": {"type": "integer"}},
      "target_key": ["id"]}
"""

from __future__ import annotations

import json
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from crosswalk.data.failures import Misconfigured, TableMissing
from crosswalk.errors import BadName
from crosswalk.names import Name, parse

VERSION: Final = 1


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Join(_Model):
    """A table beside the target's row; it never doubles a row, and never loses one."""

    alias: str
    sql: str
    """The whole clause, from LEFT JOIN on; may speak of `t` and of the joins before it."""
    table: str | None = None
    """The target table that it reads; None for what is only computed (`back`)."""
    by: str | None = None
    """The column of that table that meets the row; it must be unique there."""


class Comparison(_Model):
    """What may stand in a condition in place of `read`, so that an index of the target can serve it.

    `sql OP before || value || after` says what `read OP value` says, for =, <>, <, <=, >, >=, IN and NULL tests,
    where `value` is a parameter of the column's `cast` type. Not for LIKE, unless `patterns`.
    """

    sql: str
    before: str = ""
    after: str = ""
    patterns: bool = False
    """LIKE and ILIKE may use it too."""


class LegacyColumn(_Model):
    """A column of the legacy table: its type, and how it is read from the target."""

    type: str
    """format_type of the legacy column, with length or precision: `character varying(20)`."""
    cast: str
    """The type as SQL on the target, without length or precision: what `read` gives and what a parameter is cast to.

    Text where the target does not have the type (an enum of the legacy schema)."""
    not_null: bool = False
    default: str | None = None
    """What a new row gets where the column is left out, as SQL that the target can evaluate; None: NULL."""
    generated: bool = False
    """The legacy database made the value (serial, identity, a function that the target does not have). In a new row that
    leaves it out, target columns that read it are left out as well, so that the target's own default stands there."""
    lost_default: str | None = None
    """Its default in the words of the legacy database, where that is no sequence and the target cannot compute it."""
    read: str | None = None
    """SQL over `t` and the joins, of the `cast` type; None: it cannot be read."""
    compare: Comparison | None = None
    """Only where there is something better than `read`."""
    exact: bool = False
    """For each row that the mapping wrote, reading gives the very legacy value (numbers by value)."""
    declared: bool = False
    """The reading is the document's own word (`back`), not derived from a rule."""
    note: str | None = None
    """Why the reading is not exact."""
    absent: str | None = None
    """Why it cannot be read."""

    @model_validator(mode="after")
    def _one_of_both(self) -> LegacyColumn:
        if (self.read is None) == (self.absent is None):
            raise ValueError("a column has either a reading or a reason why it is absent")
        return self


class Write(_Model):
    """How a target column gets its value from a whole legacy row."""

    sql: str
    """Over `cw$row`; of the target column's type without length or precision (so that nothing is cut in silence)."""
    reads: tuple[str, ...] = ()
    """Legacy columns that it depends on. None: a constant, written into new rows only."""
    blind: tuple[str, ...] = ()
    """Those of `reads` that cannot be read back: whoever changes one of `reads` in a standing row must give these too."""
    looks_into: tuple[str, ...] = ()
    """Target tables in which it looks something up."""
    merge: str | None = None
    """For a standing row, in place of the mapped value: SQL over `t` (the row that stands) and `excluded` (the mapped
    row). It fits ON CONFLICT DO UPDATE, and UPDATE … FROM (…) AS excluded."""
    members: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """Of a document that is merged: where in it each of `reads` stands. One that is not given is left as it stands."""


class Unwritten(_Model):
    """A target column that the document feeds, but that cannot be fed from here."""

    why: str
    reads: tuple[str, ...] = ()
    """A write that gives one of these is refused."""


class Refusal(_Model):
    """A legacy row that the mapping does not take: an error by name for who writes it."""

    sql: str
    """A condition over `cw$row`; the row is refused where it is true."""
    code: str
    """As `crosswalk check` names it: lookup.missing, map.fail, length, rounded, where …"""
    sqlstate: str
    reason: str
    column: str | None = None
    """Of the target; None: of the whole row."""
    reads: tuple[str, ...] = ()
    """As of its column's write: whoever changes none of these in a standing row is not refused for it."""


class Key(_Model):
    """A unique key of the legacy table."""

    columns: tuple[str, ...]
    primary: bool = False
    nulls_alike: bool = False
    """A NULL in it is equal to a NULL (NULLS NOT DISTINCT)."""
    arbiter: tuple[str, ...] | None = None
    """Columns of a unique index of the target that keeps apart the very same rows: ON CONFLICT may name them."""
    matched: tuple[str, ...] = ()
    """Target columns that the key's columns alone give: a row is found where they equal those of the mapped row (arbiter
    or not). Empty: it is found by the key's `read` and `compare` instead. Several rows found: none may be written."""
    unusable: str | None = None
    """Why a row cannot be found by it at all."""


class TargetColumn(_Model):
    type: str
    """format_type, with length or precision."""
    not_null: bool = False
    default: bool = False
    """The target makes a value where the column is left out (default, serial, identity)."""
    identity: Literal["always", "by default"] | None = None
    """`always`: an INSERT that names it needs OVERRIDING SYSTEM VALUE."""
    generated: bool = False
    """Never written."""


class CompiledTable(_Model):
    """One legacy table upon the new schema."""

    target: str
    """As people write it; `name` has it for SQL."""
    alias: str
    """Of the legacy row in `values`, unquoted: the legacy table's own name."""
    joins: tuple[Join, ...] = ()
    """In order; a query may take them all, the planner leaves out those that nothing reads."""
    columns: dict[str, LegacyColumn]
    """All columns of the legacy table, in its order."""
    values: dict[str, str] = Field(default_factory=dict)
    writes: dict[str, Write] = Field(default_factory=dict)
    """By target column. A target column that is neither here nor in `unwritten` keeps its own default."""
    unwritten: dict[str, Unwritten] = Field(default_factory=dict)
    refusals: tuple[Refusal, ...] = ()
    keys: tuple[Key, ...] = ()
    target_columns: dict[str, TargetColumn]
    target_key: tuple[str, ...]
    """Columns that tell the target's rows apart and are never NULL: its primary key where there is one."""
    filter: str | None = None
    """Why some legacy rows are not moved (the document's `where`); a write of such a row is refused."""

    @cached_property
    def name(self) -> Name:
        """The target's name; `.sql` for a statement."""
        return parse(self.target)

    @cached_property
    def readable(self) -> tuple[str, ...]:
        """Legacy columns that can be read."""
        return tuple(name for name, column in self.columns.items() if column.read is not None)

    @cached_property
    def writable(self) -> frozenset[str]:
        """Legacy columns that reach the target; what is written to the others is left behind, as the document says."""
        return frozenset(name for write in self.writes.values() for name in write.reads)

    def touched(self, given: frozenset[str]) -> tuple[str, ...]:
        """Target columns that change in a standing row when these legacy columns are given."""
        return tuple(name for name, write in self.writes.items() if given & set(write.reads))

    def key(self, columns: tuple[str, ...]) -> Key | None:
        """The unique key over just these columns, in whatever order."""
        return next((key for key in self.keys if set(key.columns) == set(columns)), None)

    @model_validator(mode="after")
    def _speaks_of_what_it_has(self) -> CompiledTable:
        known = set(self.columns)
        readers: tuple[Write | Unwritten | Refusal, ...] = (*self.writes.values(), *self.unwritten.values(), *self.refusals)
        named = {column for each in readers for column in each.reads}
        named |= {c for key in self.keys for c in key.columns}
        fed = {*self.writes, *self.unwritten, *self.target_key}
        fed |= {c for key in self.keys for c in (*(key.arbiter or ()), *key.matched)}
        lost = sorted(named - known) + sorted(fed - set(self.target_columns))
        if lost:
            raise ValueError(f"it speaks of {lost[0]}, and has no such column")
        return self


class CompiledMapping(_Model):
    """The whole file."""

    format: Literal["crosswalk-compiled"] = "crosswalk-compiled"
    version: Literal[1] = 1
    made_by: str = ""
    """The version of Crosswalk that wrote it."""
    mapping: str = ""
    """The document that it was made from, as it was named then."""
    document: str = ""
    """sha256 of that document's text."""
    source: str = ""
    """Fingerprints of the tables of both schemas, as `crosswalk plan` shows them."""
    target: str = ""
    settings: dict[str, str] = Field(default_factory=dict)
    """Session settings under which this SQL means what it meant to the migration; every session of the new schema sets
    them: a cast between text and a moment, or between two kinds of moments, goes by TimeZone and DateStyle."""
    tables: dict[str, CompiledTable]
    """By legacy table, as people write it: `public.orders`."""
    refused: dict[str, str] = Field(default_factory=dict)
    """Legacy tables that have no such form, each with the reason."""

    def table(self, name: str) -> CompiledTable:
        """The entry of a legacy table, `public` where no schema is named; raises TableMissing, which says why."""
        try:
            full = str(parse(name))
        except BadName as error:
            raise TableMissing(str(error), table=name) from error
        if full not in self.tables:
            why = self.refused.get(full, "the compiled mapping does not know it")
            raise TableMissing(f"{full} has no place in the new schema: {why}", table=full)
        return self.tables[full]


def read_compiled(given: Path | str | dict[str, Any]) -> CompiledMapping:
    """A compiled mapping from its file, or from what stands in it; raises Misconfigured."""
    where, found = ("the compiled mapping", given) if isinstance(given, dict) else (str(given), _load(Path(given)))
    if not isinstance(found, dict) or found.get("format") != "crosswalk-compiled":
        raise Misconfigured(f"{where} is no compiled mapping: `crosswalk compile` writes one")
    if found.get("version") != VERSION:
        raise Misconfigured(
            f"{where} has version {str(found.get('version'))[:20]}, and this is read here: {VERSION}",
            hint="Write it again with `crosswalk compile` of the version that reads it.",
        )
    try:
        return CompiledMapping.model_validate_json(json.dumps(found))
    except ValidationError as error:
        first = error.errors()[0]
        place = " → ".join(str(step) for step in first["loc"]) or "the file"
        raise Misconfigured(f"{where}, at {place}: {first['msg']}", hint="Write it again with `crosswalk compile`.") from None


def _load(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise Misconfigured(f"{path} cannot be read: {error.strerror or error}") from error
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise Misconfigured(f"{path} is no JSON: {error}") from error

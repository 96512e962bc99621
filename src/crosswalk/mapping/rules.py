"""What can feed a target column: one frozen model for each kind of rule.

A rule is told by the one key that names its kind (`sql`, `lookup`, `map` …); a bare string is the
name of a source column. All of them share `why`, and where the rule was inferred `confidence`,
`evidence` and `status`. See docs/mapping.md for each with an example.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Literal, Union

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    GetJsonSchemaHandler,
    Tag,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

Scalar = bool | int | Decimal | float | str | None
Status = Literal["proposed", "accepted"]


class Model(BaseModel):
    """Frozen, and strict about unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Inferred(Model):
    """What every rule may say about itself."""

    why: str | None = Field(default=None, description="The reason, for the reader and the report.")
    confidence: float | None = Field(default=None, ge=0, le=1, description="How sure the inference was, 0 to 1.")
    evidence: tuple[str, ...] = Field(default=(), description="What the inference stands on.")
    status: Status = Field(default="accepted", description="A move refuses a document with proposed rules.")
    secret: bool = Field(default=False, description="Never show the values, not even in quarantine.")

    kind: ClassVar[str] = ""

    def reads(self) -> Iterator[str]:
        """Source columns that the rule names (an SQL expression's columns are not parsed here)."""
        yield from ()

    def expressions(self) -> Iterator[str]:
        """SQL text that the rule holds."""
        yield from ()


class Take(Inferred):
    """A source column, cast to the target's type where that loses nothing."""

    kind: ClassVar[str] = "column"
    column: str

    @model_validator(mode="before")
    @classmethod
    def _bare(cls, value: Any) -> Any:
        return {"column": value} if isinstance(value, str) else value

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """The bare name of a column is a rule too."""
        return {"anyOf": [{"type": "string", "description": "A source column."}, handler(core)]}

    def reads(self) -> Iterator[str]:
        yield self.column


class Sql(Inferred):
    """An SQL expression over the source row."""

    kind: ClassVar[str] = "sql"
    sql: str = Field(min_length=1)

    def expressions(self) -> Iterator[str]:
        yield self.sql


class Value(Inferred):
    """A constant."""

    kind: ClassVar[str] = "value"
    value: Scalar | list[Any] | dict[str, Any]


class Default(Inferred):
    """The target's own default, said aloud."""

    kind: ClassVar[str] = "default"
    default: Literal[True]


class First(Inferred):
    """The first element of an array column; NULL where there is none."""

    kind: ClassVar[str] = "first"
    first: str

    def reads(self) -> Iterator[str]:
        yield self.first


class Unnest(Inferred):
    """One target row for each element of an array column; the element belongs to the key."""

    kind: ClassVar[str] = "unnest"
    unnest: str

    def reads(self) -> Iterator[str]:
        yield self.unnest


class Split(Inferred):
    """One part of a text column; NULL where the part is absent."""

    kind: ClassVar[str] = "split"
    split: str
    by: str = Field(min_length=1)
    take: int = Field(description="Which part, from 1; negative counts from the end.")

    def reads(self) -> Iterator[str]:
        yield self.split


class Else(Model):
    value: Scalar


def _labels(value: Any) -> Any:
    """YAML reads `1:` as a number and `true:` as a boolean: labels are what PostgreSQL shows them as."""
    if not isinstance(value, dict):
        return value
    return {_label(key): result for key, result in value.items()}


def _label(key: Any) -> Any:
    if isinstance(key, bool):
        return "true" if key else "false"
    return str(key) if isinstance(key, int | float) else key


class MapLabels(Inferred):
    """Labels translated one by one; NULL stays NULL unless `null` is mapped."""

    kind: ClassVar[str] = "map"
    map: Annotated[dict[str | None, Scalar], BeforeValidator(_labels)] = Field(min_length=1)
    from_: Operand = Field(alias="from")
    else_: Literal["fail", "quarantine", "null"] | Else = Field(default="fail", alias="else")

    def reads(self) -> Iterator[str]:
        yield from self.from_.reads()

    def expressions(self) -> Iterator[str]:
        yield from self.from_.expressions()


class Zone(Inferred):
    """A timestamp whose time zone was implied: a wall clock read in that zone (or written in it)."""

    kind: ClassVar[str] = "zone"
    zone: str
    from_: Operand = Field(alias="from")

    def reads(self) -> Iterator[str]:
        yield from self.from_.reads()

    def expressions(self) -> Iterator[str]:
        yield from self.from_.expressions()


class Agree(Inferred):
    """Columns that must agree (NULL agrees with anything); rows where they do not are quarantined."""

    kind: ClassVar[str] = "agree"
    agree: tuple[str, ...] = Field(min_length=2)

    def reads(self) -> Iterator[str]:
        yield from self.agree


class Fold(Inferred):
    """Left-over columns kept as a jsonb object, under the key `into` where given."""

    kind: ClassVar[str] = "fold"
    fold: tuple[str, ...] = Field(min_length=1)
    into: str | None = None

    def reads(self) -> Iterator[str]:
        yield from self.fold


def _operand_kind(value: Any) -> str:
    if isinstance(value, str):
        return "column"
    if isinstance(value, Model):
        return str(getattr(value, "kind", ""))
    if isinstance(value, dict):
        return next((k for k in ("column", "sql", "value", "first", "unnest", "split") if k in value), "unknown")
    return "unknown"


Operand = Annotated[
    Union[  # noqa: UP007 - pydantic reads the annotation
        Annotated[Take, Tag("column")],
        Annotated[Sql, Tag("sql")],
        Annotated[Value, Tag("value")],
        Annotated[First, Tag("first")],
        Annotated[Unnest, Tag("unnest")],
        Annotated[Split, Tag("split")],
    ],
    Discriminator(
        _operand_kind,
        custom_error_type="operand",
        custom_error_message="here stands a source column, or one of sql, value, first, unnest, split",
    ),
]


class LookupTo(Model):
    """Where to look: a mapped source table, the columns to match, and what to take.

    A key of `match` is a column of the source table `table`, or `target.NAME` for a column of the
    target table as the mapping makes it. Several matches are tried in order.
    """

    table: str = Field(description="The source table of another mapped table (or of this one).")
    target: str | None = Field(
        default=None, description="The target table that is meant, where `table` feeds several with the column to take."
    )
    match: dict[str, Operand] | tuple[dict[str, Operand], ...]
    take: str = Field(description="The column of the target table that `table` is mapped to.")
    missing: Literal["quarantine", "null", "fail"] = "quarantine"
    ambiguous: Literal["quarantine", "null", "fail"] = "quarantine"

    @property
    def matches(self) -> tuple[dict[str, Operand], ...]:
        """The matches in the order in which they are tried."""
        return self.match if isinstance(self.match, tuple) else (self.match,)


class Lookup(Inferred):
    """The id of a row in another mapped table, found by its natural key."""

    kind: ClassVar[str] = "lookup"
    lookup: LookupTo

    def reads(self) -> Iterator[str]:
        for match in self.lookup.matches:
            for operand in match.values():
                yield from operand.reads()

    def expressions(self) -> Iterator[str]:
        for match in self.lookup.matches:
            for operand in match.values():
                yield from operand.expressions()


KINDS = ("sql", "value", "default", "lookup", "agree", "fold", "map", "zone", "split", "first", "unnest", "column")


def _rule_kind(value: Any) -> str:
    if isinstance(value, str):
        return "column"
    if isinstance(value, Model):
        return str(getattr(value, "kind", ""))
    if isinstance(value, dict):
        return next((kind for kind in KINDS if kind in value), "unknown")
    return "unknown"


Rule = Annotated[
    Union[  # noqa: UP007 - pydantic reads the annotation
        Annotated[Take, Tag("column")],
        Annotated[Sql, Tag("sql")],
        Annotated[Value, Tag("value")],
        Annotated[Default, Tag("default")],
        Annotated[Lookup, Tag("lookup")],
        Annotated[Agree, Tag("agree")],
        Annotated[Fold, Tag("fold")],
        Annotated[MapLabels, Tag("map")],
        Annotated[Zone, Tag("zone")],
        Annotated[Split, Tag("split")],
        Annotated[First, Tag("first")],
        Annotated[Unnest, Tag("unnest")],
    ],
    Discriminator(
        _rule_kind,
        custom_error_type="rule",
        custom_error_message="a rule is the name of a source column, or a mapping with one of: " + ", ".join(KINDS),
    ),
]

MapLabels.model_rebuild()
Zone.model_rebuild()
LookupTo.model_rebuild()
Lookup.model_rebuild()

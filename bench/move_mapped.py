"""What a mapping costs: one copy three times, each into tables that stand in the target with all their indexes.

    identity  the same names and types
    mapped    other names of tables and columns, wider types, numbers of other tables looked up; as many columns, the same indexes
    folded    as mapped, and columns that no index holds go into one jsonb

The target's tables are the source's (`pg_dump --schema-only`), altered while they are empty, so that
indexes and constraints follow by themselves. The documents are made from the same catalog.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal

from bench.move_schemas import Schema, Search
from bench.move_servers import SQL, Database, Pair, run
from crosswalk.names import quote

Variant = Literal["identity", "mapped", "folded"]
VARIANTS: Final[tuple[Variant, ...]] = ("identity", "mapped", "folded")
WIDER: Final = {"smallint": "integer", "integer": "bigint", "real": "double precision"}
ZONED: Final = ("timestamp without time zone", "timestamp with time zone")
FOLDED: Final = "legacy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    name: str
    type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A source table, of schema public."""

    name: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]


def read_tables(source: Database) -> list[Table]:
    """All tables with a primary key."""
    read = [json.loads(line) for line in source.psql((SQL / "columns.sql").read_text()).splitlines()]
    return [
        Table(name=t["name"], key=tuple(t["key"]), columns=tuple(Column(name=c["name"], type=c["type"]) for c in t["columns"]))
        for t in read
    ]


def flow(value: Any) -> str:
    """A value as YAML in one line, which JSON is."""
    return json.dumps(value, ensure_ascii=False)


def shape(pair: Pair, schema: Schema, tables: list[Table], variant: Variant) -> None:
    """Give an empty target database the tables of a variant."""
    text = run([pair.source.program("pg_dump"), "--schema-only", "--no-owner"], pair.source.environment)
    pair.target.psql(text)
    if variant == "identity":
        return
    lines = [schema.rekeyed + ";" if schema.rekeyed else ""]
    for table in tables:
        lines += _altered(table, schema.folds.get(table.name, ()) if variant == "folded" else ())
    pair.target.psql("SET check_function_bodies = off;\n" + "\n".join(lines))


def _altered(table: Table, folded: tuple[str, ...]) -> Iterator[str]:
    name = f"public.{quote(table.name)}"
    changes = [f"DROP COLUMN {quote(c)}" for c in folded]
    changes += [f"ADD COLUMN {FOLDED} jsonb"] if folded else []
    kept = [c for c in table.columns if c.name not in folded]
    changes += [f"ALTER COLUMN {quote(c.name)} TYPE {_wider(c.type)}" for c in kept if _wider(c.type) != c.type]
    if changes:
        yield f"ALTER TABLE {name} {', '.join(changes)};"
    for column in kept:
        yield f"ALTER TABLE {name} RENAME COLUMN {quote(column.name)} TO {quote(_named(column.name))};"
    yield f"ALTER TABLE {name} RENAME TO {quote(_named(table.name))};"


def _wider(kind: str) -> str:
    """The type of a column in the mapped variants."""
    if kind == ZONED[0]:
        return ZONED[1]
    if kind.startswith("character varying"):
        return "text"
    return WIDER.get(kind, kind)


def _named(name: str) -> str:
    return f"new_{name}"


def document(schema: Schema, tables: list[Table], variant: Variant) -> str:
    """The mapping document of a variant."""
    return "version: 1\ntables:\n" + "".join(_entry(schema, table, variant) for table in tables)


def _entry(schema: Schema, table: Table, variant: Variant) -> str:
    if variant == "identity":
        name, key = table.name, list(table.key)
        rules: dict[str, Any] = {c.name: c.name for c in table.columns}
    else:
        folded = schema.folds.get(table.name, ()) if variant == "folded" else ()
        searches = {s.column: s for s in schema.searches if s.table == table.name}
        name, key = _named(table.name), [_named(k) for k in table.key]
        rules = {_named(c.name): _rule(c, searches.get(c.name)) for c in table.columns if c.name not in folded}
        if folded:
            rules[FOLDED] = {"fold": list(folded)}
    lines = [f"  public.{name}:", f"    from: public.{table.name}", f"    key: {flow(key)}", "    columns:"]
    return "\n".join([*lines, *(f"      {column}: {flow(rule)}" for column, rule in rules.items())]) + "\n"


def _rule(column: Column, search: Search | None) -> Any:
    if search is not None:
        match = dict(search.match)
        return {"lookup": {"table": f"public.{search.of}", "match": match, "take": _named("id"), "missing": search.missing}}
    if column.type == ZONED[0]:
        return {"zone": "UTC", "from": column.name}
    return column.name


def lands_in(table: str, variant: Variant) -> str:
    """The target of a source table, both as `schema.table`."""
    schema, _, name = table.partition(".")
    return table if variant == "identity" else f"{schema}.{_named(name)}"

"""A short name for what a schema is: equal fingerprints, equal structure of the tables concerned.

Covers columns, constraints and unique indexes of the given tables, and the enums and domains that
they use; not comments, statistics, sequences' values, policies, or what a run itself switches off
and on again (triggers, the foreign keys that the plan names).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable
from typing import Any

from crosswalk.names import Name
from crosswalk.schema import ConstraintKind, Schema, Table, TypeRef


def _types(ref: TypeRef) -> Iterable[TypeRef]:
    yield ref
    for inner in (ref.element, ref.base):
        if inner is not None:
            yield from _types(inner)


def _table(table: Table, without: Collection[str]) -> dict[str, Any]:
    return {
        "kind": table.kind,
        "columns": [
            [c.name, str(c.type), c.not_null, c.default, c.identity, c.generated, c.collation] for c in table.columns
        ],
        "constraints": sorted(
            [c.name, c.kind, c.definition]
            for c in table.constraints
            if not (c.kind is ConstraintKind.FOREIGN and c.name in without)
        ),
        "unique": sorted(i.definition for i in table.indexes if i.unique),
    }


def fingerprint(schema: Schema, tables: Iterable[Name], *, without: Collection[tuple[Name, str]] = ()) -> str:
    """Sixteen hexadecimal digits; `without` names foreign keys (table, constraint) that do not count."""
    found = {name: schema.tables[name] for name in tables if name in schema.tables}
    used = {Name(t.schema, t.name) for table in found.values() for c in table.columns for t in _types(c.type)}
    content = {
        "tables": {
            str(name): _table(table, {c for t, c in without if t == name}) for name, table in sorted(found.items())
        },
        "enums": {str(n): e.labels for n, e in sorted(schema.enums.items()) if n in used},
        "domains": {
            str(n): [str(d.base), d.not_null, d.checks] for n, d in sorted(schema.domains.items()) if n in used
        },
    }
    text = json.dumps(content, ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]

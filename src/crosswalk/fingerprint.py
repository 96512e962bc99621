"""A short name for what a schema is: equal fingerprints, equal structure of the tables concerned.

`fingerprint` covers columns, constraints and unique indexes of the given tables, and the enums and domains that
they use; not comments, statistics, sequences' values, policies, or what a run itself switches off
and on again (triggers, the foreign keys that the plan names).

`portrait` covers everything that the catalog model knows of every object, for the one question whether a target is
again what it was; `differences` names what is not.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any, Final

from crosswalk.names import Name
from crosswalk.schema import ConstraintKind, Schema, Table, TypeRef
from crosswalk.wording import settled


def _types(ref: TypeRef) -> Iterable[TypeRef]:
    yield ref
    for inner in (ref.element, ref.base):
        if inner is not None:
            yield from _types(inner)


def _table(table: Table, without: Collection[str]) -> dict[str, Any]:
    return {
        "kind": table.kind,
        "columns": [
            [c.name, str(c.type), c.not_null, settled(c.default or ""), c.identity, c.generated, c.collation] for c in table.columns
        ],
        "constraints": sorted(
            [c.name, c.kind, settled(c.definition)]
            for c in table.constraints
            if not (c.kind is ConstraintKind.FOREIGN and c.name in without)
        ),
        "unique": sorted(settled(i.definition) for i in table.indexes if i.unique),
    }


def fingerprint(schema: Schema, tables: Iterable[Name], *, without: Collection[tuple[Name, str]] = ()) -> str:
    """Sixteen hexadecimal digits; `without` names foreign keys (table, constraint) that do not count."""
    found = {name: schema.tables[name] for name in tables if name in schema.tables}
    used = {Name(t.schema, t.name) for table in found.values() for c in table.columns for t in _types(c.type)}
    uncounted: defaultdict[Name, set[str]] = defaultdict(set)
    for table_name, constraint in without:
        uncounted[table_name].add(constraint)
    content = {
        "tables": {str(name): _table(table, uncounted[name]) for name, table in sorted(found.items())},
        "enums": {str(n): schema.enums[n].labels for n in sorted(used & schema.enums.keys())},
        "domains": {
            str(n): [str(d.base), d.not_null, [(name, settled(check)) for name, check in d.checks]]
            for n, d in ((n, schema.domains[n]) for n in sorted(used & schema.domains.keys()))
        },
    }
    text = json.dumps(content, ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


Portrait = dict[str, dict[str, str]]
"""By object (`table public.clients`), by aspect (`columns`, `indexes` …): a short hash."""
_FLEETING: Final = frozenset(
    {
        *("position", "selectable", "oid", "rows", "rows_exact", "bytes", "privileges", "hides", "last_value"),
        *("readable", "settable", "populated", "may_create", "used_by"),
    }
)
"""What changes without anybody altering the object, or says what this role may do with it."""


def _plain(value: Any) -> Any:
    if isinstance(value, TypeRef):
        return value.display
    if isinstance(value, Name):
        return str(value)
    if is_dataclass(value):
        return {f.name: _plain(getattr(value, f.name)) for f in fields(value) if f.name not in _FLEETING}
    if isinstance(value, (tuple, list)):
        return [_plain(each) for each in value]
    return sorted(value) if isinstance(value, frozenset) else value


def _hashed(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, ensure_ascii=False, sort_keys=True).encode()).hexdigest()[:12]


def _aspects(thing: Any) -> dict[str, str]:
    """Lists of a relation apart, so that a difference can be named; whatever is empty takes no place."""
    plain = _plain(thing)
    return {aspect: _hashed(value) for aspect, value in plain.items() if aspect != "name" and value not in (None, [], "")}


def _objects(schema: Schema) -> Iterator[tuple[str, Any]]:
    for kind, things in (
        ("sequence", schema.sequences),
        ("enum", schema.enums),
        ("domain", schema.domains),
        ("composite type", schema.composites),
        ("range type", schema.ranges),
        ("collation", schema.collations),
        ("schema", schema.namespaces),
    ):
        yield from ((f"{kind} {name}", thing) for name, thing in things.items())
    yield from ((f"function {f.name}({f.arguments})", f) for f in schema.functions)


def table_object(table: Name) -> str:
    """How a portrait calls a table (or view)."""
    return f"table {table}"


def portrait(schema: Schema) -> Portrait:
    """Every object of a database as hashes by aspect: columns, constraints, indexes, triggers and their states,
    policies, row security, grants, comments, options, owners, definitions."""
    found = {name: _aspects(thing) for name, thing in _objects(schema)}
    for name, table in schema.tables.items():
        found[table_object(name)] = _aspects(table)
        if name in schema.views:
            found[table_object(name)]["query"] = _hashed(schema.views[name])
    return found


def portrait_of(schema: Schema, table: Name) -> dict[str, str]:
    """A table's part of a portrait; row counts and the like do not count."""
    return _aspects(schema.tables[table])


def differences(before: Mapping[str, Mapping[str, str]], now: Portrait) -> dict[str, str]:
    """By object that is not what it was: what differs of it."""
    found = {}
    for name in sorted({*before, *now}):
        was, is_now = before.get(name), now.get(name)
        if was is None:
            found[name] = "was not there"
        elif is_now is None:
            found[name] = "is gone"
        elif dict(was) != is_now:
            found[name] = ", ".join(sorted(a for a in {*was, *is_now} if was.get(a) != is_now.get(a)))
    return found

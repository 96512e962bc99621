"""A lens as the JSON that the data layer reads, and the statements by which the target is asked whether it understands it.

The form is described where it is read (`crosswalk.data.compiled.document`); a test holds the two together. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from crosswalk.express import Facts
from crosswalk.lens.keys import keys
from crosswalk.lens.parts import ROW, Absent, Comparable, Failed, Proof, Reading, Unwritten, Written
from crosswalk.lens.table import Lens, default, makes_itself, numbered, why_not
from crosswalk.names import quote
from crosswalk.schema import Column

SETTINGS: Final = {
    "TimeZone": "UTC",
    "DateStyle": "ISO, YMD",
    "IntervalStyle": "postgres",
    "bytea_output": "hex",
    "extra_float_digits": "1",
    "xmloption": "content",
}
"""What a move's own sessions run under, and SQL of the document goes by."""
_WHERE: Final = "cw$where"


def refused(facts: Facts) -> dict[str, str]:
    """Source tables without a lens, each with the reason."""
    ignored = {str(name): f"ignored: {why}" for name, why in facts.document.ignored_sources.items()}
    others = {str(m.source): why for name, m in facts.document.by_target.items() if (why := why_not(facts, name))}
    return {**ignored, **others}


def compiled_table(seen: Lens, failed: Failed) -> dict[str, Any]:
    """One entry, without what the target did not understand."""
    read, written = seen.read(failed), seen.written(failed)
    entry: dict[str, Any] = {
        "target": str(seen.target.name),
        "alias": seen.source.name.relation,
        "joins": [_told(alias=j.alias, table=str(j.table) if j.table else None, by=j.by, sql=j.sql) for j in seen.joins],
        "columns": {c.name: _column(seen, c, read[c.name], failed) for c in seen.source.columns},
        "values": {n: sql for w in written.values() if isinstance(w, Written) for n, sql in w.values.items()} | _where(seen),
        "writes": {name: _write(w, read) for name, w in written.items() if isinstance(w, Written)},
        "unwritten": {n: {"why": w.why, "reads": list(w.reads)} for n, w in written.items() if isinstance(w, Unwritten)},
        "refusals": [*_refusals(seen, written)],
        "keys": [*_keys(seen, read, written)],
        "target_columns": {c.name: _target_column(c) for c in seen.target.columns},
        "target_key": list(seen.target.row_identity),
    }
    where = seen.facts.mapping(seen.target.name).where
    return entry | ({"filter": where.why} if where else {})


def _told(**said: Any) -> dict[str, Any]:
    """What is said, without what goes without saying."""
    return {key: value for key, value in said.items() if value not in (None, False, (), [], {})}


def _column(seen: Lens, column: Column, found: Reading | Absent, failed: Failed) -> dict[str, Any]:
    itself = makes_itself(column) or ("default", column.name) in failed
    said = _told(
        type=column.type.display,
        cast=seen.kinds.cast(column.type),
        not_null=column.not_null,
        default=None if itself else default(column),
        generated=itself,
        lost_default=column.default if itself and not numbered(column) and not column.generated else None,
    )
    if isinstance(found, Absent):
        return said | {"absent": found.why}
    compare = _compare(found.compare) if found.compare else None
    return said | {"read": found.sql} | _told(compare=compare, exact=found.exact, declared=found.declared, note=found.note)


def _compare(found: Comparable) -> dict[str, Any]:
    return _told(sql=found.sql, before=found.before or None, after=found.after or None, patterns=found.patterns)


def _write(found: Written, read: dict[str, Reading | Absent]) -> dict[str, Any]:
    blind = [name for name in found.reads if isinstance(read[name], Absent)]
    into = [str(name) for name in found.looks_into]
    members = {name: list(path) for name, path in found.members.items()}
    return {"sql": found.sql} | _told(reads=list(found.reads), blind=blind, looks_into=into, merge=found.merge, members=members)


def _where(seen: Lens) -> dict[str, str]:
    mapping = seen.facts.mapping(seen.target.name)
    return {_WHERE: f"(({mapping.where.sql}\n))::pg_catalog.bool"} if mapping.where else {}


def _refusals(seen: Lens, written: dict[str, Written | Unwritten]) -> Iterator[dict[str, Any]]:
    said = [(r, None, seen.where[1]) for r in [seen.where[0]]] if seen.where else []
    of_columns = [(r, name, w.reads) for name, w in written.items() if isinstance(w, Written) for r in w.refusals]
    for each, name, reads in [*said, *of_columns]:
        head = {"sql": each.sql, "code": each.code, "sqlstate": each.sqlstate, "reason": each.reason}
        yield head | _told(column=name, reads=list(reads))


def _keys(seen: Lens, read: dict[str, Reading | Absent], written: dict[str, Written | Unwritten]) -> Iterator[dict[str, Any]]:
    for key in keys(seen.source, seen.target, read, written):
        arbiter = list(key.arbiter) if key.arbiter else None
        found = _told(arbiter=arbiter, matched=list(key.matched), unusable=key.unusable)
        yield {"columns": list(key.columns)} | _told(primary=key.primary, nulls_alike=key.nulls_alike) | found


def _target_column(column: Column) -> dict[str, Any]:
    makes = column.default is not None and not column.generated
    return {"type": column.type.display} | _told(
        not_null=column.not_null,
        default=makes or column.identity is not None,
        identity=column.identity,
        generated=column.generated is not None,
    )


# --- proofs -------------------------------------------------------------------------------------


def proofs(seen: Lens) -> Iterator[Proof]:
    """A statement for each part of a lens; those of `back` come first, for all readings stand beside them."""
    declared = seen.facts.mapping(seen.target.name).back
    row = f'(SELECT * FROM {seen.target.name.sql}) AS {quote(seen.target.name.relation)}'
    for name, back in declared.items():
        if name in seen.readings:
            cast = seen.kinds.cast(seen.facts.column("source", seen.source, name).type)
            # A WHERE takes one value of one row: no aggregate, no window, nothing that returns several rows.
            sql = f"SELECT ({back.sql}\n), ({back.sql}\n)::{cast} FROM {row} WHERE ({back.sql}\n) IS NULL"
            yield Proof(part="back", name=name, sql=sql)
    beside = " ".join([f"{seen.target.name.sql} AS {quote(ROW)}", *(j.sql for j in seen.joins)])
    for name, found in seen.readings.items():
        if isinstance(found, Reading):
            compare = f", {found.compare.sql}" if found.compare else ""
            yield Proof(part="read", name=name, sql=f"SELECT {found.sql}{compare} FROM {beside}")
    for column in seen.source.columns:
        if column.default and not makes_itself(column):
            yield Proof(part="default", name=column.name, sql=f"SELECT ({default(column)})::{seen.kinds.cast(column.type)}")
    yield from _of_writings(seen)


def _of_writings(seen: Lens) -> Iterator[Proof]:
    row = ", ".join(f"NULL::{seen.kinds.cast(c.type)} AS {quote(c.name)}" for c in seen.source.columns)
    legacy = f"(SELECT {row}) AS {quote(seen.source.name.relation)}"
    for name, found in seen.writings.items():
        if isinstance(found, Written):
            values = ", ".join(f"{sql} AS {quote(n)}" for n, sql in found.values.items())
            made = ", ".join([found.sql, *(f"({each.sql}) IS TRUE" for each in found.refusals)])
            yield Proof(part="write", name=name, sql=f'SELECT {made} FROM (SELECT {values} FROM {legacy}) AS "cw$row"')
    if seen.where is not None:
        yield Proof(part="where", name=_WHERE, sql=f"SELECT {_where(seen)[_WHERE]} FROM {legacy}")


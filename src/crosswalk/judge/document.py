"""The document against both catalogs: every table and column accounted for, every rule possible.

Pure. A `Problem` names its place in the document (for the line number) and says what to do.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from crosswalk.errors import CrosswalkError
from crosswalk.express import Facts, Landing, Motion, Reference
from crosswalk.judge.problem import Problem
from crosswalk.mapping import Default, Fold, Lookup, MappingFile, TableMapping, Zone
from crosswalk.mapping.words import words
from crosswalk.names import Name, parse
from crosswalk.schema import Schema, Table

SYSTEM_SCHEMAS = frozenset({"crosswalk"})
UNDECIDED: Final = "table.undecided"
"""A table that nobody decided about: keeps a plan from being made, not a run from going on."""


_POSIX: Final = re.compile(r"[A-Za-z]{3,}[+-]?\d")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Finding:
    code: str
    place: tuple[str, ...]
    message: str
    remedy: str


def examine(file: MappingFile, facts: Facts) -> list[Problem]:
    """All problems of the document, in the order of the file."""
    found = [*_tables(file, facts)]
    for text in file.document.tables:
        found += _table(text, facts)
    problems = [
        Problem(code=f.code, place=f.place, message=f.message, remedy=f.remedy, line=file.line(*f.place)) for f in found
    ]
    return sorted(problems, key=lambda p: (p.line, p.code, p.message))


def _business(schema: Schema, used: set[str]) -> Iterator[Table]:
    """Tables that somebody must decide about: those in the schemas that the document speaks of."""
    return (t for t in schema.roots if t.name.schema in used and t.name.schema not in SYSTEM_SCHEMAS)


def undecided(facts: Facts) -> Iterator[tuple[Literal["source", "target"], Name]]:
    """Tables of either side that the document says nothing about, in the schemas that it speaks of."""
    document = facts.document
    sources = {t.source for t in document.by_target.values()} | set(document.ignored_sources)
    targets = set(document.by_target) | set(document.preserved) | set(document.ignored_targets)
    for table in _business(facts.source, {n.schema for n in sources}):
        if table.name not in sources:
            yield "source", table.name
    for table in _business(facts.target, {n.schema for n in targets}):
        if table.name not in targets:
            yield "target", table.name


def _tables(file: MappingFile, facts: Facts) -> Iterator[_Finding]:
    document = file.document
    for side, name in undecided(facts):
        at_source = side == "source"
        yield _Finding(
            code=UNDECIDED,
            place=("ignore",),
            message=f"the {side} table {name} is neither mapped{' nor' if at_source else ', preserved nor'} ignored",
            remedy=f"Map it under `tables`, or write `ignore: {{source: {{{name}: reason}}}}`."
            if at_source
            else "Map it, or name it under `preserve` or `ignore: {target: …}` with a reason.",
        )
    for text in document.preserve:
        if parse(text) not in facts.target.tables:
            yield _Finding(
                code="table.unknown",
                place=("preserve", text),
                message=f"the target has no table {text}",
                remedy="Correct the name or take the line out.",
            )
    for name in document.by_target:
        if name in document.preserved:
            yield _Finding(
                code="table.twice",
                place=("preserve", str(name)),
                message=f"{name} is both mapped and preserved",
                remedy="A preserved table is nobody's business: take it out of one of the two.",
            )


def _table(text: str, facts: Facts) -> Iterator[_Finding]:
    place = ("tables", text)
    name = parse(text)
    mapping = facts.document.by_target[name]
    try:
        source, target = facts.source_table(name), facts.target_table(name)
    except CrosswalkError as error:
        yield _Finding(code="table.unknown", place=place, message=str(error), remedy="Correct the name of the table.")
        return
    unknown = [*_reserved(place, source, target), *_unknown_columns(place, mapping, source, target)]
    yield from unknown
    if unknown:
        return
    try:
        motion = Motion(facts, name)
        Landing(motion)
    except CrosswalkError as error:
        column = str(error.fields.get("column", ""))
        yield _Finding(
            code="rule.impossible", place=(*place, "columns", column), message=str(error), remedy=error.advice
        )
        return
    for fed in motion.fed:
        if isinstance(fed.via, Reference) and fed.column.not_null and name in fed.via.parents():
            yield _Finding(
                code="column.circular",
                place=(*place, "columns", fed.column.name),
                message=f"{target.name}.{fed.column.name} is NOT NULL and refers to a row of its own table that gets"
                " its number only later",
                remedy="Keep the source's own id in the referenced column, or allow NULL.",
            )
    if not motion.fed:
        yield _Finding(
            code="table.nothing_fed",
            place=(*place, "columns"),
            message=f"no rule gives {target.name} a value: there is nothing to write for a row",
            remedy="Feed a column, or take the table out and name both sides under `ignore` with a reason.",
        )
    yield from _unfed(place, mapping, target)
    yield from _refused(place, mapping, target)
    yield from _left_behind(place, mapping, source, motion)
    yield from _key(place, mapping, target)


def _reserved(place: tuple[str, ...], source: Table, target: Table) -> Iterator[_Finding]:
    """Columns whose names are those that our own SQL gives to what it computes."""
    for side, table in (("source", source), ("target", target)):
        for name in table.column_names:
            if name.startswith("cw$"):
                yield _Finding(
                    code="column.reserved",
                    place=place,
                    message=f"the {side} column {table.name}.{name} begins with cw$, as names inside our own SQL do",
                    remedy="Rename it, or move the table through a view that gives it another name.",
                )


def _unknown_columns(place: tuple[str, ...], mapping: TableMapping, source: Table, target: Table) -> Iterator[_Finding]:
    for name in mapping.columns:
        if target.column(name) is None:
            yield _Finding(
                code="column.unknown",
                place=(*place, "columns", name),
                message=f"{target.name} has no column {name}",
                remedy="Correct the name, or take the rule out.",
            )
    for name, rule in mapping.columns.items():
        for read in rule.reads():
            if source.column(read) is None:
                yield _Finding(
                    code="column.unknown",
                    place=(*place, "columns", name),
                    message=f"{source.name} has no column {read}",
                    remedy="Correct the name of the source column.",
                )
    for name in mapping.drop:
        if source.column(name) is None:
            yield _Finding(
                code="column.unknown",
                place=(*place, "drop", name),
                message=f"{source.name} has no column {name}",
                remedy="Take the line out, or correct the name.",
            )
    for name in mapping.key:
        if target.column(name) is None:
            yield _Finding(
                code="column.unknown",
                place=(*place, "key"),
                message=f"{target.name} has no column {name}",
                remedy="Name columns of the target table.",
            )


def _unfed(place: tuple[str, ...], mapping: TableMapping, target: Table) -> Iterator[_Finding]:
    for column in target.columns:
        if column.name in mapping.columns:
            continue
        if column.generated or column.identity:
            continue
        if column.default is not None:
            if column.default.startswith("nextval("):
                continue
            yield _Finding(
                code="column.unfed",
                place=(*place, "columns"),
                message=f"nothing says what becomes of {target.name}.{column.name}; its default would be {column.default}",
                remedy=f"Write a rule, or say the default aloud: `{column.name}: {{default: true}}`.",
            )
        elif column.not_null:
            yield _Finding(
                code="column.unfed",
                place=(*place, "columns"),
                message=f"nothing feeds {target.name}.{column.name}, which is NOT NULL and has no default",
                remedy="Write a rule for it.",
            )
        else:
            yield _Finding(
                code="column.unfed",
                place=(*place, "columns"),
                message=f"nothing says what becomes of {target.name}.{column.name}; it would be NULL",
                remedy=f"Write a rule, or say so: `{column.name}: {{value: null}}`.",
            )


def _refused(place: tuple[str, ...], mapping: TableMapping, target: Table) -> Iterator[_Finding]:
    for name, rule in mapping.columns.items():
        column = target.column(name)
        assert column is not None
        if column.generated and not isinstance(rule, Default):
            yield _Finding(
                code="column.generated",
                place=(*place, "columns", name),
                message=f"{target.name}.{name} is generated: the server refuses a value for it",
                remedy="Take the rule out; the server computes the column.",
            )
        if isinstance(rule, Zone) and _POSIX.match(rule.zone):
            yield _Finding(
                code="zone.posix",
                place=(*place, "columns", name),
                message=f"PostgreSQL reads the zone {rule.zone!r} the POSIX way: its hours lie on the other side of Greenwich",
                remedy="Name an area, e.g. Europe/Moscow, or Etc/GMT-3 for three hours east.",
            )
        if isinstance(rule, Default) and column.default is None and not column.identity and not column.generated:
            yield _Finding(
                code="column.no_default",
                place=(*place, "columns", name),
                message=f"{target.name}.{name} has no default",
                remedy="Write `{value: null}` or another rule.",
            )


def _left_behind(place: tuple[str, ...], mapping: TableMapping, source: Table, motion: Motion) -> Iterator[_Finding]:
    used = {read for rule in mapping.columns.values() for read in rule.reads()}
    used |= mentioned(mapping, source)
    dropped = set(mapping.drop)
    for column in source.columns:
        if column.name not in used and column.name not in dropped:
            yield _Finding(
                code="column.unaccounted",
                place=(*place, "columns"),
                message=f"nothing says what becomes of {source.name}.{column.name}",
                remedy="Map it, fold it, or drop it with a reason.",
            )
    mapped = {read for rule in mapping.columns.values() if not isinstance(rule, Lookup | Fold) for read in rule.reads()}
    for name in sorted(mapped & dropped):
        yield _Finding(
            code="column.twice",
            place=(*place, "drop", name),
            message=f"{source.name}.{name} is both mapped and dropped",
            remedy="Take it out of one of the two.",
        )
    if motion.by_position and mapping.key and mapping.on_duplicate != "fail":
        yield _Finding(
            code="source.no_key",
            place=(*place, "on_duplicate"),
            message=f"{source.name} has no key, so the winner of a duplicate would change from run to run",
            remedy="Name columns that tell its rows apart under `source_key`.",
        )


def mentioned(mapping: TableMapping, source: Table) -> set[str]:
    """Source columns that the mapping's SQL texts mention, outside literals and comments."""
    texts = [text for rule in mapping.columns.values() for text in rule.expressions()]
    found: set[str] = set()
    for text in texts:
        found |= words(text)
    return {c.name for c in source.columns if c.name in found}


def _key(place: tuple[str, ...], mapping: TableMapping, target: Table) -> Iterator[_Finding]:
    if not mapping.key:
        if mapping.existing != "refuse":
            yield _Finding(
                code="existing.no_key",
                place=(*place, "existing"),
                message=f"{target.name} has no key, so rows that stand there cannot be told from those to come",
                remedy="Write `existing: refuse`, or name a `key`.",
            )
        return
    covered = [key for key in (target.primary_key, *target.unique_keys) if key and set(key) <= set(mapping.key)]
    if not covered:
        yield _Finding(
            code="key.not_unique",
            place=(*place, "key"),
            message=f"no unique index of {target.name} holds exactly the key ({', '.join(mapping.key)})",
            remedy="Choose columns of a primary key or a plain unique index, or create one (not deferrable, not partial).",
        )

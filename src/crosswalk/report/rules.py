"""The field mapping: what feeds every target column, why, and who says so. Pure.

Of a secret rule the columns are named; neither its SQL nor its constants are shown.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal

from crosswalk.mapping import (
    Agree,
    Default,
    First,
    Fold,
    Lookup,
    MapLabels,
    Rule,
    Split,
    Sql,
    TableMapping,
    Take,
    Unnest,
    Value,
    Zone,
)
from crosswalk.names import Name
from crosswalk.report.found import Found
from crosswalk.report.values import Absent, Left, LeftLine, RuleLine, Rules, TableRules
from crosswalk.schema import Column, Table

_SECRET: Final = "(secret, not shown)"
_LABELS: Final = 12
Who = Literal["by hand", "inferred, accepted", "proposed", "left to the server", "undecided"]


def tell_rules(found: Found) -> Rules | Absent:
    """The document, table by table."""
    if found.file is None:
        return Absent(why="no mapping document was given, and no plan holds one", command="crosswalk match")
    document, schema = found.file.document, found.target.schema
    tables = [
        _table(name, mapping, schema.tables.get(name) if schema else None)
        for name, mapping in document.by_target.items()
    ]
    counted = Counter(rule.decided for table in tables for rule in table.rules)
    return Rules(
        path=found.file.path,
        derived=bool(found.plan and found.plan.reviewed and found.plan.document == found.file.text),
        decided={word: counted[word] for word in sorted(counted)},
        tables=tuple(tables),
        ignored=tuple(Left(table=str(name), why=why) for name, why in document.ignored_sources.items()),
        ignored_targets=tuple(Left(table=str(name), why=why) for name, why in document.ignored_targets.items()),
    )


def _table(name: Name, mapping: TableMapping, table: Table | None) -> TableRules:
    known: Mapping[str, Column] = {c.name: c for c in table.columns} if table else {}
    order = [*known, *(c for c in mapping.columns if c not in known)]
    return TableRules(
        target=str(name),
        source=str(mapping.source),
        words=tuple(_words(mapping)),
        where=mapping.where.sql if mapping.where else "",
        where_why=mapping.where.why if mapping.where else "",
        rules=tuple(_line(column, mapping.columns.get(column), known.get(column)) for column in order),
        left=tuple(
            LeftLine(column=column, why=drop.why, final=drop.final, secret=drop.secret)
            for column, drop in mapping.drop.items()
        ),
    )


def _words(mapping: TableMapping) -> Iterator[str]:
    yield f"key {', '.join(mapping.key)}" if mapping.key else "no key"
    if mapping.source_key:
        yield f"rows of the source told apart by {', '.join(mapping.source_key)}"
    word = mapping.on_duplicate
    yield f"duplicates: {word if isinstance(word, str) else f'newest by {word.newest}'}"
    yield f"rows that do not fit: {mapping.rejects or 'not spoken of'}"
    yield f"rows already there: {mapping.existing}"
    if mapping.on_reject == "keep":
        yield "a row that no longer fits keeps its target row"


def _line(name: str, rule: Rule | None, column: Column | None) -> RuleLine:
    kind = str(column.type) if column else ""
    if rule is None:
        feed, decided = _server(column)
        return RuleLine(column=name, type=kind, kind="server", feed=feed, decided=decided)
    return RuleLine(
        column=name,
        type=kind,
        kind=rule.kind,
        feed=_feed(rule, column),
        why=rule.why or "",
        confidence=rule.confidence,
        evidence=rule.evidence,
        decided=_who(rule),
        secret=rule.secret,
    )


def _who(rule: Rule) -> Who:
    if rule.status == "proposed":
        return "proposed"
    return "by hand" if rule.confidence is None else "inferred, accepted"


def _server(column: Column | None) -> tuple[str, Who]:
    """What the server makes of a column that no rule speaks of."""
    if column is None:
        return "nothing", "undecided"
    if column.generated:
        return "computed by the server", "left to the server"
    if column.identity:
        return "numbered by the server", "left to the server"
    if column.default is not None:
        return "the server's default", "left to the server"
    return ("nothing: no rule, no default", "undecided") if column.not_null else ("NULL", "undecided")


def _feed(rule: Rule, column: Column | None) -> str:
    """A rule in words."""
    match rule:
        case Default():
            default = column.default if column and not rule.secret else None
            return "the target's own default" + (f" ({default})" if default else "")
        case MapLabels():
            return f"{_operand(rule.from_, rule.secret)}, label by label: {_labels(rule)}"
        case Zone():
            return f"{_operand(rule.from_, rule.secret)}, read in the time zone {rule.zone}"
        case Agree():
            return f"{', '.join(rule.agree)}: they must agree"
        case Fold():
            into = f" under the key {rule.into}" if rule.into else ""
            return f"{', '.join(rule.fold)}: kept as a JSON object{into}"
        case Lookup():
            return _lookup(rule)
        case _:
            return _operand(rule, rule.secret)


def _operand(rule: Any, secret: bool) -> str:
    match rule:
        case Take():
            return str(rule.column)
        case Sql():
            return _SECRET if secret or rule.secret else str(rule.sql)
        case Value():
            return f"the constant {_SECRET if secret or rule.secret else _json(rule.value)}"
        case First():
            return f"the first element of {rule.first}"
        case Unnest():
            return f"one row for each element of {rule.unnest}"
        case Split():
            return f"part {rule.take} of {rule.split}, split at {_json(rule.by)}"
        case _:
            return str(getattr(rule, "kind", "?"))


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


def _labels(rule: MapLabels) -> str:
    if rule.secret:
        return _SECRET
    pairs = [f"{_json(label)} → {_json(result)}" for label, result in rule.map.items()]
    more = f" and {len(pairs) - _LABELS} more" if len(pairs) > _LABELS else ""
    other = rule.else_ if isinstance(rule.else_, str) else _json(rule.else_.value)
    return f"{', '.join(pairs[:_LABELS])}{more}; else {other}"


def _lookup(rule: Lookup) -> str:
    to = rule.lookup
    ways = [
        " and ".join(f"{column} = {_operand(operand, rule.secret)}" for column, operand in match.items())
        for match in to.matches
    ]
    others = f"; missing: {to.missing}, ambiguous: {to.ambiguous}"
    return f"{to.take} of the row of {to.table} where {', else '.join(ways)}{others}"

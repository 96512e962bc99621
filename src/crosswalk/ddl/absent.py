"""Functions of the server's own that a definition calls and that the target's server does not have. Pure.

The server keeps no record of what stands on its own functions, so the texts themselves are read: a name before a
parenthesis that the source's server has among its functions and the target's has not, or a word of the language that
came with a later version. Which arguments a function takes is not asked.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Final

from crosswalk.ddl.wanted import Wanted
from crosswalk.names import Name
from crosswalk.schema import Function, Schema, Table, Thing
from crosswalk.wording import tokens

_SINCE: Final = {
    "JSON_ARRAY": 16, "JSON_ARRAYAGG": 16, "JSON_OBJECT": 16, "JSON_OBJECTAGG": 16,
    "JSON_EXISTS": 17, "JSON_QUERY": 17, "JSON_SCALAR": 17, "JSON_SERIALIZE": 17, "JSON_TABLE": 17, "JSON_VALUE": 17,
    "MERGE_ACTION": 17,
}
"""What reads like a function, is none, and came with a version."""
_HOME: Final = "pg_catalog"


def absent(wanted: Wanted, target: Schema, *, skipped: Collection[Name], reused: Collection[Thing]) -> Iterator[str]:
    """A word for each definition that cannot be said on the target."""
    for table in wanted.relations:
        if table.name not in skipped:
            for what, text in _texts(table):
                yield from _told(f"{table.name}{what}", text, wanted.source, target)
            yield from _told(f"{table.name}: its query", wanted.source.views.get(table.name), wanted.source, target)
    for name, domain in wanted.source.domains.items():
        if (thing := Thing(kind="type", name=name)) in wanted.things and thing not in reused:
            for text in (domain.default, *(check for _, check in domain.checks)):
                yield from _told(f"the domain {name}", text, wanted.source, target)


def absent_in_bodies(functions: Collection[Function], source: Schema, target: Schema) -> Iterator[str]:
    """The same of functions, whose bodies nobody reads before they are called."""
    for function in functions:
        missing = sorted(_missing(function.definition, source, target))
        if missing:
            names = ", ".join(f"{name}()" for name in missing)
            yield f"the function {function.name} seems to call {names}, which the target's server does not have"


def _texts(table: Table) -> Iterator[tuple[str, str | None]]:
    for column in table.columns:
        yield f".{column.name}: its {'expression' if column.generated else 'default'}", column.default
    yield ": its partition key", table.partition_key
    for constraint in table.constraints:
        yield f": the constraint {constraint.name}", constraint.definition
    for index in table.indexes:
        yield f": the index {index.name}", index.definition if index.constraint is None else None
    for policy in table.policies:
        yield f": the policy {policy.name}", " ".join(filter(None, (policy.using, policy.check)))
    yield from ((f": the trigger {each.name}", each.definition) for each in table.triggers)
    yield from ((f": the rule {each.name}", each.definition) for each in table.rules)
    yield from ((f": the statistics {each.name}", each.definition) for each in table.statistics)


def _told(what: str, text: str | None, source: Schema, target: Schema) -> Iterator[str]:
    for name in sorted(_missing(text or "", source, target)):
        yield f"{what} calls {name}(), a function that the target's server (PostgreSQL {target.major}) does not have"


def _missing(text: str, source: Schema, target: Schema) -> set[str]:
    """The server's own name stands alone: under an empty search_path all others have their schema before them."""
    if not target.known_functions:
        return set()
    parts = [part for part in tokens(text) if not part.isspace()]
    called = {
        name for before, dot, name, after in zip(["", "", *parts], ["", *parts], parts, [*parts[1:], ""], strict=False)
        if after == "(" and (dot != "." or before == _HOME)
    }
    gone = (called & source.known_functions) - target.known_functions
    return gone | {name for name in called if _SINCE.get(name, 0) > target.major}

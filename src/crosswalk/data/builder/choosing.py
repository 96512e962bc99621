"""Which relationship an embed means, and which function a call. Pure; raises PGRST200 to PGRST203."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from crosswalk.data.builder import refusals
from crosswalk.data.builder.cache import SchemaCache
from crosswalk.data.builder.cached import Function, Relationship
from crosswalk.data.builder.grammar import Embed
from crosswalk.names import Name

_UNNAMED = ("json", "jsonb")


def relationship(cache: SchemaCache, origin: Name, embed: Embed) -> Relationship:
    """The one between the origin and what the embed names: a relation, a constraint, a column or a function."""
    known = [each for each in cache.spoken.get((origin, embed.name), ()) if _schema(each) == origin.schema]
    found = [each for each in known if _meant(each, embed.name, embed.hint)]
    if not found:
        raise refusals.no_relationship(origin.relation, embed.name, embed.hint, origin.schema)
    if len(found) > 1:
        found.sort(key=_rank)
        raise refusals.ambiguous(origin.relation, embed.name, [*map(_told, found)], [*map(_word, found)])
    return found[0]


def _schema(each: Relationship) -> str:
    return each.function.schema if each.function else each.target.schema


def _meant(each: Relationship, name: str, hint: str) -> bool:
    if each.function:
        return each.function.relation == name
    own, far = _single(each)
    if each.itself:
        return _meant_itself(each, name, hint, own, far)
    if hint:
        junction = each.junction.table.relation if each.junction else ""
        return name == each.target.relation and hint in (each.constraint, own, far, junction)
    return name == each.target.relation or (name in (each.constraint, own) and not each.target_is_view)


def _meant_itself(each: Relationship, name: str, hint: str, own: str, far: str) -> bool:
    """A relation that refers to itself: its name means the children, its column the parent."""
    children = name == each.target.relation and each.kind == "o2m"
    if hint:
        return children and hint == far
    return children or (name == own and each.kind == "m2o")


def _single(each: Relationship) -> tuple[str, str]:
    """The columns of a key of one column; else nothing that a name could equal."""
    return each.columns[0] if len(each.columns) == 1 else ("", "")


_CARDINALITY = {"m2o": "many-to-one", "o2m": "one-to-many", "o2o": "one-to-one", "m2m": "many-to-many"}


def _rank(each: Relationship) -> tuple[object, ...]:
    """PostgREST's order of what it tells."""
    return each.target, ("o2m", "m2o", "o2o", "m2m", "computed").index(each.kind), each.constraint, each.columns


def _told(each: Relationship) -> dict[str, str]:
    near, far = each.table.relation, each.target.relation
    if each.junction:
        first, second = each.junction.constraints
        own = ", ".join(column for _, column in each.junction.columns)
        theirs = ", ".join(column for _, column in each.junction.target_columns)
        how = f"{each.junction.table.relation} using {first}({own}) and {second}({theirs})"
    else:
        own, theirs = (", ".join(side) for side in zip(*each.columns, strict=True))
        how = f"{each.constraint} using {near}({own}) and {far}({theirs})"
    return {"cardinality": _CARDINALITY[each.kind], "embedding": f"{near} with {far}", "relationship": how}


def _word(each: Relationship) -> str:
    return each.junction.table.relation if each.junction else each.constraint


def function(cache: SchemaCache, name: Name, given: Collection[str], *, posted: bool) -> Function:
    """The overload whose arguments have these names; else, for a posted body, one of a single unnamed JSON argument."""
    candidates = cache.functions.get(name, ())
    fitting = [each for each in candidates if _takes(each, frozenset(given))]
    unnamed = [each for each in candidates if posted and _swallows(each) and each not in fitting]
    found = fitting or unnamed
    if not found:
        raise refusals.no_function(f"{name.schema}.{name.relation}", sorted(given), posted=posted)
    if len(found) > 1:
        raise refusals.ambiguous_function(_signature(each) for each in found)
    return found[0]


def _swallows(each: Function) -> bool:
    return len(each.arguments) == 1 and not each.arguments[0].name and each.arguments[0].shown in _UNNAMED


def _takes(each: Function, given: frozenset[str]) -> bool:
    required = {argument.name for argument in each.arguments if argument.required}
    optional = {argument.name for argument in each.arguments if not argument.required}
    return given - optional == required


def _signature(each: Function) -> str:
    arguments: Sequence[str] = [f"{argument.name} => {argument.shown}" for argument in each.arguments]
    return f"{each.name.schema}.{each.name.relation}({', '.join(arguments)})"

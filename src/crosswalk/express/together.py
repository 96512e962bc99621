"""Rules of the target that no row breaks alone: unique indexes, exclusion constraints, foreign keys.

Which of them can be asked on the source, over the rows that land, and the SQL that asks. What cannot be
asked there (another collation, a function of the target's own, a value that the target makes) is named
with the reason, never passed over. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from crosswalk.express.casts import wire_type
from crosswalk.express.domains import domains_of
from crosswalk.express.facts import EVERYTHING, Facts, Moment, Selection
from crosswalk.express.lookups import REJECT
from crosswalk.express.motion import Motion
from crosswalk.express.parts import Fed, Reference, Wire
from crosswalk.mapping import Lookup, Take
from crosswalk.names import Name, literal, parse, quote
from crosswalk.schema import Column, Constraint, ConstraintKind, Index, RelationKind, TypeKind

EQUAL: Final = "OPERATOR(pg_catalog.=)"
_BUILTIN: Final = "OPERATOR(pg_catalog."
_MAKES_UNIQUE: Final = re.compile(r"\b(nextval|gen_random_uuid|uuid_generate_v[0-9a-z]+|uuidv[47])\(")
_OWN_COLLATION: Final = re.compile(r' COLLATE ("[^"]+"|\w+)\.')
_BY_LOCALE: Final = re.compile(r"\b(lower|upper|initcap)\(|~~\*|~\*", re.IGNORECASE)


class CannotBeJudged(Exception):
    """Why a rule cannot be asked on the source; never leaves this package."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Together:
    """A unique index or an exclusion constraint over the mapped row."""

    name: str
    """Of the constraint, or of the index where none stands behind it."""
    columns: tuple[str, ...]
    terms: tuple[str, ...]
    """SQL over the mapped row."""
    operators: tuple[str, ...] = ()
    """Of an exclusion, one a term; empty for a unique index."""
    predicate: str | None = None
    nulls_alike: bool = False
    swept: int | None = None
    """Of an exclusion: the place of a term that is a range, by which rows can be put in order (see `exclusion`)."""

    @property
    def exclusion(self) -> bool:
        return bool(self.operators)

    @property
    def sqlstate(self) -> str:
        return "23P01" if self.exclusion else "23505"

    @property
    def code(self) -> str:
        return "exclusion" if self.exclusion else "unique"

    @property
    def reason(self) -> str:
        if self.exclusion:
            return f"another row stands in its way by {self.name}"
        return f"another row has the same {', '.join(c or 'expression' for c in self.columns)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreign:
    """A foreign key whose two sides the mapping feeds."""

    key: Constraint
    parent: Name
    pairs: tuple[tuple[str, str], ...]
    """What the child and the parent carry, as columns of their mapped rows; no pairs: the parent is not mapped."""
    children: tuple[str, ...]
    """The child's wires, in the key's order."""

    @property
    def full(self) -> bool:
        return "MATCH FULL" in self.key.definition


def compares_alike(facts: Facts, column: Column) -> bool:
    """Whether two values are equal on the source exactly where they are in the target."""
    collations = [c for c in (column.collation, *(d.collation for d in domains_of(facts.target, column.type))) if c is not None]
    storage = column.type.storage
    if any(parse(c).schema != "pg_catalog" for c in collations):
        return False
    if storage.kind is TypeKind.ENUM:
        return True
    return storage.builtin and wire_type(column.type).oid == storage.oid


# --- unique indexes and exclusion constraints ---------------------------------------------------


def rules_together(motion: Motion) -> tuple[list[Together], list[str]]:
    """The rules in order of their names, and a sentence for each that cannot be asked."""
    found: list[Together] = []
    unjudged: list[str] = []
    excluding = {c.name: c for c in motion.target.constraints if c.kind is ConstraintKind.EXCLUSION}
    for index in sorted(motion.target.indexes, key=lambda i: i.name):
        name = index.constraint or index.name
        constraint = excluding.get(name) if index.constraint else None
        if not (index.unique or constraint) or not index.valid or (index.unique and _certain(motion, index)):
            continue
        try:
            rule = _rule(motion, index, constraint)
        except CannotBeJudged as error:
            unjudged.append(f"{motion.name}: {name} ({error}): left to the load")
            continue
        if rule is not None:
            found.append(rule)
    return found, unjudged


def _certain(motion: Motion, index: Index) -> bool:
    """Whether the key's own policy, or the source's keys, leave nothing to ask."""
    key = set(motion.mapping.key)
    plain = not index.partial and not index.expressions
    if plain and key and key <= set(index.columns):
        return True
    return not index.expressions and not index.nulls_not_distinct and motion.keeps_apart(index.columns)


def _rule(motion: Motion, index: Index, constraint: Constraint | None) -> Together | None:
    """None where no row can break it."""
    if constraint and not all(o.startswith(_BUILTIN) for o in constraint.operators):
        raise CannotBeJudged("an operator of the target's own")
    if constraint and len(constraint.operators) != len(index.columns):
        raise CannotBeJudged("its operators are not known")
    text = "exclusion" if constraint else "index"
    asked = constraint is not None or index.partial or index.expressions
    if asked and f"{text}:{index.name}" not in motion.facts.checks.get(motion.name, ()):
        raise CannotBeJudged("the source cannot evaluate its expression or predicate")
    if _OWN_COLLATION.search(index.definition):
        raise CannotBeJudged("a collation of the target's own")
    local = any(_BY_LOCALE.search(e) for e in (*index.keys, index.predicate or ""))
    if local and motion.facts.source.collate != motion.facts.target.collate:
        raise CannotBeJudged("letters have other cases under the other side's collation")
    terms: list[str] = []
    for place, column in enumerate(index.columns):
        if not column:
            # The server looks at the predicate first: an expression may stand on it.
            key = f"({index.keys[place]})"
            terms.append(f"CASE WHEN {index.predicate} THEN {key} END" if index.predicate else key)
            continue
        wires = _terms(motion, column, alike=bool(index.nulls_not_distinct))
        if wires is None:
            return None
        if constraint and len(wires) != 1:
            raise CannotBeJudged(f"the target makes {column}")
        terms += wires
    return Together(
        name=index.constraint or index.name,
        columns=index.columns,
        terms=tuple(terms),
        operators=constraint.operators if constraint else (),
        predicate=index.predicate,
        nulls_alike=index.nulls_not_distinct,
        swept=next((i for i in range(len(terms)) if f"swept:{index.name}:{i}" in motion.facts.checks.get(motion.name, ())), None),
    )


def _terms(motion: Motion, name: str, *, alike: bool) -> list[str] | None:
    """What travels for a column; None where its values are never equal (NULL, or made one by one)."""
    fed = _fed(motion, name)
    column = motion.facts.column("target", motion.target, name)
    if fed is None:
        if column.identity or _MAKES_UNIQUE.search(column.default or "") or (column.default is None and not alike):
            return None
        raise CannotBeJudged(f"{name} is left to the target")
    if isinstance(fed.via, Wire) and not compares_alike(motion.facts, column):
        raise CannotBeJudged(f"{name} compares in another way there")
    return [quote(w.name) for w in fed.wires]


def _fed(motion: Motion, name: str) -> Fed | None:
    return next((f for f in motion.fed if f.column.name == name), None)


def given(rule: Together) -> str:
    """WHERE a row can break the rule at all."""
    terms = [] if rule.nulls_alike else [f"{term} IS NOT NULL" for term in rule.terms]
    terms += [f"({rule.predicate})"] if rule.predicate else []
    return f" WHERE {' AND '.join(terms)}" if terms else ""


def fitting_rows(motion: Motion, moment: Moment) -> str:
    """The rows that land, as a FROM item."""
    return f'({motion.fitting(EVERYTHING, moment)}) AS "cw$fitting"'


def identity_texts(motion: Motion, prefix: str = "") -> str:
    """The source row's identity as texts."""
    return ", ".join(f"{prefix}{quote(w.name)}::pg_catalog.text" for w in motion.key_wires)


def shared(motion: Motion, rule: Together, moment: Moment) -> str:
    """Whether any two rows share the terms (one boolean)."""
    by = ", ".join(rule.terms)
    return f"SELECT EXISTS (SELECT FROM {fitting_rows(motion, moment)}{given(rule)} GROUP BY {by} HAVING count(*) > 1)"


def sharing(motion: Motion, rule: Together, moment: Moment) -> str:
    """(number of a group, identity) of the rows that share the terms with another."""
    by = ", ".join(rule.terms)
    return (
        f'SELECT "cw$group", {identity_texts(motion)} FROM (SELECT *, pg_catalog.dense_rank() OVER (ORDER BY {by}) AS "cw$group",'
        f' count(*) OVER (PARTITION BY {by}) AS "cw$many" FROM {fitting_rows(motion, moment)}{given(rule)}) AS "cw$grouped"'
        ' WHERE "cw$many" > 1'
    )


def forsaken(motion: Motion, moment: Moment) -> str:
    """Target keys (jsonb texts) of the rows that others keep out, without those that another row has now."""
    bars = moment.bars(motion.name)
    width = len(motion.identity)
    chosen = Selection(keys=tuple(dict.fromkeys(key[:width] for bar in bars for key in bar.keys)))
    key = f'{motion.target_key_json()} AS "cw$key"'
    first, last = len(motion.conditions) + 1, len(motion.conditions) + len(moment.bars(motion.name))
    rows = f'SELECT {key} FROM ({motion.judged(chosen, moment)}) AS "cw$judged" WHERE {REJECT} BETWEEN {first} AND {last}'
    sql = f'SELECT DISTINCT "cw$key"::pg_catalog.text AS k FROM ({rows}) AS "cw$out"'
    if motion.certainly_unique:
        return sql
    staying = f"SELECT {key} FROM {fitting_rows(motion, moment)}"
    return f'{sql} WHERE "cw$key" NOT IN (SELECT "cw$key" FROM ({staying}) AS "cw$stay")'


# --- foreign keys -------------------------------------------------------------------------------


def foreign_keys(motion: Motion) -> tuple[list[Foreign], list[str]]:
    """The foreign keys that rows could break, and a sentence for each that cannot be asked.

    A lookup into the very parent finds only rows that land: nothing is left to ask.
    """
    found: list[Foreign] = []
    unjudged: list[str] = []
    for key in sorted(motion.target.foreign_keys, key=lambda c: c.name):
        if (motion.name, key.name) in motion.facts.lenient:
            continue
        try:
            each = _foreign(motion, key)
        except CannotBeJudged as error:
            unjudged.append(f"{motion.name}: {key.name} ({error}): left to the load")
            continue
        if each is not None:
            found.append(each)
    return found, unjudged


def _foreign(motion: Motion, key: Constraint) -> Foreign | None:
    assert key.references is not None
    if ", PERIOD " in key.definition:
        raise CannotBeJudged("a key over time")
    fed = [_fed(motion, name) for name in key.columns]
    if any(f is None for f in fed):
        missing = next(n for n, f in zip(key.columns, fed, strict=True) if f is None)
        column = motion.facts.column("target", motion.target, missing)
        if column.default is None and not column.identity and "MATCH FULL" not in key.definition:
            return None
        raise CannotBeJudged(f"{missing} is left to the target")
    sides = [f for f in fed if f is not None]
    parent = key.references
    if parent not in motion.facts.document.by_target:
        if not all(isinstance(f.via, Wire) for f in sides):
            raise CannotBeJudged("the target makes its values")
        children = tuple(quote(f.column.name) for f in sides)
        return Foreign(key=key, parent=parent, pairs=(), children=children)
    above = Motion(motion.facts, parent)
    pairs: list[tuple[str, str]] = []
    for own, referenced in zip(sides, key.referenced_columns, strict=True):
        pairs += _pairs(motion, own, above, referenced)
    return Foreign(key=key, parent=parent, pairs=tuple(pairs), children=tuple(c for c, _ in pairs))


def _pairs(motion: Motion, own: Fed, above: Motion, referenced: str) -> list[tuple[str, str]]:
    """What is compared for one column of a key."""
    if isinstance(own.via, Reference):
        if (own.via.parent, own.via.take) != (above.name, referenced):
            raise CannotBeJudged(f"the target makes {own.column.name}")
        return [(quote(a.name), quote(b)) for a, b in zip(own.wires, above.key_names(), strict=True)]
    other = _fed(above, referenced)
    if other is None or not isinstance(other.via, Wire):
        raise CannotBeJudged(f"the target makes {referenced} of {above.name}")
    if not (compares_alike(motion.facts, own.column) and compares_alike(motion.facts, other.column)):
        raise CannotBeJudged(f"{own.column.name} compares in another way there")
    return [(quote(own.via.name), quote(other.via.name))]


def references(motion: Motion) -> Iterator[Foreign]:
    """What holds ids that the target makes and no foreign key of the target watches, as keys without a name."""
    watched = {k.columns for k in motion.target.foreign_keys}
    for fed in motion.fed:
        if not isinstance(fed.via, Reference) or (fed.column.name,) in watched:
            continue
        key = Constraint(
            name="",
            kind=ConstraintKind.FOREIGN,
            columns=(fed.column.name,),
            definition="",
            references=fed.via.parent,
            referenced_columns=(fed.via.take,),
        )
        each = _foreign(motion, key)
        if each is not None:
            yield each


def found_by_lookup(motion: Motion, each: Foreign) -> bool:
    """Whether a lookup into the parent feeds the key, so that a row without a parent has none to name."""
    if len(each.key.columns) != 1:
        return False
    rule = motion.mapping.columns.get(each.key.columns[0])
    return isinstance(rule, Lookup) and each.parent == motion.looked_into(each.key.columns[0]) and (
        rule.lookup.take == each.key.referenced_columns[0]
    )


def kept_by_source(motion: Motion, each: Foreign) -> bool:
    """Whether the source's own foreign key proves it: the same one, columns as they are, every parent lands."""
    above = Motion(motion.facts, each.parent)
    whole = above.mapping.where is None and not above.conditions and above.mapping.key and above.certainly_unique
    if not whole or motion.source.kind is not RelationKind.TABLE:
        return False
    own = [_taken(motion, c) for c in each.key.columns]
    theirs = [_taken(above, c) for c in each.key.referenced_columns]
    wanted = sorted(zip(own, theirs, strict=True), key=str)
    return any(
        c.validated
        and c.references == above.source.name
        and sorted(zip(c.columns, c.referenced_columns, strict=True), key=str) == wanted
        for c in motion.source.foreign_keys
    )


def _taken(motion: Motion, name: str) -> str | None:
    rule = motion.mapping.columns.get(name)
    return rule.column if isinstance(rule, Take) else None


def _asks(each: Foreign) -> str:
    return " AND ".join(f"{child} IS NOT NULL" for child in dict.fromkeys(each.children))


def _half(each: Foreign) -> str:
    """MATCH FULL: some of the columns are NULL and some are not."""
    some = " OR ".join(f"{child} IS NOT NULL" for child in each.children)
    return f" OR (({some}) AND NOT ({_asks(each)}))" if each.full and len(each.key.columns) > 1 else ""


def orphaned(motion: Motion, each: Foreign, moment: Moment, *, above: Moment | None = None) -> str:
    """Identities of the rows whose parent does not land; `above`: the moment in which the parents are seen."""
    parents = Motion(motion.facts, each.parent).fitting(EVERYTHING, above or moment)
    on = " AND ".join(f'"cw$above".{parent} = "cw$fitting".{child}' for child, parent in each.pairs)
    alone = f'({_asks(each)}) AND NOT EXISTS (SELECT FROM ({parents}) AS "cw$above" WHERE {on})'
    return f"SELECT {identity_texts(motion)} FROM {fitting_rows(motion, moment)} WHERE {alone}{_half(each)}"


def referred(motion: Motion, each: Foreign, moment: Moment) -> str:
    """The distinct values (texts) of a key."""
    listed = ", ".join(f"{child}::pg_catalog.text" for child in each.children)
    return f"SELECT DISTINCT {listed} FROM {fitting_rows(motion, moment)} WHERE {_asks(each)}"


def half_referred(motion: Motion, each: Foreign, moment: Moment) -> str | None:
    """Identities of the rows that MATCH FULL refuses whatever the parent holds; None where there can be none."""
    half = _half(each)
    if not half:
        return None
    return f"SELECT {identity_texts(motion)} FROM {fitting_rows(motion, moment)} WHERE{half.removeprefix(' OR')}"


def referring(motion: Motion, each: Foreign, values: list[tuple[str, ...]], moment: Moment) -> str:
    """Identities of the rows whose key has one of the values."""
    listed = ", ".join(f"({', '.join(literal(v) for v in row)})" for row in values)
    texts = ", ".join(f"{child}::pg_catalog.text" for child in each.children)
    return f"SELECT {identity_texts(motion)} FROM {fitting_rows(motion, moment)} WHERE ({texts}) IN (VALUES {listed})"

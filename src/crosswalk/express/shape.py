"""The compiled mapping of one target table: its identity, its columns, and when a row is set aside.

The first floor of a motion: rules become bare values and conditions over them (see `motion` for the
levels that they belong to). Lookups are compiled by `lookups`, which builds on this.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property

from crosswalk.errors import RuleImpossible
from crosswalk.express.casts import TEXT, needs_no_cast, to_wire
from crosswalk.express.domains import domain_checks
from crosswalk.express.facts import Facts
from crosswalk.express.fit import fit
from crosswalk.express.partitions import homeless
from crosswalk.express.parts import Compiled, Condition, Fed, Reference, Wire
from crosswalk.express.values import Compiler
from crosswalk.mapping import Default, Fold, Lookup, Newest, Rule, Take, Unnest
from crosswalk.names import Name, quote
from crosswalk.pg_types import INTEGERS, UNLIMITED
from crosswalk.schema import Column, RelationKind, TypeKind, TypeRef

TID = replace(TEXT, name="tid", display="tid", plain="tid", oid=27)


class Shape:
    """One target table's motion.

    `outer` names the tables inside whose motions this one is compiled as a lookup's parent: a lookup
    back to one of them is cut (it finds nothing and complains of nothing), else it would never end.
    """

    def __init__(self, facts: Facts, target: Name, *, outer: tuple[Name, ...] = ()) -> None:
        self.facts = facts
        self.name = target
        self.mapping = facts.mapping(target)
        self.source = facts.source_table(target)
        self.target = facts.target_table(target)
        self.outer = outer
        self._compiler = Compiler(facts, target)
        known = facts.compiled.get((target, outer))
        made = known or Compiled()
        self._rows, self._joined, self._mapped = made.rows, made.joined, made.mapped
        self._sent = made.sent
        self._joins, self.conditions, self.fed = made.joins, made.conditions, made.fed
        if known is None:
            self._compile()
            made.fed = self.fed
            facts.compiled[target, outer] = made

    # --- identity -------------------------------------------------------------------------------

    @cached_property
    def identity(self) -> tuple[tuple[str, TypeRef], ...]:
        """Columns that tell source rows apart with their types; ctid where the table has no key."""
        names = self.mapping.source_key or self.source.row_identity
        if self.mapping.source_key or (names and not self.has_heirs):
            return tuple((n, self.facts.column("source", self.source, n).type) for n in names)
        if self.has_heirs:
            raise RuleImpossible(
                table=self.name,
                column="source_key",
                reason=f"{self.source.name} has heirs, whose rows no key of it covers: name columns that tell all rows apart",
            )
        if self.source.kind is not RelationKind.TABLE:
            raise RuleImpossible(
                table=self.name,
                column="source_key",
                reason=f"{self.source.name} is a {self.source.kind.noun} without a key: name the columns that tell its rows apart",
            )
        return (("ctid", TID),)

    @property
    def has_heirs(self) -> bool:
        """Whether other tables inherit from the source: a SELECT reads their rows too, its unique indexes do not."""
        return self.source.name in self.facts.source.inherited_from

    @property
    def source_keys(self) -> tuple[tuple[str, ...], ...]:
        """Column sets that are unique over all rows that a SELECT reads."""
        if self.has_heirs:
            return ()
        return tuple(key for key in (self.source.primary_key, *self.source.unique_keys) if key)

    @property
    def unproven_identity(self) -> bool:
        """True where the document names a `source_key` that no key of the source vouches for."""
        names = set(self.mapping.source_key)
        return bool(names) and not any(set(key) <= names for key in self.source_keys)

    @property
    def by_position(self) -> bool:
        """True where rows are known only by ctid, that is within one snapshot."""
        return self.identity == (("ctid", TID),)

    @property
    def key_wires(self) -> tuple[Wire, ...]:
        """The source row's identity as it travels, and the element's ordinality where the rule unnests."""
        wires = [Wire(name=f"cw$k{i}", type=kind) for i, (_, kind) in enumerate(self.identity)]
        if self.unnests:
            wires.append(
                Wire(name="cw$ordinality", type=replace(TEXT, name="int8", oid=20, plain="bigint", category="N"))
            )
        return tuple(wires)

    @cached_property
    def unnests(self) -> str | None:
        """The array column that is spread over several target rows."""
        found = {
            operand.unnest
            for rule in self.mapping.columns.values()
            for operand in (
                [rule] if not isinstance(rule, Lookup) else [o for m in rule.lookup.matches for o in m.values()]
            )
            if isinstance(operand, Unnest)
        }
        if len(found) > 1:
            raise RuleImpossible(
                table=self.name, column=", ".join(sorted(found)), reason="only one column can be unnested"
            )
        return found.pop() if found else None

    @cached_property
    def certainly_unique(self) -> bool:
        """True where the source's own keys prove that no two rows share a target key."""
        return self.keeps_apart(self.mapping.key)

    def keeps_apart(self, columns: Sequence[str]) -> bool:
        """True where the source's own keys prove that no two rows agree in these columns of the target."""
        if self.unnests:
            return False
        plain = set()
        for name in columns:
            rule = self.mapping.columns.get(name)
            if isinstance(rule, Take) and self._keeps_apart(rule.column, name):
                plain.add(rule.column)
        return any(set(key) <= plain for key in self.source_keys)

    def _keeps_apart(self, source: str, target: str) -> bool:
        """Whether values that differ in the source differ in the target too: same type, compared byte by byte."""
        have = self.facts.column("source", self.source, source)
        want = self.facts.column("target", self.target, target)
        same = have.type.storage.oid == want.type.storage.oid and want.type.storage.builtin
        whole = have.type.storage.name in INTEGERS and want.type.storage.name in INTEGERS
        return (same or whole) and want.collation is None and want.type.kind is not TypeKind.DOMAIN

    @cached_property
    def key_follows(self) -> bool:
        """True where the target key can be computed from the source's identity alone."""
        names = {name for name, _ in self.identity}
        rules = [self.mapping.columns.get(name) for name in self.mapping.key]
        return bool(rules) and all(isinstance(r, Take) and r.column in names for r in rules)

    @property
    def needs_key_map(self) -> bool:
        """True where the ledger must remember which target key a source row went to."""
        return bool(self.mapping.key) and not self.by_position and not (self.key_follows and self.certainly_unique)

    def key_fed(self) -> tuple[Fed, ...]:
        """The key's columns in key order."""
        by_name = {f.column.name: f for f in self.fed}
        return tuple(by_name[name] for name in self.mapping.key)

    def key_names(self) -> list[str]:
        """Wires of the target key."""
        return [w.name for f in self.key_fed() for w in f.wires]

    def preference(self) -> str:
        """ORDER BY that puts the winner of a key first."""
        keys = ", ".join(quote(w.name) for w in self.key_wires)
        newest = isinstance(self.mapping.on_duplicate, Newest)
        return f'"cw$newest" DESC NULLS LAST, {keys}' if newest else keys

    def late(self, order: Sequence[Name]) -> frozenset[Name]:
        """Tables that a reference of this one is resolved in, and that are not filled before it: itself, or later ones."""
        needed = {p for f in self.fed if isinstance(f.via, Reference) for p in f.via.parents()}
        if not needed:
            return frozenset()
        place = {name: number for number, name in enumerate(order)}
        here = place.get(self.name, 0)
        return frozenset(p for p in needed if place.get(p, -1) >= here)

    # --- compiling ------------------------------------------------------------------------------

    def _compile(self) -> None:
        alias = quote(self.source.name.relation)
        for i, (name, _) in enumerate(self.identity):
            self._rows.append(f"{alias}.{quote(name)} AS {quote(f'cw$k{i}')}")
        if self.unnests:
            self._compiler.column(self.unnests)
            self._rows.append('"cw$u"."cw$ordinality" AS "cw$ordinality"')
            self._condition(
                code="unnest.empty",
                sql='"cw$ordinality" IS NULL',
                reason=f"{self.unnests} has no element",
                sqlstate="22000",
            )
        if isinstance(self.mapping.on_duplicate, Newest):
            newest, _ = self._compiler.column(self.mapping.on_duplicate.newest)
            self._rows.append(f'{newest} AS "cw$newest"')
        fed = []
        for number, (name, rule) in enumerate(self.mapping.columns.items()):
            column = self.facts.column("target", self.target, name)
            if isinstance(rule, Default):
                continue
            if isinstance(rule, Lookup):
                fed.append(Fed(column=column, via=self._lookup(number, column, rule)))
            else:
                fed.append(Fed(column=column, via=self._plain(number, column)))
        self.fed = tuple(fed)
        self._key_not_null()
        self._checks()

    def _condition(
        self,
        *,
        code: str,
        sql: str,
        reason: str,
        sqlstate: str,
        column: str | None = None,
        constraint: str | None = None,
        policy: str | None = None,
    ) -> None:
        stops = policy or ("fail" if self.mapping.rejects == "fail" else "quarantine")
        self.conditions.append(
            Condition(
                number=len(self.conditions) + 1,
                code=code,
                sql=sql,
                reason=reason,
                sqlstate=sqlstate,
                column=column,
                constraint=constraint,
                policy=stops,
            )
        )

    def _plain(self, number: int, column: Column) -> Wire:
        rule = self.mapping.columns[column.name]
        bare = self._compiler.rule(rule, column)
        # A query has at most 1,664 columns, and a table 1,600: a value that needs no cast is not named twice.
        whole = isinstance(rule, Take) and needs_no_cast(bare.type, column.type)
        value = quote(column.name if whole else f"cw$v{number}")
        self._rows.append(f"{bare.sql} AS {value}")
        for i, loss in enumerate(bare.losses):
            flag = quote(f"cw$c{number}_{i}")
            self._rows.append(f"({loss.condition}) AS {flag}")
            policy = "fail" if loss.code == "map.fail" else None
            self._condition(
                code=loss.code, sql=flag, reason=loss.reason, sqlstate=loss.sqlstate, column=column.name, policy=policy
            )
        self._column_conditions(value, bare.type, column, never_null=self._never_null(rule))
        if not whole:
            self._mapped.append(f"{to_wire(value, column.type, have=bare.type)} AS {quote(column.name)}")
        if isinstance(rule, Fold) and column.type.name == "jsonb":
            self._sent[column.name] = quote(f"cw$b{number}")
            self._rows.append(f"{self._compiler.folded_bytes(rule)} AS {self._sent[column.name]}")
        return Wire(name=column.name, type=column.type)

    def _never_null(self, rule: Rule) -> bool:
        """Whether the source itself sees to it: then nothing is to be asked of each row. A heir may have dropped it."""
        if isinstance(rule, Fold):
            return True
        column = self.source.column(rule.column) if isinstance(rule, Take) else None
        stored = self.source.kind in {RelationKind.TABLE, RelationKind.PARTITIONED} and not self.has_heirs
        return stored and column is not None and column.not_null and column.not_null_validated and not column.not_null_by_domain

    def _column_conditions(self, value: str, have: TypeRef | None, column: Column, *, never_null: bool = False) -> None:
        if column.not_null and not never_null:
            # A row of NULLs IS NULL, and yet it is a value.
            composite = have is not None and have.storage.kind is TypeKind.COMPOSITE
            self._condition(
                code="not_null",
                sql=f"{value}{'::pg_catalog.text' if composite else ''} IS NULL",
                reason="it is NULL and the column is NOT NULL",
                sqlstate="23502",
                column=column.name,
            )
        if have is None:
            return
        wanted = column.type.storage
        labels = self.facts.target.enum_labels(wanted.element.storage if wanted.element else wanted)
        self._same_attributes(have.storage, column)
        found = fit(value, have, column.type, labels=labels, validates=self.facts.source.server_version >= 160000)
        if found.verdict == "refused":
            raise RuleImpossible(table=self.name, column=column.name, reason=found.advice)
        for loss in found.losses:
            self._condition(
                code=loss.code, sql=loss.condition, reason=loss.reason, sqlstate=loss.sqlstate, column=column.name
            )

    def _same_attributes(self, have: TypeRef, column: Column) -> None:
        """Composites travel by place, ranges by text: both sides must mean the same; raises RuleImpossible."""
        want = column.type.storage
        if have.kind is TypeKind.ARRAY and want.kind is TypeKind.ARRAY and have.element and want.element:
            have, want = have.element.storage, want.element.storage
        name, other = Name(have.schema, have.name), Name(want.schema, want.name)
        mine, theirs = self.facts.source.composites.get(name), self.facts.target.composites.get(other)
        if have.kind is not TypeKind.COMPOSITE or mine is None or theirs is None:
            return
        listed = [[f"{a} {t.display}" for a, t in each.attributes] for each in (mine, theirs)]
        if listed[0] != listed[1]:
            raise RuleImpossible(
                table=self.name,
                column=column.name,
                reason=f"{name} is ({', '.join(listed[0])}) in the source and ({', '.join(listed[1])}) in the target:"
                " write an sql rule that builds the value by name",
            )

    def _key_not_null(self) -> None:
        for name in self.mapping.key:
            fed = next((f for f in self.fed if f.column.name == name), None)
            if fed is None:
                raise RuleImpossible(table=self.name, column=name, reason="it belongs to the key and no rule feeds it")
            if not fed.column.not_null:
                # Of a reference the parent's key travels: where it is NULL no row is referred to.
                self._condition(
                    code="key.null",
                    sql=" OR ".join(f"{quote(w.name)} IS NULL" for w in fed.wires),
                    reason="it is NULL and belongs to the key",
                    sqlstate="23502",
                    column=name,
                )

    def _checks(self) -> None:
        allowed = self.facts.checks.get(self.name, ())
        for constraint in self.target.checks:
            if f"check:{constraint.name}" in allowed and constraint.expression:
                self._condition(
                    code="check",
                    sql=self._as_stored(constraint.columns, f"NOT ({constraint.expression})"),
                    reason=f"the check {constraint.name} refuses it",
                    sqlstate="23514",
                    constraint=constraint.name,
                )
        for check in (c for fed in self.fed for c in domain_checks(self.facts.target, fed.column)):
            if check.handle in allowed:
                self._condition(
                    code="check",
                    sql=check.condition,
                    reason=f"{'an element: ' if check.of_elements else ''}the domain {check.domain} refuses it",
                    sqlstate="23514",
                    column=check.column.name,
                    constraint=check.name,
                )
        sql = homeless(self.facts.target, self.target) if "partition" in allowed else None
        if sql is not None:
            self._condition(
                code="partition", sql=sql, reason="no partition takes it", sqlstate="23514", column=self._partitioned_by
            )

    def _as_stored(self, columns: Sequence[str], condition: str) -> str:
        """A condition over the values as the target would hold them: a number is written with its column's digits."""
        known = [self.target.column(name) for name in columns]
        digits = [c for c in known if c and c.type.storage.name == "numeric" and c.type.storage.modifier != UNLIMITED]
        if not digits:
            return condition
        listed = ", ".join(
            f"{quote(c.name)}::{c.type.storage.display} AS {quote(c.name)}" if c in digits else quote(c.name)
            for c in known
            if c
        )
        return f"(SELECT {condition} FROM (SELECT {listed}) AS stored)"

    @property
    def _partitioned_by(self) -> str | None:
        """The column that a table is partitioned by, where it is one."""
        key = (self.target.partition_key or "").partition("(")[2].removesuffix(")").strip('"')
        return key if self.target.column(key) else None

    def _lookup(self, number: int, column: Column, rule: Lookup) -> Wire | Reference:
        """Compile a lookup (see `lookups`)."""
        raise RuleImpossible(table=self.name, column=column.name, reason="a lookup cannot stand here")

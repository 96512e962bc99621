"""The keyed motion of one target table: every SQL text that runs on the source.

A motion is compiled in levels, each a subquery of the next; PostgreSQL flattens them into one scan:

    row      the source row: its identity, each rule's bare value, each lookup's operands
    joined   + what the lookups found
    mapped   + every column under its target name, cast to its wire type
    judged   + `cw$reject`: 0, or the number of the first condition that sets the row aside

Names with `cw$` are ours; at `mapped` only the target's own column names are in scope beside them,
so that a CHECK constraint of the target can be said word for word. Copy, verify, repair and the
counts of accounting all select from `judged`, and so speak of the same rows.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property

from crosswalk.errors import RuleImpossible
from crosswalk.express.casts import TEXT, canonical, row_hash, to_wire, type_sql, wire_type
from crosswalk.express.facts import EVERYTHING, Facts, Key, Moment, Selection
from crosswalk.express.fit import fit
from crosswalk.express.values import Compiler
from crosswalk.mapping import Default, Lookup, Newest, Take, Unnest, Value, Zone
from crosswalk.names import Name, array_literal, literal, parse, quote, quote_list
from crosswalk.schema import Column, RelationKind, TypeRef

BUCKETS = 1024
TID = replace(TEXT, name="tid", display="tid", plain="tid", oid=27)
REJECT = '"cw$reject"'
LOSER = '"cw$loser"'


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """Why a source row is set aside."""

    number: int
    code: str
    """Stable: not_null, length, range, rounded, lookup.missing, check …"""
    sql: str
    """True for rows that do not fit, at the level `mapped`."""
    reason: str
    sqlstate: str
    column: str | None = None
    constraint: str | None = None
    policy: str = "quarantine"
    """`fail` where the rule's own word stops the move."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A column whose value the target makes: the parent's row is found by its own key."""

    parent: Name
    take: str
    parts: tuple[tuple[str, Wire | Reference], ...]
    """Key columns of the parent, each with what the child carries for it."""

    def wires(self) -> Iterable[Wire]:
        """What travels, in order."""
        for _, part in self.parts:
            if isinstance(part, Wire):
                yield part
            else:
                yield from part.wires()


@dataclass(frozen=True, slots=True, kw_only=True)
class Wire:
    """One column of the extract and of the twin."""

    name: str
    """Its name in both: the target column's, or `cw$…`."""
    type: TypeRef
    """The target column's own type; it travels as `wire_type(type)`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fed:
    """One target column and what feeds it."""

    column: Column
    via: Wire | Reference

    @property
    def wires(self) -> tuple[Wire, ...]:
        return (self.via,) if isinstance(self.via, Wire) else tuple(self.via.wires())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Join:
    """One way to find a lookup's row."""

    alias: str
    parent: Name
    take: str
    lefts: tuple[str, ...]
    """What is matched on the parent's side."""
    on: str


class Motion:
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
        self._rows: list[str] = []
        self._joined: list[str] = []
        self._mapped: list[str] = []
        self._joins: list[_Join] = []
        self._compiler = Compiler(facts, target)
        self.conditions: list[Condition] = []
        self.fed: tuple[Fed, ...] = ()
        self._compile()

    # --- identity -------------------------------------------------------------------------------

    @cached_property
    def identity(self) -> tuple[tuple[str, TypeRef], ...]:
        """Columns that tell source rows apart with their types; ctid where the table has no key."""
        names = self.mapping.source_key or self.source.row_identity
        if names:
            return tuple((n, self.facts.column("source", self.source, n).type) for n in names)
        heirs = any(self.source.name in table.inherits for table in self.facts.source.tables.values())
        if self.source.kind is not RelationKind.TABLE or heirs:
            raise RuleImpossible(
                table=self.name,
                column="source_key",
                reason=f"{self.source.name} is a {self.source.kind} without a key: name the columns that tell its rows apart",
            )
        return (("ctid", TID),)

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
        if self.unnests:
            return False
        plain = set()
        for name in self.mapping.key:
            rule = self.mapping.columns.get(name)
            if isinstance(rule, Take):
                plain.add(rule.column)
        keys = [self.source.primary_key, *self.source.unique_keys]
        return any(key and set(key) <= plain for key in keys)

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
        bare = self._compiler.rule(self.mapping.columns[column.name], column)
        value = quote(f"cw$v{number}")
        self._rows.append(f"{bare.sql} AS {value}")
        for i, loss in enumerate(bare.losses):
            flag = quote(f"cw$c{number}_{i}")
            self._rows.append(f"({loss.condition}) AS {flag}")
            policy = "fail" if loss.code == "map.fail" else None
            self._condition(
                code=loss.code, sql=flag, reason=loss.reason, sqlstate=loss.sqlstate, column=column.name, policy=policy
            )
        self._column_conditions(value, bare.type, column)
        self._mapped.append(f"{to_wire(value, column.type)} AS {quote(column.name)}")
        return Wire(name=column.name, type=column.type)

    def _column_conditions(self, value: str, have: TypeRef | None, column: Column) -> None:
        if column.not_null:
            self._condition(
                code="not_null",
                sql=f"{value} IS NULL",
                reason="it is NULL and the column is NOT NULL",
                sqlstate="23502",
                column=column.name,
            )
        if have is None:
            return
        labels = self.facts.target.enum_labels(column.type.storage)
        found = fit(value, have, column.type, labels=labels, validates=self.facts.source.server_version >= 160000)
        if found.verdict == "refused":
            raise RuleImpossible(table=self.name, column=column.name, reason=found.advice)
        for loss in found.losses:
            self._condition(
                code=loss.code, sql=loss.condition, reason=loss.reason, sqlstate=loss.sqlstate, column=column.name
            )

    def _key_not_null(self) -> None:
        for name in self.mapping.key:
            fed = next((f for f in self.fed if f.column.name == name), None)
            if fed is None:
                raise RuleImpossible(table=self.name, column=name, reason="it belongs to the key and no rule feeds it")
            if isinstance(fed.via, Wire) and not fed.column.not_null:
                self._condition(
                    code="key.null",
                    sql=f"{quote(name)} IS NULL",
                    reason="it is NULL and belongs to the key",
                    sqlstate="23502",
                    column=name,
                )

    def _checks(self) -> None:
        allowed = self.facts.checks.get(self.name, ())
        for constraint in self.target.checks:
            if constraint.name in allowed and constraint.expression:
                self._condition(
                    code="check",
                    sql=f"NOT ({constraint.expression})",
                    reason=f"the check {constraint.name} refuses it",
                    sqlstate="23514",
                    constraint=constraint.name,
                )
        for fed in self.fed:
            domain = self.facts.target.domains.get(Name(fed.column.type.schema, fed.column.type.name))
            if domain is None or f"domain:{fed.column.name}" not in allowed:
                continue
            for name, expression in domain.checks:
                self._condition(
                    code="check",
                    sql=f"(SELECT NOT ({expression}) FROM (SELECT {quote(fed.column.name)} AS value) AS domain_value)",
                    reason=f"the domain {domain.name} refuses it",
                    sqlstate="23514",
                    column=fed.column.name,
                    constraint=name,
                )

    # --- lookups --------------------------------------------------------------------------------

    def _parent(self, column: Column, rule: Lookup) -> Name:
        name = self.facts.table("source", parse(rule.lookup.table)).name
        parents = self.facts.document.targets_of(name)
        holding = [p for p in parents if self.facts.target_table(p).column(rule.lookup.take)]
        if not holding:
            reason = (
                f"{name} is not the source of any mapped table"
                if not parents
                else f"no table that {name} feeds has a column {rule.lookup.take}"
            )
            raise RuleImpossible(table=self.name, column=column.name, reason=reason)
        fed = [p for p in holding if rule.lookup.take in self.facts.mapping(p).columns]
        return (fed or holding)[0]

    def _reference(self, parent: Name, take: str, prefix: str) -> Wire | Reference:
        """What travels for a column of the parent: its value, or the key by which the target finds it."""
        column = self.facts.column("target", self.facts.target_table(parent), take)
        mapping = self.facts.mapping(parent)
        rule = mapping.columns.get(take)
        if rule is None or isinstance(rule, Default):
            parts = tuple((k, self._reference(parent, k, f"{prefix}_{i}")) for i, k in enumerate(mapping.key))
            return Reference(parent=parent, take=take, parts=parts)
        if isinstance(rule, Lookup):
            upper = self._parent(column, rule)
            inner = self._reference(upper, rule.lookup.take, prefix)
            if isinstance(inner, Reference):
                return inner
        return Wire(name=prefix, type=column.type)

    def _lookup(self, number: int, column: Column, rule: Lookup) -> Wire | Reference:
        parent = self._parent(column, rule)
        via = self._reference(parent, rule.lookup.take, f"cw$f{number}")
        cut = parent in self.outer
        aliases: list[str] = []
        operands: list[str] = []
        for i, match in enumerate(rule.lookup.matches):
            alias = quote(f"cw$l{number}_{i}")
            on = []
            for j, (left, operand) in enumerate(match.items()):
                bare = self._compiler.operand(operand, operand_place(column.name, i, left))
                name = quote(f"cw$o{number}_{i}_{j}")
                self._rows.append(f"{bare.sql} AS {name}")
                operands.append(name)
                on.append(f'{alias}."cw$m{j}" = "cw$row".{name}')
            if not cut:
                self._joins.append(
                    _Join(alias=alias, parent=parent, take=rule.lookup.take, lefts=tuple(match), on=" AND ".join(on))
                )
                aliases.append(alias)
        wires = (via,) if isinstance(via, Wire) else tuple(via.wires())
        for k, wire in enumerate(wires):
            self._joined.append(f"{_first_found(aliases, f'cw$t{k}', wire)} AS {quote(f'cw$w{number}_{k}')}")
        counts = ", ".join(f'{alias}."cw$n"' for alias in aliases)
        self._joined.append(f"{f'COALESCE({counts}, 0)' if aliases else '0'} AS {quote(f'cw$n{number}')}")
        if not cut:
            self._lookup_conditions(number, column, rule, operands)
        return self._land(number, column, via, wires, self._parent_type(parent, rule.lookup.take), cut=cut)

    def _parent_type(self, parent: Name, take: str) -> TypeRef:
        column = self.facts.column("target", self.facts.target_table(parent), take)
        return replace(wire_type(column.type), modifier=-1)

    def _land(
        self, number: int, column: Column, via: Wire | Reference, wires: tuple[Wire, ...], have: TypeRef, *, cut: bool
    ) -> Wire | Reference:
        """Put what was found under the names that travel."""
        if isinstance(via, Wire):
            value = quote(f"cw$w{number}_0")
            if not cut:
                self._column_conditions(value, have, column)
            self._mapped.append(f"{to_wire(value, column.type)} AS {quote(column.name)}")
            return Wire(name=column.name, type=column.type)
        for k, wire in enumerate(wires):
            self._mapped.append(f"{to_wire(quote(f'cw$w{number}_{k}'), wire.type)} AS {quote(wire.name)}")
        if column.not_null and not cut:
            self._condition(
                code="not_null",
                sql=f"{quote(wires[0].name)} IS NULL",
                reason="no row is referred to and the column is NOT NULL",
                sqlstate="23502",
                column=column.name,
            )
        return via

    def _lookup_conditions(self, number: int, column: Column, rule: Lookup, operands: list[str]) -> None:
        policy = {"quarantine": None, "fail": "fail"}
        count = quote(f"cw$n{number}")
        given = " OR ".join(f"{name} IS NOT NULL" for name in operands)
        table = rule.lookup.table
        if rule.lookup.ambiguous != "null":
            self._condition(
                code="lookup.ambiguous",
                sql=f"{count} > 1",
                reason=f"several rows of {table} match",
                sqlstate="21000",
                column=column.name,
                policy=policy[rule.lookup.ambiguous],
            )
        if rule.lookup.missing != "null":
            self._condition(
                code="lookup.missing",
                sql=f"{count} = 0 AND ({given})",
                reason=f"no row of {table} matches",
                sqlstate="23503",
                column=column.name,
                policy=policy[rule.lookup.missing],
            )

    def _found_by(self, join: _Join, moment: Moment) -> str:
        """The parent's rows as a lookup sees them: match columns, what is taken, how many differ."""
        inner = Motion(self.facts, join.parent, outer=(*self.outer, self.name))
        mapped = [left.startswith("target.") for left in join.lefts]
        matched = [quote(f"cw$m{j}") for j in range(len(join.lefts))]
        extra = tuple(
            f"{inner.source_column(left)} AS {quote(f'cw$s{j}')}" for j, left in enumerate(join.lefts) if not mapped[j]
        )
        values = [
            f"{inner.wire_of(left.removeprefix('target.')) if mapped[j] else quote(f'cw$s{j}')} AS {matched[j]}"
            for j, left in enumerate(join.lefts)
        ]
        taken = inner.taken(join.take)
        names = [quote(f"cw$t{k}") for k in range(len(taken))]
        if moment.of(join.parent):
            window = f"OVER (PARTITION BY {quote_list(inner.key_names())} ORDER BY {inner.preference()})"
            taken = [f"pg_catalog.first_value({value}) {window}" for value in taken]
        values += [f"{value} AS {name}" for value, name in zip(taken, names, strict=True)]
        judged = inner.judged(EVERYTHING, moment, extra=extra)
        rows = f'SELECT {", ".join(values)} FROM ({judged}) AS "cw$parent" WHERE {REJECT} = 0'
        sources = {left for left in join.lefts if not left.startswith("target.")}
        if not inner.unnests and any(
            k and set(k) <= sources for k in (inner.source.primary_key, *inner.source.unique_keys)
        ):
            return f'SELECT *, 1 AS "cw$n" FROM ({rows}) AS "cw$p"'
        firsts = ", ".join(f"(pg_catalog.array_agg({name}))[1] AS {name}" for name in names)
        distinct = f"({', '.join(names)})" if len(names) > 1 else names[0]
        by = ", ".join(matched)
        return f'SELECT {by}, {firsts}, count(DISTINCT {distinct}) AS "cw$n" FROM ({rows}) AS "cw$p" GROUP BY {by}'

    def lookups(self, moment: Moment) -> list[tuple[Name, str]]:
        """The tables that this one looks into, each with the rows that it sees there."""
        return [(join.parent, self._found_by(join, moment)) for join in self._joins]

    def source_column(self, name: str) -> str:
        """A source column as SQL at the level `row`."""
        return self._compiler.column(name)[0]

    def wire_of(self, column: str) -> str:
        """A target column as SQL at the level `mapped`; raises RuleImpossible where no single value feeds it."""
        fed = next((f for f in self.fed if f.column.name == column), None)
        if fed is None or not isinstance(fed.via, Wire):
            raise RuleImpossible(
                table=self.name, column=column, reason="a lookup matches it, but no rule gives it a value here"
            )
        return quote(fed.via.name)

    def taken(self, take: str) -> list[str]:
        """What a lookup takes from this motion's `mapped` level: a column, or the key that finds the row."""
        fed = next((f for f in self.fed if f.column.name == take), None)
        if fed is not None:
            return [quote(w.name) for w in fed.wires]
        return [quote(w.name) for f in self.key_fed() for w in f.wires]

    # --- the relation ---------------------------------------------------------------------------

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

    def _where(self, selection: Selection) -> str:
        terms = [f"(({self.mapping.where.sql}\n)) IS TRUE"] if self.mapping.where else []
        terms += self.chosen(selection)
        return f" WHERE {' AND '.join(terms)}" if terms else ""

    def chosen(self, selection: Selection) -> list[str]:
        """The selection as conditions on the source's identity, in the columns' own collation."""
        alias = quote(self.source.name.relation)
        columns = [f"{alias}.{quote(name)}" for name, _ in self.identity]
        kinds = [type_sql(kind) for _, kind in self.identity]
        row = columns[0] if len(columns) == 1 else f"({', '.join(columns)})"

        def bound(key: Key) -> str:
            parts = [f"{literal(v)}::{k}" for v, k in zip(key, kinds, strict=False)]
            return parts[0] if len(parts) == 1 else f"({', '.join(parts)})"

        terms = []
        if selection.after is not None:
            terms.append(f"{row} > {bound(selection.after)}")
        if selection.upto is not None:
            terms.append(f"{row} <= {bound(selection.upto)}")
        if selection.keys is not None:
            arrays = [
                f"{array_literal(key[i] for key in selection.keys)}::pg_catalog.text[]::{kind}[]"
                for i, kind in enumerate(kinds)
            ]
            if len(arrays) == 1:
                terms.append(f"{row} = ANY ({arrays[0]})")
            else:
                terms.append(f"{row} IN (SELECT * FROM pg_catalog.unnest({', '.join(arrays)}))")
        return terms

    def _from(self) -> str:
        alias = quote(self.source.name.relation)
        base = f"{self.source.name.sql} AS {alias}"
        if self.unnests:
            array = f"{alias}.{quote(self.unnests)}"
            base += (
                f' LEFT JOIN LATERAL pg_catalog.unnest({array}) WITH ORDINALITY AS "cw$u" ("cw$element", "cw$ordinality")'
                " ON true"
            )
        return base

    def rows(self, selection: Selection, *, extra: tuple[str, ...] = ()) -> str:
        """The level `row`; where rules compute, a fence lets each value be computed once and not at every mention."""
        fence = " OFFSET 0" if self._computes else ""
        return f"SELECT {', '.join([*self._rows, *extra])} FROM {self._from()}{self._where(selection)}{fence}"

    @cached_property
    def _computes(self) -> bool:
        return any(
            not isinstance(rule, Take | Zone | Default | Value)
            and (not isinstance(rule, Lookup) or any(rule.expressions()))
            for rule in self.mapping.columns.values()
        )

    def judged(self, selection: Selection, moment: Moment, *, extra: tuple[str, ...] = ()) -> str:
        """The level `judged`: one row for each mapped row, fitting or not."""
        sql = f'SELECT * FROM ({self.rows(selection, extra=extra)}) AS "cw$row"'
        if self._joined:
            joins = "".join(
                f" LEFT JOIN ({self._found_by(join, moment)}) AS {join.alias} ON {join.on}" for join in self._joins
            )
            sql = f'SELECT "cw$row".*, {", ".join(self._joined)} FROM ({self.rows(selection, extra=extra)}) AS "cw$row"{joins}'
        if self._mapped:
            sql = f'SELECT "cw$joined".*, {", ".join(self._mapped)} FROM ({sql}) AS "cw$joined"'
        arms = " ".join(f"WHEN {c.sql} THEN {c.number}" for c in self.conditions)
        reject = f"CASE {arms} ELSE 0 END" if arms else "0"
        return f'SELECT "cw$mapped".*, {reject} AS {REJECT} FROM ({sql}) AS "cw$mapped"'

    def _is_loser(self, moment: Moment) -> str:
        losers = moment.of(self.name)
        if not losers:
            return "false"
        wires = self.key_wires
        arrays = [
            f"{array_literal(key[i] for key in losers)}::pg_catalog.text[]::{type_sql(w.type)}[]"
            for i, w in enumerate(wires)
        ]
        columns = [quote(w.name) for w in wires]
        if len(wires) == 1:
            return f"{columns[0]} = ANY ({arrays[0]})"
        return f"({', '.join(columns)}) IN (SELECT * FROM pg_catalog.unnest({', '.join(arrays)}))"

    # --- what the hands run ---------------------------------------------------------------------

    @property
    def wires(self) -> tuple[Wire, ...]:
        """What travels for the target's own columns, in order."""
        return tuple(w for f in self.fed for w in f.wires)

    def extract(self, selection: Selection, moment: Moment, *, keyed: bool) -> str:
        """The rows that fit. `keyed` adds the source's identity and `cw$loser` and keeps the losers in."""
        columns = [quote(w.name) for w in self.wires]
        if keyed:
            columns += [quote(w.name) for w in self.key_wires] + [f"({self._is_loser(moment)}) AS {LOSER}"]
        where = f"{REJECT} = 0" + ("" if keyed or not moment.of(self.name) else f" AND NOT ({self._is_loser(moment)})")
        listed = ", ".join(columns)
        return f'SELECT {listed} FROM ({self.judged(selection, moment)}) AS "cw$judged" WHERE {where}'

    def fitting(self, selection: Selection, moment: Moment) -> str:
        """All columns of all levels of the rows that land in the target."""
        where = f"{REJECT} = 0" + (f" AND NOT ({self._is_loser(moment)})" if moment.of(self.name) else "")
        return f'SELECT * FROM ({self.judged(selection, moment)}) AS "cw$judged" WHERE {where}'

    def key_json(self) -> str:
        """The source row's identity as a jsonb array of texts."""
        return _json_array(quote(w.name) for w in self.key_wires)

    def target_key_json(self) -> str:
        """The target key as a jsonb array of canonical texts."""
        return _json_array(canonical(quote(w.name), w.type) for f in self.key_fed() for w in f.wires)

    def losing(self, moment: Moment) -> str:
        """Identity (as texts) of each row that loses to another of its key, policy aside."""
        keys = quote_list(self.key_names())
        listed = ", ".join(f"{quote(w.name)}::pg_catalog.text" for w in self.key_wires)
        return (
            f"SELECT {listed} FROM (SELECT *, pg_catalog.row_number() OVER (PARTITION BY {keys} ORDER BY {self.preference()})"
            f' AS "cw$place" FROM ({self.judged(EVERYTHING, moment)}) AS "cw$judged" WHERE {REJECT} = 0) AS "cw$placed"'
            ' WHERE "cw$place" > 1'
        )

    def doubled(self, moment: Moment) -> str:
        """Whether any target key has several rows (one boolean)."""
        keys = quote_list(self.key_names())
        return (
            f'SELECT EXISTS (SELECT FROM ({self.judged(EVERYTHING, moment)}) AS "cw$judged" WHERE {REJECT} = 0'
            f" GROUP BY {keys} HAVING count(*) > 1)"
        )

    def tally(self, moment: Moment) -> str:
        """Source rows by what becomes of them: (reject number or 0, merged, distinct source rows, rows written).

        A source row that gives at least one fitting row counts as 0; one that gives none counts under its
        first condition, or as merged where every row that it gives loses.
        """
        identity = quote_list(f"cw$k{i}" for i in range(len(self.identity)))
        inner = (
            f"SELECT {REJECT}, ({self._is_loser(moment)}) AS {LOSER}, {identity} FROM ({self.judged(EVERYTHING, moment)})"
            ' AS "cw$judged"'
        )
        if not self.unnests:
            return (
                f"SELECT {REJECT}, {LOSER} AND {REJECT} = 0 AS merged, count(*) AS rows, "
                f'count(*) FILTER (WHERE {REJECT} = 0 AND NOT {LOSER}) AS written FROM ({inner}) AS "cw$fate" GROUP BY 1, 2'
            )
        fate = (
            f"SELECT CASE WHEN pg_catalog.bool_or({REJECT} = 0) THEN 0 ELSE min({REJECT}) END AS {REJECT},"
            f" pg_catalog.bool_or({REJECT} = 0) AND NOT pg_catalog.bool_or({REJECT} = 0 AND NOT {LOSER}) AS merged,"
            f" count(*) FILTER (WHERE {REJECT} = 0 AND NOT {LOSER}) AS written"
            f' FROM ({inner}) AS "cw$each" GROUP BY {identity}'
        )
        return f'SELECT {REJECT}, merged, count(*) AS rows, sum(written)::bigint AS written FROM ({fate}) AS "cw$fate" GROUP BY 1, 2'

    def sampled(self, moment: Moment, count: int) -> str:
        """(reject number, key) of a few rows for each condition."""
        each = f"SELECT {REJECT}, {self.key_json()}::text AS key, pg_catalog.row_number() OVER (PARTITION BY {REJECT}) AS n"
        rows = f'{each} FROM ({self.judged(EVERYTHING, moment)}) AS "cw$judged" WHERE {REJECT} <> 0'
        return f'SELECT {REJECT}, key FROM ({rows}) AS "cw$sampled" WHERE n <= {count} ORDER BY {REJECT}, n'

    def total(self) -> str:
        """All rows of the source table."""
        return f"SELECT count(*) FROM {self.source.name.sql}"

    def filtered(self) -> str:
        """Rows that `where` leaves out."""
        alias = quote(self.source.name.relation)
        if self.mapping.where is None:
            return "SELECT 0::bigint"
        return (
            f"SELECT count(*) FROM {self.source.name.sql} AS {alias} WHERE (({self.mapping.where.sql}\n)) IS NOT TRUE"
        )

    def boundaries(self, rows: int) -> str:
        """Every `rows`-th identity in order, as texts."""
        names = [quote(name) for name, _ in self.identity]
        listed = ", ".join(f"{n}::pg_catalog.text" for n in names)
        order = ", ".join(names)
        return (
            f'SELECT {listed} FROM (SELECT {order}, pg_catalog.row_number() OVER (ORDER BY {order}) AS "cw$n"'
            f' FROM {self.source.name.sql}) AS "cw$numbered" WHERE "cw$n" % {rows} = 0 ORDER BY "cw$n"'
        )

    def keys(self, selection: Selection) -> str:
        """The identities in a selection, in order, as texts."""
        alias = quote(self.source.name.relation)
        names = [f"{alias}.{quote(name)}" for name, _ in self.identity]
        listed = ", ".join(f"{n}::pg_catalog.text" for n in names)
        where = self._where(selection)
        return f"SELECT {listed} FROM {self.source.name.sql} AS {alias}{where} ORDER BY {', '.join(names)}"

    # --- rejects --------------------------------------------------------------------------------

    def _row_json(self) -> str:
        """The source row as json, secrets redacted, at the level `row`."""
        alias = quote(self.source.name.relation)
        secret = sorted(self.mapping.secret_columns())
        row = f"pg_catalog.to_jsonb({alias}.*)"
        if not secret:
            return row
        hidden = ", ".join(f"{literal(name)}, 'redacted'" for name in secret)
        return f"({row} || pg_catalog.jsonb_build_object({hidden}))"

    def rejects(self, selection: Selection, moment: Moment) -> str:
        """The rows left out and why: key, row, code, sqlstate, message, constraint, column (see `Ledger.quarantine`)."""
        reasons = (
            ", ".join(
                f"({c.number}, {literal(c.code)}, {literal(c.sqlstate)}, {literal(c.reason)}, {_opt(c.constraint)}, {_opt(c.column)})"
                for c in self.conditions
            )
            or "(0, '', '', '', NULL, NULL)"
        )
        judged = self.judged(selection, moment, extra=(f'{self._row_json()} AS "cw$json"',))
        chosen, each = f"{REJECT} <> 0", ""
        if self.unnests:
            identity = quote_list(f"cw$k{i}" for i in range(len(self.identity)))
            chosen = '"cw$none"'
            each = (
                f", pg_catalog.bool_and({REJECT} <> 0) OVER (PARTITION BY {identity}) AND pg_catalog.row_number() OVER"
                f' (PARTITION BY {identity} ORDER BY "cw$ordinality") = 1 AS "cw$none"'
            )
        key = _json_array(quote(f"cw$k{i}") for i in range(len(self.identity)))
        return (
            f'SELECT {key} AS source_key, "cw$json" AS row, why.code, why.sqlstate, why.message, why.constraint_name,'
            f' why.column_name FROM (SELECT *{each} FROM ({judged}) AS "cw$judged") AS "cw$out"'
            f" JOIN (VALUES {reasons}) AS why (number, code, sqlstate, message, constraint_name, column_name)"
            f" ON why.number = {REJECT} WHERE {chosen}"
        )

    def beaten(self, moment: Moment) -> str:
        """The losers as rejects, for `on_duplicate: quarantine`."""
        judged = self.judged(EVERYTHING, moment, extra=(f'{self._row_json()} AS "cw$json"',))
        key = _json_array(quote(f"cw$k{i}") for i in range(len(self.identity)))
        return (
            f"SELECT {key} AS source_key, \"cw$json\" AS row, 'duplicate' AS code, '23505' AS sqlstate,"
            f" 'another row has the same key' AS message, NULL::text AS constraint_name, NULL::text AS column_name"
            f' FROM ({judged}) AS "cw$judged" WHERE {REJECT} = 0 AND ({self._is_loser(moment)})'
        )

    def described(
        self,
        keys: tuple[Key, ...],
        *,
        code: str,
        sqlstate: str,
        message: str,
        constraint: str | None,
        column: str | None,
    ) -> str:
        """Rows named by key in the form of `rejects`, for what only the load could find."""
        alias = quote(self.source.name.relation)
        key = _json_array(f"{alias}.{quote(name)}" for name, _ in self.identity)
        where = " AND ".join(self.chosen(Selection(keys=keys)))
        return (
            f"SELECT {key} AS source_key, {self._row_json()} AS row, {literal(code)} AS code, {literal(sqlstate)} AS sqlstate,"
            f" {literal(message)} AS message, {_opt(constraint)} AS constraint_name, {_opt(column)} AS column_name"
            f" FROM {self.source.name.sql} AS {alias} WHERE {where}"
        )

    def meeting(self, target_keys: list[str], moment: Moment) -> str:
        """Source keys (columns of text) of the fitting rows that go to the given target keys (jsonb texts)."""
        wanted = array_literal(target_keys)
        listed = ", ".join(f"{quote(w.name)}::pg_catalog.text" for w in self.key_wires)
        return (
            f'SELECT {listed} FROM ({self.fitting(EVERYTHING, moment)}) AS "cw$fitting"'
            f" WHERE {self.target_key_json()} = ANY ({wanted}::pg_catalog.text[]::pg_catalog.jsonb[])"
        )

    # --- verification ---------------------------------------------------------------------------

    def image(self) -> list[str]:
        """Canonical values of a fitting row, key first: what both sides hash."""
        key = [canonical(quote(w.name), w.type) for f in self.key_fed() for w in f.wires]
        rest = [
            canonical(quote(w.name), w.type) for f in self.fed if f.column.name not in self.mapping.key for w in f.wires
        ]
        return [*key, *rest]

    def key_image(self) -> list[str]:
        """Canonical values of the key alone; of the whole row where there is no key."""
        key = [canonical(quote(w.name), w.type) for f in self.key_fed() for w in f.wires]
        return key or self.image()

    def hashed(self, moment: Moment, selection: Selection = EVERYTHING) -> str:
        """(bucket, rows, sum of hashes) of the fitting rows."""
        return _bucketed(self.key_image(), self.image(), self.fitting(selection, moment))

    def hashed_keys(self, moment: Moment, buckets: Iterable[int], selection: Selection = EVERYTHING) -> str:
        """(target key, row hash, source key) of each fitting row in the buckets."""
        chosen = ", ".join(str(b) for b in buckets)
        bucket = f"({row_hash(self.key_image())} & {BUCKETS - 1})"
        key = self.target_key_json() if self.mapping.key else "NULL::jsonb"
        return (
            f"SELECT {key}::text AS target_key, {row_hash(self.image())} AS hash, {self.key_json()}::text AS source_key"
            f' FROM ({self.fitting(selection, moment)}) AS "cw$fitting" WHERE {bucket} IN ({chosen})'
        )


def _bucketed(key: list[str], image: list[str], rows: str) -> str:
    bucket = f"({row_hash(key)} & {BUCKETS - 1})::int"
    return (
        f"SELECT bucket, count(*) AS rows, sum(hash) AS total FROM (SELECT {bucket} AS bucket, {row_hash(image)} AS hash"
        f' FROM ({rows}) AS "cw$fitting") AS "cw$hashed" GROUP BY bucket'
    )


def _first_found(aliases: list[str], name: str, wire: Wire) -> str:
    if not aliases:
        return f"NULL::{type_sql(wire_type(wire.type))}"
    if len(aliases) == 1:
        return f"{aliases[0]}.{quote(name)}"
    arms = " ".join(f'WHEN {a}."cw$n" IS NOT NULL THEN {a}.{quote(name)}' for a in aliases)
    return f"CASE {arms} END"


def _json_array(values: Iterable[str]) -> str:
    return f"pg_catalog.jsonb_build_array({', '.join(f'({v})::pg_catalog.text' for v in values)})"


def _opt(text: str | None) -> str:
    return f"{literal(text)}::text" if text is not None else "NULL::text"


def operand_place(column: str, match: int, left: str) -> str:
    """The name under which a lookup operand's type stands in `Facts.types`."""
    return f"{column}#{match}.{left}"

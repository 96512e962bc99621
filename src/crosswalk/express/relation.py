"""The levels of a motion as one subquery: which rows are meant, what they become, which are set aside.

    row      the source row: its identity, each rule's bare value, each lookup's operands
    joined   + what the lookups found
    mapped   + every column under its target name, cast to its wire type
    judged   + `cw$reject`: 0, or the number of the first condition that sets the row aside

PostgreSQL flattens them into one scan. Names with `cw$` are ours; at `mapped` only the target's own
column names are in scope beside them, so that a CHECK of the target can be said word for word.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Final

from crosswalk.express.casts import type_sql
from crosswalk.express.facts import Barred, Key, Moment, Selection
from crosswalk.express.lookups import REJECT, Lookups
from crosswalk.express.parts import Condition, Join
from crosswalk.mapping import Default, Lookup, Take, Value, Zone
from crosswalk.names import array_literal, literal, quote
from crosswalk.schema import TypeRef

_READ_ONCE: Final = frozenset(
    {"int2", "int4", "int8", "numeric", "text", "varchar", "bpchar", "uuid", "oid", "bool", "bytea", "float4", "float8", "tid"}
)
"""Types whose text means the same under every setting."""


class Relation(Lookups):
    """A compiled motion as a relation."""

    def _where(self, selection: Selection, without: tuple[Key, ...] = ()) -> str:
        terms = [f"(({self.mapping.where.sql}\n)) IS TRUE"] if self.mapping.where else []
        terms += self.chosen(selection)
        if without:
            terms += [f"NOT ({term})" for term in self.chosen(Selection(keys=without))]
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
        if selection.between:
            ends = [", ".join(f'"cw${side}{i}"' for i in range(len(columns))) for side in ("first", "last")]
            terms += [f"{row} >= ({ends[0]})", f"{row} <= ({ends[1]})"]
        if selection.keys is not None:
            terms.append(among(columns, [kind for _, kind in self.identity], selection.keys))
        if selection.pages is not None:
            first, end = selection.pages
            terms += [f"{alias}.ctid >= '({int(first)},0)'::pg_catalog.tid"] if first else []
            terms += [f"{alias}.ctid < '({int(end)},0)'::pg_catalog.tid"] if end is not None else []
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

    def rows(self, selection: Selection, *, without: tuple[Key, ...] = (), extra: tuple[str, ...] = ()) -> str:
        """The level `row`; where rules compute, a fence lets each value be computed once and not at every mention."""
        fence = " OFFSET 0" if self._computes else ""
        return f"SELECT {', '.join([*self._rows, *extra])} FROM {self._from()}{self._where(selection, without)}{fence}"

    @cached_property
    def _computes(self) -> bool:
        return any(
            not isinstance(rule, Take | Zone | Default | Value)
            and (not isinstance(rule, Lookup) or any(rule.expressions()))
            for rule in self.mapping.columns.values()
        )

    def judged(self, selection: Selection, moment: Moment, *, extra: tuple[str, ...] = ()) -> str:
        """The level `judged`: one row for each mapped row, fitting or not."""
        without = moment.broken.get(self.name, ())
        if self.outer:
            without += moment.lost.get(self.name, ())
        rows = self.rows(selection, without=without, extra=extra)
        sql = f'SELECT * FROM ({rows}) AS "cw$row"'
        if self._joined:
            joins = "".join(
                f" LEFT JOIN ({self._found_by(join, moment)}) AS {join.alias} ON {join.on}" for join in self._joins
            )
            sql = f'SELECT "cw$row".*, {", ".join(self._joined)} FROM ({rows}) AS "cw$row"{joins}'
        if self._mapped:
            sql = f'SELECT "cw$joined".*, {", ".join(self._mapped)} FROM ({sql}) AS "cw$joined"'
        arms = " ".join(f"WHEN {c.sql} THEN {c.number}" for c in self._ranked(moment))
        reject = f"CASE {arms} ELSE 0 END" if arms else "0"
        return f'SELECT "cw$mapped".*, {reject} AS {REJECT} FROM ({sql}) AS "cw$mapped"'

    def reasons(self, moment: Moment) -> tuple[Condition, ...]:
        """Everything for which a row is set aside: the conditions of each row, then what only several rows break, then
        what was set aside above it."""
        return (*self.conditions, *self._barred(moment), *self._caused(moment), *self.forsaken(moment))

    def _ranked(self, moment: Moment) -> Iterator[Condition]:
        """The reasons in the order in which they are asked: each row gets the one that lies nearest to its cause."""
        yield from self._caused(moment)
        above = self.forsaken(moment) if not self.outer else ()
        for each in self.conditions:
            yield from (c for c in above if (c.code, c.column) == (each.code, each.column))
            yield each
        yield from self._barred(moment)

    def forsaken(self, moment: Moment) -> tuple[Condition, ...]:
        """For lookups that find nothing: the row that is meant was set aside itself, for the sake of another."""
        first = len(self.conditions) + len(self._barred(moment)) + len(self._caused(moment)) + 1
        missing = {c.column: c for c in self.conditions if c.code == "lookup.missing"}
        found = [
            replace(missing[join.column], reason=reason, sql=f"({missing[join.column].sql}) AND {meant}")
            for join in self._joins
            if join.column in missing
            for reason, meant in self._set_aside(join, moment)
        ]
        return tuple(replace(c, number=first + i) for i, c in enumerate(found))

    def _set_aside(self, join: Join, moment: Moment) -> Iterator[tuple[str, str]]:
        """(reason, condition) for each reason why the row that a lookup means may have been set aside."""
        above = type(self)(self.facts, join.parent)
        if above.unnests or any(left.startswith("target.") for left in join.lefts):
            return
        what = f"the row of {self._meant(join.column)} that it refers to was set aside"
        bars = (*moment.bars(join.parent), *moment.causes.get(join.parent, ()))
        known = [(f"{what} ({bar.reason})", bar.keys) for bar in bars]
        known += [(f"{what} for what it refers to", moment.lost[join.parent])] if moment.lost.get(join.parent) else []
        columns = ", ".join(above.source_column(left) for left in join.lefts)
        for reason, keys in known:
            rows = above.chosen(Selection(keys=keys))[0]
            source = f"{above.source.name.sql} AS {quote(above.source.name.relation)}"
            yield reason, f"({', '.join(join.operands)}) IN (SELECT {columns} FROM {source} WHERE {rows})"

    def _meant(self, column: str) -> str:
        rule = self.mapping.columns[column]
        assert isinstance(rule, Lookup)
        return rule.lookup.table

    def _barred(self, moment: Moment) -> tuple[Condition, ...]:
        """What only several rows break."""
        return self._of_bars(moment.bars(self.name), len(self.conditions) + 1)

    def _caused(self, moment: Moment) -> tuple[Condition, ...]:
        """See `Moment.causes`."""
        return self._of_bars(moment.causes.get(self.name, ()), len(self.conditions) + len(moment.bars(self.name)) + 1)

    def _of_bars(self, bars: Sequence[Barred], first: int) -> tuple[Condition, ...]:
        policy = "fail" if self.mapping.rejects == "fail" else "quarantine"
        return tuple(
            Condition(
                number=first + i,
                code=bar.code,
                sql=self.named(bar.keys),
                reason=bar.reason,
                sqlstate=bar.sqlstate,
                column=bar.column or None,
                constraint=bar.constraint or None,
                policy=policy,
            )
            for i, bar in enumerate(bars)
        )

    def named(self, keys: Sequence[Key]) -> str:
        """The row (at the levels `row` to `judged`) is one of those."""
        return among([quote(w.name) for w in self.key_wires], [w.type for w in self.key_wires], keys)

    def _is_loser(self, moment: Moment) -> str:
        losers = moment.of(self.name)
        return self.named(losers) if losers else "false"


def among(columns: list[str], kinds: list[TypeRef], keys: Sequence[Key]) -> str:
    """The columns are one of the keys.

    One column whose texts can be read once and for all is looked up in a constant, which PostgreSQL hashes; a date, whose
    reading depends on a setting, would be read again for each row.
    """
    texts = [f"{array_literal(key[i] for key in keys)}::pg_catalog.text[]" for i in range(len(columns))]
    if len(columns) == 1 and kinds[0].builtin and kinds[0].name in _READ_ONCE:
        return f"{columns[0]} = ANY ({texts[0]}::{type_sql(kinds[0])}[])"
    names = [quote(f"cw$a{i}") for i in range(len(columns))]
    cast = ", ".join(f"{name}::{type_sql(kind)}" for name, kind in zip(names, kinds, strict=True))
    # `unnest(a, b)` with a schema before it is another function.
    rows = f"ROWS FROM ({', '.join(f'pg_catalog.unnest({text})' for text in texts)})"
    return f'({", ".join(columns)}) IN (SELECT {cast} FROM {rows} AS "cw$among" ({", ".join(names)}))'

"""The keyed motion's landing: every SQL text that runs on the target for one table.

Rows wait in a temporary *twin* whose columns have the wire types, so that the COPY into it cannot
fail for a value; the cast to the column's own type happens in the merge, where a row can be told
from its neighbours. The merge UPDATEs what differs and INSERTs what is missing; equality is that of
the canonical row image, so that a second run writes no row version.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from crosswalk.express.casts import (
    canonical,
    equal_in_several_ways,
    from_wire,
    lands_binary,
    row_hash,
    row_image,
    travels_binary,
    type_sql,
    wire_type,
)
from crosswalk.express.image import Standing
from crosswalk.express.motion import LOSER, Motion
from crosswalk.express.parts import Fed, Reference, Wire
from crosswalk.names import Name, literal, quote

TWIN = "cw_twin"
NUMBER = '"cw$number"'
SPOILED = '"cw$spoiled"'
TWIN_ROW = '"cw$twin"'
WITHIN: Final = f' AND "cw$twin".{NUMBER} BETWEEN "cw$low" AND "cw$high" AND pg_catalog.setval("cw$mark", "cw$twin".{NUMBER}) > 0'
"""The stretch that two variables of a block name, each row marked as it is taken (see `apart`)."""
Span = tuple[int, int] | list[int] | Literal["within"] | None
"""Rows of the twin: a stretch (both ends in it), numbers, what a block's variables say, or all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """A column's value on the target side, and the joins that it needs."""

    value: str
    joins: tuple[str, ...] = ()
    found: str | None = None
    """For a reference: true where it was found or nothing was asked for."""


class Landing(Standing):
    """SQL of one motion on the target.

    `late` names tables that are not filled yet: a reference into one of them is left out of the merge, so
    that the column stays as it is (NULL in a new row) until a second passage resolves it.
    """

    def __init__(self, motion: Motion, *, late: frozenset[Name] = frozenset()) -> None:
        super().__init__(motion)
        self.fed = tuple(f for f in motion.fed if isinstance(f.via, Wire) or not late & set(f.via.parents()))
        self.twin = f"pg_temp.{quote(TWIN)}"

    # --- formats --------------------------------------------------------------------------------

    @property
    def can_land_directly(self) -> bool:
        """True where the extract's columns are the table's own: nothing to resolve, no key to remember."""
        return (
            bool(self.motion.fed)
            and all(isinstance(f.via, Wire) for f in self.motion.fed)
            and not self.motion.needs_key_map
        )

    @property
    def direct_form(self) -> str:
        """Format of a COPY straight into the table."""
        return "binary" if all(lands_binary(f.column.type) for f in self.motion.fed) else "text"

    @property
    def twin_form(self) -> str:
        """Format of a COPY into the twin."""
        wires = [wire_type(w.type) for w in (*self.motion.wires, *self.motion.key_wires)]
        return "binary" if all(travels_binary(w) for w in wires) else "text"

    @property
    def twin_columns(self) -> list[str]:
        """Columns of the twin that the keyed extract fills, in order."""
        return [w.name for w in (*self.motion.wires, *self.motion.key_wires)] + ["cw$loser"]

    @property
    def columns(self) -> list[str]:
        """The target's columns that are written, in order."""
        return [f.column.name for f in self.fed]

    @property
    def has_deferred(self) -> bool:
        """True where something about a row may be checked only at COMMIT."""
        return any(c.deferrable for c in self.table.constraints) or any(t.constraint for t in self.table.triggers)

    # --- the twin -------------------------------------------------------------------------------

    def make_twin(self) -> str:
        """CREATE the twin; it goes with the transaction."""
        columns = [f"{quote(w.name)} {type_sql(wire_type(w.type))}" for w in self.motion.wires]
        columns += [f"{quote(w.name)} {type_sql(wire_type(w.type))}" for w in self.motion.key_wires]
        columns.append(f"{LOSER} boolean NOT NULL DEFAULT false")
        columns.append(f"{NUMBER} bigint GENERATED ALWAYS AS IDENTITY")
        columns.append(f"{SPOILED} boolean NOT NULL DEFAULT false")
        return f"CREATE TEMPORARY TABLE {quote(TWIN)} ({', '.join(columns)}) ON COMMIT DROP"

    def drop_twin(self) -> str:
        return f"DROP TABLE IF EXISTS {self.twin}"

    # --- resolving ------------------------------------------------------------------------------

    def _resolve(self, fed: Fed, number: int, *, row: str) -> Resolved:
        if isinstance(fed.via, Wire):
            return Resolved(value=from_wire(f"{row}.{quote(fed.via.name)}", fed.column.type))
        value, joins = self._walk(fed.via, f"cw$p{number}", row)
        asked = f"{row}.{quote(next(iter(fed.via.wires())).name)}"
        return Resolved(value=value, joins=tuple(joins), found=f"({asked} IS NULL OR {value} IS NOT NULL)")

    def resolved_value(self, fed: Fed, *, row: str) -> Resolved:
        """A column's value in the target's own type, over a row of the twin, with the joins that it needs."""
        return self._resolve(fed, self.motion.fed.index(fed), row=row)

    def _walk(self, ref: Reference, prefix: str, row: str) -> tuple[str, list[str]]:
        alias = quote(prefix)
        joins: list[str] = []
        on = []
        for i, (column, part) in enumerate(ref.parts):
            if isinstance(part, Wire):
                on.append(f"{alias}.{quote(column)} = {from_wire(f'{row}.{quote(part.name)}', part.type)}")
            else:
                value, more = self._walk(part, f"{prefix}_{i}", row)
                joins += more
                on.append(f"{alias}.{quote(column)} = {value}")
        joins.append(f"LEFT JOIN {ref.parent.sql} AS {alias} ON {' AND '.join(on)}")
        return f"{alias}.{quote(ref.take)}", joins

    def _resolved(self, *, keyed: bool = False, where: str = "") -> str:
        """The twin's rows in the target's own types, references resolved."""
        row = '"cw$twin"'
        parts = [(f, self._resolve(f, i, row=row)) for i, f in enumerate(self.fed)]
        listed = [f"{r.value} AS {quote(f.column.name)}" for f, r in parts]
        joins = " ".join(j for _, r in parts for j in r.joins)
        if keyed:
            listed += [f"{row}.{quote(w.name)}" for w in self.motion.key_wires]
        listed.append(f"{row}.{NUMBER}")
        good = f"NOT {row}.{SPOILED} AND NOT {row}.{LOSER}{where}"
        return f"SELECT {', '.join(listed)} FROM {self.twin} AS {row} {joins} WHERE {good}"

    def mark_unresolved(self) -> str | None:
        """Spoil the twin's rows whose reference the target cannot resolve; returns their numbers. None: no references."""
        row = '"cw$twin"'
        parts = [self._resolve(f, i, row=row) for i, f in enumerate(self.fed)]
        if not any(p.found for p in parts):
            return None
        joins = " ".join(j for p in parts for j in p.joins)
        lost = " OR ".join(f"NOT {p.found}" for p in parts if p.found)
        inner = f"SELECT {row}.{NUMBER} FROM {self.twin} AS {row} {joins} WHERE NOT {row}.{LOSER} AND ({lost})"
        return f"UPDATE {self.twin} SET {SPOILED} = true WHERE {NUMBER} IN ({inner}) RETURNING {NUMBER}"

    # --- the merge ------------------------------------------------------------------------------

    def _range(self, span: Span) -> str:
        if span is None:
            return ""
        if span == "within":
            return WITHIN
        if isinstance(span, list):
            return f' AND "cw$twin".{NUMBER} IN ({", ".join(str(int(n)) for n in span)})'
        return f' AND "cw$twin".{NUMBER} BETWEEN {int(span[0])} AND {int(span[1])}'

    def on_key(self, left: str, right: str) -> str:
        """Two rows (by alias) have the same key."""
        key = self.motion.mapping.key
        return " AND ".join(f"{quote(left)}.{quote(k)} = {quote(right)}.{quote(k)}" for k in key)

    def resolved(self, numbers: Iterable[int] | None) -> str:
        """The twin's rows of the given numbers (None: all good ones) as they would stand in the table."""
        return self._resolved(where=self._range(None if numbers is None else list(numbers)))

    def update(self, span: Span = None) -> str | None:
        """UPDATE the rows that differ; None where every column belongs to the key.

        A column that is GENERATED ALWAYS AS IDENTITY takes no UPDATE: it stays what the INSERT made it.
        """
        key = self.motion.mapping.key
        rest = [f for f in self.fed if f.column.name not in key and f.column.identity != "always"]
        if not rest or not self.motion.mapping.key:
            return None
        sets = ", ".join(f'{quote(f.column.name)} = "cw$r".{quote(f.column.name)}' for f in rest)
        mine = row_image([canonical(f'"cw$t".{quote(f.column.name)}', f.column.type) for f in rest])
        theirs = row_image([canonical(f'"cw$r".{quote(f.column.name)}', f.column.type) for f in rest])
        return (
            f'UPDATE {self.table.name.sql} AS "cw$t" SET {sets} FROM ({self._resolved(where=self._range(span))}) AS "cw$r"'
            f" WHERE {self.on_key('cw$t', 'cw$r')} AND {mine} <> {theirs}"
        )

    def insert(self, span: Span = None, *, fresh: bool = False) -> str:
        """INSERT the rows whose key is missing; all of them where the table has no key, or is `fresh`.

        A fresh table was empty: an equal key can only be one that the target finds equal and the source does not
        (a collation that ignores case), and must be refused, not passed over.
        """
        listed = ", ".join(quote(c) for c in self.columns)
        selected = ", ".join(f'"cw$r".{quote(c)}' for c in self.columns)
        overriding = " OVERRIDING SYSTEM VALUE" if any(f.column.identity for f in self.fed) else ""
        missing = ""
        if self.motion.mapping.key and not fresh:
            on = self.on_key("cw$t", "cw$r")
            missing = f' WHERE NOT EXISTS (SELECT FROM {self.table.name.sql} AS "cw$t" WHERE {on})'
        return (
            f"INSERT INTO {self.table.name.sql} ({listed}){overriding} SELECT {selected}"
            f' FROM ({self._resolved(where=self._range(span))}) AS "cw$r"{missing} ORDER BY "cw$r".{NUMBER}'
        )

    def count_good(self, span: tuple[int, int] | None = None) -> str:
        """How many rows of a stretch of the twin are to be written."""
        return f'SELECT count(*) FROM {self.twin} AS "cw$twin" WHERE NOT {SPOILED} AND NOT {LOSER}{self._range(span)}'

    def count_twin(self) -> str:
        """(rows, losers, lowest number, highest number) of the twin."""
        return f"SELECT count(*), count(*) FILTER (WHERE {LOSER}), min({NUMBER}), max({NUMBER}) FROM {self.twin}"

    def spoil_all(self) -> str:
        """Spoil rows ($1: numbers); returns (number, source key as an array of texts)."""
        keys = ", ".join(f"{quote(w.name)}::text" for w in self.motion.key_wires)
        return f"UPDATE {self.twin} SET {SPOILED} = true WHERE {NUMBER} = ANY ($1::bigint[]) RETURNING {NUMBER}, ARRAY[{keys}]"

    def named(self, key: str) -> str:
        """(number, key) of rows ($1: numbers), where `key` is SQL over a row of the twin."""
        return f'SELECT {NUMBER}, {key} FROM {self.twin} AS {TWIN_ROW} WHERE {NUMBER} = ANY ($1::bigint[]) ORDER BY {NUMBER}'

    def index_twin(self) -> str:
        """Make rows quick to find by number: some have to be looked for one by one."""
        return f"CREATE INDEX IF NOT EXISTS cw_twin_number ON {self.twin} ({NUMBER})"

    def good_numbers(self) -> str:
        """Numbers of the rows that are to be written."""
        return f"SELECT {NUMBER} FROM {self.twin} WHERE NOT {SPOILED} AND NOT {LOSER} ORDER BY {NUMBER}"

    def spoil(self) -> str:
        """Spoil one row ($1: number); returns its source key as an array of texts."""
        keys = ", ".join(f"{quote(w.name)}::text" for w in self.motion.key_wires)
        return f"UPDATE {self.twin} SET {SPOILED} = true WHERE {NUMBER} = $1 RETURNING ARRAY[{keys}]"

    def spoiled_keys(self) -> str:
        """Source keys (arrays of texts) of the spoiled rows."""
        keys = ", ".join(f"{quote(w.name)}::text" for w in self.motion.key_wires)
        return f"SELECT ARRAY[{keys}] FROM {self.twin} WHERE {SPOILED} ORDER BY {NUMBER}"

    def span_key(self) -> str:
        """Source key (array of texts) of one row ($1: number)."""
        keys = ", ".join(f"{quote(w.name)}::text" for w in self.motion.key_wires)
        return f"SELECT ARRAY[{keys}] FROM {self.twin} WHERE {NUMBER} = $1"

    def yield_to_kept(self) -> str:
        """Make losers of the twin's rows whose key stood in the table before."""
        return (
            f'UPDATE {self.twin} AS "cw$twin" SET {LOSER} = true FROM crosswalk.kept AS k'
            f" WHERE k.target_table = {literal(str(self.motion.name))} AND k.target_key = {self.twin_key()}"
        )

    def forget_standing(self) -> str:
        """For a table without a key: DELETE the twin's rows that stand in the table already, each as often as it does."""
        columns = [f'"cw$twin".{quote(w.name)}' for w in self.motion.wires]
        image = row_hash([canonical(c, w.type) for c, w in zip(columns, self.motion.wires, strict=True)])
        return (
            f"DELETE FROM {self.twin} WHERE {NUMBER} IN (SELECT number FROM (SELECT {NUMBER} AS number, {image} AS hash,"
            f" pg_catalog.row_number() OVER (PARTITION BY {image} ORDER BY {NUMBER}) AS place"
            f' FROM {self.twin} AS "cw$twin" WHERE NOT {SPOILED}) AS mine'
            f" JOIN (SELECT {row_hash(self.image())} AS hash, count(*) AS times {self.standing(kept=False)} GROUP BY 1)"
            " AS standing USING (hash) WHERE place <= times)"
        )

    def twin_key(self) -> str:
        """The target key of a twin's row, in the form of `target_key`."""
        values = [
            f"({canonical(f'{chr(34)}cw$twin{chr(34)}.{quote(w.name)}', w.type)})::text"
            for f in self.motion.key_fed()
            for w in f.wires
        ]
        return f"jsonb_build_array({', '.join(values)})"

    def forget_absent(self) -> str:
        """Take the rows out of the twin that are not in the table: the second passage adds none."""
        there = f'SELECT FROM {self.table.name.sql} AS "cw$t" {self.joined_back()} WHERE {self._same_key(TWIN_ROW)}'
        return f"DELETE FROM {self.twin} AS {TWIN_ROW} WHERE NOT EXISTS ({there})"

    def target_keys(self) -> str:
        """Target keys (jsonb texts) of rows ($1: numbers), without those of rows that stood in the table before."""
        return (
            f'SELECT k::text AS k FROM (SELECT {self.twin_key()} AS k FROM {self.twin} AS "cw$twin"'
            f" WHERE {NUMBER} = ANY ($1::bigint[])) AS chosen WHERE NOT {self._was_there('k')}"
        )

    def _was_there(self, key: str) -> str:
        return (
            f"EXISTS (SELECT FROM crosswalk.kept AS was WHERE was.target_table = {literal(str(self.motion.name))}"
            f" AND was.target_key = {key})"
        )

    def missing(self) -> str:
        """How many rows of the twin are not in the table after the merge, though nothing refused them."""
        return (
            f'SELECT count(*) FROM ({self._resolved()}) AS "cw$r" WHERE NOT EXISTS'
            f' (SELECT FROM {self.table.name.sql} AS "cw$t" WHERE {self.on_key("cw$t", "cw$r")})'
        )

    def analyze_twin(self) -> str:
        return f"ANALYZE {self.twin}"

    # --- the key map ----------------------------------------------------------------------------

    def remember_keys(self) -> str:
        """Write (source key → target key) of the twin's rows, losers too, into the ledger's key map.

        A row that meets one which stood there before is not remembered: that one is not ours to rename or delete.
        """
        source = ", ".join(f'"cw$twin".{quote(w.name)}::text' for w in self.motion.key_wires)
        return (
            "INSERT INTO crosswalk.key_map AS m (target_table, source_key, target_key)"
            f" SELECT {literal(str(self.motion.name))}, jsonb_build_array({source}), {self.twin_key()}"
            f' FROM {self.twin} AS "cw$twin" WHERE NOT "cw$twin".{SPOILED} AND NOT {self._was_there(self.twin_key())}'
            " ON CONFLICT (target_table, source_key) DO UPDATE SET target_key = excluded.target_key"
            " WHERE m.target_key <> excluded.target_key"
        )

    # --- verification ---------------------------------------------------------------------------

    def differing(self) -> str:
        """(target key, names of the columns that differ, whether all differ in representation only) of twin and table.

        Judged column by column over the canonical image; a number, a float or a jsonb document that is equal by
        value counts as a difference of representation.
        """
        row = '"cw$twin"'
        numbers = self._numbered()
        strict_names, loose_names = [], []
        for fed in self.motion.fed:
            mine = self._back(fed, numbers[fed.column.name])
            theirs = [canonical(f"{row}.{quote(w.name)}", w.type) for w in fed.wires]
            strict = f"{row_image(mine)} <> {row_image(theirs)}"
            loose = strict
            if len(mine) == 1 and equal_in_several_ways(fed.column.type):
                loose = f"({mine[0]}) IS DISTINCT FROM ({theirs[0]})"
            strict_names.append(f"CASE WHEN {strict} THEN {literal(fed.column.name)} END")
            loose_names.append(f"CASE WHEN {loose} THEN {literal(fed.column.name)} END")
        # In one column each: a query has at most 1,664 of them.
        return (
            f"SELECT {self.target_key()}::text AS target_key,"
            f" array_remove(ARRAY[{', '.join(strict_names)}]::text[], NULL) AS columns,"
            f" array_remove(ARRAY[{', '.join(loose_names)}]::text[], NULL) = '{{}}' AS same_value"
            f" {self.standing(kept=False)} JOIN {self.twin} AS {row} ON NOT {row}.{LOSER} AND {self._same_key(row)}"
        )

    def _same_key(self, row: str) -> str:
        """Twin and table agree on the key: by column where the key travels as it is, else by its joined-back image."""
        fed = self.motion.key_fed()
        if all(isinstance(f.via, Wire) for f in fed):
            return " AND ".join(
                f'"cw$t".{quote(f.column.name)} = {from_wire(f"{row}.{quote(f.column.name)}", f.column.type)}'
                for f in fed
            )
        return f"{self.twin_key()} = {self.target_key()}"

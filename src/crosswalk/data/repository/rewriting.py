"""Legacy rows as statements on the new schema, by a compiled mapping. Pure.

Reading is an expression for each column. Writing a group of rows that give the same columns is one statement of steps:

    cw$given      the rows as they were given, numbered
    cw$sought     what the conflict key comes to in the target (where the key alone gives that)
    cw$standing   the target's row of each, locked, with what it gives for the columns that were left out
    cw$whole      whole legacy rows: what was given, else what stands, else the legacy default
    cw$mapped     the target's columns, and the first refusal that holds
    then UPDATE for what stands, INSERT for what is new, and neither where a row is refused

A new row that is completed yields to one that somebody else has made meanwhile: completed from defaults it must not go
over what stands there. It is then among neither the inserted nor the updated, and is to be written once more.

It answers one JSON object: `mapped` (place, found, refused, the target's key: one for each given row, more where several
target rows are found), `inserted` (the keys of new rows, in their order) and `updated` (place, and the key from now on).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from crosswalk.data.compiled.document import CompiledTable, Key, LegacyColumn
from crosswalk.data.repository.batch import Group
from crosswalk.data.repository.statements import Compared, Parameters, given
from crosswalk.data.repository.table import Column
from crosswalk.names import array_literal, quote, quote_list

PLACE: Final = '"cw$place"'
BLIND: Final = -1
"""What refuses a row that stands, where columns that cannot be read back would have to be given too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapped:
    """A legacy table upon the new schema: where its rows are read."""

    compiled: CompiledTable

    def relation(self) -> str:
        return " ".join([f"{self.compiled.name.sql} AS t", *(join.sql for join in self.compiled.joins)])

    def read(self, column: Column) -> str:
        return f"({self.compiled.columns[column.name].read})"

    def compared(self, column: Column, *, pattern: bool = False) -> Compared:
        told = self.compiled.columns[column.name].compare
        if told is None or (pattern and not told.patterns):
            return Compared(sql=self.read(column))
        return Compared(sql=f"({told.sql})", before=told.before, after=told.after)


@dataclass(frozen=True, slots=True, kw_only=True)
class Writing:
    """One group of legacy rows on its way into the target."""

    compiled: CompiledTable
    group: Group
    key: Key

    # --- what is written

    @property
    def names(self) -> frozenset[str]:
        return frozenset(column.name for column in self.group.columns)

    @property
    def sought(self) -> bool:
        """Whether a standing row can be looked for: every column of the key was given."""
        return self.names.issuperset(self.key.columns)

    @property
    def changed(self) -> tuple[str, ...]:
        """Target columns that a standing row gets anew."""
        settled = set(self.key.matched) if self.sought else set()
        return tuple(name for name in self.compiled.touched(self.names) if name not in settled)

    @property
    def inserted(self) -> tuple[str, ...]:
        """Target columns of a new row; the target makes what the legacy database would have made."""
        made = {name for name, column in self.compiled.columns.items() if column.generated and name not in self.names}
        return tuple(name for name, write in self.compiled.writes.items() if not made & set(write.reads))

    @property
    def blind(self) -> tuple[str, ...]:
        """Columns that cannot be read back and would have to be given too, were a row standing."""
        wanted = {each for name in self.changed for each in self.compiled.writes[name].blind}
        return tuple(sorted(wanted - self.names))

    @property
    def completed(self) -> frozenset[str]:
        """Columns that were not given, and of which something is made or judged that a standing row gets."""
        read = {each for name in self.changed for each in self.compiled.writes[name].reads}
        judged = {each for refusal in self.compiled.refusals if self.names & set(refusal.reads) for each in refusal.reads}
        return frozenset(read | judged) - self.names

    @property
    def yields(self) -> bool:
        """Whether a new row gives way to one that somebody else made meanwhile, to be completed from that."""
        return self.sought and self.key.arbiter is not None and bool(self.completed)

    @property
    def beside(self) -> bool:
        """Whether a row is completed from tables beside it. While a lock is waited for, these are those of the row before."""
        reads = [self.compiled.columns[name].read or "" for name in self.completed]
        return self.sought and any(quote(join.alias) in read for join in self.compiled.joins for read in reads)

    # --- the statement

    def lock(self, parameters: Parameters) -> str:
        """Only locks the rows that stand."""
        steps = f'"cw$given" AS MATERIALIZED ({self._given(parameters)}), "cw$sought" AS ({self._sought()})'
        return f"WITH {steps} SELECT FROM {self._place()} WHERE {' AND '.join(self._same())} FOR UPDATE OF t"

    def sql(self, parameters: Parameters) -> str:
        steps = [f'"cw$given" AS MATERIALIZED ({self._given(parameters)})']
        if self.sought:
            steps += [f'"cw$sought" AS ({self._sought()})', f'"cw$standing" AS MATERIALIZED ({self._standing()})']
        steps += [f'"cw$whole" AS ({self._whole()})', f'"cw$mapped" AS MATERIALIZED ({self._mapped()})']
        if self.sought and self.changed:
            steps.append(f'"cw$updated" AS ({self._update()})')
        steps.append(f'"cw$inserted" AS ({self._insert()})')
        return f"WITH {', '.join(steps)} SELECT json_build_object({self._answer()})::text"

    def _given(self, parameters: Parameters) -> str:
        names = quote_list([column.name for column in self.group.columns])
        return f"SELECT * FROM {given(self.group, parameters)} AS g ({names}, {PLACE})"

    def _sought(self) -> str:
        """The key's value in the target, from a row that has nothing but the key."""
        bare = ", ".join(
            f"g.{quote(name)}" if name in self.key.columns else f"NULL::{column.cast} AS {quote(name)}"
            for name, column in self.compiled.columns.items()
        )
        found = "".join(f", {self.compiled.writes[name].sql} AS {_key(name)}" for name in self.key.matched)
        own = "".join(f', "cw$row".{_own(name)}' for name in self.key.columns)
        kept = "".join(f", {quote(self.compiled.alias)}.{quote(name)} AS {_own(name)}" for name in self.key.columns)
        row = f'SELECT g.{PLACE}, {bare} FROM "cw$given" AS g'
        return f'SELECT "cw$row".{PLACE}{own}{found} FROM ({self._values(row, kept)}) AS "cw$row"'

    def _values(self, row: str, more: str) -> str:
        alias = quote(self.compiled.alias)
        worked = "".join(f", ({sql}) AS {quote(name)}" for name, sql in self.compiled.values.items())
        return f"SELECT {alias}.{PLACE}{more}{worked} FROM ({row}) AS {alias}"

    def _standing(self) -> str:
        read = "".join(
            f", ({column.read}) AS {quote(name)}" for name, column in self._left_out() if column.read is not None
        )
        keys = "".join(f", t.{quote(name)} AS {_target(name)}" for name in self.compiled.target_key)
        return f"SELECT s.{PLACE}{keys}{read} FROM {self._place()} WHERE {' AND '.join(self._same())} FOR UPDATE OF t"

    def _place(self) -> str:
        return f'"cw$sought" AS s CROSS JOIN {Mapped(compiled=self.compiled).relation()}'

    def _same(self) -> list[str]:
        if self.key.matched:
            return [self._equal(f"t.{quote(name)}", f"s.{_key(name)}") for name in self.key.matched]
        found = []
        for name in self.key.columns:
            column = self.compiled.columns[name]
            told = column.compare
            value = f"s.{_own(name)}"
            if told and not self.key.nulls_alike:
                found.append(f"({told.sql}) = {told.before}{value}{told.after}")
            else:
                found.append(self._equal(f"({column.read})", value))
        return found

    def _equal(self, one: str, other: str) -> str:
        """Spelled out for the sake of indexes: IS NOT DISTINCT FROM has none."""
        same = f"{one} = {other}"
        return f"({same} OR {one} IS NULL AND {other} IS NULL)" if self.key.nulls_alike else same

    def _left_out(self) -> list[tuple[str, LegacyColumn]]:
        return [(name, column) for name, column in self.compiled.columns.items() if name not in self.names]

    def _whole(self) -> str:
        parts = [f"g.{quote(name)}" if name in self.names else self._completed(name) for name in self.compiled.columns]
        keys = [f"s.{_target(name)}" for name in self.compiled.target_key] if self.sought else []
        found = f"s.{PLACE} IS NOT NULL" if self.sought else "false"
        standing = f' LEFT JOIN "cw$standing" AS s ON s.{PLACE} = g.{PLACE}' if self.sought else ""
        told = ", ".join([*parts, *keys])
        return f'SELECT g.{PLACE}, {found} AS "cw$found", {told} FROM "cw$given" AS g{standing}'

    def _completed(self, name: str) -> str:
        column = self.compiled.columns[name]
        default = f"({column.default})::{column.cast}" if column.default is not None else f"NULL::{column.cast}"
        if not self.sought or column.read is None:
            return f"{default} AS {quote(name)}"
        return f"CASE WHEN s.{PLACE} IS NULL THEN {default} ELSE s.{quote(name)} END AS {quote(name)}"

    def _mapped(self) -> str:
        """The fence (OFFSET 0) lets each value be computed once, and not at every mention."""
        alias = quote(self.compiled.alias)
        kept = [_target(name) for name in self.compiled.target_key] if self.sought else []
        more = "".join(f", {alias}.{each}" for each in ['"cw$found"', *kept])
        written = dict.fromkeys([*self.inserted, *self.changed])
        columns = "".join(f", {self._made(name)} AS {quote(name)}" for name in written)
        keys = "".join(f', "cw$row".{each}' for each in kept)
        return (
            f'SELECT "cw$row".{PLACE}, "cw$row"."cw$found"{keys}, {self._refused()} AS "cw$refused"{columns}'
            f' FROM ({self._values("SELECT * FROM " + quote("cw$whole"), more)} OFFSET 0) AS "cw$row"'
        )

    def _made(self, name: str) -> str:
        """A document that goes into a standing row has the members that were given, and no others."""
        write = self.compiled.writes[name]
        cut = "".join(f" #- {array_literal(path)}" for column, path in write.members.items() if column not in self.names)
        return f'CASE WHEN "cw$row"."cw$found" THEN ({write.sql}){cut} ELSE {write.sql} END' if cut else write.sql

    def _refused(self) -> str:
        arms = [f'WHEN "cw$row"."cw$found" THEN {BLIND}'] if self.blind else []
        for number, refusal in enumerate(self.compiled.refusals):
            fresh = "" if not refusal.reads or self.names & set(refusal.reads) else 'NOT "cw$row"."cw$found" AND '
            arms.append(f"WHEN {fresh}({refusal.sql}) THEN {number}")
        return f"CASE {' '.join(arms)} END" if arms else "NULL::int"

    def _sound(self) -> str:
        """No row is refused, and none has several places to go to."""
        return _UNREFUSED if self.key.arbiter else f"{_UNREFUSED} AND {_SINGLE}"

    def _update(self) -> str:
        same = " AND ".join(f"t.{quote(name)} = excluded.{_target(name)}" for name in self.compiled.target_key)
        return (
            f'UPDATE {self.compiled.name.sql} AS t SET {self._settings()} FROM "cw$mapped" AS excluded'
            f' WHERE excluded."cw$found" AND {same} AND {self._sound()}'
            f" RETURNING excluded.{PLACE}, {quote_list(self.compiled.target_key, prefix='t.')}"
        )

    def _settings(self) -> str:
        told = []
        for name in self.changed or tuple(self.key.arbiter or ()):
            merge = self.compiled.writes[name].merge if name in self.compiled.writes else None
            told.append(f"{quote(name)} = {merge or 'excluded.' + quote(name)}")
        return ", ".join(told)

    def _insert(self) -> str:
        always = any(self.compiled.target_columns[name].identity == "always" for name in self.inserted)
        conflict = ""
        if self.key.arbiter and set(self.key.arbiter) <= set(self.inserted):
            conflict = f" ON CONFLICT ({quote_list(self.key.arbiter)}) DO UPDATE SET {self._settings()}"
            conflict += " WHERE false" if self.yields else ""
        return (
            f"INSERT INTO {self.compiled.name.sql} AS t ({quote_list(self.inserted)})"
            f"{' OVERRIDING SYSTEM VALUE' if always else ''} SELECT {quote_list(self.inserted)} FROM \"cw$mapped\" AS m"
            f' WHERE NOT m."cw$found" AND {self._sound()} ORDER BY m.{PLACE}{conflict}'
            f" RETURNING {quote_list(self.compiled.target_key, prefix='t.')}"
        )

    def _answer(self) -> str:
        found = [_target(name) for name in self.compiled.target_key] if self.sought else []
        keys = ", ".join(f"m.{each}" for each in found)
        place = f"json_build_array(m.{PLACE}, m.\"cw$found\", m.\"cw$refused\", json_build_array({keys})) ORDER BY m.{PLACE}"
        mapped = f'(SELECT json_agg({place}) FROM "cw$mapped" AS m)'
        fresh = f"json_build_array({quote_list(self.compiled.target_key, prefix='i.')})"
        inserted = f"(SELECT coalesce(json_agg({fresh}), '[]') FROM \"cw$inserted\" AS i)"
        return f"'mapped', {mapped}, 'inserted', {inserted}, 'updated', {self._moved()}"

    def _moved(self) -> str:
        """Rows that were updated, and the keys that they have now."""
        if not (self.sought and self.changed):
            return "'[]'::json"
        now = f"json_build_array(u.{PLACE}, json_build_array({quote_list(self.compiled.target_key, prefix='u.')}))"
        return f"(SELECT coalesce(json_agg({now}), '[]') FROM \"cw$updated\" AS u)"

    def back(self, parameters: Parameters, columns: tuple[Column, ...], keys: str) -> str:
        """One column: the rows of these target keys as JSON, in their order."""
        place = Mapped(compiled=self.compiled)
        typed = ", ".join(
            f"{quote(name)} {self.compiled.target_columns[name].type}" for name in self.compiled.target_key
        )
        same = " AND ".join(f"t.{quote(name)} = k.{quote(name)}" for name in self.compiled.target_key)
        chosen = ", ".join(f"{place.read(column)} AS {quote(column.name)}" for column in columns)
        listed = f"ROWS FROM (json_to_recordset({parameters.add(keys, 'json')}) AS ({typed})) WITH ORDINALITY"
        names = quote_list(self.compiled.target_key)
        return (
            f'SELECT row_to_json("cw$read")::text FROM (SELECT {chosen} FROM {listed} AS k ({names}, {PLACE})'
            f" CROSS JOIN {place.relation()} WHERE {same} ORDER BY k.{PLACE}) AS \"cw$read\""
        )


_UNREFUSED: Final = 'NOT EXISTS (SELECT FROM "cw$mapped" AS r WHERE r."cw$refused" IS NOT NULL)'
_SINGLE: Final = f'NOT EXISTS (SELECT FROM "cw$mapped" AS r GROUP BY r.{PLACE} HAVING count(*) > 1)'


def _key(name: str) -> str:
    return quote(f"cw$m${name}")


def _own(name: str) -> str:
    return quote(f"cw$o${name}")


def _target(name: str) -> str:
    return quote(f"cw$t${name}")

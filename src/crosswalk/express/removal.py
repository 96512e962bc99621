"""Rows that leave the target: DELETE by key, and the rows that must go because what they refer to is missing.

A foreign key with CASCADE, SET NULL or SET DEFAULT would take or change rows that are not ours (a
preserved table's, say) without a word. `delete` therefore leaves a row where it is that any other row
refers to, whatever its foreign keys would do; the caller sees by the keys returned which rows went.

`Doomed` finds rows that refer to nothing and, to a fixed point, the rows that refer to those. They wait
in a temporary table and are deleted children first, so that no foreign key finds anything to act upon.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from crosswalk.express.facts import Facts
from crosswalk.express.load import Landing
from crosswalk.express.motion import Motion
from crosswalk.express.parts import Reference
from crosswalk.names import Name, literal, quote
from crosswalk.schema import Constraint, Schema

DOOMED: Final = 'pg_temp."cw_doomed"'
SEED: Final = -1
"""The number of rows that are in for no edge's sake."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """Rows of a table refer to rows of another (a partition stands for its root)."""

    name: str
    table: Name
    columns: tuple[str, ...]
    parent: Name
    referenced: tuple[str, ...]
    full: bool = False
    """MATCH FULL: a row that gives some columns and not all violates it."""

    @staticmethod
    def of(schema: Schema, table: Name, key: Constraint) -> Edge:
        """A foreign key's."""
        assert key.references is not None
        return Edge(
            name=key.name,
            table=_root(schema, table),
            columns=key.columns,
            parent=_root(schema, key.references),
            referenced=key.referenced_columns,
            full="MATCH FULL" in key.definition,
        )

    def on(self, child: str, parent: str) -> str:
        """A row of the table (by alias) refers to one of the parent."""
        pairs = zip(self.columns, self.referenced, strict=True)
        return " AND ".join(f"{quote(child)}.{quote(ours)} = {quote(parent)}.{quote(theirs)}" for ours, theirs in pairs)

    def given(self, child: str) -> str:
        """A row of the table refers to something (MATCH SIMPLE: a NULL refers to nothing and violates nothing)."""
        word = " OR " if self.full else " AND "
        return "(" + word.join(f"{quote(child)}.{quote(c)} IS NOT NULL" for c in self.columns) + ")"


def _root(schema: Schema, name: Name) -> Name:
    table = schema.tables.get(name)
    while table is not None and table.partition_of is not None:
        name, table = table.partition_of, schema.tables.get(table.partition_of)
    return name


def foreign_edges(facts: Facts) -> Iterator[Edge]:
    """Every foreign key of the target that is enforced."""
    for table in facts.target.tables.values():
        for key in table.foreign_keys:
            if key.references is not None and not key.inherited:
                yield Edge.of(facts.target, table.name, key)


def reference_edges(facts: Facts) -> Iterator[Edge]:
    """Every column that holds an id which the target made, with or without a foreign key."""
    for name in facts.document.by_target:
        for fed in Motion(facts, name).fed:
            if isinstance(fed.via, Reference):
                yield Edge(
                    name=fed.column.name,
                    table=name,
                    columns=(fed.column.name,),
                    parent=fed.via.parent,
                    referenced=(fed.via.take,),
                )


# --- rows by key --------------------------------------------------------------------------------


def delete(landing: Landing) -> str:
    """DELETE the rows of the given target keys ($1: jsonb texts); returns the keys of those that went.

    Only rows that nobody refers to. As many rows of a key go as there are equal texts: a table may be without a key,
    or have yet to get it.
    """
    key = landing.target_key()
    numbered = (
        f'SELECT "cw$t".ctid AS place, "cw$t".tableoid AS part, {key} AS key,'
        f" pg_catalog.row_number() OVER (PARTITION BY {key}) AS number"
        f" {landing.standing(kept=False)} WHERE {key} = ANY ($1::text[]::jsonb[])"
    )
    chosen = (
        f"SELECT place, part, key FROM ({numbered}) AS mine JOIN (SELECT k::jsonb AS key, count(*) AS times"
        " FROM unnest($1::text[]) AS k GROUP BY 1) AS wanted USING (key) WHERE number <= times"
    )
    free = "".join(f" AND NOT EXISTS ({child})" for child in _referring(landing))
    return (
        f'DELETE FROM {landing.table.name.sql} AS "cw$d" USING ({chosen}) AS gone'
        f' WHERE "cw$d".ctid = gone.place AND "cw$d".tableoid = gone.part{free} RETURNING gone.key::text AS k'
    )


def _referring(landing: Landing) -> Iterator[str]:
    """A subquery for each foreign key into the table: the rows that refer to `cw$d` (others than itself)."""
    for edge in foreign_edges(landing.motion.facts):
        if edge.parent == landing.table.name:
            other = ""
            if edge.table == edge.parent:
                other = ' AND ("cw$c".tableoid, "cw$c".ctid) <> ("cw$d".tableoid, "cw$d".ctid)'
            yield f'SELECT FROM {edge.table.sql} AS "cw$c" WHERE {edge.on("cw$c", "cw$d")}{other}'


# --- rows that refer to what is missing ---------------------------------------------------------


class Doomed:
    """SQL over the temporary table of rows that are to go; `number` tells by which edge a row came into it."""

    make: Final = (
        'CREATE TEMPORARY TABLE "cw_doomed" (target_table text, part oid, place tid, key jsonb, number int,'
        " PRIMARY KEY (target_table, part, place)) ON COMMIT DROP"
    )

    @staticmethod
    def _put(landing: Landing, number: int, where: str) -> str:
        return (
            f'INSERT INTO {DOOMED} SELECT {literal(str(landing.table.name))}, "cw$t".tableoid, "cw$t".ctid,'
            f" {landing.target_key()}, {number} {landing.standing(kept=False)} WHERE {where} ON CONFLICT DO NOTHING"
        )

    @staticmethod
    def _meets(edge: Edge, child: str) -> str:
        return (
            f'EXISTS (SELECT FROM {edge.parent.sql} AS "cw$o" JOIN {DOOMED} AS "cw$g"'
            f' ON "cw$g".place = "cw$o".ctid AND "cw$g".part = "cw$o".tableoid'
            f' AND "cw$g".target_table = {literal(str(edge.parent))} WHERE {edge.on(child, "cw$o")})'
        )

    @classmethod
    def without_parent(cls, landing: Landing, edge: Edge, number: int) -> str:
        """Put the rows in that refer to nothing."""
        parent = f'SELECT FROM {edge.parent.sql} AS "cw$o" WHERE {edge.on("cw$t", "cw$o")}'
        return cls._put(landing, number, f"{edge.given('cw$t')} AND NOT EXISTS ({parent})")

    @classmethod
    def chosen(cls, landing: Landing) -> str:
        """Put rows in by their target keys ($1: jsonb texts); they have a reason already."""
        return cls._put(landing, SEED, f"{landing.target_key()} = ANY ($1::text[]::jsonb[])")

    @classmethod
    def following(cls, landing: Landing, edge: Edge, number: int) -> str:
        """Put the rows in that refer to a row which is in."""
        return cls._put(landing, number, cls._meets(edge, "cw$t"))

    @classmethod
    def foreign(cls, edge: Edge) -> str:
        """How many rows of a table that is not mapped refer to a row which is in."""
        return f'SELECT count(*) FROM {edge.table.sql} AS "cw$c" WHERE {cls._meets(edge, "cw$c")}'

    @staticmethod
    def rows() -> str:
        """(key as text, number, whether it stood there before) of each row of a table ($1) that is in."""
        kept = "SELECT FROM crosswalk.kept AS k WHERE k.target_table = d.target_table AND k.target_key = d.key"
        return f"SELECT key::text AS k, number, EXISTS ({kept}) AS kept FROM {DOOMED} AS d WHERE target_table = $1"

    @staticmethod
    def remove(table: Name) -> str:
        """DELETE the rows of a table that are in."""
        return (
            f'DELETE FROM {table.sql} AS "cw$d" USING {DOOMED} AS g WHERE g.target_table = {literal(str(table))}'
            ' AND "cw$d".ctid = g.place AND "cw$d".tableoid = g.part'
        )

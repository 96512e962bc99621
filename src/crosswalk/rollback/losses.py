"""What of others a rollback would lose: rows that came since, what they changed, and rows that refer to what goes.

Each is refused with table and numbers, unless it was allowed by name. Reads only; the caller holds the locks.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from crosswalk.connect import Session
from crosswalk.errors import LaterChangesLost, LaterRowsLost, ReferringRowsLost, StillUsed
from crosswalk.express.removal import Edge
from crosswalk.fingerprint import portrait_of
from crosswalk.ledger import landed
from crosswalk.ledger.census import counts
from crosswalk.ledger.former import Claim, count_new, places_of_new
from crosswalk.ledger.landed import Landed, Look, Unrest
from crosswalk.names import Name, literal
from crosswalk.numerals import plural
from crosswalk.schema import RelationKind, Schema, Table

_ON_DELETE: Final = re.compile(r"ON DELETE (CASCADE|SET NULL|SET DEFAULT)")
_BY_HAND: Final = "Delete those rows of {table}, or let them refer to others: the key itself forbids that their parent goes."
_OR_ALLOW: Final = (
    "Let those rows of {table} refer to others, or add --allow loses-referring-rows: the key says ON DELETE {action},"
    " and that is what happens to them."
)


ROWS: Final = frozenset({RelationKind.TABLE, RelationKind.PARTITIONED})


class Loss(StrEnum):
    """What somebody must have allowed by name (`--allow NAME`)."""

    LATER_ROWS = "loses-later-rows"
    """Rows that came into our tables after we had filled them."""
    CHANGED_ROWS = "loses-later-changes"
    """What others changed in rows that we had moved, or in the form of tables that we had made."""
    REFERRING_ROWS = "loses-referring-rows"
    """Rows of other tables that refer to rows of ours: their key's ON DELETE acts on them."""
    LATER_CHANGES = "keeps-later-changes"
    """What others changed in tables and rows since stays, though the target then is not exactly what it was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Going:
    """What a rollback takes away."""

    schema: Schema
    """The target as it is."""
    claims: dict[Name, Claim]
    landed: dict[Name, Landed]
    """How the tables were when they were last written by us."""
    created: frozenset[Name]
    """Tables that stand and are dropped with all of their rows."""

    @property
    def dropped(self) -> list[Name]:
        """Tables with rows of their own among the created; a partition's are its root's."""
        found = (self.schema.tables[name] for name in sorted(self.created))
        return [table.name for table in found if table.kind in ROWS and table.partition_of is None]

    @property
    def emptied(self) -> list[Claim]:
        """Tables that stay, and lose rows."""
        return [c for name, c in sorted(self.claims.items()) if name not in self.created and name in self.schema.tables]


def relations(schema: Schema, table: Name) -> Iterator[Table]:
    """A table and its partitions, all the way down."""
    yield schema.tables[table]
    for part in schema.partitions(table):
        yield from relations(schema, part.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A foreign key with what it does when its parent goes."""

    edge: Edge
    action: str
    """CASCADE, SET NULL, SET DEFAULT; empty where it forbids it."""


def keys(schema: Schema) -> Iterator[Key]:
    """Every foreign key of the target."""
    for table in schema.tables.values():
        for key in table.foreign_keys:
            if key.references is not None and not key.inherited:
                action = _ON_DELETE.search(key.definition)
                yield Key(edge=Edge.of(schema, table.name, key), action=action.group(1) if action else "")


async def refuse_losses(session: Session, going: Going, allow: Collection[Loss]) -> list[str]:
    """Raises LaterRowsLost, LaterChangesLost, StillUsed, ReferringRowsLost; returns what cannot be known, and what is
    lost because it was allowed."""
    lost = []
    if Loss.LATER_ROWS not in allow:
        await _refuse_later_rows(session, going)
    looks = await landed.look(session, going.claims, _comparable(going))
    changes = list(_later_changes(going, looks))
    if changes and Loss.CHANGED_ROWS not in allow:
        raise LaterChangesLost(what="; ".join(changes))
    lost += changes
    lost += _unknown(going, looks)
    for key in keys(going.schema):
        if key.edge.parent in going.created and key.edge.table not in going.created:
            raise StillUsed(user=f"the foreign key {key.edge.name} of {key.edge.table}", table=key.edge.parent)
        rows = await _referring(session, going, key)
        if not rows:
            continue
        if not key.action or Loss.REFERRING_ROWS not in allow:
            raise _refused(going, key, rows)
        lost.append(f"{plural(rows, 'row')} of {key.edge.table} referred by {key.edge.name} to rows that went: {key.action}")
    return lost


def _missing(going: Going, was: Landed) -> list[str]:
    """Columns that there were when we last wrote."""
    return [c for c in was.columns if going.schema.tables[was.target].column(c) is None]


def _comparable(going: Going) -> dict[Name, Landed]:
    """Our last word on tables that still have every column."""
    noted = {name: going.landed[name] for name in _ours(going) if name in going.landed and name in going.claims}
    return {name: was for name, was in noted.items() if not _missing(going, was)}


def _later_changes(going: Going, looks: Mapping[Name, Look]) -> Iterator[str]:
    """What others changed since our last word on a table."""
    for name in _ours(going):
        was = going.landed.get(name)
        if was is None or name not in going.claims:
            continue
        if name in going.created:
            yield from _altered(going.schema, was)
        if name not in looks:
            missing = ", ".join(_missing(going, was))
            yield f"the columns {missing} of {name} were dropped or renamed after rows had been moved into them"
        elif looks[name].unrest in {Unrest.FED, Unrest.CHANGED}:
            yield f"changed after they had been moved: {plural(looks[name].rows, 'row')} of {name}"
        elif was.disturbed:
            yield (
                f"rows of {name} were changed after they had been moved (in a copy that was restored elsewhere: perhaps),"
                " and before a later run or repair wrote there again"
            )


def _altered(schema: Schema, was: Landed) -> Iterator[str]:
    """A table that is dropped takes along what others made of it."""
    now = portrait_of(schema, was.target)
    aspects = sorted(a for a in {*was.form, *now} if was.form.get(a) != now.get(a))
    if aspects:
        yield f"{was.target}, which the run had made, was altered since ({', '.join(aspects)})"


def _unknown(going: Going, looks: Mapping[Name, Look]) -> Iterator[str]:
    for name in _ours(going):
        was = going.landed.get(name)
        if name not in going.claims:
            continue
        if was is None or was.rows is None:
            why = "for no run or repair there came to its end"
        elif name in looks and looks[name].unrest is Unrest.UNKNOWN:
            why = "for this is a copy that was restored elsewhere, where nobody can tell when a row was written"
        else:
            continue
        yield f"{name}: rows are counted only, {why}: changes that others made in moved rows went unnoticed"


def _ours(going: Going) -> list[Name]:
    return sorted({*going.dropped, *(claim.target for claim in going.emptied)})


async def _refuse_later_rows(session: Session, going: Going) -> None:
    names = _ours(going)
    rows = await counts(session, (n for n in names if n not in going.claims or going.claims[n].was_empty))
    for name in names:
        known = going.claims[name].known if name in going.claims else 0
        now = rows[name] if name in rows else await count_new(session, going.claims[name])
        if now > known:
            raise LaterRowsLost(table=name, rows=now, known=known, lost=now - known)


def _refused(going: Going, key: Key, rows: int) -> ReferringRowsLost:
    text = _OR_ALLOW if key.action else _BY_HAND
    further = [name for name in reached(going.schema, key.edge.table) if name not in going.claims]
    if key.action == "CASCADE" and further:
        text += f" Then follow rows that refer to those in turn, of {', '.join(map(str, further))}."
    return ReferringRowsLost(
        rows=rows,
        table=key.edge.table,
        key=key.edge.name,
        parent=key.edge.parent,
        advice=text.format(table=key.edge.table, action=key.action),
    )


def reached(schema: Schema, table: Name) -> list[Name]:
    """Tables whose rows go or change when rows of a table go, by ON DELETE alone; without the table itself."""
    found, known = [table], {table}
    for name in found:
        for key in keys(schema):
            if key.edge.parent == name and key.action and key.edge.table not in known:
                known.add(key.edge.table)
                if key.action == "CASCADE":
                    found.append(key.edge.table)
    return sorted(known - {table})


async def _referring(session: Session, going: Going, key: Key) -> int:
    """Rows that stay and refer to rows that go."""
    parent, child = going.claims.get(key.edge.parent), going.claims.get(key.edge.table)
    if parent is None or key.edge.parent in going.created or key.edge.table in going.created:
        return 0
    if child is not None and child.was_empty:
        return 0
    doomed = "" if parent.was_empty else f' AND ("cw$o".tableoid, "cw$o".ctid) IN ({places_of_new(parent)})'
    staying = ""
    if child is not None:
        # What a run overwrote becomes what it was, and then refers to what it referred to.
        name = literal(str(child.target))
        staying = (
            f' AND ("cw$c".tableoid, "cw$c".ctid) IN (SELECT s.part, s.place FROM ({child.standing}) AS s'
            f" JOIN crosswalk.kept AS k ON k.target_table = {name} AND k.target_key = s.key WHERE NOT EXISTS"
            f" (SELECT FROM crosswalk.row_before AS b WHERE b.target_table = {name} AND b.target_key = s.key))"
        )
    sql = (
        f'SELECT count(*) FROM {key.edge.table.sql} AS "cw$c" WHERE EXISTS (SELECT FROM {key.edge.parent.sql} AS "cw$o"'
        f" WHERE {key.edge.on('cw$c', 'cw$o')}{doomed}){staying}"
    )
    return int(await session.fetchval(sql, what=f"the rows of {key.edge.table}"))


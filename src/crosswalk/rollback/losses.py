"""What of others a rollback would lose: rows that came since, and rows that refer to what goes.

Each is refused with table and numbers, unless it was allowed by name. Reads only; the caller holds the locks.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from crosswalk.connect import Session
from crosswalk.errors import LaterRowsLost, ReferringRowsLost, StillUsed
from crosswalk.express.removal import Edge
from crosswalk.ledger.former import Claim, count_new, places_of_new
from crosswalk.names import Name, literal
from crosswalk.schema import RelationKind, Schema

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
    """Raises LaterRowsLost, StillUsed, ReferringRowsLost; returns what is lost because it was allowed."""
    lost = []
    if Loss.LATER_ROWS not in allow:
        await _refuse_later_rows(session, going)
    for key in keys(going.schema):
        if key.edge.parent in going.created and key.edge.table not in going.created:
            raise StillUsed(user=f"the foreign key {key.edge.name} of {key.edge.table}", table=key.edge.parent)
        rows = await _referring(session, going, key)
        if not rows:
            continue
        if not key.action or Loss.REFERRING_ROWS not in allow:
            raise _refused(key, rows)
        lost.append(f"{rows} rows of {key.edge.table} referred by {key.edge.name} to rows that went: {key.action}")
    return lost


async def _refuse_later_rows(session: Session, going: Going) -> None:
    for name in sorted({*going.dropped, *(c.target for c in going.emptied)}):
        claimed = going.claims.get(name)
        if claimed is None:
            rows, known = int(await session.fetchval(f"SELECT count(*) FROM {name.sql}", what=f"the rows of {name}")), 0
        else:
            rows, known = await count_new(session, claimed), claimed.known
        if rows > known:
            raise LaterRowsLost(table=name, rows=rows, known=known, lost=rows - known)


def _refused(key: Key, rows: int) -> ReferringRowsLost:
    text = _OR_ALLOW if key.action else _BY_HAND
    return ReferringRowsLost(
        rows=rows,
        table=key.edge.table,
        key=key.edge.name,
        parent=key.edge.parent,
        advice=text.format(table=key.edge.table, action=key.action),
    )


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


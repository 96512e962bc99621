"""Rows of the catalog queries become what stands beside tables: schemas, functions, collations, needs. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from crosswalk.catalog.typebook import Row, owned
from crosswalk.names import Name
from crosswalk.schema import Available, Collation, Function, Given, Namespace, Need, Thing


def function(row: Row) -> Function:
    """A row of `functions.sql`."""
    return Function(
        name=Name(row["schema"], row["name"]), arguments=row["arguments"],
        definition=row["definition"], kind=row["kind"], security_definer=row["security_definer"],
        signature=row["signature"], **owned(row),
    )


def collation(row: Row) -> Collation:
    """A row of `collations.sql`."""
    return Collation(
        name=Name(row["schema"], row["name"]), definition=row["definition"], since=row["since"], **owned(row)
    )


def namespace(row: Row) -> Namespace:
    """A row of `namespaces.sql`."""
    return Namespace(name=row["name"], may_create=row["may_create"], **owned(row))


def needs(rows: Iterable[Row]) -> tuple[Need, ...]:
    """All rows of `needs.sql`, in one order for one schema."""
    return tuple(sorted(map(_need, rows), key=lambda n: (n.thing, n.part, n.on)))


def _need(row: Row) -> Need:
    return Need(
        thing=Thing(kind=row["kind"], name=Name(row["schema"], row["name"]), arguments=row["arguments"]),
        part=row["part"],
        on=Thing(kind=row["on_kind"], name=Name(row["on_schema"], row["on_name"]), arguments=row["on_arguments"]),
    )


def available(row: Row) -> Available:
    """A row of `available.sql`."""
    return Available(name=row["name"], trusted=row["trusted"], requires=tuple(filter(None, (row["requires"] or "").split(","))))


def given(row: Row) -> Given:
    """A row of `given.sql`."""
    return Given(schema=row["schema"], kind=row["kind"], acl=tuple(row["acl"]))

"""The first act: what a script does that copies tables by equal column names."""

from __future__ import annotations

from dataclasses import dataclass

from crosswalk.errors import CrosswalkError
from crosswalk.mapping import Document
from crosswalk.names import quote_list
from crosswalk.relay import relay
from crosswalk.schema import Schema
from crosswalk.survey import Servers, both, read_both


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One table copied by equal names."""

    table: str
    rows: int
    """Rows that should have been copied."""
    moved: int
    lacks: str
    """The first column that the target does not have; empty where the copy went through."""
    error: str


async def copy_by_names(document: Document, servers: Servers) -> list[Attempt]:
    """Try every mapped table; a table that fails is reported and the next one tried."""
    async with both(servers, purpose="naive copy") as (source, target):
        old, new = await read_both(source, target)
        attempts = []
        for mapping in document.by_target.values():
            name = mapping.source
            table = old.tables[name]
            rows = int(await source.fetchval(f"SELECT count(*) FROM {name.sql}"))
            columns = list(table.column_names)
            moved, error = 0, ""
            try:
                landed = await relay(
                    source,
                    f"SELECT {quote_list(columns)} FROM {name.sql}",
                    target,
                    name.relation,
                    columns,
                    schema=name.schema,
                    what=f"the copy of {name}",
                )
                moved = landed.rows
            except CrosswalkError as failed:
                error = str(failed.fields.get("reason", failed))
            attempts.append(
                Attempt(
                    table=name.relation, rows=rows, moved=moved, lacks=_lacking(new, table.name, columns), error=error
                )
            )
    return attempts


def _lacking(new: Schema, name: object, columns: list[str]) -> str:
    found = next((t for n, t in new.tables.items() if n == name), None)
    return next((c for c in columns if found is None or found.column(c) is None), "")

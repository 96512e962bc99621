"""Loads the salon: its legacy database with seeded data, and its new database with the live WhatsApp rows.

Everything is made on the server, by the `.sql` files beside this module; a row is a function of its number, so two
loads are equal to the byte on any PostgreSQL from 14 on. Works as a plain owner of an empty database. Never deletes
anything: a database that already has the tables is an error of the server.

`default` holds one salon and 1,490 rows; `traps` is `default` with two more salons, the other legacy tables and the
rarer traps. TRAPS lists every trap by name (docs/salon.md, section 7).
"""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal, TypeAlias, get_args

import asyncpg

from .traps import TRAPS, Trap

__all__ = ["MONTH", "TRAPS", "Dataset", "Sizes", "Trap", "load_source", "load_target", "main"]

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
Dataset = Literal["default", "traps"]

HERE = Path(__file__).parent
MONTH = "2026-01"  # of the first partition of messages, and of the clock that the data stands at
SMALLEST, LARGEST = 100, 90_000_000  # clients: the trap bookings need 66 of them, a phone has eleven digits


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """Rows by table of the data set `default`."""

    companies: int
    clients: int
    services: int
    staff: int
    staff_schedules: int
    bookings: int
    dialog_contexts: int

    @classmethod
    def of(cls, clients: int) -> "Sizes":
        """The sizes that go with so many clients. Tables never shrink below the salon's own: the traps live there.

        Schedules, bookings and contexts grow as the clients do, staff with their square root, services with their
        cube root. Raises ValueError outside 100 to 90 million.
        """
        if not SMALLEST <= clients <= LARGEST:
            raise ValueError(f"rows: {clients} clients asked for, {SMALLEST} to {LARGEST:,} can be made")
        growth = max(1.0, clients / 1304)
        return cls(
            companies=1,
            clients=clients,
            services=round(63 * growth ** (1 / 3)),
            staff=round(12 * growth**0.5),
            staff_schedules=round(44 * growth),
            bookings=round(45 * growth),
            dialog_contexts=round(21 * growth),
        )

    def by_table(self) -> dict[str, int]:
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @property
    def total(self) -> int:
        return sum(self.by_table().values())


async def load_source(conn: Connection, *, dataset: Dataset = "default", rows: int | None = None) -> Sizes:
    """Makes the legacy tables and fills them, in one transaction; returns what `default` holds of each.

    `rows` is the number of clients (1,304 where none is given). Raises ValueError for rows that cannot be made, and
    the server's errors as they come (asyncpg.PostgresError).
    """
    _known(dataset)
    sizes = Sizes.of(1304 if rows is None else rows)
    files = ["legacy.sql", "data_default.sql"]
    if dataset == "traps":
        files += ["legacy_other.sql", "data_traps.sql"]
    settings = {"rows" if name == "clients" else name: str(count) for name, count in sizes.by_table().items()}
    await _run(conn, files, settings)
    return sizes


async def load_target(conn: Connection, *, dataset: Dataset = "default", month: str = MONTH) -> None:
    """Makes the new tables and fills whatsapp_auth (1 row) and whatsapp_keys (1,127), in one transaction.

    Both data sets have the same target. `month` ('2026-01') is that of the first partition of messages.
    """
    _known(dataset)
    await _run(conn, ["new.sql", "whatsapp.sql"], {"month": month})


def _known(dataset: str) -> None:
    if dataset not in get_args(Dataset):
        raise ValueError(f"dataset: {dataset!r} is none of {get_args(Dataset)}")


async def _run(conn: Connection, files: Sequence[str], settings: dict[str, str]) -> None:
    async with conn.transaction():
        for name, value in settings.items():
            await conn.execute("SELECT set_config($1, $2, true)", f"salon.{name}", value)
        for file in files:
            await conn.execute((HERE / file).read_text("utf-8"))


async def _main(options: argparse.Namespace) -> None:
    conn = await asyncpg.connect(options.url)
    try:
        if options.side == "source":
            sizes = await load_source(conn, dataset=options.dataset, rows=options.rows)
            sys.stdout.write("".join(f"{table} {count}\n" for table, count in sizes.by_table().items()))
        else:
            await load_target(conn, dataset=options.dataset)
            sys.stdout.write("whatsapp_auth 1\nwhatsapp_keys 1127\n")
    finally:
        await conn.close()


def main(arguments: Sequence[str] | None = None) -> None:
    """`python -m examples.salon.data source|target URL [--dataset traps] [--rows N]`"""
    parser = argparse.ArgumentParser(prog="python -m examples.salon.data", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("side", choices=["source", "target"], help="which of the two databases to make")
    parser.add_argument("url", help="an empty database: postgresql://user@host:port/name")
    parser.add_argument("--dataset", choices=get_args(Dataset), default="default")
    parser.add_argument("--rows", type=int, metavar="N", help="clients in the source; the other tables in proportion")
    asyncio.run(_main(parser.parse_args(arguments)))


if __name__ == "__main__":
    main()

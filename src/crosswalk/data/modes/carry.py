"""Makes the second side what the first is, for some keys: read there, written or deleted here, and looked at once more.

It never plays back what somebody once wanted to write: it moves what the primary holds now. So it may be repeated, late,
and in any order, and two processes that write the same key leave the same row on both sides: whoever writes the second
side last has looked at the first side afterwards.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from crosswalk.data.conditions import Where, in_
from crosswalk.data.failures import DataError, NotSupported
from crosswalk.data.modes.canonical import Form, form
from crosswalk.data.modes.flags import Side
from crosswalk.data.modes.journal import Key
from crosswalk.data.repository.repository import Repository, Row

TRIES: Final = 5
"""How often a row may change while it is carried."""


class Unsteady(DataError):
    """The rows of the primary went on changing while they were carried."""

    sqlstate = "40001"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """One table on both sides, and the key by which its rows are the same."""

    table: str
    sides: Mapping[Side, Repository[Row]]
    key: tuple[str, ...] = ()
    absent: Mapping[str, str] = field(default_factory=dict)
    """Columns that one side cannot have: they are carried neither way."""
    unlike: Mapping[str, str] = field(default_factory=dict)
    """Columns that one side keeps in another form: they are carried, and not compared."""

    @property
    def left_out(self) -> Mapping[str, str]:
        """Columns that are not compared, each with the reason."""
        return {**self.unlike, **self.absent}

    def keys_of(self, rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> tuple[Key, ...]:
        """The keys that rows give; raises NotSupported where one is left to the database."""
        for column in columns:
            if any(row.get(column) is None for row in rows):
                raise NotSupported(
                    f"{self.table}: dual-write needs a value for key column {column} in each row; one that the first"
                    " database makes could not be found again after a crash",
                    table=self.table, column=column,
                )  # fmt: skip
        return tuple({forms(key): key for row in rows for key in [tuple(row[c] for c in columns)]}.values())


def forms(key: Key) -> Form:
    return ("key", tuple(form(value) for value in key))


async def current(repository: Repository[Row], columns: Sequence[str], keys: Sequence[Key]) -> list[Row | None]:
    """The row of each key, None where there is none. Raises DataError where a key is not unique."""
    found: dict[Form, Row] = {}
    read = 0
    for where in _groups(columns, keys):
        for row in await repository.find_many(where):
            found[forms(tuple(row[c] for c in columns))] = row
            read += 1
    if read == len(found) and found.keys() <= {forms(key) for key in keys}:
        return [found.get(forms(key)) for key in keys]
    # A key that was given in another form than the database's own ("5" for 5): ask for each by itself.
    return [await _only(repository, dict(zip(columns, key, strict=True))) for key in keys]


def _groups(columns: Sequence[str], keys: Sequence[Key]) -> Iterator[Where]:
    """Few questions for many keys: one IN over the column with most values, for each combination of the others."""
    if not keys:
        return
    wide = max(range(len(columns)), key=lambda n: len({form(key[n]) for key in keys}))
    groups: dict[Form, tuple[Key, list[Any]]] = {}
    for key in keys:
        rest = key[:wide] + key[wide + 1 :]
        groups.setdefault(forms(rest), (rest, []))[1].append(key[wide])
    others = [c for n, c in enumerate(columns) if n != wide]
    for rest, values in groups.values():
        yield {**dict(zip(others, rest, strict=True)), columns[wide]: in_(values)}


async def _only(repository: Repository[Row], where: Where) -> Row | None:
    found = await repository.find_many(where, limit=2)
    if len(found) > 1:
        raise DataError(f"{repository.table}: {', '.join(where)} is no unique key there", table=repository.table)
    return found[0] if found else None


async def carry(
    pair: Pair, primary: Side, columns: Sequence[str], keys: Sequence[Key], known: Sequence[Row] = ()
) -> tuple[list[Row], list[Row]]:
    """The second side's rows of these keys become the first side's; `known` may be rows that have just been read there.

    Returns the first side's rows, and what the second side says that it has stored.
    """
    first, second = pair.sides[primary], pair.sides["new" if primary == "legacy" else "legacy"]
    rows = _matched(columns, keys, known) or await current(first, columns, keys)
    for _ in range(TRIES):
        stored = await _put(pair, second, columns, keys, rows)
        after = await current(first, columns, keys)
        if _same(after, rows):
            return [row for row in rows if row is not None], stored
        rows = after
    raise Unsteady(f"{pair.table}: rows changed {TRIES} times while they were carried to the other side", table=pair.table)


def _matched(columns: Sequence[str], keys: Sequence[Key], known: Sequence[Row]) -> list[Row | None] | None:
    """The known rows in the order of the keys; None where they are not just those."""
    found: dict[Form, Row] = {forms(tuple(row.get(c) for c in columns)): row for row in known}
    if found.keys() != {forms(key) for key in keys}:
        return None
    return [found[forms(key)] for key in keys]


def _same(after: Sequence[Row | None], before: Sequence[Row | None]) -> bool:
    return [form(row) for row in after] == [form(row) for row in before]


async def _put(
    pair: Pair, second: Repository[Row], columns: Sequence[str], keys: Sequence[Key], rows: Sequence[Row | None]
) -> list[Row]:
    gone = [key for key, row in zip(keys, rows, strict=True) if row is None]
    for where in _groups(columns, gone):
        await second.delete(where)
    there = [{c: v for c, v in row.items() if c not in pair.absent} for row in rows if row is not None]
    return await second.bulk_upsert(there, conflict=tuple(columns)) if there else []


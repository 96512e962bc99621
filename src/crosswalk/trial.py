"""Lets the target itself try the rows that only it can judge, and takes them back.

Whether an index entry or a row is too large depends on how well its values compress, and whether a server's
encoding knows a character, only the server can say. The source names the rows that might be too much (few, as a
rule); they are relayed into the twin of their landing and from there into a temporary table with the same columns
and the same indexes, in a transaction that is rolled back. Refused there, refused by the load. Values that the target
makes are NULL in the trial: of a fixed size they change nothing, else it is said.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from crosswalk.connect import CopyFormat, Session
from crosswalk.copy.hands import row_fault
from crosswalk.errors import CrosswalkError, MissingPrivilege, StatementFailed
from crosswalk.express import EVERYTHING, Barred, Facts, Fed, Key, Landing, Moment, Motion, Reference, Selection, Wire
from crosswalk.express.casts import from_wire, wire_type
from crosswalk.express.together import identity_texts
from crosswalk.judge import Forecast
from crosswalk.names import Name, quote
from crosswalk.pg_types import length_limit
from crosswalk.relay import relay
from crosswalk.schema import Index, TypeKind
from crosswalk.snapshot import savepoint

MOST: Final = 20_000
"""Rows of a table that are tried at most."""
ENTRY: Final = 2_600
"""Bytes of values from which an index entry may be too large: btree takes 2,704, gist and the others more."""
PAGE: Final = 8_000
"""Bytes from which a row may be too large for a page, where its values cannot be moved out of line."""
WIDE: Final = 300
"""So many columns leave room in a page for a pointer to each value that lies elsewhere."""
_FIXED: Final = frozenset(
    {"bool", "int2", "int4", "int8", "float4", "float8", "date", "time", "timetz", "timestamp", "timestamptz", "uuid",
     "oid", "money", "interval", "macaddr", "macaddr8", "char", "name", "inet", "cidr", "point", "circle", "box"}
)  # fmt: skip
_TEXTS: Final = frozenset({"text", "varchar", "bpchar", "bytea", "citext", "xml", "json"})
_KNOWS_ALL: Final = frozenset({"UTF8", "SQL_ASCII"})
_TRIAL: Final = 'pg_temp."cw_trial"'
_UNKNOWN: Final = ("22P05", "22021")
"""SQLSTATEs of a character that an encoding does not know."""


async def try_rows(facts: Facts, name: Name, moment: Moment, source: Session, target: Session, found: Forecast) -> None:
    """What the target refuses of one table for its size or its characters; nothing stays there."""
    motion = Motion(facts, name)
    for fed in motion.fed:
        if isinstance(fed.via, Reference) and fed.column.type.storage.name not in _FIXED:
            found.leave(f"{name}: the size of {fed.column.name} (the target makes its values)")
    for code, where in await _doubtful(motion, target):
        asked = partial(_asked, motion, where)
        keys = await found.fetch(motion, moment, source, asked, what=f"the large rows of {name}")
        if len(keys) > MOST:
            found.leave(f"{name}: more than {MOST:,} rows whose {code} only the target can judge")
            continue
        if keys:
            await _tried(motion, keys, found.seen(moment, name), source, target, found)


def _asked(motion: Motion, where: str, moment: Moment) -> str:
    rows = motion.fitting(EVERYTHING, moment)
    return f'SELECT {identity_texts(motion)} FROM ({rows}) AS "cw$fitting" WHERE {where} LIMIT {MOST + 1}'


async def _doubtful(motion: Motion, target: Session) -> list[tuple[str, str]]:
    """(what is in doubt, condition over the mapped row)."""
    found = []
    sums = list(dict.fromkeys(s for s in map(_size, _grouped(motion)) if s))
    if sums:
        found.append(("size", " OR ".join(f"({s}) > {ENTRY}" for s in sums)))
    stuck = await _stuck(motion, target)
    if stuck or len(motion.target.columns) > WIDE:
        whole = _size([f for f in motion.fed if not stuck or f.column.name in stuck])
        if whole:
            found.append(("size", f"({whole}) > {PAGE}"))
    if motion.facts.target.encoding not in _KNOWS_ALL:
        texts = [f"({quote(f.column.name)})::pg_catalog.text" for f in motion.fed if _may_be_foreign(f)]
        if texts:
            found.append(("encoding", " OR ".join(f"{t} ~ '[^\\x01-\\x7f]'" for t in texts)))
    return found


def _may_be_foreign(fed: Fed) -> bool:
    return isinstance(fed.via, Wire) and wire_type(fed.column.type).name not in _FIXED


async def _stuck(motion: Motion, target: Session) -> frozenset[str]:
    """Columns whose values can neither be compressed nor moved out of line (STORAGE PLAIN)."""
    rows = await target.fetch(
        "SELECT attname::text AS name FROM pg_catalog.pg_attribute WHERE attrelid = $1::text::regclass AND attnum > 0"
        " AND NOT attisdropped AND attstorage = 'p' AND attlen = -1",
        motion.name.sql,
        what=f"the columns of {motion.name}",
    )
    return frozenset(r["name"] for r in rows)


def _grouped(motion: Motion) -> Iterator[list[Fed]]:
    """For each index the columns whose values stand in an entry of it; all of them where the catalog does not say."""
    for index in motion.target.indexes:
        if index.valid and index.method != "hash":
            hidden = index.expressions or " INCLUDE (" in index.definition
            yield [f for f in motion.fed if hidden or f.column.name in index.columns]


def _size(feds: list[Fed]) -> str:
    """How many bytes the values have at most, as SQL; empty where they can never be many."""
    parts, widest = [], 0
    for fed in feds:
        wire = wire_type(fed.column.type)
        if not isinstance(fed.via, Wire) or wire.name in _FIXED or fed.column.type.storage.kind is TypeKind.ENUM:
            widest += 64
            continue
        storage = fed.column.type.storage
        limit = length_limit(storage.name, storage.modifier)
        widest += 4 * limit if limit is not None else ENTRY
        value = quote(fed.column.name)
        plain = f"pg_catalog.octet_length({value})" if wire.name in _TEXTS - {"xml", "json"} else (
            f"4 * pg_catalog.octet_length(({value})::pg_catalog.text)"
        )
        parts.append(f"COALESCE({plain}, 0)")
    return " + ".join(parts) if widest > ENTRY - 200 else ""


# --- the trial ----------------------------------------------------------------------------------


@dataclass(slots=True)
class _Trial:
    motion: Motion
    moment: Moment
    source: Session
    target: Session
    refused: dict[Key, StatementFailed] = field(default_factory=dict)

    @property
    def landing(self) -> Landing:
        return Landing(self.motion)

    @property
    def what(self) -> str:
        return f"the trial of {self.motion.name}"

    async def prepare(self) -> None:
        """The twin, and a table like the target's without any rule but its indexes'."""
        table = self.motion.target
        await self.target.execute(self.landing.make_twin(), what=self.what)
        await self.target.execute(
            f'CREATE TEMPORARY TABLE "cw_trial" (LIKE {table.name.sql} INCLUDING STORAGE INCLUDING COMPRESSION)'
            " ON COMMIT DROP",
            what=self.what,
        )
        for column in table.columns:
            if column.not_null:
                await self.target.execute(
                    f"ALTER TABLE {_TRIAL} ALTER COLUMN {quote(column.name)} DROP NOT NULL", what=self.what
                )
        for index in table.indexes:
            if index.valid and index.method != "hash":
                await self.target.execute(f"CREATE INDEX ON {_TRIAL} {_tail(index)}", what=self.what)

    async def relay(self, keys: list[Key]) -> None:
        """Into the twin; a set that a character stops is halved until one row is left, which is refused."""
        landing = self.landing
        form: CopyFormat = "binary" if landing.twin_form == "binary" else "text"
        width = len(self.motion.identity)
        chosen = Selection(keys=tuple(dict.fromkeys(key[:width] for key in keys)))
        query = self.motion.extract(chosen, self.moment, keyed=True)
        try:
            async with savepoint(self.target), savepoint(self.source):
                await relay(
                    self.source, query, self.target, "cw_twin", landing.twin_columns, schema="pg_temp", form=form,
                    what=self.what,
                )  # fmt: skip
        except StatementFailed as error:
            if str(error.fields["sqlstate"]) not in _UNKNOWN:
                raise
            if len(keys) == 1:
                self.refused[keys[0]] = error
                return
            middle = len(keys) // 2
            await self.relay(keys[:middle])
            await self.relay(keys[middle:])

    async def insert(self) -> None:
        """From the twin; rows that are refused for their size are found by halving."""
        keys = ", ".join(f"{quote(w.name)}::text" for w in self.motion.key_wires)
        rows = await self.target.fetch(
            f'SELECT "cw$number" AS n, ARRAY[{keys}] AS k FROM {self.landing.twin} ORDER BY 1', what=self.what
        )
        by_number = {int(row["n"]): tuple(row["k"]) for row in rows}
        await self._halve(sorted(by_number), by_number)

    async def _halve(self, numbers: list[int], by_number: dict[int, Key]) -> None:
        if not numbers:
            return
        fed = [f for f in self.motion.fed if isinstance(f.via, Wire) and not f.column.generated]
        names = ", ".join(quote(f.column.name) for f in fed)
        values = ", ".join(from_wire(f"t.{quote(f.column.name)}", f.column.type) for f in fed)
        sql = (
            f"INSERT INTO {_TRIAL} ({names}) SELECT {values} FROM {self.landing.twin} AS t"
            ' WHERE t."cw$number" = ANY ($1::bigint[])'
        )
        try:
            async with savepoint(self.target):
                await self.target.execute(sql, numbers, what=self.what)
            return
        except StatementFailed as error:
            if not row_fault(error, "target"):
                raise
            if len(numbers) == 1:
                if str(error.fields["sqlstate"]).startswith("54"):
                    self.refused[by_number[numbers[0]]] = error
                return
        middle = len(numbers) // 2
        await self._halve(numbers[:middle], by_number)
        await self._halve(numbers[middle:], by_number)


def _tail(index: Index) -> str:
    """What an index is, without the name of its table: ` USING btree (…)`."""
    head, using, rest = index.definition.partition(f" USING {index.method} ")
    if not using or " USING " in head:
        raise StatementFailed(side="target", what=f"the index {index.name}", sqlstate="", reason="its text is not understood")
    return f"USING {index.method} {rest}"


async def _tried(
    motion: Motion, keys: list[Key], moment: Moment, source: Session, target: Session, found: Forecast
) -> None:
    trial = _Trial(motion, moment, source, target)
    await target.execute("BEGIN", what=trial.what)
    try:
        await trial.prepare()
        await trial.relay(keys)
        await trial.insert()
    except (MissingPrivilege, StatementFailed) as error:
        if isinstance(error, StatementFailed) and error.fields["side"] == "source":
            raise
        found.leave(f"{motion.name}: the size of {len(keys):,} rows (the target takes no trial: {error.fields['reason']})")
    finally:
        await _take_back(target)
    chosen = set(keys)
    for code, states, reason in (
        ("size", ("54",), "a value is too large for a page or an index of the target"),
        ("encoding", _UNKNOWN, f"a character is unknown in the target's encoding {motion.facts.target.encoding}"),
    ):
        gone = tuple(
            k for k, e in trial.refused.items() if k in chosen and str(e.fields["sqlstate"]).startswith(states)
        )
        if gone:
            state = "54000" if code == "size" else "22P05"
            found.add(motion.name, (Barred(code=code, reason=reason, sqlstate=state, constraint="", columns=(), keys=gone),))


async def _take_back(target: Session) -> None:
    if not target.raw.is_closed():
        try:
            await target.execute("ROLLBACK", what="the end of a trial")
        except CrosswalkError:
            target.raw.terminate()
            raise

"""The direct way, cut into segments: one COPY of the source, many short ones on the target, each under a savepoint.

A row that the target refuses costs its segment a second attempt, not the chunk. The source sends each row as a message
of its own, and the relay passes whole messages on, so that every block ends where a row ends; a segment's blocks are
held until it has landed. A refused segment goes into the twin from memory and lands from there without its bad rows;
their source keys are read from the twin where the rows carry them, else they are asked of the source by target key
once its COPY is through. After refusals the next segments go to the twin at once, until some land whole again.
"""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Final

from crosswalk.connect import CopyFormat, Session
from crosswalk.copy.apart import can_land_apart, land_apart
from crosswalk.copy.hands import Hands, row_fault
from crosswalk.copy.quarantine import Refusal
from crosswalk.errors import RowsLostInRelay, StatementFailed
from crosswalk.express import Landing, Selection
from crosswalk.express.apart import carried_key, found_by_key
from crosswalk.relay import POISON

SMALLEST: Final = 2 * 1024 * 1024
LARGEST: Final = 16 * 1024 * 1024
"""Bytes of a segment: it grows where the way to the target is long."""
_OVERHEAD: Final = 0.03
"""Share of a segment's time that its savepoint may take before segments grow."""
_WARY: Final = 31
"""So many segments go to the twin at once, at most, before a straight COPY is tried again."""
_PARTS: Final = 64
_HEADER: Final = 19
"""Bytes before the first row of a binary COPY."""


class _Stream:
    """The blocks of one COPY, handed out in segments."""

    def __init__(self, blocks: AsyncIterator[bytes], form: CopyFormat) -> None:
        self._blocks = blocks
        self._form = form
        self._header = b""
        self._next: bytes | None = None
        self.poisoned = False

    async def more(self) -> bool:
        """Whether anything is left."""
        if self._next is None:
            self._next = await anext(self._blocks, None)
            self.poisoned = self._next == POISON[self._form]
        return self._next is not None

    async def segment(self, limit: int, taken: list[bytes]) -> AsyncIterator[bytes]:
        """The blocks of the next segment, which are also put into `taken`."""
        size = 0
        if self._header:
            taken.append(self._header)
            yield self._header
        while size < limit and await self.more():
            block, self._next = self._next, None
            assert block is not None
            if self._form == "binary" and not self._header:
                self._header = block[:_HEADER]
            size += len(block)
            taken.append(block)
            yield block


@dataclass(slots=True, kw_only=True)
class Segments(Session):
    """A session to the target whose COPY goes in by segments; rows that are refused count as received."""

    hands: Hands
    landing: Landing
    limit: int = field(default_factory=lambda: SMALLEST)
    """Bytes after which a segment ends."""
    unnamed: list[tuple[str, Refusal]] = field(default_factory=list)
    """Refused rows by target key (jsonb text), for `name_refused`."""

    async def copy_in(
        self,
        table: str,
        columns: Sequence[str],
        blocks: AsyncIterator[bytes],
        *,
        schema: str | None = None,
        form: CopyFormat,
        freeze: bool = False,
        what: str = "COPY",
    ) -> int:
        """As `Session.copy_in`; a segment that is refused lands without the rows to blame."""
        stream, rows = _Stream(blocks, form), 0
        if self.landing.has_deferred:
            await self.execute("SET CONSTRAINTS ALL IMMEDIATE", what=what)
        while await stream.more():
            if self.hands.wary and not stream.poisoned:
                self.hands.wary -= 1
                rows += await self._apart(stream.segment(self.limit, []), form, parts=_PARTS)
                continue
            taken: list[bytes] = []
            began = time.monotonic()
            await self.execute("SAVEPOINT cw", what=what)
            overhead = time.monotonic() - began
            try:
                rows += await Session.copy_in(
                    self, table, columns, stream.segment(self.limit, taken), schema=schema, form=form, what=what
                )
            except StatementFailed as error:
                if stream.poisoned or not row_fault(error, "target"):
                    raise
                await self.execute("ROLLBACK TO SAVEPOINT cw; RELEASE SAVEPOINT cw", what=what)
                rows += await self._apart(_each(taken), form)
                continue
            await self.execute("RELEASE SAVEPOINT cw", what=what)
            if overhead * 4 > (time.monotonic() - began) * _OVERHEAD:
                self.limit = min(self.limit * 2, LARGEST)
        return rows

    async def _apart(self, blocks: AsyncIterator[bytes], form: CopyFormat, *, parts: int = 1) -> int:
        """A segment through the twin; how many rows it had."""
        hands, landing, what = self.hands, self.landing, self.hands.what
        await self.execute(f"{landing.drop_twin()}; {landing.make_twin()}", what=what)
        names = [w.name for w in landing.motion.wires]
        rows = await Session.copy_in(self, "cw_twin", names, blocks, schema="pg_temp", form=form, what=what)
        refused = await land_apart(hands, landing, (1, rows), parts=parts) if rows else {}
        hands.wary = min(2 * hands.wary + 1, _WARY) if refused else 0
        await self._name(refused)
        await self.execute(landing.drop_twin(), what=what)
        return rows

    async def _name(self, refused: dict[int, Refusal]) -> None:
        """Note refused rows of the twin by their source keys, else by their target keys."""
        carried = carried_key(self.landing.motion)
        key = f"ARRAY[{', '.join(carried)}]" if carried else f"({self.landing.twin_key()})::text"
        for number, found in await self.fetch(self.landing.named(key), list(refused), what=self.hands.what):
            if carried:
                self.hands.refused[tuple(found)] = refused[number]
            else:
                self.unnamed.append((found, refused[number]))

    async def name_refused(self, selection: Selection) -> None:
        """Ask the source which of the selection's rows go to the target keys that were refused.

        Raises RowsLostInRelay where it does not know one: that row would be nowhere, and count as loaded.
        """
        if not self.unnamed:
            return
        hands = self.hands
        why = {_canonical(key): refusal for key, refusal in self.unnamed}
        broken = {**hands.moment.broken, hands.motion.name: tuple(hands.raising)}
        sql = found_by_key(hands.motion, list(why), selection, replace(hands.moment, broken=broken))
        named = set()
        for row in await hands.source.fetch(sql, what=hands.what):
            target_key, *key = row.values()
            named.add(_canonical(target_key))
            hands.refused[tuple(key)] = why[_canonical(target_key)]
        if named != set(why):
            raise RowsLostInRelay(sent=len(why), received=len(named), what=hands.what)


def _canonical(key: str) -> str:
    """The text of a jsonb array of texts, whichever server wrote it."""
    return json.dumps(json.loads(key))


async def _each(blocks: list[bytes]) -> AsyncIterator[bytes]:
    for block in blocks:
        yield block


async def segments(hands: Hands, landing: Landing) -> Segments | None:
    """A session that lands rows directly by segments; None where refused rows could not be told or set apart."""
    motion = hands.motion
    if not (carried_key(motion) or motion.mapping.key) or not await can_land_apart(hands):
        return None
    known = {f.name: getattr(hands.target, f.name) for f in fields(Session)}
    return Segments(hands=hands, landing=landing, **known)

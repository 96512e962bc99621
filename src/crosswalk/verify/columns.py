"""Which columns of differing rows differ: the source's rows are put beside the target's, on the target.

The rows travel by their keys into a temporary twin; the server compares, and only names of columns
come back. The transaction is rolled back.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from crosswalk.connect import CopyFormat, Session
from crosswalk.express import Key, Landing, Moment, Motion, Selection
from crosswalk.relay import relay
from crosswalk.verify.difference import Difference

BATCH: Final = 2000


def parse_key(text: str) -> Key:
    """A key from its jsonb text."""
    return tuple(str(part) for part in json.loads(text))


def _batches(keys: Sequence[Key]) -> Iterator[tuple[Key, ...]]:
    for start in range(0, len(keys), BATCH):
        yield tuple(keys[start : start + BATCH])


async def differing_columns(
    motion: Motion, moment: Moment, source: Session, target: Session, differences: Iterable[Difference]
) -> dict[str, tuple[tuple[str, ...], bool]]:
    """By target key: the columns that differ, and whether all of them are equal by value."""
    width = len(motion.identity)
    keys = list(dict.fromkeys(d.source_key[:width] for d in differences if d.source_key is not None))
    landing = Landing(motion)
    form: CopyFormat = "binary" if landing.twin_form == "binary" else "text"
    what = f"the comparison of {motion.name}"
    found: dict[str, tuple[tuple[str, ...], bool]] = {}
    for batch in _batches(keys):
        await target.execute("BEGIN", what="BEGIN")
        try:
            await target.execute(landing.make_twin(), what=what)
            query = motion.extract(Selection(keys=batch), moment, keyed=True)
            await relay(source, query, target, "cw_twin", landing.twin_columns, schema="pg_temp", form=form, what=what)
            for row in await target.fetch(landing.differing(), what=what):
                found[row["target_key"]] = (tuple(row["columns"]), bool(row["same_value"]))
        finally:
            if not target.raw.is_closed():
                await target.execute("ROLLBACK", what="ROLLBACK")
    return found

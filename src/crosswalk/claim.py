"""Notes what stands in the target before the first write of a run: what a rollback brings back, and proves.

    portrait   every object of the catalog, by hashes
    standing   rows and hash of the tables that go into the archive, or are given another form
    claim      of each table to be filled: the keys of rows that stand there (their texts, where the mapping
               overwrites), rows and hash, and where its sequences stand

Once for each table: what an earlier run of ours noted stays. Part of the conductor.
"""

from __future__ import annotations

from collections.abc import Iterable

from crosswalk.express import Facts, Landing, Motion
from crosswalk.fingerprint import portrait
from crosswalk.ledger import Ledger, former
from crosswalk.names import Name
from crosswalk.schema import Schema
from crosswalk.sequences import feeding
from crosswalk.verify import image_of


async def note_target(ledger: Ledger, run: int, schema: Schema) -> None:
    """The catalog as a run found it."""
    await former.note_portrait(ledger.session, run, portrait(schema))


async def note_preserved(ledger: Ledger, run: int, tables: Iterable[Name]) -> None:
    """Rows and hash of each preserved table."""
    for name in tables:
        rows, total = await image_of(ledger.session, name)
        await ledger.preserve(run, name, rows, total)


async def note_standing(ledger: Ledger, run: int, tables: Iterable[Name]) -> None:
    """Rows and hash of tables before their form is changed."""
    for name in tables:
        await former.note_found(ledger.session, run, name, await image_of(ledger.session, name))


async def claim(ledger: Ledger, run: int, facts: Facts, tables: Iterable[Name]) -> None:
    """From here on the tables' new rows are ours."""
    for name in tables:
        landing = Landing(Motion(facts, name))
        if await ledger.filled(name) is None:
            await _claim(ledger, run, facts, landing)
        elif await ledger.kept(name):
            await ledger.session.execute(landing.forget_gone(), what=f"the rows that stood in {name} before")


async def _claim(ledger: Ledger, run: int, facts: Facts, landing: Landing) -> None:
    """In one transaction and one snapshot: rows that others write meanwhile are all in, or all out."""
    name, session = landing.table.name, ledger.session
    async with session.transaction("BEGIN ISOLATION LEVEL REPEATABLE READ"):
        overwrites = landing.motion.mapping.existing == "update"
        if not await former.claim(session, run, name, landing.places(), rows=overwrites):
            await former.note_found(session, run, name, await image_of(session, name))
        for sequence in sorted(set(feeding(facts.target, name).values())):
            if facts.target.sequences[sequence].readable:  # one that is not, no rollback can set back
                await former.note_sequence(session, run, sequence)

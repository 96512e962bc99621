"""Notes what stands in the target before the first write of a run, and after the last: what a rollback goes by.

    portrait   every object of the catalog, by hashes
    standing   rows and hash of the tables that go into the archive, or are given another form
    claim      of each table to be filled: the keys of rows that stand there (their texts, where the mapping
               overwrites), rows and hash, and where its sequences stand
    landed     rows and hash of the tables as they are left, by which later changes of others are noticed

Once for each table: what an earlier run of ours noted stays. Part of the conductor.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from crosswalk.catalog import read_schema
from crosswalk.express import Facts, Landing, Motion
from crosswalk.fingerprint import portrait, portrait_of
from crosswalk.ledger import Ledger, former, landed
from crosswalk.ledger.landed import Unrest
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


async def look_and_stir(ledger: Ledger, tables: Iterable[Name]) -> dict[Name, Unrest]:
    """Before rows are written into tables of ours: what others changed there since our last word on them.

    From here on that word does not hold. Tables of which there is none are left out.
    """
    names = list(tables)
    was, claims = await landed.noted(ledger.session, names), await former.claims(ledger.session, names)
    found = {}
    for name in names:
        if name in was and name in claims and was[name].rows is not None:
            found[name] = (await landed.look(ledger.session, claims[name], was[name])).unrest
            await landed.stir(ledger.session, name, disturbed=found[name] is Unrest.CHANGED)
    return found


async def note_landed(ledger: Ledger, run: int, facts: Facts, tables: Iterable[Name]) -> None:
    """Our word on tables, once all is written: rows, hash, form."""
    names, session = list(tables), ledger.session
    schema = await read_schema(session)
    for name in names:
        await former.forget_missing(session, run, name)
    claims = await former.claims(session, names)
    for name in names:
        columns = [c.name for c in schema.tables[name].columns if c.generated is None]
        motion = Motion(facts, name)
        fed = {f.column.name for f in motion.fed}
        unfed = [c for c in columns if c not in fed]
        behind = [*motion.mapping.key, *unfed] if unfed else []
        await landed.note(session, run, claims[name], columns, behind, portrait_of(schema, name))


async def note_mended(
    ledger: Ledger, run: int, facts: Facts, seen: Mapping[Name, Unrest], *, clean: Collection[Name]
) -> None:
    """Our word on the tables of a repair: a change that no comparison with the source sees, or heals, is remembered."""
    claims = await former.claims(ledger.session, list(seen))
    for name, unrest in seen.items():
        if unrest is Unrest.FED and (name not in clean or claims[name].overwrites):
            await landed.disturb(ledger.session, name)
    await note_landed(ledger, run, facts, seen)


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

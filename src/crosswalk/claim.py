"""Notes what stands in the target before the first write of a run, and after the last: what a rollback goes by.

    portrait   every object of the catalog, by hashes
    standing   rows and hash of the tables that go into the archive, or are given another form
    claim      of each table to be filled: the keys of rows that stand there (their texts, where the mapping
               overwrites), rows and hash, and where its sequences stand
    landed     the tables as they are left, by which later changes of others are noticed

Once for each table: what an earlier run of ours noted stays. A thousand tables that are empty take some dozens of
statements, not thousands. Part of the conductor.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Final

from crosswalk.catalog import read_schema
from crosswalk.express import Facts, Landing, Motion
from crosswalk.failpoints import hit
from crosswalk.fingerprint import portrait, portrait_of
from crosswalk.ledger import Ledger, former, landed
from crosswalk.ledger.census import batches, holding
from crosswalk.ledger.landed import Unrest
from crosswalk.names import Name
from crosswalk.schema import Schema
from crosswalk.sequences import feeding
from crosswalk.verify import image_of

_ONE_MOMENT: Final = "BEGIN ISOLATION LEVEL REPEATABLE READ"
_NOTHING: Final = (0, Decimal(0))
"""The image of a table without rows."""


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
    names = list(tables)
    held = await holding(ledger.session, names)
    images = {name: await image_of(ledger.session, name) if name in held else _NOTHING for name in names}
    await former.note_found(ledger.session, run, images)


async def claim(ledger: Ledger, run: int, facts: Facts, tables: Iterable[Name]) -> None:
    """From here on the tables' new rows are ours."""
    names = list(tables)
    ours = await former.claims(ledger.session, names)
    for some in batches(name for name in names if name not in ours):
        empty = await _claim_empty(ledger, run, facts, some)
        for name in some:
            if name not in empty:
                await _claim(ledger, run, facts, Landing(Motion(facts, name)))
    for name in names:
        if name in ours and not ours[name].was_empty and await ledger.kept(name):
            gone = Landing(Motion(facts, name)).forget_gone()
            await ledger.session.execute(gone, what=f"the rows that stood in {name} before")


async def look_and_stir(ledger: Ledger, tables: Iterable[Name]) -> dict[Name, Unrest]:
    """Before rows are written into tables of ours: what others changed there since our last word on them.

    From here on that word does not hold. Tables of which there is none are left out.
    """
    names, session = list(tables), ledger.session
    was, claims = await landed.noted(session, names), await former.claims(session, names)
    known = {name: was[name] for name in names if name in was and name in claims and was[name].rows is not None}
    found = {name: look.unrest for name, look in (await landed.look(session, claims, known)).items()}
    # What cannot be told counts as changed: after this nobody will be able to tell either.
    disturbed = [name for name, unrest in found.items() if unrest in {Unrest.CHANGED, Unrest.UNKNOWN}]
    await landed.stir(session, found, disturbed=disturbed)
    return found


async def note_landed(ledger: Ledger, run: int, facts: Facts, tables: Iterable[Name]) -> None:
    """Our word on tables, once all is written: rows, by whom they were written or their hash, form."""
    session = ledger.session
    schema = await read_schema(session)
    for names in batches(tables):
        async with session.transaction(_ONE_MOMENT):
            claims = await former.claims(session, names)
            await landed.note(session, run, [_subject(schema, facts, claims[name]) for name in names])


def _subject(schema: Schema, facts: Facts, claimed: former.Claim) -> landed.Subject:
    motion = Motion(facts, claimed.target)
    columns = [c.name for c in schema.tables[claimed.target].columns if c.generated is None]
    fed = {f.column.name for f in motion.fed}
    unfed = [c for c in columns if c not in fed]
    return landed.Subject(
        claimed=claimed,
        columns=tuple(columns),
        unfed=(*motion.mapping.key, *unfed) if unfed else (),
        form=portrait_of(schema, claimed.target),
    )


async def note_mended(
    ledger: Ledger, run: int, facts: Facts, seen: Mapping[Name, Unrest], *, clean: Collection[Name]
) -> None:
    """Our word on the tables of a repair: a change that no comparison with the source sees, or heals, is remembered."""
    claims = await former.claims(ledger.session, list(seen))
    for name, unrest in seen.items():
        if unrest is Unrest.FED and (name not in clean or claims[name].overwrites):
            await landed.disturb(ledger.session, name)
    await note_landed(ledger, run, facts, seen)


async def _claim_empty(ledger: Ledger, run: int, facts: Facts, tables: Sequence[Name]) -> frozenset[Name]:
    """In one transaction and one snapshot: rows that others write meanwhile are all in, or all out."""
    session = ledger.session
    async with session.transaction(_ONE_MOMENT):
        empty = await former.claim_empty(session, run, tables)
        await former.note_sequences(session, run, _sequences(facts, empty))
        hit("claim.before_commit")
    return empty


async def _claim(ledger: Ledger, run: int, facts: Facts, landing: Landing) -> None:
    """As `_claim_empty`, for a table that holds rows."""
    name, session = landing.table.name, ledger.session
    async with session.transaction(_ONE_MOMENT):
        overwrites = landing.motion.mapping.existing == "update"
        if not await former.claim(session, run, name, landing.places(), rows=overwrites):
            await former.note_found(session, run, {name: await image_of(session, name)})
        await former.note_sequences(session, run, _sequences(facts, [name]))
        hit("claim.before_commit")


def _sequences(facts: Facts, tables: Iterable[Name]) -> list[Name]:
    """Those that feed tables; one that may not be read, no rollback can set back."""
    named = {sequence for name in tables for sequence in feeding(facts.target, name).values()}
    return sorted(sequence for sequence in named if facts.target.sequences[sequence].settable)

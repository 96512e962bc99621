"""Conducts the drafting of a mapping document. Reads only, on both servers, without a look at the text of rows."""

from __future__ import annotations

from dataclasses import dataclass, field

from crosswalk.errors import NothingMatches
from crosswalk.fingerprint import fingerprint
from crosswalk.mapping import MappingFile, read_text
from crosswalk.match import Draft, Explained, Looker, draft, explain, fresh, stripped, updated
from crosswalk.names import Name
from crosswalk.schema import Schema
from crosswalk.survey import Servers, both, read_both


@dataclass(frozen=True, slots=True, kw_only=True)
class Matched:
    """A draft and its text."""

    draft: Draft
    text: str
    source: Schema = field(repr=False)
    target: Schema = field(repr=False)

    def explain(self, place: str) -> list[Explained]:
        """Why a TABLE.COLUMN was matched as it was; raises NotInSchema and BadName."""
        return explain(self.draft, place, self.source, self.target)


async def match(servers: Servers, *, update: MappingFile | None = None) -> Matched:
    """A draft; with `update` the document again, what a person decided in it kept.

    Raises NothingMatches, and what `read_text` raises of a document that is unreadable without our comments.
    """
    file = read_text(stripped(update.text), path=update.path) if update is not None else None
    async with both(servers, purpose="match") as (source, target):
        schemas = await read_both(source, target)
        looks = Looker(session=source), Looker(session=target)
        for look in looks:
            await look.prepare()
        made = await draft(*schemas, *looks, decided=file.document if file is not None else None)
    if not made.tables:
        raise NothingMatches(sources=len(schemas[0].roots), targets=len(schemas[1].roots))
    prints = _fingerprints(made, *schemas, file)
    text = fresh(made, prints) if file is None else updated(file, made, prints)
    return Matched(draft=made, text=text, source=schemas[0], target=schemas[1])


def _fingerprints(made: Draft, source: Schema, target: Schema, file: MappingFile | None) -> dict[str, str]:
    """Of the tables that the document maps, as a plan takes them."""
    decided: dict[Name, Name] = {n: t.source for n, t in file.document.by_target.items()} if file is not None else {}
    pairs = decided | {t.target: t.source for t in made.tables}
    return {"source": fingerprint(source, set(pairs.values())), "target": fingerprint(target, pairs)}

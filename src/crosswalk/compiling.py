"""Conducts the compiling of a document for the data layer: every table's lens, proved on the target. Reads only.

What the target does not parse is left out with its word; a `back` that it does not parse is an error with its line,
for somebody wrote it. What comes of it is the JSON that `crosswalk.data.compiled` reads.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, Final

from crosswalk import __version__
from crosswalk.connect import Session
from crosswalk.errors import BadMapping, StatementFailed
from crosswalk.express import Facts
from crosswalk.fingerprint import fingerprint
from crosswalk.lens import SETTINGS, Lens, Proof, compiled_table, lens, proofs, refused, why_not
from crosswalk.mapping import MappingFile
from crosswalk.names import Name
from crosswalk.pg_types import WALL_CLOCKS
from crosswalk.survey import Servers, survey

VERSION: Final = 1
"""Of the form; the reader refuses every other."""
_ZONED: Final = 1184
_WITHOUT_ZONE: Final = frozenset({1082, 1114})
"""OIDs of timestamptz, date and timestamp."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledDocument:
    """What was compiled."""

    content: dict[str, Any]
    """The whole file."""

    @property
    def tables(self) -> dict[str, Any]:
        found: dict[str, Any] = self.content["tables"]
        return found

    @property
    def refused(self) -> dict[str, str]:
        found: dict[str, str] = self.content["refused"]
        return found


async def compile_document(file: MappingFile, servers: Servers) -> CompiledDocument:
    """The document compiled; raises RulesProposed, DocumentRefused, and BadMapping for a `back` that cannot be."""
    async with survey(file, servers, purpose="compile") as found:
        found.require_sound()
        facts = found.facts
        tables: dict[str, Any] = {}
        for text, name in zip(file.document.tables, file.document.by_target, strict=True):
            _require_known(file, facts, text, name)
            if why_not(facts, name) is None:
                seen = lens(facts, name)
                tables[str(facts.source_table(name).name)] = compiled_table(seen, await _prove(file, text, seen, found.target))
        return CompiledDocument(content=_head(file, facts) | {"tables": tables, "refused": refused(facts)})


def _head(file: MappingFile, facts: Facts) -> dict[str, Any]:
    pairs = file.document.by_target
    return {
        "format": "crosswalk-compiled",
        "version": VERSION,
        "made_by": __version__,
        "mapping": file.path,
        "document": hashlib.sha256(file.text.encode()).hexdigest(),
        "source": fingerprint(facts.source, {m.source for m in pairs.values()}),
        "target": fingerprint(facts.target, pairs),
        "settings": SETTINGS,
    }


def _require_known(file: MappingFile, facts: Facts, text: str, name: Name) -> None:
    """Raises BadMapping for a `back` of a column that the source does not have."""
    source = facts.source_table(name)
    for column in facts.mapping(name).back:
        if source.column(column) is None:
            raise _bad(file, text, column, f"{source.name} has no column {column}")


def _bad(file: MappingFile, text: str, column: str, problem: str) -> BadMapping:
    place = ("tables", text, "back", column)
    return BadMapping(path=file.path, line=file.line(*place), place=" → ".join(place), problem=problem, more="")


async def _prove(file: MappingFile, text: str, seen: Lens, target: Session) -> dict[tuple[str, str], str]:
    """The target's word on what it does not parse; raises BadMapping where that is a `back`."""
    failed: dict[tuple[str, str], str] = {}
    for proof in proofs(seen):
        try:
            kinds = await target.result_types(proof.sql, what=f"the compiled form of {seen.source.name}")
        except StatementFailed as error:
            if proof.part == "back":
                raise _bad(file, text, proof.name, str(error.fields["reason"])) from error
            failed[proof.part, proof.name] = str(error.fields["reason"])
        else:
            _require_clock(file, text, seen, proof, kinds)
    return failed


def _require_clock(file: MappingFile, text: str, seen: Lens, proof: Proof, kinds: list[int]) -> None:
    """Raises BadMapping for a `back` whose cast would take the zone from whoever's session it is."""
    column = seen.source.column(proof.name)
    if proof.part != "back" or column is None:
        return
    wanted = column.type.storage.name
    if kinds[0] == _ZONED and wanted in {*WALL_CLOCKS, "time"}:
        said = f"it gives a moment, and {column.type.display} is a wall clock: write … AT TIME ZONE 'Area/City'"
    elif kinds[0] in _WITHOUT_ZONE and wanted == "timestamptz":
        said = f"it gives a wall clock, and {column.type.display} is a moment: write … AT TIME ZONE 'Area/City'"
    else:
        return
    raise _bad(file, text, proof.name, said)

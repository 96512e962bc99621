"""The course of one request, without waiting for anything: a generator of Scripts, driven by the shells. Pure but for a clock.

    course = Known(settings).answer(draft, identity)
    script = next(course)                  the shell runs it, sends back what its judge gave, or throws what went wrong

It loads the schema cache at the first use, loads it again when a name is not known (once), and sends a read, or a write
of which nothing had been sent yet, again after a broken connection.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Generator
from dataclasses import replace
from typing import Any

from crosswalk.data import builder
from crosswalk.data.builder import SchemaCache
from crosswalk.data.builder.cache import statement as reads_cache
from crosswalk.data.client import answers, scripts
from crosswalk.data.client.draft import Draft
from crosswalk.data.client.identity import Acting, Identity
from crosswalk.data.client.scripts import Row, Script
from crosswalk.data.client.settings import Settings
from crosswalk.data.failures import DataError, Unavailable
from crosswalk.data.request import Answer, Request

Course = Generator[Script, Any, Any]
FRESH_SECONDS = 1.0
"""A cache that young is not read again for an unknown name, however many ask for it."""
TRIES = 3
"""One may meet a dead connection, a second one that was just being opened when its server went."""
_DIGITS = 19
"""Of the largest number of rows that PostgreSQL counts."""
_CALLER = 8
"""From the warning up to who called execute()."""
_UNKNOWN = {"42P01", "42703", "42883", "PGRST200", "PGRST202", "PGRST204"}
"""What a schema that has changed since may look like."""


class Lost(Unavailable):
    """The connection broke. `harmless`: before anything was sent that could have changed something."""

    harmless = False


class Known:
    """What a client knows of its database, shared by all who ask through it."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._cache: SchemaCache | None = None
        self._roles: scripts.RoleSettings = {}
        self._loaded = 0.0
        self._version = 0

    def answer(self, draft: Draft, who: Identity) -> Course:
        """Gives an APIResponse."""
        shown = yield from self._asked(draft, who, lambda answer: answer)
        return answers.response(shown, single=draft.rpc or draft.shape != "array")

    def answer_maybe(self, draft: Draft, who: Identity) -> Course:
        """Gives the only row, or None."""
        draft = replace(draft, shape="array")
        shown = yield from self._asked(draft, who, answers.at_most_one)
        return shown and answers.response(shown, single=True)

    def load(self, schema: str | None = None) -> Course:
        """Reads the schema cache, unless somebody else has meanwhile."""
        seen = self._version
        kept = self._cache.schemas if self._cache else ()
        schemas = self.settings.schemas or tuple(dict.fromkeys((*kept, self.settings.schema if schema is None else schema)))
        yield scripts.loading(reads_cache(schemas), self._remember, lambda: self._version == seen)

    def _remember(self, row: Row, roles: scripts.RoleSettings) -> None:
        self._cache, self._roles = SchemaCache.from_row(row), roles
        self._loaded = time.monotonic()
        self._version += 1

    def _asked(self, draft: Draft, who: Identity, judge: Callable[[Answer], Any]) -> Course:
        request, acting = draft.request(), who.now()
        self._exposed(request.schema)
        while self._cache is None or request.schema not in self._cache.schemas:
            yield from self.load(request.schema)
        try:
            return (yield from self._sent(draft, request, acting, judge))
        except DataError as refused:
            if refused.code not in _UNKNOWN or time.monotonic() - self._loaded < FRESH_SECONDS:
                raise
        yield from self.load(request.schema)
        return (yield from self._sent(draft, request, acting, judge))

    def _exposed(self, schema: str) -> None:
        exposed = self.settings.schemas
        if exposed is not None and schema not in exposed:
            raise DataError(f"The schema must be one of the following: {', '.join(exposed)}", code="PGRST106")

    def _sent(self, draft: Draft, request: Request, acting: Acting, judge: Callable[[Answer], Any]) -> Course:
        """Compiled and sent, and sent once more where that is harmless."""
        assert self._cache is not None
        asked = _one_more(request, self.settings.max_rows)
        statement = builder.compile(asked, self._cache, filterless=self.settings.allow_filterless)
        script = scripts.asking(
            asked, statement, acting, self.settings, lambda row, plan: self._read(asked, row, plan, judge), self._roles
        )
        shown, cut = yield from _insisting(script, TRIES if draft.repeats else 1)
        if cut:
            warnings.warn(f"the answer was cut to max_rows={self.settings.max_rows} rows; there are more", stacklevel=_CALLER)
        return shown

    def _read(self, request: Request, row: Row, plan: Any, judge: Callable[[Answer], Any]) -> tuple[Any, bool]:
        """What is shown, and whether it was cut."""
        answer = builder.answer(request, row, plan=plan, decimals=self.settings.decimals)
        if not row["body"]:
            answer = replace(answer, data=[])  # as the old library has it where no body came
        cap = self.settings.max_rows
        cut = cap is not None and _capped(request) and (row.get("page_total") or 0) > cap
        return judge(_cut(answer, cap) if cap is not None and cut else answer), cut


def _insisting(script: Script, tries: int) -> Course:
    for left in reversed(range(tries)):
        try:
            return (yield script)
        except Lost as lost:
            if not (lost.harmless and left):
                raise
    raise AssertionError("no try is left, and none has raised")


def _capped(request: Request) -> bool:
    """Only what is read row by row: neither writes nor one row."""
    return request.shape != "object" and (request.rpc or request.method == "GET")


def _one_more(request: Request, cap: int | None) -> Request:
    """The request for a row more than the cap allows, which tells whether there are more."""
    if cap is None or not _capped(request):
        return request
    said = [value for name, value in request.params if name == "limit"]
    if said and said[-1].isdecimal() and len(said[-1]) < _DIGITS and int(said[-1]) <= cap:
        return request
    rest = tuple(pair for pair in request.params if pair[0] != "limit")
    return replace(request, params=(*rest, ("limit", str(cap + 1))))


def _cut(answer: Answer, cap: int) -> Answer:
    data = answer.data[:cap] if isinstance(answer.data, list) else _cut_text(answer.data, cap)
    return replace(answer, data=data)


def _cut_text(text: str, cap: int) -> str:
    """CSV's head and that many records; a record may hold line breaks."""
    lines = text.split("\n")
    inside, records = False, -1
    for number, line in enumerate(lines, 1):
        inside ^= line.count('"') % 2 == 1
        records += not inside
        if records == cap:
            return "\n".join(lines[:number])
    return text

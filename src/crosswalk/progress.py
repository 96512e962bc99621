"""What a long run tells while it goes on: a protocol, and an observer that says nothing.

Numbers only; no value of a row is ever passed. Implementations must not raise.
"""

from __future__ import annotations

from typing import Protocol

from crosswalk.ledger import Tally
from crosswalk.names import Name


class Observer(Protocol):
    """Is told what happens, in order."""

    def note(self, text: str) -> None:
        """Something that a person should know."""

    def begin(self, tables: list[tuple[Name, int, int]]) -> None:
        """The tables to come with the rows and bytes that the catalog estimates."""

    def table(self, name: Name, chunks: int, landed: int) -> None:
        """A table begins; so many of its chunks have landed before."""

    def bytes(self, name: Name, count: int) -> None:
        """Bytes of COPY have passed."""

    def chunk(self, name: Name, rows: int, rejected: int) -> None:
        """A chunk is committed."""

    def done(self, name: Name, tally: Tally) -> None:
        """A table is complete and accounted for."""


class Silent:
    """Tells nobody."""

    def note(self, text: str) -> None:
        pass

    def begin(self, tables: list[tuple[Name, int, int]]) -> None:
        pass

    def table(self, name: Name, chunks: int, landed: int) -> None:
        pass

    def bytes(self, name: Name, count: int) -> None:
        pass

    def chunk(self, name: Name, rows: int, rejected: int) -> None:
        pass

    def done(self, name: Name, tally: Tally) -> None:
        pass

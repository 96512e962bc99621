"""A place in a text that is read from left to right; what cannot be read raises PGRST100 with its column. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn, TypeVar

from crosswalk.data.builder import refusals
from crosswalk.data.builder.grammar import Field, Step
from crosswalk.data.failures import DataError

Read = TypeVar("Read")
_ENDS_KEY = "(-:.,>)"
_NAME = "field name (* or [a..z0..9_$])"


class Cursor:
    """The only mutable thing of the grammar: it lives as long as one parameter is read."""

    def __init__(self, what: str, text: str, *, shown: str | None = None) -> None:
        self.what = what
        self.text = text
        self.shown = text if shown is None else shown
        self.at = 0
        self.furthest = 0
        self.wanted = ""

    def fail(self, expecting: str) -> NoReturn:
        """Raises; the farthest place that reading came to is the one that is told."""
        if self.at >= self.furthest:
            self.furthest, self.wanted = self.at, expecting
        found = f'"{self.text[self.furthest]}"' if self.furthest < len(self.text) else "end of input"
        details = f"unexpected {found} expecting {self.wanted}"
        raise refusals.unreadable(self.what, self.shown, self.furthest, details)

    def peek(self, text: str) -> bool:
        return self.text.startswith(text, self.at)

    def ended(self) -> bool:
        return self.at >= len(self.text)

    def take(self, text: str) -> bool:
        """Whether the text comes next; then it is behind us."""
        if not self.peek(text):
            return False
        self.at += len(text)
        return True

    def need(self, text: str, expecting: str = "") -> None:
        if not self.take(text):
            self.fail(expecting or f'"{text}"')

    def blanks(self) -> None:
        while self.peek(" ") or self.peek("\t"):
            self.at += 1

    def until(self, stops: str) -> str:
        """All characters before the first of `stops`."""
        start = self.at
        while not self.ended() and self.text[self.at] not in stops:
            self.at += 1
        return self.text[start : self.at]

    def rest(self) -> str:
        start, self.at = self.at, len(self.text)
        return self.text[start:]

    def attempt(self, read: Callable[[], Read]) -> Read | None:
        """What `read` gives; where it cannot, None, and the place is as before."""
        start = self.at
        try:
            return read()
        except DataError:
            self.at = start
            return None

    def quoted(self) -> str:
        """A text in double quotes; a backslash takes the next character as it is."""
        self.need('"')
        letters: list[str] = []
        while not self.ended() and not self.peek('"'):
            self.take("\\")
            if self.ended():
                break
            letters.append(self.text[self.at])
            self.at += 1
        self.need('"')
        return "".join(letters)

    def letters(self) -> bool:
        """Whether a character of an identifier comes next."""
        return not self.ended() and (self.text[self.at].isalpha() or self.text[self.at] in "0123456789_ $")

    def names(self) -> bool:
        """Whether a name comes next."""
        return self.peek('"') or self.letters()

    def identifier(self) -> str:
        start = self.at
        while self.letters():
            self.at += 1
        if self.at == start:
            self.fail('letter, digit or one of "_ $"')
        return self.text[start : self.at].strip()

    def name(self) -> str:
        """A quoted name, or identifiers joined by dashes (a dash before `>` begins a JSON path)."""
        if self.peek('"'):
            return self.quoted()
        if not self.names():
            self.fail(_NAME)
        parts = [self.identifier()]
        while self.peek("-") and not self.peek("->"):
            self.at += 1
            parts.append(self.identifier())
        return "-".join(parts)

    def field(self) -> Field:
        self.blanks()
        name = self.name()
        steps = self.steps()
        self.blanks()
        return Field(name=name, steps=steps)

    def steps(self) -> tuple[Step, ...]:
        found: list[Step] = []
        while self.peek("->"):
            text = self.take("->>")
            if not text:
                self.need("->")
            found.append(self._step(text))
        return tuple(found)

    def _step(self, text: bool) -> Step:
        start = self.at
        sign = "-" if self.take("-") else "+"
        digits = ""
        while not self.ended() and self.text[self.at] in "0123456789":
            digits += self.text[self.at]
            self.at += 1
        if digits and (self.ended() or any(self.peek(end) for end in ("->", "::", ".", ",", ")"))):
            return Step(text=text, key=sign + digits, index=True)
        self.at = start
        return Step(text=text, key=self.key())

    def key(self) -> str:
        """A key of a JSON path: a quoted name, or whatever ends no key."""
        if self.peek('"'):
            return self.quoted()
        parts = [self._key_part()]
        while self.peek("-") and not self.peek("->"):
            self.at += 1
            parts.append(self._key_part())
        return "-".join(parts)

    def _key_part(self) -> str:
        part = self.until(_ENDS_KEY)
        if not part:
            self.fail('"-", digit or any non reserved character different from: .,>()')
        return part.strip()

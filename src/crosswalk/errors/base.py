"""What every error has: a message, a remedy, fields and an exit code.

An error's docstring is its message: a template filled from the keyword arguments of `raise`.
`remedy` is a second template that tells what to do; the command line prints both and leaves with
`exit_code`.
"""

from __future__ import annotations

import inspect
import re
import string
from typing import Any, ClassVar, Final

EXIT_CLEAN: Final = 0
EXIT_ERROR: Final = 1
EXIT_DIFFERENT: Final = 2
EXIT_REFUSED: Final = 3
EXIT_USAGE: Final = 64
EXIT_INTERRUPTED: Final = 130
_COUNTED: Final = re.compile(r"\{(\w+)\} (source row|row|rule|problem)(s)\b")
"""A number and what it counts."""


class CrosswalkError(Exception):
    """Something went wrong."""

    remedy: ClassVar[str] = ""
    exit_code: ClassVar[int] = EXIT_ERROR

    def __init__(self, **fields: Any) -> None:
        self.fields = fields
        super().__init__(_ended(self._fill(inspect.cleandoc(type(self).__doc__ or ""))))

    def _fill(self, template: str) -> str:
        template = _COUNTED.sub(self._agree, template)
        names = {name for _, name, _, _ in string.Formatter().parse(template) if name}
        return template.format(**{name: self.fields.get(name, "?") for name in names}).replace("\n", " ")

    def _agree(self, counted: re.Match[str]) -> str:
        """One row is no rows."""
        name, noun, many = counted.groups()
        return f"{{{name}}} {noun}{'' if self.fields.get(name) == 1 else many}"

    @property
    def code(self) -> str:
        """A stable name for machines, e.g. `CannotConnect`."""
        return type(self).__name__

    @property
    def advice(self) -> str:
        """What to do about it, filled in; empty where there is nothing to say."""
        return self._fill(self.remedy)

    def as_json(self) -> dict[str, Any]:
        """The error as the object that `--json` prints; `raw` may hold values of a row and stays out."""
        return {
            "code": self.code,
            "message": str(self),
            "remedy": self.advice,
            "fields": {name: str(value) for name, value in self.fields.items() if name != "raw"},
        }


def _ended(text: str) -> str:
    """With one full stop, where a field that is a sentence itself has brought another."""
    return text[:-1] if text.endswith("..") and not text.endswith("...") else text

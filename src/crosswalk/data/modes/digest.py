"""A whole walk over a table as a few numbers, whatever order the rows came in.

For each column the hashes of (key, column, value) are added up, so that two walks that differ name the columns, and no
walk has to be kept in memory.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

from crosswalk.data.modes.canonical import Form, form
from crosswalk.data.modes.compare import Rules

ROWS: Final = "(rows)"
"""Stands among the columns for the number of rows."""
_MODULUS: Final = 1 << 128


async def digest(rows: AsyncIterator[Mapping[str, Any]], rules: Rules) -> dict[str, Any]:
    """By column a sum; under `(rows)` how many there were."""
    sums: Counter[str] = Counter()
    number = 0
    async for row in rows:
        number += 1
        forms = {str(name): form(value) for name, value in row.items() if name not in rules.absent}
        # Without a key a value belongs to its whole row: else two rows could swap values unseen.
        by_key = rules.key and all(c in forms for c in rules.key)
        whose = repr([forms[c] for c in rules.key] if by_key else sorted(forms.items()))
        for name, value in forms.items():
            sums[name] = (sums[name] + _hash(whose, name, value)) % _MODULUS
    return {ROWS: number, **{name: f"{total:032x}" for name, total in sums.items()}}


def _hash(whose: str, column: str, value: Form) -> int:
    said = hashlib.blake2b(repr((whose, column, value)).encode("utf-8", "backslashreplace"), digest_size=16)
    return int.from_bytes(said.digest(), "big")

"""Transactions that were unlucky are run again: a deadlock, a serialization failure, a lock waited for too long.

They say nothing of the rows, and the transaction that met them has left nothing behind. Which states those are stands
in `sqlstates`.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from crosswalk.errors import CrosswalkError
from crosswalk.sqlstates import Meaning, meaning

T = TypeVar("T")
_TRIES: Final = 5
_PAUSE: Final = 0.2


async def insist(transaction: Callable[[], Awaitable[T]]) -> T:
    """Run a transaction on the target, again where it was unlucky; raises its last error."""
    for attempt in range(1, _TRIES):
        try:
            return await transaction()
        except CrosswalkError as error:
            if not unlucky(error):
                raise
        await asyncio.sleep(_PAUSE * 2**attempt * random.uniform(0.5, 1))
    return await transaction()


def unlucky(error: CrosswalkError) -> bool:
    """Whether the same transaction may succeed if it is run again. A source's snapshot cannot be begun again."""
    state = str(error.fields.get("sqlstate") or getattr(error.__cause__, "sqlstate", None) or "")
    return error.fields.get("side") == "target" and meaning(state) is Meaning.UNLUCKY

"""One row that is not as it should be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from crosswalk.express import Key


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One row that is not as it should be."""

    kind: Literal["missing", "extra", "different"]
    target_key: str
    """jsonb array of texts."""
    source_key: Key | None
    columns: tuple[str, ...] = ()

"""A request's body as the JSON text that one parameter carries, and its keys. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crosswalk.data.bodies import encoded
from crosswalk.data.builder import refusals


def as_json(body: Any) -> str:
    """The text, as `bodies` has it. Raises PGRST102 for what JSON has no form for."""
    try:
        return encoded(body)
    except (TypeError, ValueError) as why:
        raise refusals.bad_body("Empty or invalid json") from why


def rows_of(body: Any) -> list[Mapping[str, Any]]:
    """An object or a list of them as a list. Raises PGRST102."""
    if isinstance(body, Mapping):
        return [body]
    if not isinstance(body, list | tuple):
        raise refusals.bad_body("Empty or invalid json")
    if not all(isinstance(row, Mapping) for row in body):
        raise refusals.bad_body("All object keys must match")
    return list(body)


def keys_of(body: Any, only: tuple[str, ...] | None) -> tuple[str, ...]:
    """Which columns a body writes: those named, else the keys that all of its rows share. Raises PGRST102."""
    rows = rows_of(body)
    if only is not None:
        return tuple(sorted(only))
    keys = {frozenset(map(str, row)) for row in rows}
    if len(keys) > 1:
        raise refusals.bad_body("All object keys must match")
    return tuple(sorted(next(iter(keys), ())))

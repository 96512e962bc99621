"""The texts of the ledger's longer statements: one `.sql` file each, whose first line says what it returns."""

from __future__ import annotations

from importlib.resources import files


def query(name: str) -> str:
    """The statement of that name."""
    return files("crosswalk.ledger").joinpath(f"{name}.sql").read_text()

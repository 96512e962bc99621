"""Finds the example that the demonstration plays: beside the package, or in the checkout.

An example is a package of its own: `crosswalk.yaml` (the mapping), `data.py` with
`load_source(connection, dataset=…, rows=…)` and `load_target(connection, dataset=…)`, and
`faults.sql` (statements under `-- name: …` lines, each returning how many rows it spoiled; those for
a target that was given the source's schema stand in `faults_recreate.sql`).
"""

from __future__ import annotations

import importlib
import importlib.util
import re
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from crosswalk.errors import ExampleMissing
from crosswalk.plan import Strategy

_PACKAGE: Final = "crosswalk_example"
_NAMED: Final = re.compile(r"^-- name: (.+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    name: str
    path: Path
    load_source: Callable[..., Awaitable[Any]]
    load_target: Callable[..., Awaitable[Any]]

    @property
    def mapping(self) -> Path:
        return self.path / "crosswalk.yaml"

    def faults(self, strategy: Strategy) -> dict[str, str]:
        """Statements that spoil the target as a strategy leaves it, by name."""
        file = "faults_recreate.sql" if strategy == "recreate" else "faults.sql"
        parts = _NAMED.split((self.path / file).read_text(encoding="utf-8"))
        return {name.strip(): sql.strip() for name, sql in zip(parts[1::2], parts[2::2], strict=True)}


def _homes() -> list[Path]:
    package = Path(__file__).resolve().parents[1]
    return [package / "examples", *(parent / "examples" for parent in package.parents[1:2])]


def find_example() -> Example:
    """The first example; raises ExampleMissing."""
    homes = _homes()
    for home in homes:
        for found in sorted(home.glob("*/crosswalk.yaml")) if home.is_dir() else ():
            data = _load(found.parent)
            return Example(
                name=found.parent.name, path=found.parent, load_source=data.load_source, load_target=data.load_target
            )
    raise ExampleMissing(places=", ".join(str(home) for home in homes))


def _load(path: Path) -> ModuleType:
    """The example's `data` module, as part of a package, so that it may import its neighbours."""
    spec = importlib.util.spec_from_file_location(
        _PACKAGE, path / "__init__.py", submodule_search_locations=[str(path)]
    )
    if spec is None or spec.loader is None:
        raise ExampleMissing(places=str(path))
    package = importlib.util.module_from_spec(spec)
    sys.modules[_PACKAGE] = package
    spec.loader.exec_module(package)
    return importlib.import_module(f"{_PACKAGE}.data")

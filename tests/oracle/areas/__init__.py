"""The cases of the oracle by area: each module has CASES."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from tests.oracle.asked import Case

NAMES = tuple(sorted(path.stem for path in Path(__file__).parent.glob("*.py") if path.stem != "__init__"))
AREAS: dict[str, tuple[Case, ...]] = {name: tuple(import_module(f"{__name__}.{name}").CASES) for name in NAMES}

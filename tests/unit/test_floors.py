"""Imports go only down: the floors of docs/architecture.md, enforced by reading every module.

The table below says where each module or package of `crosswalk` stands. A floor may have steps, as a
stair has: within a floor, too, imports go only down. Imports inside functions, under TYPE_CHECKING,
relative ones and `import_module("…")` count like any other. The second half of the file builds small
trees that are wrong in each way and shows that every one of them is found.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "src" / "crosswalk"
LONGEST = 400

Stair = tuple[tuple[str, ...], ...]

FLOORS: dict[str, Stair] = {
    "ground": (("sqlstates",), ("__init__", "errors"), ("names", "numerals", "pg_types", "failpoints", "wording", "shadowlog")),
    "nouns": (("lifeline", "translation"), ("schema", "mapping", "connect"), ("plan",), ("planfile",)),
    "readers": (("catalog", "diff", "ledger", "relay", "snapshot", "fingerprint", "rest"),),
    "thinkers": (("express",), ("match", "judge", "doctor", "sequences", "contract", "compat", "ddl", "rights", "lens")),
    "planner": (("strategy",),),
    "hands": (("apply", "backup", "copy", "capture", "verify"),),
    "conductor": (
        ("progress", "survey", "allowance", "crew"),
        ("outlook", "reckoning"),
        ("stage",),
        ("accounts", "repair", "claim", "earlier", "stopping"),
        ("filling", "orphans", "reconcile", "stripping"),
        ("misfits",),
        ("loading",),
        ("shaping", "proving", "timing", "trial"),
        ("scene",),
        ("checking", "migration", "verification", "quarantined", "rollback", "sync", "cutover"),
        ("endurance", "matching", "compiling", "planning", "board"),
    ),
    "teller": (("report",),),
    "roof": (("demo",), ("cli", "web"), ("__main__",)),
}
"""From the bottom up; what stands on one step never imports its neighbour."""
BESIDE = {"embedded": frozenset({"backup", "cli", "demo", "rest"}), "data": frozenset[str]()}
"""Packages beside the floors: they import only the ground, and only these import them."""
DOOR = {"cli": frozenset({"__main__"})}
"""Who may import these, though many stand above them."""
FORBIDDEN = {
    "ground": ("asyncpg", "psycopg", "pydantic", "typer", "rich", "ruamel"),
    "express": ("asyncpg",),
    "strategy": ("asyncpg",),
    "diff": ("asyncpg",),
    "apply": ("typer", "rich"),
    "copy": ("typer", "rich"),
    "verify": ("typer", "rich"),
}
"""Outside packages that a floor or a module has no business with."""
OUTSIDE = ("tests", "bench")
"""What no module of the product may import."""


@dataclass(frozen=True, kw_only=True)
class Import:
    """One import of a module."""

    module: str
    """Dotted, below the package; `__init__` for the package itself."""
    imports: str
    """Dotted, as an absolute name."""
    line: int

    def __str__(self) -> str:
        return f"{self.module}:{self.line} imports {self.imports}"


@dataclass(frozen=True, kw_only=True)
class Place:
    floor: str
    height: tuple[int, int]
    """Number of the floor, number of the step."""


def places() -> dict[str, Place]:
    """Where each unit of the table stands."""
    return {
        unit: Place(floor=floor, height=(number, step))
        for number, (floor, stair) in enumerate(FLOORS.items())
        for step, units in enumerate(stair)
        for unit in units
    }


def unit_of(module: str) -> str:
    """The module or package right below the root that a module belongs to."""
    return module.split(".", maxsplit=1)[0]


def module_name(package: Path, file: Path) -> str:
    """`copy.land` for copy/land.py, `copy` for copy/__init__.py, `__init__` for the root's own."""
    parts = file.relative_to(package).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


def units(package: Path) -> set[str]:
    """Modules and packages right below the root."""
    return {unit_of(module_name(package, file)) for file in package.rglob("*.py")}


def imports(package: Path) -> Iterator[Import]:
    """Every import of every module, of whatever form, wherever it stands."""
    for file in sorted(package.rglob("*.py")):
        name = module_name(package, file)
        inside = [package.name, *file.relative_to(package).parent.parts]
        for node in ast.walk(ast.parse(file.read_text(), str(file))):
            for found in _names(node, inside, package.name):
                yield Import(module=name, imports=found, line=getattr(node, "lineno", 0))


def _names(node: ast.AST, inside: list[str], root: str) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        base = ".".join(inside[: len(inside) - node.level + 1]) if node.level else ""
        origin = ".".join(part for part in (base, node.module) if part)
        # What is imported may be a module or a name in it; the longer form says both.
        yield from (f"{origin}.{alias.name}" for alias in node.names)
    elif isinstance(node, ast.Call) and _is_import_call(node.func):
        first = node.args[0] if node.args else None
        if isinstance(first, ast.Constant) and isinstance(first.value, str):
            dots = len(first.value) - len(first.value.lstrip("."))
            base = ".".join(inside[: len(inside) - dots + 1]) if dots else ""
            yield ".".join(part for part in (base, first.value.lstrip(".")) if part)
    elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == root:
        yield f"{root}.{node.attr}"


def _is_import_call(function: ast.expr) -> bool:
    return (isinstance(function, ast.Attribute) and function.attr == "import_module") or (
        isinstance(function, ast.Name) and function.id in {"import_module", "__import__"}
    )


def violations(package: Path) -> list[str]:
    """Everything that the table forbids, a line each."""
    known = units(package)
    found = [f"{unit} stands on no floor" for unit in sorted(known) if unit not in places() and unit not in BESIDE]
    for each in imports(package):
        reason = _objection(each, package.name, known)
        if reason:
            found.append(f"{each}: {reason}")
    return list(dict.fromkeys(found))


def _objection(each: Import, root: str, known: set[str]) -> str | None:
    top, *rest = each.imports.split(".")
    if top in OUTSIDE:
        return f"the product does not know of {top}"
    importer = unit_of(each.module)
    if top != root:
        return _foreign(importer, top)
    imported = rest[0] if rest and rest[0] in known else "__init__"
    if imported == importer:
        return None
    return _beside(importer, imported) or _door(importer, imported) or _direction(importer, imported)


def _foreign(importer: str, top: str) -> str | None:
    place = places().get(importer)
    for holder in (importer, place.floor if place else ""):
        if top in FORBIDDEN.get(holder, ()):
            return f"{holder} has no business with {top}"
    return None


def _beside(importer: str, imported: str) -> str | None:
    stands = places()
    if importer in BESIDE:
        ground = imported in stands and stands[imported].floor == "ground"
        return None if ground else f"{importer} stands beside the floors and imports only the ground"
    if imported in BESIDE and importer not in BESIDE[imported]:
        return f"only {', '.join(sorted(BESIDE[imported])) or 'nobody'} may import {imported}"
    return None


def _door(importer: str, imported: str) -> str | None:
    if imported in DOOR and importer not in DOOR[imported]:
        return f"nothing imports {imported}"
    return None


def _direction(importer: str, imported: str) -> str | None:
    stands = places()
    if importer not in stands or imported not in stands:
        return None  # said once, for the module itself; the packages beside are judged above
    above, below = stands[importer], stands[imported]
    if above.height > below.height:
        return None
    if above.height == below.height:
        return f"{importer} and {imported} are siblings on the floor of the {above.floor}"
    return f"up from the {above.floor} to the {below.floor}"


# --- the product --------------------------------------------------------------------------------


def test_imports_go_only_down() -> None:
    assert violations(PACKAGE) == []


def test_the_table_names_each_module_once() -> None:
    named = [unit for stair in FLOORS.values() for step in stair for unit in step] + list(BESIDE)
    assert sorted(named) == sorted(set(named))


def test_the_walk_sees_the_whole_tree() -> None:
    seen = {unit_of(each.module) for each in imports(PACKAGE)}
    silent = {"__init__", "pg_types"}
    assert units(PACKAGE) - seen <= silent, "modules without a single import: is the walk blind there?"


def test_no_module_is_too_long() -> None:
    lengths = {str(file.relative_to(PACKAGE)): len(file.read_text().splitlines()) for file in PACKAGE.rglob("*.py")}
    assert {name: length for name, length in lengths.items() if length > LONGEST} == {}


def test_only_the_door_opens_connections() -> None:
    """`connect` sets what every session must run under; nobody goes around it.

    But for the island, which is no part of the migrator, and the demo, which plays other people too:
    the one who copies by equal names, and the one who plants faults.
    """
    openers = {"asyncpg.connect", "asyncpg.create_pool", "psycopg.connect", "psycopg.AsyncConnection"}
    found = [
        f"{file.relative_to(PACKAGE)}:{node.lineno}"
        for file in PACKAGE.rglob("*.py")
        if file.name != "connect.py" and unit_of(module_name(PACKAGE, file)) not in {"data", "demo"}
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and f"{node.value.id}.{node.attr}" in openers
    ]
    assert found == []


def test_sql_is_not_patched_together_by_text_replacement() -> None:
    """In what is handed straight to a session: no %-format, no .format(), no .replace()."""
    verbs = {"execute", "fetch", "fetchrow", "fetchval", "prepare"}
    found = []
    for file in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in verbs:
                for part in ast.walk(node.args[0]) if node.args else ():
                    patched = (isinstance(part, ast.BinOp) and isinstance(part.op, ast.Mod)) or (
                        isinstance(part, ast.Attribute) and part.attr in {"format", "replace"}
                    )
                    if patched:
                        found.append(f"{file.relative_to(PACKAGE)}:{node.lineno}")
    assert found == []


# --- the test itself ----------------------------------------------------------------------------

SOUND = {
    "__init__": '__version__ = "0"',
    "errors": "",
    "names": "from crosswalk.errors import X",
    "schema": "from crosswalk.names import X",
    "connect": "import asyncpg\nfrom crosswalk import __version__\nfrom crosswalk.names import X",
    "express.__init__": "from crosswalk.express.casts import X",
    "express.casts": "from . import other\nfrom crosswalk.schema import X",
    "express.other": "",
    "judge": "from crosswalk.express import X",
    "apply": "import crosswalk.judge",
    "copy.__init__": "",
    "copy.land": "from crosswalk.express.casts import X",
    "verify": "",
    "progress": "",
    "filling": "from crosswalk import copy, progress",
    "migration": "from crosswalk.filling import X",
    "embedded.__init__": "from crosswalk.errors import X",
    "data": "from crosswalk.names import X",
    "demo": "from crosswalk.embedded import X",
    "cli": "from crosswalk import demo, embedded, migration",
    "__main__": "from crosswalk.cli import main",
}

WRONG = {
    "up": ("names", "from crosswalk.schema import X", "up from the ground to the nouns"),
    "up, as a module": ("schema", "import crosswalk.judge", "up from the nouns to the thinkers"),
    "up, out of the root": ("schema", "from crosswalk import judge", "up from the nouns to the thinkers"),
    "up, by the root's attribute": ("schema", "import crosswalk\nx = crosswalk.judge.X", "up from the nouns"),
    "up, inside a function": ("schema", "def f():\n    from crosswalk.judge import X", "up from the nouns"),
    "up, under TYPE_CHECKING": ("schema", "if TYPE_CHECKING:\n    from crosswalk.judge import X", "up from the nouns"),
    "up, relative": ("copy.land", "from ..migration import X", "up from the hands to the conductor"),
    "up, relative, as a module": ("copy.land", "from .. import migration", "up from the hands to the conductor"),
    "up, from a package's own file": ("copy.__init__", "from ..migration import X", "up from the hands"),
    "up, by import_module": ("schema", "import importlib\nimportlib.import_module('crosswalk.judge')", "up from"),
    "up, by a relative import_module": ("copy.land", "import_module('..migration', __package__)", "up from"),
    "up, by __import__": ("schema", "__import__('crosswalk.judge')", "up from the nouns"),
    "up, a stair": ("filling", "from crosswalk.migration import X", "up from the conductor to the conductor"),
    "up, a stair of thinkers": ("express.other", "from crosswalk.judge import X", "up from the thinkers"),
    "siblings": ("copy.land", "from crosswalk.apply import X", "copy and apply are siblings"),
    "siblings the other way": ("verify", "from crosswalk import copy", "verify and copy are siblings"),
    "the ground and the driver": ("names", "import asyncpg", "ground has no business with asyncpg"),
    "SQL and the driver": ("express.other", "from asyncpg import Record", "express has no business with asyncpg"),
    "a hand and the terminal": ("apply", "from rich.console import Console", "apply has no business with rich"),
    "the island reaches up": ("data", "from crosswalk.connect import X", "data stands beside the floors"),
    "the island is used": ("migration", "from crosswalk.data import X", "only nobody may import data"),
    "embedded reaches up": ("embedded.__init__", "from crosswalk.schema import X", "embedded stands beside"),
    "embedded reaches the island": ("embedded.__init__", "import crosswalk.data", "embedded stands beside"),
    "embedded is used": ("connect", "from crosswalk.embedded import X", "only backup, cli, demo, rest may import embedded"),
    "the command line is used": ("demo", "from crosswalk.cli import X", "nothing imports cli"),
    "no place in the table": ("helpers", "", "helpers stands on no floor"),
    "tests in the product": ("judge", "from tests.servers import sql", "the product does not know of tests"),
}


def write(root: Path, modules: dict[str, str]) -> Path:
    """A package tree from dotted names."""
    package = root / "crosswalk"
    for name, text in modules.items():
        file = package.joinpath(*name.split(".")).with_suffix(".py")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text + "\n")
    return package


def test_a_sound_tree_passes(tmp_path: Path) -> None:
    assert violations(write(tmp_path, SOUND)) == []


@pytest.mark.parametrize(("module", "text", "said"), WRONG.values(), ids=WRONG.keys())
def test_each_kind_of_violation_is_found(tmp_path: Path, module: str, text: str, said: str) -> None:
    found = violations(write(tmp_path, {**SOUND, module: text}))
    assert len(found) == 1, found
    assert said in found[0]
    assert found[0].startswith(unit_of(module))

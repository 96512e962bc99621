"""Habits of the whole repository that a reader would miss one by one."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

import crosswalk

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src"
SKIPPED = {".git", ".venv", "__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis", "node_modules"}
BUILT = {"dist", "build"}

SALON = re.compile(r"salon|yclients|whatsapp|booking|appointment|dialog_context|hairdress|barber", re.IGNORECASE)
"""Words of the worked example. The product must not know it."""
SALON_SHOWN = {"demo", "cli/demo.py"}
"""The demo tells the example's story; it names the example, nothing beneath it does."""

# Written in pieces, or this file would find itself.
PLACES = re.compile("|".join([r"/work" + r"/", r"/root" + r"/", r"/home" + r"/\w", r"/Us" + r"ers/\w"]))
"""Paths of somebody's machine."""
HOSTS = re.compile(
    "|".join(
        [
            r"https?://[^\s/]*arti" + r"factory",
            r"https?://[^\s/]*nex" + r"us",
            r"(?:index|extra-index)-url\s*=",
            r"https?://(?:localhost|127\.0\.0\.1|10\.\d|192\.168)[^\s\"']*/(?:sim" + r"ple|pypi)",
        ]
    ),
    re.IGNORECASE,
)
"""Registries that only one network has."""


def tracked() -> list[Path]:
    """The repository's files, as git knows them; without git, those that stand there."""
    try:
        done = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        names = [name for name in done.stdout.split("\0") if name]
    except (OSError, subprocess.CalledProcessError):
        names = list(_walked())
    return [ROOT / name for name in names if (ROOT / name).is_file()]


def _walked() -> Iterator[str]:
    for directory, below, files in os.walk(ROOT):
        below[:] = [name for name in below if name not in SKIPPED | BUILT and not name.endswith(".egg-info")]
        yield from (str((Path(directory) / name).relative_to(ROOT)) for name in files)


def lines_with(pattern: re.Pattern[str], files: list[Path]) -> list[str]:
    """`file:line: text` of every line that the pattern finds."""
    found = []
    for file in files:
        try:
            text = file.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        found += [
            f"{file.relative_to(ROOT)}:{number}: {line.strip()[:100]}"
            for number, line in enumerate(text.splitlines(), 1)
            if pattern.search(line)
        ]
    return found


def modules() -> list[Path]:
    return sorted((SOURCE / "crosswalk").rglob("*.py"))


def test_the_walk_sees_the_repository() -> None:
    seen = {str(file.relative_to(ROOT)) for file in tracked()}
    assert {"pyproject.toml", "README.md", "src/crosswalk/__init__.py", "tests/unit/test_project.py"} <= seen
    assert {"pyproject.toml", "src/crosswalk/__init__.py"} <= set(_walked())


@pytest.mark.parametrize(
    ("pattern", "line"),
    [
        (SALON, "SELECT * FROM yclients_records"),
        (PLACES, "see /ro" + "ot/notes.md"),
        (HOSTS, "index-" + "url = https://example.org"),
        (HOSTS, "https://arti" + "factory.example.org/pypi"),
    ],
)
def test_each_pattern_finds_what_it_is_for(pattern: re.Pattern[str], line: str) -> None:
    assert pattern.search(line)


def test_the_product_knows_no_word_of_the_worked_example() -> None:
    package = SOURCE / "crosswalk"
    files = [file for file in tracked() if file.is_relative_to(SOURCE)]
    told = [
        file
        for file in files
        if any(file == package / shown or package / shown in file.parents for shown in SALON_SHOWN)
    ]
    assert lines_with(SALON, [file for file in files if file not in told]) == []


def test_no_file_names_a_place_of_somebodys_machine() -> None:
    assert lines_with(PLACES, tracked()) == []


def test_no_file_names_a_private_registry() -> None:
    assert lines_with(HOSTS, tracked()) == []


@pytest.mark.parametrize("file", modules(), ids=lambda file: str(file.relative_to(SOURCE)))
def test_every_module_opens_with_its_contract(file: Path) -> None:
    text = ast.get_docstring(ast.parse(file.read_text()))
    assert text, "no docstring"
    assert text.splitlines()[0].endswith((".", ":", ";", "?")), "the first line is no sentence"


def test_sql_files_say_what_they_return() -> None:
    silent = [
        str(file.relative_to(ROOT))
        for file in (SOURCE / "crosswalk").rglob("*.sql")
        if not re.match(r"-- \w+", file.read_text())
    ]
    assert silent == []


def test_the_version_is_said_once() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["version"] == crosswalk.__version__

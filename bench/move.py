"""The whole copy against its peers, schema by schema, and what a mapping costs on top of it.

    python -m bench.move                     everything in full: hours
    python -m bench.move --quick             small sizes, one round: minutes
    python -m bench.move --json              one line, for machines
    python -m bench.move --schemas wide,many --peers pgcopydb --no-mapped --rounds 3

Every contender begins with an empty target database and ends with the same tables, rows, indexes,
constraints and sequences; that is counted after each turn, and a contender for whom it is not so has no time and
a reason instead. Contenders take turns within a round, each round gives ratios (a peer's time by ours),
medians are over the rounds of a schema, then over the schemas; the many small tables stand apart.
"""

from __future__ import annotations

import argparse
import compileall
import json
import platform
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import crosswalk
from bench import move_peers, move_schemas, pairs
from bench.move_contest import Contest, Found
from bench.move_servers import SETTINGS, Pair, clusters
from bench.move_told import medians, table
from crosswalk import __version__

ROUNDS: Final = 3
QUICK_ROUNDS: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is to be run."""

    schemas: tuple[move_schemas.Schema, ...]
    peers: tuple[move_peers.Peer, ...]
    rounds: int
    quick: bool = False
    mapped: bool = True
    scale: float = 1.0
    """Of the rows."""

    def size(self, schema: move_schemas.Schema) -> int:
        return max(round((schema.quick if self.quick else schema.full) * self.scale), 10)


def note(text: str) -> None:
    """What goes on, beside the figures."""
    print(text, file=sys.stderr, flush=True)


def contest(asked: Asked) -> dict[str, Any]:
    """Run it; gives the figures that --json prints."""
    here = tuple(peer for peer in asked.peers if not peer.absent)
    for peer in asked.peers:
        if peer.absent:
            note(f"{peer.name}: not installed, so it is left out")
    compileall.compile_dir(Path(crosswalk.__file__).parent, quiet=1)  # as an installed package is, whatever the environment says
    with clusters() as pair:
        found = [_one(pair, schema, asked, here) for schema in asked.schemas]
        return {
            "bench": "move",
            "quick": asked.quick,
            "rounds": asked.rounds,
            **medians(found),
            "schemas": {each.name: each.as_json() for each in found},
            "settings": dict(SETTINGS),
            "machine": pairs.machine(),
            "versions": _versions(pair),
        }


def _one(pair: Pair, schema: move_schemas.Schema, asked: Asked, peers: Sequence[move_peers.Peer]) -> Found:
    size = asked.size(schema)
    note(f"{schema.name}: {schema.about}; making it ({size:,})")
    return Contest(pair=pair, schema=schema, peers=peers, mapped=asked.mapped and schema.mapped, note=note).run(size, asked.rounds)


def _versions(pair: Pair) -> dict[str, object]:
    return {
        "crosswalk": __version__,
        "python": platform.python_version(),
        "asyncpg": version("asyncpg"),
        "source": pair.source.server.version,
        "target": pair.target.server.version,
        "postgresql": pair.source.server_version(),
        "pgcopydb": move_peers.version_of("pgcopydb", pair.source),
        "pgloader": move_peers.version_of("pgloader", pair.source),
    }


def _chosen(given: argparse.Namespace) -> Asked:
    """Raises SystemExit for a name that there is not."""
    known = [s for s in move_schemas.ALL if not given.quick or s.quick]
    schemas = _pick("schema", [s.name for s in move_schemas.ALL], given.schemas, [s.name for s in known])
    everyone = move_peers.QUICKLY if given.quick else move_peers.BY_DEFAULT
    peers = _pick("peer", [p.name for p in move_peers.ALL], given.peers, everyone)
    return Asked(
        schemas=tuple(s for s in known if s.name in schemas),
        peers=tuple(p for p in move_peers.ALL if p.name in peers),
        rounds=given.rounds or (QUICK_ROUNDS if given.quick else ROUNDS),
        quick=given.quick,
        mapped=not given.no_mapped,
        scale=given.scale,
    )


def _pick(what: str, known: Sequence[str], given: str | None, default: Sequence[str]) -> Sequence[str]:
    if given is None:
        return default
    names = [name.strip() for name in given.split(",") if name.strip()]
    unknown = [name for name in names if name not in known]
    if unknown:
        raise SystemExit(f"no {what} {', '.join(unknown)}; there are {', '.join(known)}")
    return names


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.move", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="small sizes, one round")
    parser.add_argument("--rounds", type=int, help=f"rounds of one turn each ({ROUNDS}; {QUICK_ROUNDS} with --quick)")
    parser.add_argument("--schemas", help=f"some of {', '.join(s.name for s in move_schemas.ALL)}")
    parser.add_argument("--peers", help=f"some of {', '.join(p.name for p in move_peers.ALL)}; an empty text for none")
    parser.add_argument("--no-mapped", action="store_true", help="leave out what a mapping costs")
    parser.add_argument("--scale", type=float, default=1.0, help="so many times the rows")
    parser.add_argument("--json", action="store_true", help="print one line of JSON")
    given = parser.parse_args()
    found = contest(_chosen(given))
    print(json.dumps(found) if given.json else table(found))


if __name__ == "__main__":
    main()

"""The figures over all schemas, for machines and for people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import median
from typing import Any, Final

from bench.move_contest import OURS, Found, rounded
from bench.move_mapped import VARIANTS

LEFT: Final = ("pg_dump_restore", "psql_pipe")
"""Peers that leave ANALYZE to the user."""
WAYS: Final = {"pgcopydb": ("pgcopydb", "pgcopydb_split")}
"""Of calling a peer; schema by schema the better one counts."""
PEERS: Final = ("pgcopydb", "pg_dump_restore", "pg_dump_restore_gzip", "pg_dump_psql", "psql_pipe", "pgloader")


def medians(found: Sequence[Found]) -> dict[str, float | None]:
    """What stands at the head of the JSON line: medians over the schemas; None where nothing was measured.

    The many small tables are in `ratio_small_tables` and, for memory, in `rss_mb`, which is the most of all runs.
    """
    large = [each for each in found if not each.small]
    small = [each for each in found if each.small]
    return {
        **{f"ratio_{peer}": rounded(_median(_best(each, peer) for each in large)) for peer in PEERS},
        **{f"ratio_{peer}_with_statistics": rounded(_median(each.ready_ratio(peer) for each in large)) for peer in LEFT},
        "ratio_small_tables": rounded(_median(_best(each, "pgcopydb") for each in small)),
        "mapped_cost": rounded(_median(each.ratio("mapped", "identity") for each in large)),
        "mapped_fold_cost": rounded(_median(each.ratio("folded", "identity") for each in large)),
        "cpu_share": rounded(_median(each.cpu_share for each in large)),
        "rss_mb": rounded(max((each.rss_mb for each in found if each.rss_mb is not None), default=None), 1),
    }


def _best(found: Found, peer: str) -> float | None:
    """The peer's time by ours, by the best of its ways."""
    known = [r for way in WAYS.get(peer, (peer,)) if (r := found.ratio(way, OURS)) is not None]
    return min(known, default=None)


def _median(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return median(known) if known else None


def table(found: dict[str, Any]) -> str:
    """The figures for people."""
    lines = [f"{found['machine']}; PostgreSQL {found['versions']['source']}; {found['rounds']} rounds"]
    for name, schema in found["schemas"].items():
        lines += ["", f"{name}: {schema['about']}", f"  {schema['tables']:,} tables, {schema['rows']:,} rows, {schema['mb']:,} MB"]
        lines += _contenders(schema)
        lines += [f"  {who}: void: {why}" for who, why in schema["void"].items()]
        lines += [f"  {who} does not carry over: {what}" for who, what in schema["lacks"].items()]
    lines += ["", "medians over the schemas"]
    lines += [f"  {key:40}{found[key] if found[key] is not None else '-':>8}" for key in found if _is_figure(key)]
    return "\n".join(lines)


def _contenders(schema: dict[str, Any]) -> list[str]:
    lines = [f"  {'':24}{'median s':>10}{'by ours':>10}"]
    for who, seconds in schema["seconds"].items():
        known = [s for s in seconds if s is not None]
        if not known:
            continue
        said = f"  {who:24}{median(known):>10.2f}"
        if who == OURS:
            said += f"{1.0:>10}   {schema['cpu_share']} of a core, {schema['rss_mb']} MB at most"
        elif who in VARIANTS:
            cost = {"mapped": schema["mapped_cost"], "folded": schema["mapped_fold_cost"]}.get(who)
            said += f"{'':10}   {f'{cost} of identity' if cost else 'transform'}"
        else:
            said += f"{schema['ratios'][who] or '-':>10}"
        lines.append(said)
    return lines


def _is_figure(key: str) -> bool:
    return key.startswith(("ratio_", "mapped_")) or key in {"cpu_share", "rss_mb"}

"""Exclusion constraints over the rows that land: how many pairs must be compared, and which two stand in each other's way.

Every row against every other is too much for a million. Where a term is a range and its operator is `&&`, the rows are
put in the order of their lower ends and cut into islands: a row that begins after everything before it has ended begins
an island, and rows of two islands never overlap. Only rows of one island, and of the same values in the terms that are
compared by `=`, are compared. Pure.
"""

from __future__ import annotations

from crosswalk.express.facts import Moment
from crosswalk.express.motion import Motion
from crosswalk.express.together import EQUAL, Together, fitting_rows, given, identity_texts
from crosswalk.names import quote


def pairs_to_compare(motion: Motion, rule: Together, moment: Moment) -> str:
    """How many pairs of rows an exclusion makes the server compare."""
    by = [*_equal(rule), *(['"cw$island"'] if rule.swept is not None else [])]
    grouped = f" GROUP BY {', '.join(by)}" if by else ""
    return (
        f"{_rows(motion, rule, moment)} SELECT COALESCE(sum(n * (n - 1) / 2), 0)::pg_catalog.int8 FROM"
        f' (SELECT count(*) AS n FROM "cw$rows"{grouped}) AS counted'
    )


def excluding(motion: Motion, rule: Together, moment: Moment) -> str:
    """(identity, identity) of each two rows that an exclusion keeps apart, the earlier one first."""
    names = [quote(w.name) for w in motion.key_wires]
    earlier, later = (f"({', '.join(side + n for n in names)})" for side in ("a.", "b."))
    on = [f'a."cw$x{i}" {o} b."cw$x{i}"' for i, o in enumerate(rule.operators)]
    on += ['a."cw$island" = b."cw$island"'] if rule.swept is not None else []
    return (
        f"{_rows(motion, rule, moment)} SELECT {identity_texts(motion, 'a.')}, {identity_texts(motion, 'b.')}"
        f' FROM "cw$rows" AS a JOIN "cw$rows" AS b ON {" AND ".join(on)} AND {earlier} < {later}'
    )


def _equal(rule: Together) -> list[str]:
    return [f'"cw$x{i}"' for i, operator in enumerate(rule.operators) if operator == EQUAL]


def _rows(motion: Motion, rule: Together, moment: Moment) -> str:
    """WITH the identities and terms of the rows that could break the rule."""
    names = [quote(w.name) for w in motion.key_wires]
    listed = ", ".join([*names, *(f'{t} AS "cw$x{i}"' for i, t in enumerate(rule.terms))])
    rows = f"SELECT {listed} FROM {fitting_rows(motion, moment)}{given(rule)}"
    if rule.swept is not None:
        rows = _swept(rows, f'"cw$x{rule.swept}"', _equal(rule))
    return f'WITH "cw$rows" AS MATERIALIZED ({rows})'


def _swept(rows: str, value: str, equal: list[str]) -> str:
    """The rows with the number of their island; empty ranges overlap nothing and are left out.

    Two ends that only touch overlap where both are inclusive, so that inclusive ends come first and count apart.
    """
    by = f"PARTITION BY {', '.join(equal)} " if equal else ""
    order = f"{by}ORDER BY lower_inf({value}) DESC, lower({value}), lower_inc({value}) DESC"
    before = f"OVER ({order} ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)"
    ends = f"max(upper({value}))"
    touches = (
        f"bool_or(upper_inf({value})) {before} OR lower_inf({value}) AND count(*) {before} > 0"
        f" OR lower({value}) < {ends} {before}"
        f" OR lower_inc({value}) AND lower({value}) <= {ends} FILTER (WHERE upper_inc({value})) {before}"
    )
    begins = f'SELECT *, ({touches}) IS NOT TRUE AS "cw$begins" FROM ({rows}) AS "cw$all" WHERE NOT isempty({value})'
    island = f'count(*) FILTER (WHERE "cw$begins") OVER ({order} ROWS UNBOUNDED PRECEDING)'
    return f'SELECT *, {island} AS "cw$island" FROM ({begins}) AS "cw$swept"'

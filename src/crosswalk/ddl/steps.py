"""Steps: one object's statement, what it makes and what must stand before it. "a before b" is declared and sorted.

A step waits for keys that other steps make; a key that nobody makes stands already. Steps that wait
for nothing of one another keep the order in which they were declared.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from crosswalk.names import Name
from crosswalk.plan import Hazard, Kind, Phase, Statement
from crosswalk.schema import Thing

Key = tuple[str, ...]
"""What a step makes: a kind and names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    makes: Key
    after: frozenset[Key]
    statement: Statement


def key_of(thing: Thing) -> Key:
    """The key under which a thing is made."""
    return (thing.kind, str(thing))


def relation_key(name: Name) -> Key:
    return ("relation", str(name))


def schema_key(name: Name) -> Key:
    return ("schema", name.schema)


def step(
    makes: Key,
    sql: str | Sequence[str],
    *,
    undo: str,
    table: Name | None = None,
    after: Iterable[Key] = (),
    phase: Phase = "shape",
    kind: Kind = "create",
    hazard: Hazard | None = None,
) -> Step:
    """A step of one or several statements that belong together; `undo` takes all of them back."""
    text = sql if isinstance(sql, str) else ";\n".join(part.removesuffix(";") for part in sql)
    statement = Statement(
        phase=phase, table=str(table) if table else "", sql=text, undo=undo, kind=kind, hazard=hazard, name=makes[-1]
    )
    return Step(makes=makes, after=frozenset(after) - {makes}, statement=statement)


def ordered(steps: Iterable[Step]) -> tuple[list[Step], list[Step]]:
    """The steps in an order that meets every `after`, and those that lie in a circle or wait for one."""
    declared = list(steps)
    number = {each.makes: place for place, each in enumerate(declared)}
    waits = [{number[key] for key in each.after if key in number} for each in declared]
    waiting: defaultdict[int, list[int]] = defaultdict(list)
    for place, needed in enumerate(waits):
        for other in needed:
            waiting[other].append(place)
    left = [len(needed) for needed in waits]
    ready = [place for place, count in enumerate(left) if not count]
    found: list[Step] = []
    while ready:
        place = heapq.heappop(ready)
        found.append(declared[place])
        for other in waiting[place]:
            left[other] -= 1
            if not left[other]:
                heapq.heappush(ready, other)
    return found, [each for place, each in enumerate(declared) if left[place]]

"""Our client against a real PostgREST: the same requests, the same answers, both shells; what differs on purpose is told one by one.

`tests/oracle` holds the schema, the requests by area, and the differences that are meant (docs/oracle.md tells them).
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, assume, given, settings

from crosswalk.embedded import Server
from tests.oracle.areas import AREAS
from tests.oracle.asked import Case, asks, changes
from tests.oracle.differences import BEGINS, PAGE, listed, page, unmeant
from tests.oracle.generated import cases
from tests.oracle.generated_writes import writes
from tests.oracle.meant import MEANT
from tests.oracle.outcome import Outcome, difference, shown
from tests.oracle.sides import OURS, THEIRS, OursAsync, OursSync, Side, Tables, Theirs, tables, world

SHELLS = ("sync", "async")
EVERYDAY, DRILL = 60, 4000
EVERYDAY_WRITES, DRILL_WRITES = 25, 1500
ALL = {case.name: case for area in AREAS.values() for case in area}


class Oracle:
    """Both sides, and what they said, asked once."""

    def __init__(self, sides: dict[str, tuple[Side, Tables]]) -> None:
        self._sides = sides
        self._said: dict[tuple[str, str], dict[str, Outcome]] = {}

    def ask(self, side: str, case: Case) -> Outcome:
        answering, written = self._sides[side]
        return written.around(case, answering.run)

    def area(self, side: str, area: str) -> dict[str, Outcome]:
        if (side, area) not in self._said:
            self._said[side, area] = {case.name: self.ask(side, case) for case in AREAS[area]}
        return self._said[side, area]

    def everything(self, side: str) -> dict[str, Outcome]:
        return {name: outcome for area in AREAS for name, outcome in self.area(side, area).items()}


@pytest.fixture(scope="module")
def oracle(pg16: Server) -> Iterator[Oracle]:
    """One PostgREST, two equal databases, three who answer."""
    with ExitStack() as stack:
        made = stack.enter_context(world(pg16))
        theirs, ours = (stack.enter_context(tables(pg16, name)) for name in (THEIRS, OURS))
        opened = (Theirs(made.api), OursSync(made.login), OursAsync(made.login))
        rest, sync, aio = (stack.enter_context(closing(each)) for each in opened)
        yield Oracle({"theirs": (rest, theirs), "sync": (sync, ours), "async": (aio, ours)})


def test_the_requests_are_many_and_no_two_ask_the_same() -> None:
    asked = Counter(case.name for area in AREAS.values() for case in area)
    assert [name for name, times in asked.items() if times > 1] == []
    assert len(asked) > 1900


def test_most_requests_are_answered_and_not_refused(oracle: Oracle) -> None:
    """Two refusals are alike sooner than two answers."""
    theirs = oracle.everything("theirs")
    answered = [name for name, outcome in theirs.items() if not outcome.failed]
    assert len(answered) > 1500
    assert len({outcome.code for outcome in theirs.values()}) > 50, "errors of many kinds"
    assert sum(theirs[name].data not in {"[]", "null"} for name in answered) > 1200, "answers that hold something"


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("area", AREAS)
def test_the_same_answers(oracle: Oracle, area: str, shell: str) -> None:
    theirs, ours = oracle.area("theirs", area), oracle.area(shell, area)
    wrong = [shown(name, theirs[name], ours[name]) for name in theirs if unmeant(MEANT, name, theirs[name], ours[name])]
    assert not wrong, f"{len(wrong)} of {len(theirs)} differ:\n" + "\n".join(wrong)


@pytest.mark.parametrize("shell", SHELLS)
def test_what_is_told_as_a_difference_still_differs(oracle: Oracle, shell: str) -> None:
    theirs, ours = oracle.everything("theirs"), oracle.everything(shell)
    unknown = [name for each in MEANT for name in each.requests if name not in theirs]
    assert not unknown, f"no request has that name:\n{listed(unknown)}"
    gone = [name for each in MEANT for name in each.requests if not difference(theirs[name], ours[name])]
    assert not gone, f"these differ no more:\n{listed(gone)}"
    for each in MEANT:
        shows = {part for name in each.requests for part in difference(theirs[name], ours[name])}
        assert shows == each.fields, each.title
    twice = Counter(name for each in MEANT for name in each.requests)
    assert max(twice.values(), default=1) == 1


def test_the_page_tells_every_difference(oracle: Oracle) -> None:
    """With ORACLE_WRITE_PAGE=1 in the environment the page is written first."""
    path = Path(__file__).parents[2] / PAGE
    head, told = (
        path.read_text().partition(BEGINS)[0],
        page(MEANT, oracle.everything("theirs"), oracle.everything("sync")),
    )
    if os.environ.get("ORACLE_WRITE_PAGE"):
        path.write_text(f"{head}{BEGINS}\n\n{told}")
    assert path.read_text() == f"{head}{BEGINS}\n\n{told}"


def _decoded(outcome: Outcome, change: Callable[[object], object]) -> Outcome:
    text = json.dumps(change(json.loads(outcome.data)), ensure_ascii=False, sort_keys=True)
    return replace(outcome, data=text, keys=text)


def _first(outcome: Outcome, change: Callable[[dict[str, object]], object]) -> Outcome:
    return _decoded(outcome, lambda rows: [change(rows[0]), *rows[1:]] if isinstance(rows, list) else rows)


ROWS = asks(lambda c: c.table("albums").select("id", "title", "meta", count="exact").order("id", desc=False).limit(4))[
    0
]
REFUSED = asks(lambda c: c.table("albums").select("id").eq("id", "not a number"))[0]
WRITTEN = changes(lambda c: c.table("items").update({"qty": 77}).eq("id", 1).select("id", "qty", "name"))[0]
LIES: dict[str, tuple[Case, Callable[[Outcome], Outcome]]] = {
    "an int as float": (ROWS, lambda o: _first(o, lambda row: {**row, "id": 1.0})),
    "an int as text": (ROWS, lambda o: _first(o, lambda row: {**row, "id": "1"})),
    "an int as boolean": (ROWS, lambda o: _first(o, lambda row: {**row, "id": True})),
    "a null left out": (ROWS, lambda o: _decoded(o, lambda rows: [{k: v for k, v in row.items() if v is not None} for row in rows])),  # type: ignore[attr-defined]
    "a key's order": (ROWS, lambda o: replace(o, keys=json.dumps([dict(reversed(row.items())) for row in json.loads(o.keys)]))),
    "a row lost": (ROWS, lambda o: _decoded(o, lambda rows: rows[1:])),  # type: ignore[index]
    "rows in another order": (ROWS, lambda o: _decoded(o, lambda rows: rows[::-1])),  # type: ignore[index]
    "no rows": (ROWS, lambda o: _decoded(o, lambda _: [])),
    "another count": (ROWS, lambda o: replace(o, count=7)),
    "no count": (ROWS, lambda o: replace(o, count=None)),
    "an error for rows": (ROWS, lambda _: Outcome(code="XX000", message="broken")),
    "rows for an error": (REFUSED, lambda _: Outcome(data="[]", keys="[]")),
    "another error": (REFUSED, lambda o: replace(o, code="22007")),
    "another message": (REFUSED, lambda o: replace(o, message="no")),
    "a write that said so and was not": (WRITTEN, lambda o: replace(o, contents=o.contents.replace(",77,", ",5,"))),
    "a write that changed more": (WRITTEN, lambda o: replace(o, contents=o.contents.replace("paint", "point"))),
}  # fmt: skip


@pytest.mark.parametrize("lie", LIES)
def test_a_wrong_answer_is_caught(oracle: Oracle, lie: str) -> None:
    case, tell = LIES[lie]
    theirs, ours = oracle.ask("theirs", case), oracle.ask("sync", case)
    assert not difference(theirs, ours)
    lied = tell(ours)
    assert lied != ours
    assert unmeant(MEANT, case.name, theirs, lied)
    assert case.name in shown(case.name, theirs, lied)


def test_a_wrong_client_is_caught(oracle: Oracle) -> None:
    """Ours is asked for something a little different, a read and a write; of the write only the contents tell."""
    asked = asks(lambda c: c.table("albums").select("id").gt("id", 3).order("id"))[0]
    other = asks(lambda c: c.table("albums").select("id").gte("id", 3).order("id"))[0]
    assert unmeant(MEANT, asked.name, oracle.ask("theirs", asked), oracle.ask("sync", other))
    wrote = changes(lambda c: c.table("items").delete(returning="minimal").eq("id", 3))[0]
    spared = changes(lambda c: c.table("items").delete(returning="minimal").eq("id", 99))[0]
    assert unmeant(MEANT, wrote.name, oracle.ask("theirs", wrote), oracle.ask("sync", spared)) == ("contents",)


def _agree(oracle: Oracle, case: Case) -> None:
    theirs, ours = oracle.ask("theirs", case), oracle.ask("sync", case)
    assume(not theirs.message.startswith("cannot cast type jsonb to"))  # its aliases collide: docs/oracle.md
    differing = [each for each in difference(theirs, ours) if each != "keys"]
    assert not differing, shown(case.name, theirs, ours)


_QUIET = {
    "deadline": None,
    "suppress_health_check": list(HealthCheck),
    "phases": (Phase.generate, Phase.shrink),
    "database": None,
}


@given(case=cases())
@settings(max_examples=EVERYDAY, derandomize=True, **_QUIET)  # type: ignore[arg-type]
def test_generated_requests(oracle: Oracle, case: Case) -> None:
    _agree(oracle, case)


@pytest.mark.drill
@given(case=cases())
@settings(max_examples=DRILL, **_QUIET)  # type: ignore[arg-type]
def test_many_generated_requests(oracle: Oracle, case: Case) -> None:
    _agree(oracle, case)


@given(case=writes())
@settings(max_examples=EVERYDAY_WRITES, derandomize=True, **_QUIET)  # type: ignore[arg-type]
def test_generated_writes(oracle: Oracle, case: Case) -> None:
    _agree(oracle, case)


@pytest.mark.drill
@given(case=writes())
@settings(max_examples=DRILL_WRITES, **_QUIET)  # type: ignore[arg-type]
def test_many_generated_writes(oracle: Oracle, case: Case) -> None:
    _agree(oracle, case)

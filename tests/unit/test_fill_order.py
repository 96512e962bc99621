"""The order of filling: long chains and circles, and that nothing is filled before what it needs."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from crosswalk.express import Facts
from crosswalk.mapping import Document
from crosswalk.names import Name
from crosswalk.schema import Table
from crosswalk.strategy import fill_order
from tests.schemas import refers, schema, table

MANY = 3_000


def facts(refers_to: list[list[int]]) -> Facts:
    """Tables t0000, t0001 …; each refers to those whose numbers stand in its place, by columns that may be NULL."""
    found = schema(*(_table(number, others) for number, others in enumerate(refers_to)))
    mapping = {"key": ["id"], "columns": {"id": "id"}}
    document = Document.model_validate(
        {"version": 1, "tables": {n.relation: {"from": n.relation, **mapping} for n in found.tables}}
    )
    return Facts(source=found, target=found, document=document)


def _table(number: int, others: list[int]) -> Table:
    keys = [replace(refers(f"c{other}", name(other).relation), name=f"key_{other}") for other in others]
    return table(name(number).relation, *keys, **{f"c{other}": "int4" for other in others})


def name(number: int) -> Name:
    return Name("public", f"t{number:04}")


def test_a_chain_may_be_longer_than_pythons_stack() -> None:
    found = fill_order(facts([[n + 1] if n + 1 < MANY else [] for n in range(MANY)]))
    assert found.tables == tuple(name(n) for n in reversed(range(MANY)))
    assert found.circular == ()


def test_a_circle_may_be_as_long_and_each_of_its_keys_is_named() -> None:
    found = fill_order(facts([[(n + 1) % MANY] for n in range(MANY)]))
    assert len({*found.tables}) == MANY
    assert len(found.circular) == MANY


@given(st.integers(1, 9).flatmap(lambda n: st.lists(st.lists(st.integers(0, n - 1), unique=True), min_size=n, max_size=n)))
def test_what_is_needed_comes_first_unless_it_needs_the_table_itself(needs: list[list[int]]) -> None:
    found = fill_order(facts(needs))
    reached = [_reached(needs, n) for n in range(len(needs))]
    place = {table: at for at, table in enumerate(found.tables)}
    circular = {(n, other) for n, others in enumerate(needs) for other in others if n in reached[other]}
    assert {(int(t.relation[1:]), int(key.name[4:])) for t, key in found.circular} == circular
    for n, others in enumerate(needs):
        assert all(place[name(other)] < place[name(n)] for other in others if (n, other) not in circular)


def _reached(needs: list[list[int]], start: int) -> set[int]:
    """The tables that a table leads to, itself among them."""
    found, waiting = {start}, [start]
    while waiting:
        for other in needs[waiting.pop()]:
            if other not in found:
                found.add(other)
                waiting.append(other)
    return found

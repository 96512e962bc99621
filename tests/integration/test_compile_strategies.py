"""The document that a plan derives is compiled as well: what hybrid and recreate keep is read as it was."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from crosswalk.cli import main
from crosswalk.data.compiled import CompiledMapping, read_compiled, reading
from crosswalk.embedded import Server
from crosswalk.names import parse, quote
from crosswalk.plan import Strategy
from crosswalk.planfile import PlanFile, write_plans
from examples.salon.data import load_source, load_target
from tests.road import connected, road
from tests.servers import MakeDatabase, MakeRole

SALON = Path(__file__).resolve().parents[2] / "examples" / "salon" / "crosswalk.yaml"
FINAL = {"api_key", "webhook_secret", "whatsapp_session_data"}


async def _compiled(source: str, target: str, strategy: Strategy, place: Path) -> CompiledMapping:
    async with connected(source) as old, connected(target) as new:
        await load_source(old)
        await load_target(new)
    way = road(source, target, SALON)
    plan = await way.plan(strategy)
    write_plans(place / "plan.json", PlanFile(plans={strategy: plan}, costs=(), decision=plan.decision))
    await way.migrate(plan)
    words = ["compile", str(place / "plan.json"), "--source", source, "--target", target, "-o", str(place / "compiled.json")]
    with ThreadPoolExecutor(max_workers=1) as pool:
        assert pool.submit(main, words).result() == 0
    return read_compiled(place / "compiled.json")


def as_text(column: str, kind: str) -> str:
    """By value: a numeric shows the scale of the column that it stands in."""
    name = quote(column)
    return f"trim_scale({name})::text" if kind.startswith("numeric") else f"{name}::text"


@pytest.mark.parametrize("strategy", ["hybrid", pytest.param("recreate", marks=pytest.mark.drill)])
async def test_what_a_strategy_keeps_is_read_as_it_was(
    pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole, tmp_path: Path, strategy: Strategy
) -> None:
    source, target = (make_database(server, owner=make_role(server)) for server in (pg16, pg18))
    compiled = await _compiled(source, target, strategy, tmp_path)
    assert {c for t in compiled.tables.values() for c, column in t.columns.items() if column.absent} == FINAL
    async with connected(source) as old, connected(target) as new:
        for name, table in compiled.tables.items():
            exact = ", ".join(as_text(c, table.columns[c].type) for c in table.readable if table.columns[c].exact)
            read = await new.fetch(f'SELECT {exact} FROM ({reading(table)}) AS "read"')
            held = {tuple(row) for row in await old.fetch(f"SELECT {exact} FROM {parse(name).sql}")}
            assert [row for row in read if tuple(row) not in held] == [], name
            assert read
    bookings = compiled.table("bookings")
    assert bookings.columns["client_name"].exact
    assert bookings.columns["record_hash"].exact
    assert not bookings.columns["client_name"].declared
    assert bookings.columns["status"].exact is (strategy == "recreate")

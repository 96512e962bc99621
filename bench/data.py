"""What a call of the data layer costs: the salon's 21 methods on the old database, through REST and by SQL, and on the new.

    python -m bench.data             100,000 clients, 400 rounds
    python -m bench.data --quick     20,000 clients, 100 rounds
    python -m bench.data --methods get_services,upsert_client
    python -m bench.data --json      one line, for machines

The salon is moved from an embedded PostgreSQL 16 to an embedded 18 first, and its mapping compiled. Then each method is
called in rounds, on each side in turning order, one caller at a time: `rest` is PostgREST 12 before the legacy database,
`sql` the legacy database itself, `new` the new one under legacy names. The arguments change from round to round and are
the same on every side. A call that does not succeed ends the benchmark. Told are the median and the 95th percentile.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import platform
import time
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AsyncExitStack
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from statistics import median, quantiles
from typing import Any, Final, TypeAlias

import asyncpg

from bench import pairs
from crosswalk import __version__, embedded
from crosswalk.compiling import compile_document
from crosswalk.data.repository.mapped import MappedStore
from crosswalk.data.repository.rest import RestStore
from crosswalk.data.repository.sql import SqlStore
from crosswalk.embedded import Server
from crosswalk.mapping import read_mapping
from crosswalk.migration import migrate
from crosswalk.plan import Decision, Hazard
from crosswalk.planning import make_plan
from crosswalk.survey import Servers
from examples.salon.app.envelope import Envelope
from examples.salon.app.opening import REST_KEYS, over
from examples.salon.app.salon import SalonData
from examples.salon.data import load_source, load_target
from tests.postgrest import Api
from tests.salon_sides import served

MAPPING: Final = Path(__file__).parents[1] / "examples" / "salon" / "crosswalk.yaml"
FULL, QUICK = (100_000, 400), (20_000, 100)
"""Clients, rounds."""
WARM: Final = 10
"""Rounds before the first that counts."""
SALON: Final = 700123
NOW: Final = datetime(2026, 1, 15, 9, tzinfo=UTC)
SIDES: Final = ("rest", "sql", "new")
NAMES: Final = ("Агата", "белла", "Ветрова", "Калинова Ника", "нет такой")
Call = Callable[[SalonData, int], Awaitable[Envelope]]
Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


def _client(number: int) -> dict[str, Any]:
    number %= 500
    return {"yclients_id": 217000000 + number, "company_id": SALON, "name": f"Новая {number}", "phone": f"7977{number:07}"}


def _service(number: int) -> dict[str, Any]:
    return {"yclients_id": 18970000 + number % 50, "company_id": SALON, "title": f"Услуга {number % 50}", "duration": 3600}


def _day(number: int) -> dict[str, Any]:
    day = date(2027, 1, 1) + timedelta(days=number % 300)
    return {"staff_id": 2890004, "staff_name": "Мастер", "date": day, "is_working": number % 7 > 0}


def _context(number: int) -> dict[str, Any]:
    return {"user_id": f"7976{number % 100:07}", "company_id": str(SALON), "state": "'INIT'", "messages": [{"text": "да"}]}


CALLS: Final[dict[str, Call]] = {
    "get_dialog_context": lambda s, i: s.get_dialog_context(f"79{14 + i % 8:09}"),
    "upsert_dialog_context": lambda s, i: s.upsert_dialog_context(_context(i)),
    "get_client_by_phone": lambda s, i: s.get_client_by_phone(f"8 9{100 + 7 * i:09}"),
    "get_client_by_id": lambda s, i: s.get_client_by_id(210000100 + 7 * i, SALON),
    "get_client_appointments": lambda s, i: s.get_client_appointments(210000030 + i, SALON),
    "get_upcoming_appointments": lambda s, i: s.get_upcoming_appointments(210000030 + i, SALON),
    "search_clients_by_name": lambda s, i: s.search_clients_by_name(SALON, NAMES[i % len(NAMES)]),
    "upsert_client": lambda s, i: s.upsert_client(_client(i)),
    "upsert_clients": lambda s, i: s.upsert_clients([_client(i * 20 + k) for k in range(20)]),
    "get_staff": lambda s, i: s.get_staff(SALON, i % 2 == 0),
    "get_staff_by_id": lambda s, i: s.get_staff_by_id(2890004 + i % 8, SALON),
    "get_staff_schedules": lambda s, i: s.get_staff_schedules({"staff_id": 2890004 + i % 8, "date_from": date(2026, 1, 1)}),
    "get_staff_schedule": lambda s, i: s.get_staff_schedule(2890004 + i % 8, date(2026, 1, 12) + timedelta(days=i % 3), SALON),
    "upsert_staff_schedules": lambda s, i: s.upsert_staff_schedules([_day(i * 7 + k) for k in range(7)]),
    "get_services": lambda s, i: s.get_services(SALON, i % 2 == 0),
    "get_service_by_id": lambda s, i: s.get_service_by_id(18350010 + i % 40, SALON),
    "get_services_by_category": lambda s, i: s.get_services_by_category(SALON, 901 + i % 8),
    "upsert_services": lambda s, i: s.upsert_services([_service(i * 10 + k) for k in range(10)]),
    "get_company": lambda s, _: s.get_company(SALON),
    "upsert_company": lambda s, i: s.upsert_company({"company_id": SALON, "title": f"Салон {i % 9}"}),
    "health_check": lambda s, _: s.health_check(),
}


async def _lay(source: str, target: str, clients: int) -> dict[str, Any]:
    """Both databases filled, the salon moved; gives the compiled mapping."""
    await _on(source, partial(_old, clients=clients))
    await _on(target, load_target)
    servers, file = Servers(source=source, target=target), read_mapping(MAPPING)
    plan, _ = await make_plan(file, servers, sample=False)
    decision = Decision(strategy="transform", who="bench", why="a benchmark", at="2026-01-01T00:00:00+00:00")
    await migrate(plan.model_copy(update={"decision": decision}), servers, allow=[each.value for each in Hazard])
    for url in (source, target):
        await _on(url, lambda opened: opened.execute("ANALYZE"))
    return (await compile_document(file, servers)).content


async def _on(url: str, work: Callable[[Connection], Awaitable[object]]) -> None:
    opened = await asyncpg.connect(url)
    try:
        await work(opened)
    finally:
        await opened.close()


async def _old(opened: Connection, *, clients: int) -> None:
    await load_source(opened, rows=clients)
    # The key that the application writes companies by; the legacy schema lacks it.
    await opened.execute("CREATE UNIQUE INDEX companies_company_id_key ON companies (company_id)")


async def _measure(
    sides: dict[str, SalonData], methods: Iterable[str], rounds: int
) -> dict[str, dict[str, list[float]]]:
    """Milliseconds of each call, by method and side."""
    taken: dict[str, dict[str, list[float]]] = {method: {side: [] for side in SIDES} for method in methods}
    for number in range(-WARM, rounds):
        for method, by_side in taken.items():
            shift = number % len(SIDES)
            for side in SIDES[shift:] + SIDES[:shift]:
                spent = await _timed(CALLS[method], sides[side], number + WARM)
                if number >= 0:
                    by_side[side].append(spent)
    return taken


async def _timed(call: Call, salon: SalonData, number: int) -> float:
    began = time.perf_counter()
    answer = await call(salon, number)
    spent = (time.perf_counter() - began) * 1000
    if not answer["success"]:
        raise RuntimeError(f"{answer['operation']}: {answer['error']}")
    return spent


async def _ask(source: str, target: str, api: Api, compiled: dict[str, Any], methods: list[str], rounds: int) -> Any:
    async with AsyncExitStack() as stack:
        rest = await stack.enter_async_context(await RestStore.open(api.url, api.jwt("service_role"), keys=REST_KEYS))
        plain = await stack.enter_async_context(await SqlStore.open(source))
        new = await stack.enter_async_context(await MappedStore.open(target, compiled))
        stores = {"rest": rest, "sql": plain, "new": new}
        return await _measure({n: SalonData(over(s), now=lambda: NOW) for n, s in stores.items()}, methods, rounds)


def contest(methods: list[str], *, clients: int, rounds: int) -> dict[str, object]:
    """Run it; gives the figures that --json prints."""
    with embedded.ephemeral(version=16, fast=True) as old, embedded.ephemeral(version=18, fast=True) as new:
        source, target = old.url("postgres"), new.url("postgres")
        compiled = asyncio.run(_lay(source, target, clients))
        with served(old, source) as api:
            taken = asyncio.run(_ask(source, target, api, compiled, methods, rounds))
        versions = _versions(old, new)
    return {
        "bench": "data", "clients": clients, "rounds": rounds, "milliseconds": {m: _figures(s) for m, s in taken.items()},
        "machine": pairs.machine(), "versions": versions,
    }  # fmt: skip


def _versions(old: Server, new: Server) -> dict[str, object]:
    return {"crosswalk": __version__, "python": platform.python_version(), "source": old.version, "target": new.version}


def _figures(by_side: dict[str, list[float]]) -> dict[str, dict[str, float]]:
    return {
        side: {"p50": round(median(spent), 2), "p95": round(quantiles(spent, n=20, method="inclusive")[-1], 2)}
        for side, spent in by_side.items()
    }


def report(found: dict[str, Any]) -> str:
    """The figures as a table, in milliseconds: p50 and p95."""
    lines = [
        f"{found['clients']:,} clients, {found['rounds']} rounds, {found['machine']}",
        "| method | legacy through PostgREST | legacy, SQL | new, mapped |", "|---|---|---|---|",
    ]  # fmt: skip
    for method, sides in found["milliseconds"].items():
        cells = " | ".join(f"{sides[side]['p50']:.1f} / {sides[side]['p95']:.1f}" for side in SIDES)
        lines.append(f"| {method} | {cells} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK[0]:,} clients, {QUICK[1]} rounds")
    parser.add_argument("--rows", type=int, default=None, help="clients")
    parser.add_argument("--rounds", type=int, default=None)
    parser.add_argument("--methods", default=",".join(CALLS), help="some of the 21")
    parser.add_argument("--json", action="store_true", help="one line of JSON")
    given = parser.parse_args()
    clients, rounds = QUICK if given.quick else FULL
    found = contest(given.methods.split(","), clients=given.rows or clients, rounds=given.rounds or rounds)
    print(json.dumps(found) if given.json else report(found))


if __name__ == "__main__":
    main()

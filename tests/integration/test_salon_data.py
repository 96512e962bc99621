"""The salon's schemas and data are what docs/salon.md says, on real servers, made by a plain owner."""

from __future__ import annotations

import hashlib
import io
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal

import asyncpg
import pytest

from crosswalk.embedded import Server
from examples.salon import data
from examples.salon.data import TRAPS, Connection, Sizes, load_source, load_target
from tests.servers import MakeDatabase, MakeRole

SEVEN = {
    "companies": (34, 16, 1, "company_id"),
    "clients": (39, 20, 1304, "yclients_id"),
    "services": (21, 15, 63, "yclients_id"),
    "staff": (24, 16, 12, "yclients_id"),
    "staff_schedules": (10, 12, 44, "staff_name"),
    "bookings": (24, 17, 45, "yclients_record_id"),
    "dialog_contexts": (14, 9, 21, "user_id"),
}
"""Table: columns in the source, columns in the target, rows, first column that the target lacks."""


@pytest.fixture(params=["pg16", "pg18"])
def server(request: pytest.FixtureRequest) -> Server:
    found = request.getfixturevalue(request.param)
    assert isinstance(found, Server)
    return found


class Salon:
    """Makes empty databases that belong to a plain role, and connects to them as that role."""

    def __init__(self, make_database: MakeDatabase, make_role: MakeRole) -> None:
        self._make_database, self._make_role = make_database, make_role

    @asynccontextmanager
    async def empty(self, server: Server) -> AsyncIterator[Connection]:
        conn = await asyncpg.connect(self._make_database(server, owner=self._make_role(server)))
        try:
            yield conn
        finally:
            await conn.close()

    @asynccontextmanager
    async def source(
        self, server: Server, dataset: Literal["default", "traps"] = "default", rows: int | None = None
    ) -> AsyncIterator[Connection]:
        async with self.empty(server) as conn:
            await load_source(conn, dataset=dataset, rows=rows)
            yield conn

    @asynccontextmanager
    async def target(self, server: Server) -> AsyncIterator[Connection]:
        async with self.empty(server) as conn:
            await load_target(conn)
            yield conn


@pytest.fixture
def salon(make_database: MakeDatabase, make_role: MakeRole) -> Salon:
    return Salon(make_database, make_role)


async def tables(conn: Connection) -> list[str]:
    found = await conn.fetch(
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') "
        'AND NOT relispartition ORDER BY relname COLLATE "C"'
    )
    return [row["relname"] for row in found]


async def counts(conn: Connection) -> dict[str, int]:
    return {table: await conn.fetchval(f"SELECT count(*) FROM {table}") for table in await tables(conn)}


async def fingerprint(conn: Connection) -> dict[str, str]:
    await conn.execute("SET TimeZone = 'UTC'")
    made = {}
    for table in await tables(conn):
        rows = await conn.fetch(f'SELECT t::text AS line FROM {table} AS t ORDER BY t::text COLLATE "C"')
        made[table] = hashlib.sha256("\n".join(row["line"] for row in rows).encode()).hexdigest()
    return made


async def columns(conn: Connection, table: str) -> list[str]:
    found = await conn.fetch(
        "SELECT attname FROM pg_attribute WHERE attrelid = $1::text::regclass AND attnum > 0 ORDER BY attnum", table
    )
    return [row["attname"] for row in found]


async def wrong_traps(
    conn: Connection, *, dataset: str | None, side: Literal["source", "target"] = "source"
) -> dict[str, tuple[int, int]]:
    """Traps whose predicate does not find its count: name → (found, declared)."""
    wrong = {}
    for trap in TRAPS:
        if trap.side == side and dataset in (None, trap.dataset):
            found = await conn.fetchval(f"SELECT count(*) FROM {trap.table} WHERE {trap.where}")
            if found != trap.rows:
                wrong[trap.name] = (found, trap.rows)
    return wrong


async def test_default_has_exactly_the_rows_of_the_failed_run(server: Server, salon: Salon) -> None:
    async with salon.source(server) as source:
        found = await counts(source)
    assert found == {table: rows for table, (_, _, rows, _) in SEVEN.items()}
    assert sum(found.values()) == 1490 == Sizes.of(1304).total


async def test_target_holds_only_the_live_whatsapp_rows(server: Server, salon: Salon) -> None:
    async with salon.target(server) as target:
        found = await counts(target)
        wrong = await wrong_traps(target, dataset=None, side="target")
        largest = await target.fetchval("SELECT max(octet_length(value::text)) FROM whatsapp_keys")
    assert {table: n for table, n in found.items() if n} == {"whatsapp_auth": 1, "whatsapp_keys": 1127}
    assert len(found) == 13
    assert wrong == {}
    assert 110_000 < largest < 115_000


async def test_both_sides_belong_to_a_role_that_is_no_superuser(server: Server, salon: Salon) -> None:
    owned_by_others = (
        "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace "
        "AND relowner <> current_user::regrole"
    )
    for side in (salon.source(server, "traps"), salon.target(server)):
        async with side as conn:
            role = await conn.fetchrow("SELECT * FROM pg_roles WHERE rolname = current_user")
            assert role is not None
            assert not any(role[name] for name in ("rolsuper", "rolbypassrls", "rolreplication", "rolcreaterole"))
            assert await conn.fetchval(owned_by_others) == 0


async def test_equal_names_fail_at_the_first_missing_column_of_every_table(server: Server, salon: Salon) -> None:
    failed = {}
    async with salon.source(server) as source, salon.target(server) as target:
        for table in SEVEN:
            names, wire = await columns(source, table), io.BytesIO()
            await source.copy_from_query(f"SELECT * FROM {table}", output=wire)
            wire.seek(0)
            with pytest.raises(asyncpg.UndefinedColumnError) as error:
                await target.copy_to_table(table, source=wire, columns=names)
            failed[table] = str(error.value)
        assert sum((await counts(target)).values()) == 1128
    assert failed == {
        table: f'column "{column}" of relation "{table}" does not exist' for table, (_, _, _, column) in SEVEN.items()
    }


async def test_both_schemas_have_their_columns_and_the_source_no_foreign_key(server: Server, salon: Salon) -> None:
    async with salon.source(server) as source, salon.target(server) as target:
        found = {table: (len(await columns(source, table)), len(await columns(target, table))) for table in SEVEN}
        foreign = "SELECT count(*) FROM pg_constraint WHERE contype = 'f'"
        keys = [await side.fetchval(foreign) for side in (source, target)]
    assert found == {table: (left, right) for table, (left, right, _, _) in SEVEN.items()}
    assert keys == [0, 13]


@pytest.mark.parametrize("rows", [None, 100, 5000])
async def test_every_trap_of_default_is_there_at_any_number_of_rows(
    server: Server, salon: Salon, rows: int | None
) -> None:
    async with salon.source(server, rows=rows) as source:
        assert await wrong_traps(source, dataset="default") == {}


async def test_traps_holds_the_traps_of_both_data_sets(server: Server, salon: Salon) -> None:
    async with salon.source(server, "traps") as source:
        assert await wrong_traps(source, dataset=None) == {}
        assert await source.fetchval("SELECT count(*) FROM companies") == 3
        empty = [table for table, rows in (await counts(source)).items() if not rows]
    assert empty == []


async def test_the_status_matrix_is_complete(pg18: Server, salon: Salon) -> None:
    trap = next(trap for trap in TRAPS if trap.name == "booking_status_by_attendance")
    async with salon.source(pg18) as source:
        found = await source.fetchval(
            f"SELECT count(DISTINCT (status, visit_attendance)) FROM bookings WHERE {trap.where}"
        )
    assert found == 7 * 4


def test_trap_names_are_unique() -> None:
    assert [name for name, times in Counter(trap.name for trap in TRAPS).items() if times > 1] == []


async def test_two_loads_and_two_versions_give_equal_bytes(pg16: Server, pg18: Server, salon: Salon) -> None:
    made, live = [], []
    for server in (pg18, pg18, pg16):
        async with salon.source(server, "traps", rows=2000) as source:
            await source.execute("SET TimeZone = 'Asia/Tokyo'")
            made.append(await fingerprint(source))
        async with salon.target(server) as target:
            live.append(await fingerprint(target))
    assert made[0] == made[1] == made[2]
    assert live[0] == live[1] == live[2]


async def test_the_session_that_loads_does_not_show_in_the_data(pg18: Server, salon: Salon) -> None:
    made = []
    for zone, style in (("UTC", "ISO"), ("Pacific/Auckland", "German")):
        async with salon.empty(pg18) as source, salon.empty(pg18) as target:
            for conn in (source, target):
                await conn.execute(f"SET TimeZone = '{zone}'; SET DateStyle = '{style}'")
            await load_source(source, dataset="traps")
            await load_target(target)
            bounds = "SELECT pg_get_expr(relpartbound, oid) FROM pg_class WHERE relname = 'messages_2026_01'"
            checks = "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'bookings_datetime_check'"
            for conn in (source, target):
                await conn.execute("SET TimeZone = 'UTC'; SET DateStyle = 'ISO'")
            made.append((await fingerprint(source), await target.fetchval(bounds), await target.fetchval(checks)))
    assert made[0] == made[1]


async def test_postgresql_15_makes_the_same_bytes(pg15: Server, pg18: Server, salon: Salon) -> None:
    made = []
    for server in (pg15, pg18):
        async with salon.source(server, "traps") as source, salon.target(server) as target:
            made.append((await fingerprint(source), await fingerprint(target)))
    assert made[0] == made[1]


async def test_more_rows_grow_the_other_tables_in_proportion(pg18: Server, salon: Salon) -> None:
    async with salon.source(pg18, rows=5000) as source:
        found = await counts(source)
        bulk_phones = await source.fetchrow(
            "SELECT count(*) AS rows, count(DISTINCT phone) AS phones, bool_and(phone ~ '^79[0-9]{9}$') AS digits "
            "FROM clients WHERE id > 59825"
        )
        resolved = await source.fetchval(
            "SELECT count(*) FROM bookings b JOIN clients c ON c.yclients_id = b.client_yclients_id "
            "JOIN services v ON v.yclients_id = b.service_ids[1] AND v.duration > 0 AND v.duration % 60 = 0 "
            "JOIN staff m ON m.yclients_id = b.staff_id "
            "WHERE b.yclients_record_id > 1310000041 AND c.phone = b.client_phone AND b.duration = v.duration "
            "AND b.status IN ('confirmed', 'completed', 'cancelled', 'no_show') AND cardinality(b.service_ids) = 1"
        )
    assert found == Sizes.of(5000).by_table()
    assert found["companies"] == 1
    for table in ("staff_schedules", "bookings", "dialog_contexts"):
        assert found[table] == round(SEVEN[table][2] * 5000 / 1304)
    assert (found["services"], found["staff"]) == (99, 23)
    assert bulk_phones is not None
    assert tuple(bulk_phones) == (4975, 4975, True)
    assert resolved == found["bookings"] - 41


async def test_sequences_stand_where_the_rows_end_except_the_one_left_behind(pg18: Server, salon: Salon) -> None:
    async with salon.source(pg18) as source:
        behind = {}
        for table in ("companies", "clients", "services", "staff", "staff_schedules"):
            sequence = await source.fetchval("SELECT pg_get_serial_sequence($1, 'id')", table)
            behind[table] = await source.fetchval(
                f"SELECT (SELECT max(id) FROM {table}) - (SELECT last_value FROM {sequence})"
            )
    assert behind == {"companies": 1, "clients": 0, "services": 0, "staff": 0, "staff_schedules": 0}


async def test_the_target_refuses_history_and_large_included_values(server: Server, salon: Salon) -> None:
    async with salon.target(server) as target:
        message = (
            "INSERT INTO messages (company_id, phone, direction, created_at) "
            "VALUES (42, '79000000026', 'inbound', $1::text::timestamptz)"
        )
        await target.execute(message, "2026-01-01 00:00:00+00")
        await target.execute(message, "2026-06-30 23:59:59.999999+00")
        for outside in ("2025-12-31 23:59:59.999999+00", "2026-07-01 00:00:00+00"):
            with pytest.raises(asyncpg.CheckViolationError, match="no partition of relation"):
                await target.execute(message, outside)
        with pytest.raises(asyncpg.ProgramLimitExceededError):
            await target.execute("CREATE INDEX ON whatsapp_keys (key_id) INCLUDE (value)")


async def test_the_month_of_the_first_partition_can_be_given(pg18: Server, salon: Salon) -> None:
    async with salon.empty(pg18) as target:
        await load_target(target, month="2027-10")
        found = await target.fetch("SELECT relname FROM pg_class WHERE relispartition AND relkind = 'r' ORDER BY 1")
    assert [row["relname"][9:] for row in found] == ["2027_10", "2027_11", "2027_12", "2028_01", "2028_02", "2028_03"]


async def test_nine_tables_touch_updated_at_and_one_function_is_broken(server: Server, salon: Salon) -> None:
    async with salon.target(server) as target:
        touched = await target.fetchval(
            "SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal AND tgfoid = 'update_updated_at_column'::regproc"
        )
        with pytest.raises(asyncpg.UndefinedColumnError):
            await target.fetch("SELECT * FROM get_company_statistics(42)")
        removed = [
            await target.fetchval(f"SELECT cleanup_expired_{what}()")
            for what in ("appointments_cache", "dialog_contexts", "whatsapp_keys")
        ]
    assert touched == 9
    assert removed == [0, 0, 0]


async def test_an_update_of_a_source_booking_moves_its_updated_at(pg18: Server, salon: Salon) -> None:
    async with salon.source(pg18) as source:
        await source.execute("UPDATE bookings SET comment = 'x' WHERE yclients_record_id = 1310000001")
        assert await source.fetchval("SELECT count(*) FROM bookings WHERE updated_at > '2026-02-01'") == 1


async def test_what_cannot_be_made_is_refused_before_anything_is_made(pg18: Server, salon: Salon) -> None:
    async with salon.empty(pg18) as conn:
        for rows in (0, 99, 90_000_001):
            with pytest.raises(ValueError, match="rows"):
                await load_source(conn, rows=rows)
        with pytest.raises(ValueError, match="dataset"):
            await load_source(conn, dataset="other")  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="dataset"):
            await load_target(conn, dataset="other")  # type: ignore[arg-type]
        assert await tables(conn) == []


def test_the_module_explains_itself(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        data.main(["--help"])
    assert end.value.code == 0
    assert "--rows" in capsys.readouterr().out


def test_the_page_lists_every_trap_with_its_count() -> None:
    page = (Path(__file__).parents[2] / "docs" / "salon.md").read_text("utf-8")
    listed = page.split("<!-- traps:", 1)[1].splitlines()
    assert [line for line in listed if line.startswith("| ") and "| trap |" not in line] == [
        f"| {trap.name} | {trap.table} | {trap.rows} | {trap.explanation} |"
        for part in ("default", "traps", "target")
        for trap in TRAPS
        if part == ("target" if trap.side == "target" else trap.dataset)
    ]

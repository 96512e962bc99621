"""What becomes of every trap of the worked example, item by item of its checklist.

ITEMS says which named traps (examples/salon/traps.py) stand for an item; where a trap ends is read off the data by
tests/acceptance/test_salon.py (FATES) for the mapped tables, and shown here for the others. Nothing is missing: every
item has traps, every trap has an item and an end.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

from crosswalk.embedded import Server
from examples.salon.data import TRAPS, load_source, load_target
from tests.acceptance.test_salon import FATES, MAPPING
from tests.judged import announced, in_quarantine
from tests.road import Road, connected, findings, lay, road, rows
from tests.servers import MakeDatabase, MakeRole, MakeTemplate

ITEMS: dict[str, tuple[str, ...]] = {
    "surrogate ids differ from vendor numbers, and one is another salon's number": (
        "company_surrogate_is_not_the_number", "company_surrogate_is_anothers_number", "client_of_number_that_is_a_surrogate",
        "staff_vendor_number_is_a_surrogate", "schedule_staff_number_is_a_surrogate", "context_company_is_a_surrogate",
        "company_second_number_null",
    ),
    "rows of a salon that does not exist": (
        "client_of_unknown_salon", "service_of_unknown_salon", "booking_of_unknown_salon", "context_company_unknown",
    ),
    "clients with one phone twice in a salon": (
        "client_phone_shared", "client_phone_in_two_salons", "booking_of_clients_who_become_one", "booking_phone_in_two_salons",
        "context_phone_in_two_salons",
    ),
    "one vendor id in two salons": (
        "client_vendor_number_in_two_salons", "service_vendor_number_in_two_salons", "staff_vendor_number_in_two_salons",
        "schedule_of_staff_in_two_salons", "booking_client_number_in_two_salons", "booking_staff_number_in_two_salons",
        "booking_service_number_in_two_salons",
    ),
    "8 / +7 / 7 spellings": (
        "client_phone_same_once_normalised", "client_phone_spelled_8", "client_phone_spelled_plus", "client_phone_ten_digits",
        "client_phone_foreign",
    ),
    "null after normalisation, more than 20 characters": (
        "client_phone_unusable", "client_phone_over_20", "staff_phone_over_20", "staff_phone_empty", "company_phone_over_20",
    ),
    "Cyrillic, quotes, backslashes, commas, newlines": (
        "client_name_over_255", "client_text_quotes", "client_text_backslash", "client_name_decomposed", "client_text_newline",
        "client_text_copy_markers", "client_text_emoji", "client_email_empty", "service_text_quoting", "booking_comment_quoting",
        "context_messages_quoting",
    ),
    "jsonb empty, null, array, object, scalar string": (
        "company_working_hours_string", "company_raw_data_is_no_settings", "company_raw_data_shapes",
        "client_preferences_empty_array", "client_preferences_json_null", "client_preferences_sql_null",
        "client_preferences_string", "client_preferences_array", "client_last_services_object", "service_raw_data_array",
        "service_raw_data_json_null", "service_declensions_string", "schedule_hours_string", "schedule_hours_array",
        "context_data_array", "context_data_json_null", "context_data_sql_null", "context_metadata_string",
    ),
    "arrays that are NULL, need quoting, hold NULL": ("client_tags_null", "client_tags_odd_elements", "client_tags_need_quoting"),
    "NULL and false friends": (
        "client_all_null", "client_blacklisted", "staff_inactive", "staff_not_bookable", "staff_rating_null", "company_not_active",
        "company_secrets", "booking_prepaid",
    ),
    "services with null or 0 duration, title over 255, price from 10^8": (
        "service_duration_unknown", "service_duration_null", "service_duration_zero", "service_duration_zero_seance_known",
        "service_title_over_255", "service_price_too_large", "service_duration_odd_seconds", "service_price_three_decimals",
        "client_discount_too_large", "staff_rating_three_decimals",
    ),
    "staff who left but have schedules and bookings": (
        "schedule_of_staff_who_left", "booking_staff_left", "booking_staff_null",
    ),
    "schedules at the edges of a day": (
        "schedule_working_without_hours", "schedule_until_midnight", "schedule_until_24",
    ),
    "bookings with 0 to 3 services and repeated ids": (
        "booking_no_service", "booking_services_null", "booking_two_services", "booking_three_services",
        "booking_repeated_service", "booking_unknown_service", "booking_of_service_without_duration",
    ),
    "every status with every attendance": (
        "booking_status_by_attendance", "booking_status_active", "booking_status_past", "booking_status_deleted",
        "booking_status_against_attendance", "booking_status_null", "booking_status_unknown", "booking_attendance_null",
    ),
    "null client, empty phone": (
        "booking_client_by_phone", "booking_without_client", "booking_unknown_client", "booking_of_client_without_phone",
        "booking_phone_empty",
    ),
    "duration 0": ("booking_duration_zero", "booking_duration_null", "booking_duration_odd_seconds"),
    "date that is not the datetime's, datetime before 2020": (
        "booking_date_differs", "booking_before_2020", "booking_before_2020_in_utc",
    ),
    "times around midnight in UTC and Moscow": (
        "client_around_midnight", "booking_around_midnight", "booking_created_at_night",
    ),
    "contexts with each spelling of company_id": (
        "context_company_prefixed", "context_company_null", "context_company_of_another_prefixed", "context_company_empty",
    ),
    "contexts with each spelling of user_id": (
        "context_user_c_us", "context_user_lid", "context_user_demo", "context_user_over_20", "context_user_plus",
        "context_same_phone", "context_user_group", "context_state_null", "context_state_bare",
    ),
    "messages older than the oldest partition": (
        "message_before_oldest_partition", "message_at_partition_edge", "message_direction_label",
    ),
    "tables that share only their name, tables that nobody decided about": (
        "appointments_cache_shares_its_name", "reminders_share_their_name", "sync_status_shares_its_name", "actions_undecided",
        "visits_undecided", "webhook_events_undecided", "booking_notifications_undecided",
    ),
    "the WhatsApp values": (
        "whatsapp_buffer_as_bytes", "whatsapp_buffer_as_base64", "whatsapp_large_value", "whatsapp_key_id_under_two_types",
        "whatsapp_company_without_prefix", "whatsapp_value_string",
    ),
    "sequences behind": ("company_sequence_behind",),
}  # fmt: skip
ELSEWHERE = {
    # items that are about a run and not about rows, and the tests that show them
    "rows inserted, updated and deleted during the copy": "tests/acceptance/test_disturbed.py",
    "triggers on updated_at": "tests/acceptance/test_triggers.py",
}
OTHERS = {
    # traps outside the mapped tables: what becomes of their rows, and the test that shows it
    "message_before_oldest_partition": ("25 partition", "test_history_has_no_partition"),
    "message_at_partition_edge": ("1 migrated", "test_history_has_no_partition"),
    "message_direction_label": ("refused beforehand", "test_a_label_that_the_target_refuses_is_announced"),
    **dict.fromkeys(
        ITEMS["tables that share only their name, tables that nobody decided about"],
        ("refused beforehand", "test_a_table_that_nobody_decided_about_is_refused"),
    ),
    **dict.fromkeys(
        ITEMS["the WhatsApp values"],
        ("untouched", "tests/acceptance/test_salon.py::test_whatsapp_tables_are_untouched_to_the_byte"),
    ),
    "whatsapp_large_value": ("untouched", "test_the_index_that_would_reject_a_large_value_is_found"),
}
_ENDS = re.compile(r"migrated|merged|partition|untouched|refused beforehand|[a-z_.]+ (None|[a-z_]+)\Z")


def test_every_item_of_the_checklist_has_its_traps_and_every_trap_its_end() -> None:
    named = Counter(name for names in ITEMS.values() for name in names)
    assert [name for name, times in named.items() if times > 1] == []
    assert set(named) == {trap.name for trap in TRAPS}
    assert all(ITEMS.values())
    ends = {**FATES, **{name: end for name, (end, _) in OTHERS.items()}}
    assert set(ends) == set(named)
    assert [name for name, end in ends.items() if not all(_ENDS.search(part) for part in end.split(", "))] == []
    root = Path(__file__).parents[2]
    for test in {*(test for _, test in OTHERS.values()), *ELSEWHERE.values()}:
        path, _, name = test.rpartition("::") if "::" in test or "/" not in test else (test, "", "")
        text = (root / path).read_text() if path else Path(__file__).read_text()
        assert f"def {name}(" in text or not name, test


# --- traps outside the mapped tables ----------------------------------------------------------------


@dataclass(frozen=True)
class Pair:
    source: str
    target: str


async def _build_source(url: str) -> None:
    async with connected(url) as conn:
        await load_source(conn, dataset="traps")


async def _build_target(url: str) -> None:
    async with connected(url) as conn:
        await load_target(conn, dataset="traps")


@pytest.fixture
def salon(
    pg16: Server, pg18: Server, make_database: MakeDatabase, template: MakeTemplate
) -> Pair:
    return Pair(
        source=make_database(pg16, template(pg16, "traps_source", _build_source)),
        target=make_database(pg18, template(pg18, "traps_target", _build_target)),
    )


MESSAGES = """
version: 1
tables:
  messages:
    from: messages
    key: [id, created_at]
    {rejects}
    columns:
      id: id
      company_id: {{sql: "COALESCE(company_id, 0)::int"}}
      phone: {{sql: "left(user_id, 20)"}}
      direction: {direction}
      content: body
      created_at: {{zone: UTC, from: created_at}}
      message_type: {{default: true}}
      metadata: {{fold: [media, wa_id]}}
ignore:
  source: {source}
  target: {target}
preserve: {{whatsapp_auth: live, whatsapp_keys: live}}
"""
LABELS = "{map: {incoming: inbound, outgoing: outbound}, from: direction}"


async def _messages(salon: Pair, *, direction: str, rejects: str = "rejects: quarantine") -> Road:
    listed = []
    for url in (salon.source, salon.target):
        names = await rows(
            url,
            "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition"
            " AND relnamespace = 'public'::regnamespace AND relname NOT IN ('messages', 'whatsapp_auth', 'whatsapp_keys')",
        )
        listed.append("{" + ", ".join(f"{name}: not here" for (name,) in names) + "}")
    text = MESSAGES.format(direction=direction, rejects=rejects, source=listed[0], target=listed[1])
    return road(salon.source, salon.target, text)


async def test_history_has_no_partition(salon: Pair) -> None:
    """25 messages are older than the oldest partition; the one at its first instant goes in; quarantine holds the 25."""
    way = await _messages(salon, direction=LABELS)
    checked = await way.check()
    assert [(v.rule, v.rows, v.declared) for v in checked.verdicts] == [("public.messages.created_at:partition", 25, True)]
    said = await announced(way.file, way.servers)
    await way.migrate()
    async with connected(way.target) as conn:
        assert said == await in_quarantine(conn)
        assert await conn.fetchval("SELECT count(*) FROM messages WHERE created_at = '2026-01-01 00:00:00+00'") == 1
        assert await conn.fetchval("SELECT count(*) FROM messages WHERE created_at < '2026-01-01 00:00:00+00'") == 0
    assert findings(await way.verify()) == []


async def test_a_label_that_the_target_refuses_is_announced(salon: Pair) -> None:
    """Without a map the labels are refused beforehand: not one row would fit, and the document does not expect it."""
    way = await _messages(salon, direction="direction", rejects="")
    checked = await way.check()
    found = {v.code: (v.rows, v.declared) for v in checked.verdicts}
    assert found["check"] == (39, False)
    assert not checked.clean


async def test_a_table_that_nobody_decided_about_is_refused(salon: Pair) -> None:
    """Each of them is named by the check where the document says nothing of it."""
    text = MAPPING.read_text()
    item = ITEMS["tables that share only their name, tables that nobody decided about"]
    names = {trap.table for trap in TRAPS if trap.name in item}
    kept = [line for line in text.splitlines() if not re.match(rf"    public\.({'|'.join(names)}): ", line)]
    checked = await road(salon.source, salon.target, "\n".join(kept)).check()
    undecided = {p.message for p in checked.problems if p.code == "table.undecided"}
    assert {name for name in names if any(name in message for message in undecided)} == names


async def test_the_index_that_would_reject_a_large_value_is_found(
    pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole
) -> None:
    """A value of 112 KB that does not compress: the live tables stay as they are; were such rows moved, an index with
    INCLUDE (value) would reject the large one, and the check says so beforehand."""
    large = "(SELECT string_agg(md5(i::text), '') FROM generate_series(1, 3500) i)"
    source = f"""CREATE TABLE k (id int PRIMARY KEY, value jsonb NOT NULL); INSERT INTO k VALUES (1, '{{}}'),
    (2, to_jsonb({large})), (3, to_jsonb(repeat('a', 112000)));"""
    target = "CREATE TABLE k (id int PRIMARY KEY, value jsonb NOT NULL); CREATE INDEX ON k (id) INCLUDE (value);"
    document = "version: 1\ntables:\n  k: {from: k, key: [id], columns: {id: id, value: value}}\n"
    way = await lay(make_database, make_role, (pg16, source), (pg18, target), document)
    checked = await way.check()
    assert [(v.rule, v.rows, v.declared) for v in checked.verdicts] == [("public.k:size", 1, False)]
    await way.migrate()
    async with connected(way.target) as conn:
        assert await in_quarantine(conn) == {"public.k": {'["2"]'}}

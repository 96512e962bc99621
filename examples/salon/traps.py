"""The catalogue of traps: rows of the salon's data that a careless migration loses, bends or stops at.

Only values: a name, where the rows are and how many there must be. A predicate stands alone in
`SELECT count(*) FROM <table> WHERE <where>`, may name the table itself, and speaks of the property and not of the row
wherever it can. The traps of `default` are counted in the first salon; they hold in `traps` too, which contains it, and
at any number of rows: bulk rows never match.
"""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Trap:
    """One trap; `rows` is the exact number of rows that `where` finds."""

    name: str
    dataset: Literal["default", "traps"]
    table: str
    where: str
    rows: int
    explanation: str
    side: Literal["source", "target"] = "source"


def _default(name: str, table: str, where: str, rows: int, explanation: str) -> Trap:
    return Trap(name=name, dataset="default", table=table, where=where, rows=rows, explanation=explanation)


def _traps(name: str, table: str, where: str, rows: int, explanation: str) -> Trap:
    return Trap(name=name, dataset="traps", table=table, where=where, rows=rows, explanation=explanation)


def _target(name: str, table: str, where: str, rows: int, explanation: str) -> Trap:
    return Trap(
        name=name, dataset="default", table=table, where=where, rows=rows, explanation=explanation, side="target"
    )


COMPANIES = (
    _default(
        "company_surrogate_is_not_the_number", "companies", "id = 42 AND company_id = 700123", 1,
        "every company_id of the source is the vendor's number, every one of the target the surrogate id",
    ),
    _default(
        "company_working_hours_string", "companies", "jsonb_typeof(working_hours) = 'string'", 1,
        "a jsonb scalar where the name promises an object",
    ),
    _default(
        "company_raw_data_is_no_settings", "companies", "raw_data ? 'phones' AND company_id = 700123", 1,
        "the vendor's whole answer looks like the target's settings and is not",
    ),
    _default(
        "company_secrets", "companies", "api_key IS NOT NULL OR webhook_secret IS NOT NULL", 1,
        "secrets and session data that must not travel into a settings object",
    ),
    _default(
        "company_sequence_behind", "companies", "id = 42 AND id > (SELECT last_value FROM companies_id_seq)", 1,
        "the source's own sequence is behind its rows: do not copy its position",
    ),
)  # fmt: skip

CLIENTS = (
    _default(
        "client_phone_shared", "clients",
        "company_id = 700123 AND phone IN "
        "(SELECT phone FROM clients WHERE company_id = 700123 GROUP BY phone HAVING count(*) > 1)", 2,
        "two clients with one phone, which is the target's key",
    ),
    _default(
        "client_phone_same_once_normalised", "clients",
        "company_id = 700123 AND right(regexp_replace(phone, '\\D', '', 'g'), 10) IN "
        "(SELECT right(regexp_replace(phone, '\\D', '', 'g'), 10) AS ten FROM clients WHERE company_id = 700123 "
        "GROUP BY ten HAVING count(DISTINCT phone) > 1 AND length(min(phone)) >= 10)", 3,
        "one phone spelled 7…, 8… and +7 …: unique in the source, not in the target",
    ),
    _default(
        "client_phone_spelled_8", "clients", "phone ~ '^8[0-9]{10}$'", 2,
        "a leading 8 means 7",
    ),
    _default(
        "client_phone_spelled_plus", "clients", "company_id = 700123 AND phone LIKE '+7%'", 3,
        "phones that were never stripped to digits",
    ),
    _default(
        "client_phone_ten_digits", "clients", "phone ~ '^9[0-9]{9}$'", 1,
        "ten digits that start with 9 lack their 7",
    ),
    _default(
        "client_phone_unusable", "clients", "length(regexp_replace(phone, '\\D', '', 'g')) NOT BETWEEN 7 AND 15", 4,
        "null after normalisation, where the target wants NOT NULL: '', words, too few digits, two numbers",
    ),
    _default(
        "client_phone_over_20", "clients", "length(phone) > 20", 2,
        "longer than the target's column; one of them fits once normalised",
    ),
    _default(
        "client_name_over_255", "clients", "length(name) > 255", 1,
        "longer than the target's column",
    ),
    _default(
        "client_text_quotes", "clients", "name ~ '\"' AND name ~ ''''", 1,
        "quotes of every kind, commas and braces in text, array elements and jsonb",
    ),
    _default(
        "client_text_backslash", "clients", "notes LIKE '%\\\\temp%'", 1,
        "backslashes that COPY's text format would read as escapes",
    ),
    _default(
        "client_name_decomposed", "clients", "name IS NOT NFC NORMALIZED", 1,
        "й written as и with a combining breve: equal to the eye only",
    ),
    _default(
        "client_text_newline", "clients", "notes LIKE E'%\\r\\n%\\t%'", 1,
        "newline, carriage return and tab inside a value",
    ),
    _default(
        "client_text_copy_markers", "clients", "name = '\\.' AND notes = '\\N'", 1,
        "text that reads as COPY's end of data and as its NULL",
    ),
    _default(
        "client_text_emoji", "clients", "name LIKE '%💅%'", 1,
        "characters outside the basic plane",
    ),
    _default(
        "client_email_empty", "clients", "email = ''", 1,
        "the empty string, not NULL",
    ),
    _default(
        "client_preferences_empty_array", "clients", "preferences = '[]'", 1,
        "an empty array beside empty objects: [] must not become {}",
    ),
    _default(
        "client_preferences_json_null", "clients", "jsonb_typeof(preferences) = 'null'", 1,
        "the jsonb value null is not NULL",
    ),
    _default(
        "client_preferences_sql_null", "clients", "preferences IS NULL", 2,
        "NULL although the column has a default",
    ),
    _default(
        "client_preferences_string", "clients", "jsonb_typeof(preferences) = 'string'", 1,
        "a jsonb scalar string",
    ),
    _default(
        "client_preferences_array", "clients", "jsonb_typeof(preferences) = 'array' AND preferences <> '[]'", 1,
        "an array with a number whose scale shows, and a null",
    ),
    _default(
        "client_last_services_object", "clients", "last_services = '{}'", 1,
        "an object where the default is an array",
    ),
    _default(
        "client_tags_null", "clients", "tags IS NULL", 2,
        "a NULL array is not an empty one",
    ),
    _default(
        "client_tags_odd_elements", "clients", "'' = ANY (tags) AND array_position(tags, NULL) IS NOT NULL", 1,
        "an array with an empty string and a NULL element",
    ),
    _default(
        "client_tags_need_quoting", "clients", "'NULL' = ANY (tags)", 1,
        "array elements with quotes, commas, braces, and the word NULL",
    ),
    _default(
        "client_all_null", "clients", "created_at IS NULL AND visit_count IS NULL", 1,
        "NULL wherever the source allows it, and a name that is empty",
    ),
    _default(
        "client_blacklisted", "clients", "blacklisted", 1,
        "blacklisted is no rename of is_deleted",
    ),
    _default(
        "client_around_midnight", "clients", "created_at::date <> (created_at + interval '3 hours')::date", 1,
        "UTC wall clock that is the next day in Moscow: read in the wrong zone it moves by three hours",
    ),
    _traps(
        "client_vendor_number_in_two_salons", "clients",
        "EXISTS (SELECT FROM clients AS o WHERE o.yclients_id = clients.yclients_id AND o.id <> clients.id)", 2,
        "the vendor's client number is unique in a salon only",
    ),
    _traps(
        "client_phone_in_two_salons", "clients",
        "EXISTS (SELECT FROM clients AS o WHERE o.phone = clients.phone AND o.company_id <> clients.company_id)", 2,
        "one phone in two salons is two clients",
    ),
    _traps(
        "client_of_unknown_salon", "clients", "company_id NOT IN (SELECT company_id FROM companies)", 1,
        "a vendor number that no salon has",
    ),
    _traps(
        "client_of_number_that_is_a_surrogate", "clients", "company_id = 42", 32,
        "copied as it stands, company_id 42 is valid in the target and means another salon",
    ),
    _traps(
        "client_discount_too_large", "clients", "discount >= 1000", 1,
        "an integer beyond numeric(5,2)",
    ),
    _traps(
        "client_phone_foreign", "clients", "phone LIKE '375%'", 1,
        "twelve digits of another country: valid, and not to be bent into a 7…",
    ),
)  # fmt: skip

SERVICES = (
    _default(
        "service_duration_unknown", "services", "duration IS NULL AND seance_length IS NULL", 1,
        "no duration at all, where the target wants NOT NULL",
    ),
    _default(
        "service_duration_null", "services", "duration IS NULL AND seance_length > 0", 2,
        "NULL, but seance_length knows",
    ),
    _default(
        "service_duration_zero", "services", "duration = 0 AND seance_length = 0", 1,
        "zero seconds in both columns",
    ),
    _default(
        "service_duration_zero_seance_known", "services", "duration = 0 AND seance_length > 0", 1,
        "zero, but seance_length knows",
    ),
    _default(
        "service_title_over_255", "services", "length(title) > 255", 1,
        "longer than the target's column",
    ),
    _default(
        "service_price_too_large", "services", "price_min >= 100000000", 1,
        "10^8 overflows numeric(10,2)",
    ),
    _default(
        "service_text_quoting", "services", "title LIKE E'%\\\\\\\\%\\n%'", 1,
        "a backslash, a newline and quotes in a title",
    ),
    _default(
        "service_raw_data_array", "services", "raw_data = '[]'", 1,
        "an empty array where the default is an object",
    ),
    _default(
        "service_raw_data_json_null", "services", "jsonb_typeof(raw_data) = 'null'", 1,
        "the jsonb value null",
    ),
    _default(
        "service_declensions_string", "services", "jsonb_typeof(declensions) = 'string'", 1,
        "a jsonb scalar string where others hold an object",
    ),
    _traps(
        "service_vendor_number_in_two_salons", "services",
        "EXISTS (SELECT FROM services AS o WHERE o.yclients_id = services.yclients_id AND o.id <> services.id)", 2,
        "the vendor's service number is unique in a salon only",
    ),
    _traps(
        "service_duration_odd_seconds", "services", "duration % 60 <> 0", 1,
        "seconds that are no whole minutes: integer division would lose some in silence",
    ),
    _traps(
        "service_price_three_decimals", "services", "price_min <> round(price_min, 2)", 1,
        "numeric(10,2) would round it in silence",
    ),
    _traps(
        "service_of_unknown_salon", "services", "company_id NOT IN (SELECT company_id FROM companies)", 1,
        "a vendor number that no salon has",
    ),
)  # fmt: skip

STAFF = (
    _default(
        "staff_phone_over_20", "staff", "length(phone) > 20", 1,
        "a phone with a remark, longer than the target's column",
    ),
    _default(
        "staff_phone_empty", "staff", "phone = ''", 1,
        "the empty string, not NULL",
    ),
    _default(
        "staff_inactive", "staff", "NOT is_active", 1,
        "is_active becomes is_active and is_hidden",
    ),
    _default(
        "staff_not_bookable", "staff", "NOT is_bookable", 1,
        "active, yet clients must not see it",
    ),
    _default(
        "staff_rating_null", "staff", "rating IS NULL", 1,
        "no rating is not zero",
    ),
    _traps(
        "staff_vendor_number_in_two_salons", "staff",
        "EXISTS (SELECT FROM staff AS o WHERE o.yclients_id = staff.yclients_id AND o.id <> staff.id)", 2,
        "the vendor's staff number is unique in a salon only, and schedules have no salon",
    ),
    _traps(
        "staff_vendor_number_is_a_surrogate", "staff",
        "EXISTS (SELECT FROM staff AS o WHERE o.id = staff.yclients_id)", 1,
        "copied as it stands the number finds another person",
    ),
    _traps(
        "staff_rating_three_decimals", "staff", "rating <> round(rating, 2)", 1,
        "numeric(3,2) would round it in silence",
    ),
)  # fmt: skip

SCHEDULES = (
    _default(
        "schedule_of_staff_who_left", "staff_schedules", "staff_id NOT IN (SELECT yclients_id FROM staff)", 3,
        "no such staff any more: the lookup finds nobody",
    ),
    _default(
        "schedule_working_without_hours", "staff_schedules", "is_working AND work_start IS NULL", 1,
        "a working day without hours",
    ),
    _default(
        "schedule_hours_string", "staff_schedules", "jsonb_typeof(working_hours) = 'string'", 1,
        "a jsonb scalar string where others hold an object",
    ),
    _default(
        "schedule_hours_array", "staff_schedules", "jsonb_typeof(working_hours) = 'array'", 1,
        "an empty array where others hold an object",
    ),
    _default(
        "schedule_until_midnight", "staff_schedules", "work_end < work_start", 1,
        "ends at 00:00, before it starts",
    ),
    _traps(
        "schedule_of_staff_in_two_salons", "staff_schedules",
        "staff_id IN (SELECT yclients_id FROM staff GROUP BY yclients_id HAVING count(*) > 1)", 2,
        "the lookup finds two people: a policy must say so, never two rows",
    ),
    _traps(
        "schedule_staff_number_is_a_surrogate", "staff_schedules", "staff_id IN (SELECT id FROM staff)", 1,
        "copied as it stands the foreign key holds, for another person",
    ),
    _traps(
        "schedule_until_24", "staff_schedules", "work_end = '24:00'", 1,
        "24:00 is a time in PostgreSQL and in few languages",
    ),
)  # fmt: skip

BOOKINGS = (
    _default(
        "booking_status_by_attendance", "bookings", "yclients_record_id BETWEEN 1310000001 AND 1310000028", 28,
        "every status with every attendance, once",
    ),
    _default(
        "booking_status_active", "bookings", "status = 'active'", 4,
        "a label that the target's CHECK refuses",
    ),
    _default(
        "booking_status_past", "bookings", "status = 'past'", 4,
        "a label that the target's CHECK refuses; attendance says what became of it",
    ),
    _default(
        "booking_status_deleted", "bookings", "status = 'deleted'", 4,
        "a label that the target's CHECK refuses",
    ),
    _default(
        "booking_status_against_attendance", "bookings",
        "(status = 'completed' AND visit_attendance = -1) OR (status = 'no_show' AND visit_attendance = 1)", 2,
        "status and attendance contradict each other",
    ),
    _default(
        "booking_no_service", "bookings", "service_ids = '{}'", 1,
        "no service, where the target wants one",
    ),
    _default(
        "booking_services_null", "bookings", "service_ids IS NULL", 1,
        "NULL instead of an array",
    ),
    _default(
        "booking_two_services", "bookings", "service_ids[1] <> service_ids[2] AND cardinality(service_ids) = 2", 1,
        "two services for one column; the target's key forbids a row for each",
    ),
    _default(
        "booking_three_services", "bookings", "cardinality(service_ids) = 3", 1,
        "three services for one column",
    ),
    _default(
        "booking_repeated_service", "bookings", "service_ids[1] = service_ids[2]", 1,
        "quantity two: the same service twice",
    ),
    _default(
        "booking_unknown_service", "bookings",
        "company_id = 700123 AND service_ids[1] NOT IN (SELECT yclients_id FROM services)", 1,
        "a service that the salon no longer has",
    ),
    _default(
        "booking_of_service_without_duration", "bookings",
        "service_ids[1] IN (SELECT yclients_id FROM services WHERE duration IS NULL AND seance_length IS NULL)", 1,
        "its service cannot be carried over, so neither can it",
    ),
    _default(
        "booking_client_by_phone", "bookings",
        "company_id = 700123 AND client_yclients_id IS NULL AND client_phone <> ''", 2,
        "no client number; the phone finds the client, once it is spelled 8… and once 7…",
    ),
    _default(
        "booking_without_client", "bookings", "client_yclients_id IS NULL AND client_phone = ''", 1,
        "neither number nor phone, where the target wants a client",
    ),
    _default(
        "booking_unknown_client", "bookings",
        "company_id = 700123 AND client_yclients_id NOT IN (SELECT yclients_id FROM clients)", 1,
        "a client number and a phone that nobody has",
    ),
    _default(
        "booking_of_client_without_phone", "bookings",
        "client_yclients_id IN "
        "(SELECT yclients_id FROM clients WHERE length(regexp_replace(phone, '\\D', '', 'g')) < 7)", 1,
        "its client cannot be carried over, so neither can it",
    ),
    _default(
        "booking_of_clients_who_become_one", "bookings",
        "client_yclients_id IN (SELECT yclients_id FROM clients WHERE phone = '79990000001')", 2,
        "two clients with one phone, a booking each: both must end at the client who stays",
    ),
    _default(
        "booking_phone_empty", "bookings", "client_phone = '' AND client_yclients_id IS NOT NULL", 2,
        "an empty phone, with a client number",
    ),
    _default(
        "booking_duration_zero", "bookings", "duration = 0", 1,
        "the target's CHECK wants more than zero",
    ),
    _default(
        "booking_duration_null", "bookings", "duration IS NULL", 1,
        "NULL, where the target wants NOT NULL",
    ),
    _default(
        "booking_date_differs", "bookings", "date <> datetime::date", 1,
        "the date beside the timestamp is another day",
    ),
    _default(
        "booking_before_2020", "bookings", "datetime < '2020-01-01'", 1,
        "the target's CHECK wants 2020 or later",
    ),
    _default(
        "booking_before_2020_in_utc", "bookings", "datetime BETWEEN '2020-01-01' AND '2020-01-01 03:00'", 1,
        "2020 in Moscow, still 2019 in UTC",
    ),
    _default(
        "booking_around_midnight", "bookings",
        "company_id = 700123 AND datetime > '2020-02-01' AND datetime::time NOT BETWEEN '03:00:01' AND '23:00'", 4,
        "Moscow wall clock on both sides of either midnight",
    ),
    _default(
        "booking_created_at_night", "bookings", "created_at::date <> (created_at + interval '3 hours')::date", 1,
        "UTC wall clock of another Moscow day and year, in a row whose datetime is Moscow's",
    ),
    _default(
        "booking_staff_left", "bookings",
        "company_id = 700123 AND staff_id NOT IN (SELECT yclients_id FROM staff)", 1,
        "no such staff any more, where the target wants one",
    ),
    _default(
        "booking_staff_null", "bookings", "staff_id IS NULL", 1,
        "no staff, where the target wants one",
    ),
    _default(
        "booking_prepaid", "bookings", "prepaid > 0", 2,
        "prepaid is not lost just because paid has another name",
    ),
    _default(
        "booking_comment_quoting", "bookings", "comment LIKE E'%\\n%\"%' OR comment LIKE E'%\"%\\n%'", 1,
        "quotes, a backslash and a newline in a comment",
    ),
    _traps(
        "booking_status_null", "bookings", "status IS NULL", 1,
        "NULL, where the target wants NOT NULL and its default would say pending",
    ),
    _traps(
        "booking_status_unknown", "bookings", "status = 'rescheduled'", 1,
        "a label that nobody wrote down",
    ),
    _traps(
        "booking_attendance_null", "bookings", "visit_attendance IS NULL", 1,
        "NULL instead of waiting",
    ),
    _traps(
        "booking_duration_odd_seconds", "bookings", "duration % 60 <> 0", 1,
        "seconds that are no whole minutes",
    ),
    _traps(
        "booking_of_unknown_salon", "bookings", "company_id NOT IN (SELECT company_id FROM companies)", 1,
        "a vendor number that no salon has",
    ),
    _traps(
        "booking_client_number_in_two_salons", "bookings", "company_id = 42 AND client_yclients_id = 210000026", 1,
        "looked up without the salon, the number finds two clients",
    ),
    _traps(
        "booking_phone_in_two_salons", "bookings", "company_id = 42 AND client_yclients_id IS NULL", 1,
        "looked up without the salon, the phone finds two clients",
    ),
    _traps(
        "booking_staff_number_in_two_salons", "bookings",
        "staff_id IN (SELECT yclients_id FROM staff GROUP BY yclients_id HAVING count(*) > 1)", 2,
        "looked up without the salon, the number finds two people",
    ),
    _traps(
        "booking_service_number_in_two_salons", "bookings",
        "service_ids[1] IN (SELECT yclients_id FROM services GROUP BY yclients_id HAVING count(*) > 1)", 2,
        "looked up without the salon, the number finds two services",
    ),
)  # fmt: skip

CONTEXTS = (
    _default(
        "context_user_c_us", "dialog_contexts", "company_id = '700123' AND user_id LIKE '%@c.us'", 2,
        "a phone with WhatsApp's suffix",
    ),
    _default(
        "context_user_lid", "dialog_contexts", "user_id LIKE '%@lid'", 1,
        "a hidden identity: digits that are no phone",
    ),
    _default(
        "context_user_demo", "dialog_contexts", "user_id LIKE 'demo\\_%'", 2,
        "a visitor of the web page: no phone at all",
    ),
    _default(
        "context_user_over_20", "dialog_contexts", "company_id = '700123' AND length(user_id) > 20", 1,
        "longer than the target's column",
    ),
    _default(
        "context_user_plus", "dialog_contexts", "user_id LIKE '+7%'", 1,
        "a phone that was never stripped to digits",
    ),
    _default(
        "context_same_phone", "dialog_contexts",
        "company_id = '700123' AND split_part(user_id, '@', 1) IN "
        "(SELECT split_part(user_id, '@', 1) AS who FROM dialog_contexts WHERE company_id = '700123' "
        "GROUP BY who HAVING count(*) > 1)", 2,
        "with and without the suffix: unique in the source, not in the target",
    ),
    _default(
        "context_company_prefixed", "dialog_contexts", "company_id = 'company_700123'", 1,
        "the salon's number with a prefix",
    ),
    _default(
        "context_company_null", "dialog_contexts", "company_id IS NULL", 1,
        "no salon, where the target wants one",
    ),
    _default(
        "context_state_null", "dialog_contexts", "state IS NULL", 1,
        "no state",
    ),
    _default(
        "context_state_bare", "dialog_contexts", "state NOT LIKE '''%'''", 1,
        "the one state without quotes among the quoted",
    ),
    _default(
        "context_data_array", "dialog_contexts", "data = '[]'", 1,
        "an empty array where others hold an object",
    ),
    _default(
        "context_data_json_null", "dialog_contexts", "jsonb_typeof(data) = 'null'", 1,
        "the jsonb value null",
    ),
    _default(
        "context_data_sql_null", "dialog_contexts", "data IS NULL", 1,
        "NULL although the column has a default",
    ),
    _default(
        "context_metadata_string", "dialog_contexts", "jsonb_typeof(context_metadata) = 'string'", 1,
        "a jsonb scalar string where others hold an object",
    ),
    _default(
        "context_messages_quoting", "dialog_contexts", "messages::text LIKE '%Птица%'", 1,
        "quotes, a newline, a backslash and an emoji inside jsonb",
    ),
    _traps(
        "context_company_is_a_surrogate", "dialog_contexts", "company_id = '42'", 2,
        "42 is this salon's number and another's surrogate id",
    ),
    _traps(
        "context_company_of_another_prefixed", "dialog_contexts", "company_id = 'company_900456'", 1,
        "the prefix with another salon's number",
    ),
    _traps(
        "context_company_unknown", "dialog_contexts", "company_id = '555000'", 1,
        "a vendor number that no salon has",
    ),
    _traps(
        "context_company_empty", "dialog_contexts", "company_id = ''", 1,
        "the empty string, not NULL",
    ),
    _traps(
        "context_phone_in_two_salons", "dialog_contexts", "split_part(user_id, '@', 1) = '79200000003'", 2,
        "one phone in two salons is two dialogs",
    ),
    _traps(
        "context_user_group", "dialog_contexts", "user_id LIKE '%@g.us'", 1,
        "a group chat: digits that are no phone, longer than the target's column",
    ),
)  # fmt: skip

SALONS = (
    _traps(
        "company_surrogate_is_anothers_number", "companies",
        "EXISTS (SELECT FROM companies AS o WHERE o.company_id = companies.id)", 2,
        "a surrogate id that is another salon's vendor number: a copied company_id finds the wrong salon",
    ),
    _traps(
        "company_second_number_null", "companies", "yclients_id IS NULL", 1,
        "one of the two equal columns is empty",
    ),
    _traps(
        "company_phone_over_20", "companies", "length(phone) > 20", 1,
        "longer than the target's column",
    ),
    _traps(
        "company_not_active", "companies", "integration_status <> 'active'", 2,
        "the target's defaults would activate these salons",
    ),
    _traps(
        "company_raw_data_shapes", "companies", "jsonb_typeof(raw_data) <> 'object'", 2,
        "an empty array and the jsonb value null where the first salon has an object",
    ),
)  # fmt: skip

OTHER = (
    _traps(
        "message_before_oldest_partition", "messages", "created_at < '2026-01-01'", 25,
        "no partition takes it, and there is no default one",
    ),
    _traps(
        "message_at_partition_edge", "messages", "created_at = '2026-01-01'", 1,
        "the first instant of the oldest partition, if the zone is right",
    ),
    _traps(
        "message_direction_label", "messages", "direction IN ('incoming', 'outgoing')", 39,
        "the target says inbound and outbound",
    ),
    _traps(
        "appointments_cache_shares_its_name", "appointments_cache", "true", 16,
        "one row an appointment; the target's namesake holds answers under a key",
    ),
    _traps(
        "reminders_share_their_name", "reminders", "reminder_type IN ('day_before', 'hours_before')", 10,
        "keyed by the vendor's record; the target's namesake belongs to a booking",
    ),
    _traps(
        "sync_status_shares_its_name", "sync_status", "true", 7,
        "one row a table; the target's namesake has one a salon and entity",
    ),
    _traps("actions_undecided", "actions", "true", 20, "a table that has no counterpart: somebody must decide"),
    _traps("visits_undecided", "visits", "true", 15, "a table that has no counterpart: somebody must decide"),
    _traps(
        "webhook_events_undecided", "webhook_events", "true", 12,
        "a table that has no counterpart: somebody must decide",
    ),
    _traps(
        "booking_notifications_undecided", "booking_notifications", "true", 20,
        "a table that has no counterpart: somebody must decide",
    ),
)  # fmt: skip

WHATSAPP = (
    _target(
        "whatsapp_buffer_as_bytes", "whatsapp_keys", "jsonb_typeof(value #> '{public,data}') = 'array'", 300,
        "a buffer as a list of bytes",
    ),
    _target(
        "whatsapp_buffer_as_base64", "whatsapp_keys", "jsonb_typeof(value #> '{public,data}') = 'string'", 606,
        "a buffer as base64",
    ),
    _target(
        "whatsapp_large_value", "whatsapp_keys", "octet_length(value::text) > 100000", 1,
        "about 112 KB that do not compress: an index that includes the value would reject it",
    ),
    _target(
        "whatsapp_key_id_under_two_types", "whatsapp_keys",
        "EXISTS (SELECT FROM whatsapp_keys AS o WHERE o.key_id = whatsapp_keys.key_id "
        "AND o.company_id = whatsapp_keys.company_id AND o.key_type <> whatsapp_keys.key_type)", 20,
        "a key compared by part of its primary key is another key",
    ),
    _target(
        "whatsapp_company_without_prefix", "whatsapp_keys", "company_id = '700123'", 12,
        "the salon without its prefix: not the same key",
    ),
    _target(
        "whatsapp_value_string", "whatsapp_keys", "jsonb_typeof(value) = 'string'", 20,
        "a jsonb scalar string",
    ),
)  # fmt: skip

TRAPS: tuple[Trap, ...] = (
    *COMPANIES, *CLIENTS, *SERVICES, *STAFF, *SCHEDULES, *BOOKINGS, *CONTEXTS, *SALONS, *OTHER, *WHATSAPP,
)  # fmt: skip

-- Adds what one salon cannot hold to the data set `default`: two more salons, the other legacy tables and the rarer
-- traps. Runs after data_default.sql and legacy_other.sql; has no bulk rows, so no settings.
--
-- salon two    id 43      vendor number 42       the first salon's surrogate id
-- salon three  id 700123  vendor number 900456   its surrogate id is the first salon's vendor number
-- Vendor number 555000 belongs to no salon at all.

INSERT INTO companies (
    id, company_id, yclients_id, title, address, phone, email, working_hours, currency, created_at, updated_at,
    last_sync_at, raw_data, whatsapp_enabled, integration_status, connected_at
) VALUES
    (43, 42, NULL, 'Студия "Лён", маникюр \ педикюр', NULL, '+7 920 000-00-42', NULL,
     '{"mon": ["10:00", "20:00"], "sun": null}', 'RUB', '2024-06-01 21:30:00+00', '2026-01-02 10:00:00+00',
     '2026-01-15 03:00:00+00', '[]', false, 'frozen', NULL),
    (700123, 900456, 900456, 'Барбершоп «Дрозд»', '', '+7 930 000-00-00 (доб. 15)', '', NULL, NULL,
     '2024-07-01 09:00:00+00', '2026-01-03 10:00:00+00', NULL, 'null', NULL, 'uninstalled', '2024-07-01 09:00:00+00');

INSERT INTO services (
    id, yclients_id, company_id, title, category_id, category_title, price_min, price_max, duration, seance_length,
    created_at, updated_at, last_sync_at
)
SELECT
    k, CASE k WHEN 7 THEN 18450001 ELSE 18450000 + k END,
    CASE WHEN k = 15 THEN 555000 WHEN k BETWEEN 7 AND 12 THEN 900456 ELSE 42 END,
    'Услуга №' || k, 905, 'Прочее', CASE k WHEN 14 THEN 1234.567 ELSE 700 + k * 100 END, 3000,
    CASE k WHEN 13 THEN 3599 ELSE 1800 + k % 3 * 900 END, 1800 + k % 3 * 900,
    timestamp '2024-07-02 09:00:00' + interval '1 second' * k, timestamp '2025-12-02 09:00:00', '2026-01-15 03:00:00'
FROM generate_series(1, 15) AS k;

INSERT INTO staff (
    id, yclients_id, company_id, name, specialization, position, rating, service_ids, phone, created_at, updated_at,
    last_sync_at
)
SELECT
    k, CASE k WHEN 5 THEN 2990001 WHEN 2 THEN 14 ELSE 2990000 + k END, CASE WHEN k < 5 THEN 42 ELSE 900456 END,
    'Мастер Второй №' || k, 'Универсал', 'Мастер', CASE k WHEN 3 THEN 4.667 ELSE 4.5 END,
    ARRAY[18450000 + k], '7940000000' || k, timestamp '2024-07-03 09:00:00' + interval '1 second' * k,
    timestamp '2025-12-03 09:00:00', '2026-01-15 03:00:00'
FROM generate_series(1, 8) AS k;

INSERT INTO staff_schedules (
    id, staff_id, staff_name, date, is_working, work_start, work_end, last_updated, has_booking_slots
)
SELECT
    k, vendor, 'Мастер Второй', date '2026-01-12' + k, true, '10:00', (CASE k WHEN 4 THEN '24:00' ELSE '20:00' END)::time,
    timestamp '2026-01-11 18:00:00' + interval '1 second' * k, true
FROM generate_series(1, 12) AS k
CROSS JOIN LATERAL (
    SELECT CASE WHEN k <= 2 THEN 2990001 WHEN k = 3 THEN 14 WHEN k <= 6 THEN 2990003 ELSE 2990006 + k % 3 END
) AS whose (vendor);

INSERT INTO clients (
    id, yclients_id, company_id, name, phone, raw_phone, discount, created_at, updated_at, last_sync_at
)
SELECT
    40000 + n, CASE n WHEN 1 THEN 210000026 ELSE 220000000 + n END,
    CASE WHEN n = 51 THEN 555000 WHEN n BETWEEN 31 AND 50 THEN 900456 ELSE 42 END,
    'Гостья Вторая №' || n, phone, phone, CASE n WHEN 52 THEN 1000 ELSE 0 END,
    timestamp '2024-08-01 09:00:00' + interval '1 day' * n, timestamp '2025-12-04 09:00:00', '2026-01-15 03:00:00'
FROM generate_series(1, 53) AS n
CROSS JOIN LATERAL (
    SELECT CASE n WHEN 2 THEN '79000000027' WHEN 53 THEN '375000000053' ELSE '7920' || lpad(n::text, 7, '0') END
) AS dial (phone);

INSERT INTO bookings (
    id, yclients_record_id, company_id, client_phone, client_name, client_yclients_id, staff_id, staff_name, services,
    service_ids, datetime, date, duration, cost, status, visit_attendance, record_hash, created_at, updated_at, synced_at
)
SELECT
    md5('booking of another salon ' || k)::uuid, 1300000000 + k,
    CASE WHEN k = 24 THEN 555000 WHEN three THEN 900456 ELSE 42 END, clients.phone, clients.name,
    CASE WHEN k = 2 THEN NULL ELSE clients.yclients_id END,
    CASE WHEN k IN (3, 13) THEN 2990001 WHEN three THEN 2990006 WHEN k = 4 THEN 14 ELSE 2990003 END, 'Мастер Второй',
    '{Услуга}', ARRAY[CASE WHEN k IN (5, 15) THEN 18450001 WHEN three THEN 18450008 ELSE 18450002 END],
    at, at::date, CASE k WHEN 25 THEN 3599 ELSE 3600 END, 1000 + k,
    CASE k WHEN 21 THEN NULL WHEN 22 THEN 'rescheduled' ELSE 'confirmed' END,
    CASE k WHEN 23 THEN NULL ELSE 0 END, md5('hash of another salon ' || k),
    timestamp '2025-12-21 08:00:00' + interval '1 minute' * k, '2026-01-04 07:00:00', '2026-01-15 03:00:00'
FROM generate_series(1, 25) AS k
CROSS JOIN LATERAL (
    SELECT k BETWEEN 11 AND 20 AS three, timestamp '2026-01-19 10:00:00' + interval '1 hour' * k AS at
) AS slot
JOIN clients ON clients.id = 40000 + CASE WHEN three THEN k + 20 ELSE k END;

INSERT INTO dialog_contexts (
    id, user_id, state, data, messages, created_at, updated_at, last_activity, company_id, session_type
)
SELECT
    md5('context of another salon ' || k)::uuid, user_id, '''INIT''', '{}', '[]', timestamptz '2026-01-10 09:00:00+00',
    timestamptz '2026-01-11 09:00:00+00' + interval '1 minute' * k, timestamptz '2026-01-11 09:00:00+00', company_id,
    'chat'
FROM (VALUES
    (1, '79200000001', '42'),
    (2, '79200000003', '42'),
    (3, '79200000003@c.us', 'company_900456'),
    (4, '79200000004', '555000'),
    (5, '79200000005', ''),
    (6, '120000000000000006@g.us', '900456')
) AS trap (k, user_id, company_id);

-- the other legacy tables ---------------------------------------------------------------------------------------

INSERT INTO messages (id, user_id, company_id, direction, body, media, wa_id, created_at)
SELECT
    n, '79' || lpad((25 + n)::text, 9, '0'), 700123, CASE WHEN n % 2 = 0 THEN 'outgoing' ELSE 'incoming' END,
    'Сообщение №' || n, CASE WHEN n % 5 = 0 THEN '{"kind": "image"}'::jsonb END, 'WA' || lpad(n::text, 12, '0'),
    CASE n WHEN 37 THEN timestamp '2025-12-31 23:59:59.999999' WHEN 38 THEN timestamp '2026-01-01 00:00:00'
           WHEN 39 THEN timestamp '2026-01-01 00:30:00'
           ELSE CASE WHEN n <= 24 THEN timestamp '2025-07-01 10:00:00' + interval '7 days' * n
                     ELSE timestamp '2026-01-02 10:00:00' + interval '1 day' * (n - 25) END END
FROM generate_series(1, 39) AS n;

INSERT INTO actions (id, user_id, action, payload, success, error, created_at)
SELECT
    md5('action ' || n)::uuid, '79' || lpad((25 + n)::text, 9, '0'),
    (ARRAY['create_booking', 'cancel_booking', 'show_prices', 'search_slots'])[1 + n % 4],
    CASE WHEN n % 6 = 0 THEN '[]'::jsonb ELSE jsonb_build_object('n', n) END, n % 7 <> 0,
    CASE WHEN n % 7 = 0 THEN E'timeout:\nno answer' END, timestamptz '2025-12-01 10:00:00+00' + interval '1 hour' * n
FROM generate_series(1, 20) AS n;

INSERT INTO appointments_cache (
    id, yclients_record_id, company_id, client_id, staff_id, appointment_datetime, duration, cost, is_cancelled,
    raw_data, last_updated
)
SELECT
    n, 1310000000 + n, 700123, 59825 + n, 14 + n % 9, timestamptz '2026-01-05 07:00:00+00' + interval '1 day' * n, 3600,
    1500, n % 5 = 0, jsonb_build_object('id', 1310000000 + n), '2026-01-15 03:00:00'
FROM generate_series(1, 16) AS n;

INSERT INTO reminders (id, yclients_record_id, phone, reminder_type, scheduled_for, sent_at, status)
SELECT
    md5('reminder ' || n)::uuid, 1310000000 + n, '79' || lpad((25 + n)::text, 9, '0'),
    CASE WHEN n % 2 = 0 THEN 'day_before' ELSE 'hours_before' END, timestamp '2026-01-04 20:00:00' + interval '1 day' * n,
    CASE WHEN n <= 6 THEN timestamp '2026-01-04 17:00:05' + interval '1 day' * n END,
    CASE WHEN n <= 6 THEN 'delivered' ELSE 'scheduled' END
FROM generate_series(1, 10) AS n;

INSERT INTO sync_status (id, table_name, last_sync_at, sync_status, records_processed, error_message)
SELECT n, name, timestamp '2026-01-15 03:00:00' + interval '1 minute' * n, CASE n WHEN 5 THEN 'error' ELSE 'completed' END,
       n * 10, CASE n WHEN 5 THEN 'vendor answered 502' END
FROM unnest('{companies,clients,services,staff,staff_schedules,bookings,visits}'::text[]) WITH ORDINALITY AS t (name, n);

INSERT INTO visits (
    id, yclients_visit_id, yclients_record_id, company_id, client_phone, staff_name, services, total_cost, visit_date,
    rating
)
SELECT
    md5('visit ' || n)::uuid, 630000000 + n, 1310000000 + n, 700123, '79' || lpad((25 + n)::text, 9, '0'), 'Лада Лесная',
    '[{"title": "Маникюр", "amount": 1}]', 1500, date '2025-12-01' + n, CASE WHEN n % 3 = 0 THEN 5 END
FROM generate_series(1, 15) AS n;

INSERT INTO webhook_events (event_id, event_type, company_id, payload, processed, processed_at, created_at)
SELECT
    'event-' || lpad(n::text, 6, '0'), (ARRAY['record.created', 'record.updated', 'record.deleted'])[1 + n % 3], 700123,
    jsonb_build_object('resource', 'record', 'resource_id', 1310000000 + n), n <> 12,
    CASE WHEN n <> 12 THEN timestamptz '2026-01-14 10:00:01+00' + interval '1 minute' * n END,
    timestamptz '2026-01-14 10:00:00+00' + interval '1 minute' * n
FROM generate_series(1, 12) AS n;

INSERT INTO booking_notifications (id, yclients_record_id, phone, notification_type, message, sent_at)
SELECT
    n, 1310000000 + n, '79' || lpad((25 + n)::text, 9, '0'), (ARRAY['created', 'time_changed', 'cancelled'])[1 + n % 3],
    'Ваша запись №' || n, timestamptz '2026-01-04 07:00:00+00' + interval '1 hour' * n
FROM generate_series(1, 20) AS n;

SELECT setval(pg_get_serial_sequence('messages', 'id'), (SELECT max(id) FROM messages)),
       setval('appointments_cache_id_seq', (SELECT max(id) FROM appointments_cache)),
       setval('sync_status_id_seq', (SELECT max(id) FROM sync_status)),
       setval('booking_notifications_id_seq', (SELECT max(id) FROM booking_notifications));

ANALYZE companies, clients, services, staff, staff_schedules, bookings, dialog_contexts, messages, actions,
    appointments_cache, reminders, sync_status, visits, webhook_events, booking_notifications;

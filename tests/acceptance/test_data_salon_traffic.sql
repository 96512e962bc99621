-- Returns nothing; adds to the salon's legacy rows what its 21 methods are asked about, and the key that upsert_company needs.
-- The clock of the tests stands at 2026-01-15 21:30 UTC, which is half past midnight of the 16th in Moscow.

CREATE UNIQUE INDEX companies_company_id_key ON companies (company_id);

INSERT INTO clients (id, yclients_id, company_id, name, phone, raw_phone, visit_count, last_visit_date, updated_at) VALUES
    (990001, 219000001, 700123, 'Поиск 50% Анна', '79880000001', '+79880000001', 3, '2025-12-01', '2026-01-01'),
    (990002, 219000002, 700123, 'Поиск 50 Анна', '79880000002', '+79880000002', 5, '2025-12-01', '2026-01-01'),
    (990003, 219000003, 700123, 'Поиск Ан_на', '79880000003', '+79880000003', 9, NULL, '2026-01-01'),
    (990004, 219000004, 700123, 'Поиск Ан\на', '79880000004', '+79880000004', 1, '2026-01-10', '2026-01-01'),
    (990005, 219000005, 700123, 'Поиск (а,б) "в".г:д', '79880000005', '+79880000005', 0, NULL, '2026-01-01'),
    (990006, 219000006, 700123, 'Поиск * Анна', '79880000006', '+79880000006', NULL, '2025-12-01', '2026-01-01');

INSERT INTO services (
    yclients_id, company_id, title, category_id, category_title, price_min, price_max, duration, seance_length, weight, is_active
) VALUES
    (18990001, 700123, 'Без веса', 977, 'Проверка', 100, 100.50, 3600, 3600, NULL, true),
    (18990002, 700123, 'Тяжёлая', 977, 'Проверка', 0, NULL, 5400, 5400, 100, true),
    (18990003, 700123, 'Равная', 977, 'Проверка', 10, 10, 1800, 1800, 50, true),
    (18990004, 700123, 'Равная', 977, 'Проверка', 10, 10, 1800, 1800, 50, true),
    (18990005, 700123, 'Снятая', 977, 'Проверка', 10, 10, 1800, 1800, 70, false);

INSERT INTO staff (yclients_id, company_id, name, specialization, rating, is_active) VALUES
    (2990001, 700123, 'Мастер 100%', 'Стилист', 5, true),
    (2990002, 700123, 'Мастер 1000', 'Стилист', 4.25, true),
    (2990003, 700123, 'Ушедший Мастер', 'Стилист', NULL, false),
    -- The vendor's number is another master's id in this table.
    (11, 700123, 'Мастер одиннадцать', 'Стилист', 3, true);

INSERT INTO staff_schedules (staff_id, staff_name, date, is_working, work_start, work_end, last_updated)
SELECT yclients_id, name, date '2026-03-01' + day, day <> 2, CASE WHEN day <> 2 THEN time '09:00' END,
       CASE WHEN day <> 2 THEN time '21:30' END, timestamp '2026-01-14 10:00:00'
FROM staff CROSS JOIN generate_series(0, 4) AS day WHERE yclients_id IN (2990001, 2990002, 2990003, 11);

-- Client 210000100: what is past in Moscow and still to come in UTC, what begins this minute, more than are told of.
INSERT INTO bookings (
    yclients_record_id, company_id, client_phone, client_name, client_yclients_id, staff_id, staff_name, services, service_ids,
    datetime, date, duration, cost, status, visit_attendance, created_at, updated_at, synced_at
)
SELECT 1319000000 + k, 700123, clients.phone, clients.name, clients.yclients_id, staff.yclients_id, staff.name,
       ARRAY[services.title], ARRAY[services.yclients_id::integer], at, at::date, services.duration, (k % 4) * 100.50,
       made.status, attendance, '2026-01-01', '2026-01-02', '2026-01-03'
FROM (VALUES
    (1, timestamp '2026-01-15 22:00', 'confirmed', 2), (2, '2026-01-16 00:29:59.999999', 'confirmed', 2),
    (3, '2026-01-16 00:30', 'confirmed', 2), (4, '2026-01-16 02:59:59', 'confirmed', 2), (5, '2026-01-16 12:00', 'cancelled', 0),
    (6, '2026-01-16 12:00', 'confirmed', 2), (7, '2026-01-16 12:00', 'confirmed', 2), (8, '2026-01-17 12:00', 'confirmed', 2),
    (9, '2026-01-18 12:00', 'confirmed', 2), (10, '2026-01-19 12:00', 'confirmed', 2), (11, '2026-01-20 12:00', 'confirmed', 2),
    (12, '2026-01-21 12:00', 'confirmed', 2), (13, '2026-01-22 12:00', 'confirmed', 2), (14, '2026-01-23 12:00', 'confirmed', 2),
    (15, '2025-12-31 23:59', 'completed', 1), (16, '2025-12-30 10:00', 'no_show', -1)
) AS made (k, at, status, attendance)
JOIN clients ON clients.yclients_id = 210000100
JOIN staff ON staff.yclients_id = 2890005
JOIN services ON services.yclients_id = 18350020;

-- Fills the seven legacy tables with the data set `default`: first the traps, then well-behaved bulk rows.
-- Counts come as settings: salon.rows (clients), salon.services, salon.staff, salon.staff_schedules,
-- salon.bookings, salon.dialog_contexts. Every value is a function of the row's number: chance is
-- hashint8extended(number, seed), the clock stands at 2026-01-15, and nothing here is a real person.
--
-- client j     id 59800 + j   vendor 210000000 + j   phone 79 and j in nine digits   traps: 1 to 25
-- service k    id 100 + k     vendor 18350000 + k                                    traps: 1 to 9
-- staff k      id 10 + k      vendor 2890000 + k                                     traps: 1 to 3
-- booking k    uuid of k      vendor 1310000000 + k                                  traps: 1 to 41

-- companies -----------------------------------------------------------------------------------------------------

INSERT INTO companies (
    id, company_id, yclients_id, title, address, phone, email, website, working_hours,
    coordinate_lat, coordinate_lon, created_at, updated_at, last_sync_at, raw_data,
    whatsapp_config, whatsapp_connected, whatsapp_phone, whatsapp_connected_at, connected_at, last_payment_date,
    integration_status, marketplace_user_id, marketplace_user_name, marketplace_user_phone, marketplace_user_email,
    whatsapp_session_data, api_key, webhook_secret
) VALUES (
    42, 700123, 700123, 'Салон «Синяя птица»', 'Выдуманск, ул. Примерная, д. 7', '79000000000',
    'salon@example.com', 'https://salon.example.com', '"10:00-22:00"',
    55.123456, 37.654321, '2024-02-01 09:15:30.123456+00', '2026-01-14 18:00:00.654321+00',
    '2026-01-15 03:00:00+00',
    '{"id": 700123, "title": "Салон «Синяя птица»", "country_id": 7, "timezone": 3, "schedule": "10:00-22:00",
      "phones": ["79000000000"], "social": {"site": null, "photos": []}, "rating": 4.90, "description": ""}',
    '{"reminders": true, "language": "ru"}', true, '79000000000', '2025-09-01 10:00:00+00', '2024-02-01 09:15:30+00',
    '2026-01-01 00:00:00+00', 'active', '555001', 'Вымышленный Владелец', '79990000042', 'owner@example.com',
    'synthetic:not-a-session', 'synthetic-api-key', 'synthetic-webhook-secret'
);

-- services ------------------------------------------------------------------------------------------------------

INSERT INTO services (
    id, yclients_id, company_id, title, category_id, category_title, price_min, price_max, duration, seance_length,
    description, weight, created_at, updated_at, last_sync_at, raw_data, declensions
)
SELECT
    100 + k, 18350000 + k, 700123, title, 900, 'Разное', price_min, price_max, duration, seance_length,
    description, 1, '2024-02-01 09:20:00', '2025-12-01 12:00:00.5', '2026-01-15 03:00:00', raw_data, declensions
FROM (VALUES
    (1, 'Консультация (длительность не задана)', 0::numeric, 0::numeric, NULL::integer, NULL::integer,
        NULL, '{}'::jsonb, NULL::jsonb),
    (2, 'Окрашивание корней', 3500, 5200, NULL, 5400, NULL, '{}', NULL),
    (3, 'Укладка вечерняя', 2500, 4000, NULL, 3600, '', '{}', NULL),
    (4, 'Сертификат подарочный', 1000, 10000, 0, 0, NULL, '{}', NULL),
    (5, 'Экспресс-маникюр', 900, 900, 0, 1800, NULL, '{}', NULL),
    (6, repeat('Комплексный уход за волосами, кожей и ногтями; ', 7), 9900, 12500, 10800, 10800, NULL, '{}', NULL),
    (7, 'Аренда салона на год', 100000000, 125000000.50, 28800, 28800, NULL, '{}', NULL),
    (8, E'Стрижка "горячими" ножницами, \\ 1 тон\nс укладкой', 2100, 2100, 4500, 4500,
        E'Первая строка,\nвторая; \t«ёлочки» и ''апострофы''', '[]', '"стрижку"'),
    (9, 'Массаж лица', 1800, 1800, 2700, 2700, NULL, 'null', '["массаж", "массажа", "массажу"]')
) AS trap (k, title, price_min, price_max, duration, seance_length, description, raw_data, declensions);

INSERT INTO services (
    id, yclients_id, company_id, title, category_id, category_title, price_min, price_max, discount, duration,
    seance_length, is_active, is_bookable, description, weight, created_at, updated_at, last_sync_at, raw_data,
    image_url, declensions
)
SELECT
    100 + k, 18350000 + k, 700123, kind.title || ' №' || k, 901 + kind.n, kind.category, price, price + kind.n * 100,
    0, seconds, seconds, k % 17 <> 0, k % 19 <> 0,
    CASE WHEN k % 3 = 0 THEN 'Длится ' || seconds / 60 || ' мин.' END, k % 10,
    timestamp '2024-02-01 09:20:00' + interval '1 second' * k,
    timestamp '2025-10-01 08:00:00.25' + interval '1 hour' * (k % 1000), '2026-01-15 03:00:00',
    jsonb_build_object('id', 18350000 + k, 'title', kind.title, 'price_min', price, 'staff', jsonb_build_array()),
    CASE WHEN k % 4 = 0 THEN 'https://images.example.com/' || k || '.jpg' END,
    jsonb_build_object('nominative', kind.title, 'accusative', kind.accusative)
FROM generate_series(10, current_setting('salon.services')::bigint) AS k
CROSS JOIN LATERAL (
    SELECT (ARRAY[1800, 2700, 3600, 4500, 5400, 7200])[1 + (hashint8extended(k, 101) & 2147483647)::integer % 6]
               AS seconds,
           500 + (hashint8extended(k, 102) & 2147483647)::integer % 60 * 100 AS price,
           (hashint8extended(k, 103) & 2147483647)::integer % 8 AS kind
) AS dice
JOIN (VALUES
    (0, 'Маникюр', 'маникюр', 'Ногти'), (1, 'Педикюр', 'педикюр', 'Ногти'),
    (2, 'Стрижка женская', 'женскую стрижку', 'Волосы'), (3, 'Стрижка мужская', 'мужскую стрижку', 'Волосы'),
    (4, 'Окрашивание', 'окрашивание', 'Волосы'), (5, 'Укладка', 'укладку', 'Волосы'),
    (6, 'Коррекция бровей', 'коррекцию бровей', 'Брови и ресницы'),
    (7, 'Ламинирование ресниц', 'ламинирование ресниц', 'Брови и ресницы')
) AS kind (n, title, accusative, category) ON kind.n = dice.kind;

-- staff ---------------------------------------------------------------------------------------------------------

INSERT INTO staff (
    id, yclients_id, company_id, name, specialization, position, is_active, is_bookable, rating, votes_count,
    comments_count, service_ids, phone, experience_years, level_name, created_at, updated_at, last_sync_at, raw_data
) VALUES
    (11, 2890001, 700123, 'Ярослава Тихая', 'Стилист', 'Мастер', true, true, 4.95, 120, 80,
     '{18350010,18350011}', '+7 (999) 000-10-01, спросить Ярославу', 9, 'Топ-мастер',
     '2024-02-01 09:30:00', '2025-12-20 10:00:00', '2026-01-15 03:00:00', '{}'),
    (12, 2890002, 700123, 'Мирон Отпускной', 'Барбер', 'Мастер', false, true, 4.5, 40, 12,
     '{18350012}', '79990001002', 3, 'Мастер',
     '2024-02-01 09:30:01', '2025-12-20 10:00:01', '2026-01-15 03:00:00', '{}'),
    (13, 2890003, 700123, 'Администратор', NULL, 'Администратор', true, false, NULL, 0, 0,
     '{}', '', NULL, NULL,
     '2024-02-01 09:30:02', '2025-12-20 10:00:02', '2026-01-15 03:00:00', 'null');

INSERT INTO staff (
    id, yclients_id, company_id, name, specialization, position, rating, votes_count, comments_count, avatar_url,
    information, service_ids, email, phone, telegram, experience_years, level_name, created_at, updated_at,
    last_sync_at, raw_data, declensions
)
SELECT
    10 + k, 2890000 + k, 700123, name, job, 'Мастер', 4 + (k % 10) / 10.0, k % 300, k % 120,
    'https://images.example.com/staff/' || k || '.jpg', 'Любит точность, чай и «живые» цвета',
    ARRAY[18350010 + (k % 9)::integer, 18350019 + (k % 9)::integer], 'master' || k || '@example.com',
    '7998' || lpad(k::text, 7, '0'), '@master' || k, (k % 15)::integer,
    CASE WHEN k % 3 = 0 THEN 'Топ-мастер' ELSE 'Мастер' END,
    timestamp '2024-02-01 09:31:00' + interval '1 second' * k,
    timestamp '2025-12-01 07:00:00.125' + interval '1 minute' * k, '2026-01-15 03:00:00',
    jsonb_build_object('id', 2890000 + k, 'name', name, 'fired', 0),
    jsonb_build_object('nominative', name)
FROM generate_series(4, current_setting('salon.staff')::bigint) AS k
CROSS JOIN LATERAL (
    SELECT (ARRAY['Агния', 'Веста', 'Злата', 'Ива', 'Лада', 'Мила', 'Нега', 'Рада', 'Снежана', 'Тая', 'Ульяна'])
               [1 + k % 11] || ' '
           || (ARRAY['Лесная', 'Речная', 'Полевая', 'Горная', 'Морская', 'Степная', 'Зимняя'])[1 + k / 11 % 7] AS name,
           (ARRAY['Стилист', 'Мастер маникюра', 'Бровист', 'Колорист'])[1 + k % 4] AS job
) AS person;

-- staff_schedules -----------------------------------------------------------------------------------------------

INSERT INTO staff_schedules (
    id, staff_id, staff_name, date, is_working, work_start, work_end, working_hours, last_updated, has_booking_slots
) VALUES
    (1001, 2880001, 'Злата Уехавшая', '2025-11-10', true, '10:00', '20:00', '{"from": "10:00", "to": "20:00"}',
     '2025-11-09 20:00:00', true),
    (1002, 2880001, 'Злата Уехавшая', '2025-11-11', true, '10:00', '20:00', '{"from": "10:00", "to": "20:00"}',
     '2025-11-09 20:00:00', true),
    (1003, 2880002, 'Глеб Прошлогодний', '2025-11-10', false, NULL, NULL, NULL, '2025-11-09 20:00:00', false),
    (1004, 2890004, 'Мастер без часов', '2025-12-31', true, NULL, NULL, NULL, '2025-12-30 20:59:59', false),
    (1005, 2890005, 'Мастер со строкой', '2025-12-31', true, '09:30', '21:00', '"09:30-21:00"',
     '2025-12-30 20:59:59', true),
    (1006, 2890006, 'Мастер до полуночи', '2025-12-31', true, '12:00', '00:00', '[]', '2025-12-30 21:00:00', true);

INSERT INTO staff_schedules (
    id, staff_id, staff_name, date, is_working, work_start, work_end, working_hours, last_updated, has_booking_slots
)
SELECT
    1000 + k, staff.yclients_id, staff.name, date '2026-01-12' + day::integer, working,
    CASE WHEN working THEN time '10:00' END, CASE WHEN working THEN time '22:00' END,
    CASE WHEN working THEN '{"from": "10:00", "to": "22:00"}'::jsonb END,
    timestamp '2026-01-11 18:00:00' + interval '1 millisecond' * k, working AND k % 3 <> 0
FROM generate_series(7, current_setting('salon.staff_schedules')::bigint) AS k
CROSS JOIN LATERAL (
    SELECT (k - 7) / current_setting('salon.staff')::bigint AS day,
           11 + (k - 7) % current_setting('salon.staff')::bigint AS staff,
           k % 7 NOT IN (0, 1) AS working
) AS slot
JOIN staff ON staff.id = slot.staff;

-- clients -------------------------------------------------------------------------------------------------------

INSERT INTO clients (
    id, yclients_id, company_id, name, phone, raw_phone, email, tags, preferences, last_services, notes, blacklisted,
    created_at, updated_at, last_sync_at
)
SELECT
    59800 + j, 210000000 + j, 700123, name, phone, raw_phone, email, tags, preferences, last_services, notes,
    j = 19, created_at, updated_at, timestamp '2026-01-15 03:00:00'
FROM (VALUES
    (1, 'Алина Двойная', '79990000001', '+79990000001', NULL, '{}'::text[], '{}'::jsonb, '[]'::jsonb, NULL,
        timestamp '2024-03-01 10:00:00', timestamp '2025-03-01 10:00:00'),
    (2, 'Двойная А.', '79990000001', '8 999 000-00-01', 'dvoynaya@example.com', '{}', '{}', '[]', 'Второй раз',
        '2025-01-10 10:00:00', '2025-12-24 10:00:00'),
    (3, 'Вера Трижды', '79990000003', '+79990000003', NULL, '{}', '{}', '[]', NULL,
        '2024-04-01 11:00:00', '2025-05-05 11:00:00'),
    (4, 'Вера Трижды', '89990000003', '89990000003', NULL, '{}', '{}', '[]', NULL,
        '2024-04-02 11:00:00', '2025-12-05 11:00:00'),
    (5, 'Вера', '+7 999 000-00-03', '+7 999 000-00-03', NULL, '{}', '{}', '[]', NULL,
        '2024-04-03 11:00:00', '2025-06-05 11:00:00'),
    (6, 'Глафира Восьмая', '89990000006', '8 (999) 000-00-06', NULL, '{}', '{}', '[]', NULL,
        '2024-05-01 12:00:00', '2025-06-01 12:00:00'),
    (7, 'Дарина Плюсова', '+79990000007', '+7 999 000 00 07', NULL, '{}', '{}', '[]', NULL,
        '2024-05-02 12:00:00', '2025-06-02 12:00:00'),
    (8, 'Ева Короткая', '9990000008', '999 000-00-08', NULL, '{}', '{}', '[]', NULL,
        '2024-05-03 12:00:00', '2025-06-03 12:00:00'),
    (9, 'Без телефона', '', NULL, NULL, '{}', '{}', '[]', NULL, '2024-05-04 12:00:00', '2025-06-04 12:00:00'),
    (10, 'Не оставила', 'не указан', 'не указан', NULL, '{}', '{}', '[]', NULL,
        '2024-05-05 12:00:00', '2025-06-05 12:00:00'),
    (11, 'Внутренний номер', '12345', '12345', NULL, '{}', '{}', '[]', NULL,
        '2024-05-06 12:00:00', '2025-06-06 12:00:00'),
    (12, 'Жанна Просторная', '+7 (999) - 000 - 00 - 12', '+7 (999) - 000 - 00 - 12', NULL, '{}', '{}', '[]', NULL,
        '2024-05-07 12:00:00', '2025-06-07 12:00:00'),
    (13, 'Зоя с мужем', '79990000013, 79990000113', '79990000013, 79990000113', NULL, '{}', '{}', '[]', NULL,
        '2024-05-08 12:00:00', '2025-06-08 12:00:00'),
    (14, repeat('Очень длинное имя с титулами, ', 10), '79990000014', '+79990000014', NULL, '{}', '{}', '[]', NULL,
        '2024-05-09 12:00:00', '2025-06-09 12:00:00'),
    (15, 'Инга О''Нил "Лиса" «Ёлка»', '79990000015', '+79990000015', NULL,
        ARRAY['a "b" c', 'x,y', '{z}', 'NULL'], '{"quote": "\"", "name": "О''Нил"}', '["Маникюр \"лунный\""]',
        'Сказала: "Приду, но позже"', '2024-05-10 12:00:00', '2025-06-10 12:00:00'),
    (16, U&'Кира И\0306одова', '79990000016', '+79990000016', NULL, ARRAY['C:\new'], '{"path": "C:\\temp"}', '[]',
        'C:\temp\новая\x41', '2024-05-11 12:00:00', '2025-06-11 12:00:00'),
    (17, 'Лия Многострочная', '79990000017', '+79990000017', NULL, '{}', '{"note": "строка\nстрока"}', '[]',
        E'первая, вторая\r\nтретья\tтабуляция\n', '2024-05-12 12:00:00', '2025-06-12 12:00:00'),
    (18, '\.', '79990000018', '+79990000018', '', '{}', '{}', '[]', '\N',
        '2024-05-13 12:00:00', '2025-06-13 12:00:00'),
    (19, 'Майя Нежелательная', '79990000019', '+79990000019', NULL, '{}', '[]', '{}', NULL,
        '2024-05-14 12:00:00', '2025-06-14 12:00:00'),
    (20, 'Нина Нулевая', '79990000020', '+79990000020', NULL, '{}', 'null', 'null', NULL,
        '2024-05-15 12:00:00', '2025-06-15 12:00:00'),
    (21, 'Ольга Пустая', '79990000021', '+79990000021', NULL, NULL, NULL, NULL, '',
        '2024-05-16 12:00:00', '2025-06-16 12:00:00'),
    (22, 'Полина Строка', '79990000022', '+79990000022', NULL, '{}', '"только утром"', '[]', NULL,
        '2024-05-17 12:00:00', '2025-06-17 12:00:00'),
    (23, 'Рита Список 💅', '79990000023', '+79990000023', NULL, ARRAY['', NULL, 'VIP'], '["утро", 1.50, null]', '[]',
        'Эмодзи: 💇‍♀️ и неразрывный пробел', '2024-05-18 12:00:00', '2025-06-18 12:00:00'),
    (25, 'Тина Полуночная', '79990000025', '+79990000025', NULL, '{}', '{}', '[]', NULL,
        '2025-06-30 21:30:00', '2025-12-31 20:59:59.999999')
) AS trap (j, name, phone, raw_phone, email, tags, preferences, last_services, notes, created_at, updated_at);

-- Client 24: NULL wherever the source allows it, although most of those columns have a default.
INSERT INTO clients (
    id, yclients_id, company_id, name, phone, raw_phone, email, discount, branch_ids, tags, status, source, created_at,
    updated_at, visit_count, total_spent, first_visit_date, last_visit_date, last_services, visit_history, preferences,
    last_sync_at, loyalty_level, client_segment, average_bill, last_service_ids, favorite_staff_ids,
    preferred_time_slots, blacklisted, notes, created_by_ai, last_ai_interaction, ai_context, ai_messages_count,
    ai_satisfaction_score, services_amount, goods_amount, goods_purchases, goods_count
) VALUES (
    59824, 210000024, 700123, '', '79990000024', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
    NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
    NULL, NULL, NULL, NULL, NULL, NULL,
    NULL, NULL, NULL, NULL, NULL, NULL, NULL,
    NULL, NULL, NULL, NULL, NULL
);

INSERT INTO clients (
    id, yclients_id, company_id, name, phone, raw_phone, email, discount, tags, created_at, updated_at, visit_count,
    total_spent, first_visit_date, last_visit_date, last_services, visit_history, preferences, last_sync_at,
    loyalty_level, client_segment, average_bill, last_service_ids, favorite_staff_ids, preferred_time_slots, notes,
    created_by_ai, last_ai_interaction, ai_context, ai_messages_count, ai_satisfaction_score, services_amount,
    goods_amount, goods_purchases, goods_count
)
SELECT
    59800 + j, 210000000 + j, 700123,
    (ARRAY['Агата', 'Белла', 'Варвара', 'Галина', 'Диана', 'Есения', 'Жасмин', 'Зарина', 'Илона', 'Камилла', 'Лариса',
           'Марта', 'Ника', 'Олеся', 'Пелагея', 'Регина', 'София', 'Таисия', 'Ульяна', 'Фаина'])[1 + roll % 20]
    || ' '
    || (ARRAY['Берёзкина', 'Ветрова', 'Грачёва', 'Дождева', 'Ежевикина', 'Журавлёва', 'Звёздная', 'Ивушкина', 'Калинова',
              'Липкина', 'Малинина', 'Небова', 'Облачная', 'Птицына', 'Росинкина', 'Снегова', 'Травина',
              'Утренняя', 'Цветкова', 'Яблокова', 'Черёмухина', 'Щеглова', 'Фиалкова'])[1 + roll / 20 % 23],
    '79' || lpad(j::text, 9, '0'),
    CASE roll % 3 WHEN 0 THEN '+79' || lpad(j::text, 9, '0') WHEN 1 THEN '89' || lpad(j::text, 9, '0')
                  ELSE '+7 9' || lpad(j::text, 9, '0') END,
    CASE WHEN roll % 3 = 0 THEN 'client' || j || '@example.com' END,
    CASE WHEN roll % 11 = 0 THEN 10 ELSE 0 END,
    CASE roll % 7 WHEN 0 THEN '{VIP}'::text[] WHEN 1 THEN '{постоянный,аллергия}' ELSE '{}' END,
    created_day + interval '6 hours' + interval '1 microsecond' * (microseconds % 43200000000),
    timestamp '2025-11-01 00:00:00' + interval '1 microsecond' * (microseconds % 6000000000000),
    visits, visits * bill, first_day, last_day,
    CASE WHEN visits > 0 THEN '["Маникюр"]'::jsonb ELSE '[]' END,
    CASE WHEN visits = 0 THEN '[]'::jsonb
         ELSE jsonb_build_array(jsonb_build_object(
             'date', to_char(last_day, 'YYYY-MM-DD'), 'services', '["Маникюр"]'::jsonb, 'staff', 'Лада Лесная',
             'cost', bill, 'status', 'completed', 'attendance', 1))
    END,
    CASE WHEN roll % 9 = 0 THEN '{"master": "Лада Лесная", "quiet": true}'::jsonb ELSE '{}' END,
    timestamp '2026-01-15 03:00:00' + interval '1 millisecond' * (j % 3600000),
    CASE WHEN visits > 9 THEN 'Gold' WHEN visits > 5 THEN 'Silver' ELSE 'Bronze' END,
    CASE WHEN visits > 5 THEN 'Regular' WHEN visits > 0 THEN 'Active' ELSE 'New' END,
    bill,
    CASE WHEN visits > 0 THEN ARRAY[18350010 + roll % 50] ELSE '{}' END,
    CASE WHEN visits > 3 THEN ARRAY[2890004 + roll % 9] ELSE '{}' END,
    CASE WHEN visits > 4 THEN '{вечер}'::text[] ELSE '{}' END,
    CASE WHEN roll % 13 = 0 THEN 'Просит напоминать за день' END,
    roll % 17 = 0,
    CASE WHEN roll % 17 = 0 THEN timestamp '2025-12-01 10:00:00' + interval '1 second' * (roll % 2000000) END,
    CASE WHEN roll % 17 = 0 THEN '{"tone": "friendly"}'::jsonb ELSE '{}' END,
    CASE WHEN roll % 17 = 0 THEN roll % 40 ELSE 0 END,
    CASE WHEN roll % 17 = 0 THEN (roll % 11) / 10.0 END,
    visits * bill,
    CASE WHEN roll % 10 = 0 THEN 350 ELSE 0 END,
    CASE WHEN roll % 10 = 0 THEN '[{"title": "Масло для кутикулы", "cost": 350}]'::jsonb ELSE '[]' END,
    CASE WHEN roll % 10 = 0 THEN 1 ELSE 0 END
FROM generate_series(26, current_setting('salon.rows')::bigint) AS j
CROSS JOIN LATERAL (
    SELECT (hashint8extended(j, 1) & 2147483647)::integer AS roll,
           hashint8extended(j, 2) & 9223372036854775807 AS microseconds,
           (hashint8extended(j, 3) & 2147483647)::integer % 12 AS visits,
           900 + (hashint8extended(j, 4) & 2147483647)::integer % 60 * 50 AS bill,
           date '2024-06-01' + (hashint8extended(j, 5) & 2147483647)::integer % 590 AS day
) AS dice
CROSS JOIN LATERAL (
    SELECT CASE WHEN visits > 0 THEN day END AS last_day,
           CASE WHEN visits > 0 THEN day - visits * 21 END AS first_day,
           day - visits * 21 AS created_day
) AS days;

-- bookings ------------------------------------------------------------------------------------------------------

-- The first 28 are every status with every attendance; some of them carry a second, harmless oddity. The next 13
-- have something that cannot be carried over as it stands.
INSERT INTO bookings (
    id, yclients_record_id, company_id, client_phone, client_name, client_yclients_id, staff_id, staff_name, services,
    service_ids, datetime, date, duration, cost, prepaid, status, visit_attendance, comment, online, record_hash,
    created_at, updated_at, synced_at, created_by_bot
)
WITH slot AS (
    SELECT (row_number() OVER (ORDER BY s, attendance))::integer AS k, status, attendance
    FROM unnest('{active,confirmed,cancelled,completed,no_show,past,deleted}'::text[]) WITH ORDINALITY AS st (status, s)
    CROSS JOIN generate_series(-1, 2) AS attendance
    UNION ALL
    SELECT k, 'confirmed', 0 FROM generate_series(29, 41) AS k
), oddity (k, what) AS (
    VALUES (2, 'two services'), (3, 'three services'), (6, 'same service twice'), (7, 'client by phone'),
        (8, 'client by phone, spelled'), (9, 'phone empty'), (10, 'date differs'), (11, 'client 1'), (12, 'client 2'),
        (13, 'Moscow 00:30'), (14, 'Moscow 02:59:59.999999'), (15, 'Moscow 03:00'), (16, 'Moscow 23:30'),
        (17, 'created at night'), (18, 'comment'), (19, 'prepaid'), (20, 'prepaid'),
        (29, 'no service'), (30, 'services null'), (31, 'unknown service'), (32, 'no client'), (33, 'unknown client'),
        (34, 'unusable client'), (35, 'duration zero'), (36, 'duration null'), (37, 'before 2020'),
        (38, 'before 2020 in UTC'), (39, 'staff left'), (40, 'no staff'), (41, 'service without duration')
), planned AS (
    SELECT k, status, attendance, coalesce(what, '') AS what,
           CASE what WHEN 'client 1' THEN 59801 WHEN 'client 2' THEN 59802 WHEN 'unusable client' THEN 59809
                     ELSE 59825 + k END AS client,
           CASE what WHEN 'service without duration' THEN 18350001 ELSE 18350010 + k END AS service,
           CASE what
               WHEN 'Moscow 00:30' THEN timestamp '2026-01-10 00:30:00'
               WHEN 'Moscow 02:59:59.999999' THEN '2026-01-10 02:59:59.999999'
               WHEN 'Moscow 03:00' THEN '2026-01-10 03:00:00'
               WHEN 'Moscow 23:30' THEN '2026-01-10 23:30:00'
               WHEN 'before 2020' THEN '2019-11-05 15:00:00'
               WHEN 'before 2020 in UTC' THEN '2020-01-01 02:30:00'
               ELSE timestamp '2026-01-05 10:00:00' + interval '1 day' * (k % 20) + interval '30 minutes' * (k % 16)
           END AS at
    FROM slot LEFT JOIN oddity USING (k)
), served AS (
    SELECT k, array_agg(yclients_id::integer ORDER BY place) AS ids, array_agg(title ORDER BY place) AS titles,
           sum(coalesce(duration, 0)) AS seconds, sum(price_min) AS price
    FROM planned
    CROSS JOIN LATERAL (
        SELECT service, 1 AS place
        UNION ALL SELECT service + 1, 2 WHERE what IN ('two services', 'three services')
        UNION ALL SELECT service + 2, 3 WHERE what = 'three services'
        UNION ALL SELECT service, 2 WHERE what = 'same service twice'
    ) AS part (yclients_id, place)
    JOIN services USING (yclients_id)
    WHERE what NOT IN ('no service', 'services null', 'unknown service')
    GROUP BY k
)
SELECT
    md5('booking ' || k)::uuid, 1310000000 + k, 700123,
    CASE what WHEN 'no client' THEN '' WHEN 'phone empty' THEN '' WHEN 'unknown client' THEN '79990009999'
              WHEN 'client by phone, spelled' THEN '8' || substr(clients.phone, 2) ELSE clients.phone END,
    CASE what WHEN 'no client' THEN NULL WHEN 'unknown client' THEN 'Гостья' ELSE clients.name END,
    CASE WHEN what IN ('no client', 'client by phone', 'client by phone, spelled') THEN NULL
         WHEN what = 'unknown client' THEN 299999999 ELSE clients.yclients_id END,
    CASE what WHEN 'staff left' THEN 2880001 WHEN 'no staff' THEN NULL ELSE staff.yclients_id END,
    CASE what WHEN 'staff left' THEN 'Злата Уехавшая' WHEN 'no staff' THEN NULL ELSE staff.name END,
    CASE what WHEN 'no service' THEN '{}' WHEN 'services null' THEN NULL WHEN 'unknown service' THEN '{Архивная услуга}'
              ELSE served.titles END,
    CASE what WHEN 'no service' THEN '{}' WHEN 'services null' THEN NULL WHEN 'unknown service' THEN '{18399999}'
              ELSE served.ids END,
    at, at::date - CASE what WHEN 'date differs' THEN 1 ELSE 0 END,
    CASE what WHEN 'duration zero' THEN 0 WHEN 'duration null' THEN NULL
              WHEN 'service without duration' THEN 3600 ELSE coalesce(served.seconds, 3600) END,
    coalesce(served.price, 1500), CASE what WHEN 'prepaid' THEN 500.50 ELSE 0 END, planned.status, attendance,
    CASE what WHEN 'comment' THEN E'Просит "тихого" мастера,\nбез музыки \\ и кофе' END,
    k % 2 = 0, md5('hash ' || k),
    CASE what WHEN 'created at night' THEN timestamp '2025-12-31 21:30:00.5'
              ELSE timestamp '2025-12-20 08:00:00.000001' + interval '1 hour' * (k % 10) END,
    timestamp '2026-01-04 07:00:00' + interval '1 minute' * k,
    CASE WHEN k % 5 <> 0 THEN timestamp '2026-01-15 03:00:00' END,
    k % 3 = 0
FROM planned
JOIN clients ON clients.id = planned.client
JOIN staff ON staff.id = 14 + k % 9
LEFT JOIN served USING (k);

INSERT INTO bookings (
    id, yclients_record_id, company_id, client_phone, client_name, client_yclients_id, staff_id, staff_name, services,
    service_ids, datetime, date, duration, cost, prepaid, status, visit_attendance, comment, online, record_hash,
    created_at, updated_at, synced_at, created_by_bot
)
SELECT
    md5('booking ' || k)::uuid, 1310000000 + k, 700123, clients.phone, clients.name, clients.yclients_id,
    staff.yclients_id, staff.name, ARRAY[services.title], ARRAY[services.yclients_id::integer], at, at::date,
    services.duration, services.price_min, 0, outcome.status, outcome.attendance,
    CASE WHEN k % 8 = 0 THEN 'Позвонить накануне' END, k % 2 = 0, md5('hash ' || k),
    (at::date - 7) + time '09:00' + interval '1 second' * (k % 30000),
    timestamp '2026-01-10 06:00:00' + interval '1 microsecond' * (k % 1000000000), timestamp '2026-01-15 03:00:00',
    k % 3 = 0
FROM generate_series(42, current_setting('salon.bookings')::bigint) AS k
CROSS JOIN LATERAL (
    SELECT 59826 + (hashint8extended(k, 201) & 2147483647) % (current_setting('salon.rows')::bigint - 25) AS client,
           110 + (hashint8extended(k, 202) & 2147483647) % (current_setting('salon.services')::bigint - 9) AS service,
           14 + (hashint8extended(k, 203) & 2147483647) % (current_setting('salon.staff')::bigint - 3) AS staff,
           timestamp '2025-06-01 10:00:00'
               + interval '1 day' * ((hashint8extended(k, 204) & 2147483647) % 250)
               + interval '15 minutes' * ((hashint8extended(k, 205) & 2147483647) % 40) AS at,
           (hashint8extended(k, 206) & 2147483647)::integer % 10 AS luck
) AS dice
CROSS JOIN LATERAL (
    SELECT CASE WHEN luck = 0 THEN 'cancelled' WHEN at > '2026-01-15 12:00:00' THEN 'confirmed'
                WHEN luck = 1 THEN 'no_show' ELSE 'completed' END AS status,
           CASE WHEN luck = 0 THEN 0 WHEN at > '2026-01-15 12:00:00' THEN 2 WHEN luck = 1 THEN -1 ELSE 1 END AS attendance
) AS outcome
JOIN clients ON clients.id = dice.client
JOIN services ON services.id = dice.service
JOIN staff ON staff.id = dice.staff;

-- dialog_contexts -----------------------------------------------------------------------------------------------

INSERT INTO dialog_contexts (
    id, user_id, state, data, messages, created_at, updated_at, last_activity, client_id, company_id, message_count,
    last_booking_id, session_type, context_metadata
)
SELECT
    md5('context ' || k)::uuid, user_id, state, data, messages, timestamptz '2026-01-10 09:00:00.123+00',
    timestamptz '2026-01-14 20:30:00.456+00' + interval '1 minute' * k, timestamptz '2026-01-14 20:30:01+00',
    NULL, company_id, jsonb_array_length(messages), NULL, session_type, metadata
FROM (VALUES
    (1, '79000000026@c.us', '''INIT''', '{}'::jsonb, '[]'::jsonb, '700123', 'chat', '{}'::jsonb),
    (2, '79990000602', '''BOOKING''', '{"service": "Маникюр"}', '[]', '700123', 'chat', '{}'),
    (3, '79990000602@c.us', '''INIT''', '{}', '[]', '700123', 'chat', '{}'),
    (4, '120000000000604@lid', '''INIT''', '{}', '[]', '700123', 'chat', '{}'),
    (5, 'demo_605', '''INIT''', '{}', '[]', '700123', 'demo', '{}'),
    (6, 'demo_0123456789abcdef0123456789abcdef', '''INIT''', '{}', '[]', '700123', 'demo', '{}'),
    (7, '+79990000607', '''INIT''', '{}', '[]', '700123', 'chat', '{}'),
    (8, '79990000608', '''INIT''', '{}', '[]', 'company_700123', 'chat', '{}'),
    (9, '79990000609', '''INIT''', '{}', '[]', NULL, 'chat', '{}'),
    (10, '79990000610', NULL, '[]', '[]', '700123', 'chat', NULL),
    (11, '79990000611', 'WAITING', 'null', '[]', '700123', 'chat', '[]'),
    (12, '79990000612', '''CHOOSING_TIME''', NULL, '[]', '700123', NULL, '"web"'),
    (13, '79990000613', '''INIT''', '{"слот": {"дата": "2026-01-20", "время": null}, "n": 1.50}',
        '[{"role": "user", "text": "Привет, \"Птица\"!\nЗапишите 💅"}, {"role": "assistant", "text": "C:\\да"}]',
        '700123', 'chat', '{"client": {"vip": false}}')
) AS trap (k, user_id, state, data, messages, company_id, session_type, metadata);

INSERT INTO dialog_contexts (
    id, user_id, state, data, messages, created_at, updated_at, last_activity, client_id, company_id, message_count,
    last_booking_id, context_metadata
)
SELECT
    md5('context ' || k)::uuid, '79' || lpad((13 + k)::text, 9, '0'),
    (ARRAY['''INIT''', '''BOOKING''', '''CHOOSING_TIME''', '''CONFIRM'''])[1 + k % 4],
    jsonb_build_object('step', k % 4, 'service', 'Маникюр'),
    jsonb_build_array(jsonb_build_object('role', 'user', 'text', 'Здравствуйте!')),
    timestamptz '2025-12-01 06:00:00+00' + interval '1 second' * k,
    timestamptz '2026-01-12 06:00:00.25+00' + interval '1 second' * (k % 200000),
    timestamptz '2026-01-12 06:00:00.25+00' + interval '1 second' * (k % 200000),
    (210000013 + k)::integer, '700123', 1, CASE WHEN k % 3 = 0 THEN 1310000042 END, '{"channel": "whatsapp"}'
FROM generate_series(14, current_setting('salon.dialog_contexts')::bigint) AS k;

-- sequences -----------------------------------------------------------------------------------------------------

-- companies_id_seq is left behind on purpose: the salon's row was brought from an older database.
SELECT setval('companies_id_seq', 41),
       setval(pg_get_serial_sequence('clients', 'id'), (SELECT max(id) FROM clients)),
       setval('services_id_seq', (SELECT max(id) FROM services)),
       setval('staff_id_seq', (SELECT max(id) FROM staff)),
       setval('staff_schedules_id_seq', (SELECT max(id) FROM staff_schedules));

ANALYZE companies, clients, services, staff, staff_schedules, bookings, dialog_contexts;

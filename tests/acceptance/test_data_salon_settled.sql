-- Returns nothing; makes a copy of the legacy database what the mapping document's words say of it, without its rules:
-- rows that the ledger set aside are gone, clients and contexts that became one are one, each value has its one spelling.
-- Reads two temporary tables made from the ledger: aside (relation, key) and stands_for (relation, key, winner).

ALTER TABLE bookings DISABLE TRIGGER USER;

-- Rows that did not arrive.
DELETE FROM clients WHERE id::text IN (SELECT key FROM aside WHERE relation = 'clients');
DELETE FROM services WHERE id::text IN (SELECT key FROM aside WHERE relation = 'services');
DELETE FROM staff WHERE id::text IN (SELECT key FROM aside WHERE relation = 'staff');
DELETE FROM staff_schedules WHERE id::text IN (SELECT key FROM aside WHERE relation = 'staff_schedules');
DELETE FROM bookings WHERE id::text IN (SELECT key FROM aside WHERE relation = 'bookings');
DELETE FROM dialog_contexts WHERE id::text IN (SELECT key FROM aside WHERE relation = 'dialog_contexts');

-- A phone has one spelling.
CREATE FUNCTION pg_temp.one_spelling(typed text) RETURNS text LANGUAGE sql AS $$
    SELECT CASE WHEN length(known) BETWEEN 7 AND 15 THEN known END
    FROM (SELECT translate(typed, translate(typed, '0123456789', ''), '')) AS kept (digits),
         LATERAL (SELECT CASE WHEN length(digits) = 10 AND left(digits, 1) = '9' THEN '7' || digits
                              WHEN length(digits) = 11 AND left(digits, 1) = '8' THEN '7' || substr(digits, 2)
                              ELSE digits END) AS one (known)
$$;
UPDATE clients SET phone = pg_temp.one_spelling(phone);
UPDATE staff SET phone = pg_temp.one_spelling(phone);

-- A client who was merged is the one who stands for her; a booking is its client's, by number or else by phone.
UPDATE bookings AS b SET client_yclients_id = winner.yclients_id
FROM stands_for AS s
JOIN clients AS loser ON loser.id::text = s.key
JOIN clients AS winner ON winner.id::text = s.winner
WHERE s.relation = 'clients' AND b.client_yclients_id = loser.yclients_id;
DELETE FROM clients WHERE id::text IN (SELECT key FROM stands_for WHERE relation = 'clients');
DELETE FROM dialog_contexts WHERE id::text IN (SELECT key FROM stands_for WHERE relation = 'dialog_contexts');
UPDATE bookings AS b SET client_yclients_id = c.yclients_id
FROM clients AS c WHERE b.client_yclients_id IS NULL AND c.phone = pg_temp.one_spelling(b.client_phone);

-- Names and phones are those of the client, the master and the service that a row points at.
UPDATE bookings AS b SET client_phone = c.phone, client_name = c.name FROM clients AS c WHERE c.yclients_id = b.client_yclients_id;
UPDATE bookings AS b SET staff_name = s.name FROM staff AS s WHERE s.yclients_id = b.staff_id;
UPDATE bookings AS b SET service_ids = b.service_ids[1:1], services = ARRAY[s.title]
FROM services AS s WHERE s.yclients_id = b.service_ids[1];
UPDATE staff_schedules AS h SET staff_name = s.name FROM staff AS s WHERE s.yclients_id = h.staff_id;
UPDATE bookings SET date = datetime::date;

-- The words of a booking's status: whether the client came decides, and what was deleted is cancelled.
UPDATE bookings SET status = CASE
    WHEN status IN ('cancelled', 'deleted') THEN 'cancelled'
    WHEN status = 'no_show' OR visit_attendance = -1 THEN 'no_show'
    WHEN status IN ('completed', 'past') OR visit_attendance = 1 THEN 'completed'
    WHEN status = 'confirmed' OR visit_attendance = 2 THEN 'confirmed'
    ELSE 'active' END;
UPDATE bookings SET
    visit_attendance = CASE status WHEN 'no_show' THEN -1 WHEN 'completed' THEN 1 WHEN 'confirmed' THEN 2 ELSE 0 END,
    online = coalesce(online AND NOT created_by_bot, false), created_by_bot = coalesce(created_by_bot, false);

-- A service has one length, a master one specialization.
UPDATE services SET duration = coalesce(nullif(duration, 0), seance_length);
UPDATE services SET seance_length = duration;
UPDATE staff SET is_bookable = coalesce(is_bookable, true), position = specialization;

-- The vendor's number of a salon is stored once; a context's user is a phone, its salon a number, its state in quotes.
-- What was folded as the document null reads as NULL.
UPDATE companies SET
    yclients_id = company_id, working_hours = nullif(working_hours, 'null'), whatsapp_config = nullif(whatsapp_config, 'null');
UPDATE dialog_contexts SET
    data = nullif(data, 'null'), context_metadata = nullif(context_metadata, 'null'),
    user_id = pg_temp.one_spelling(user_id),
    company_id = regexp_replace(company_id, '^company_', ''),
    state = '''' || replace(state, '''', '') || '''';

-- Faults to plant in the new database after a migration that gave it the legacy schema, each under its name.
-- Each returns the table and how many of its rows it spoiled; no two spoil the same table.

-- name: a changed value
WITH spoiled AS (
    UPDATE clients SET notes = 'changed behind the back of the migration'
    WHERE id = (SELECT min(id) FROM clients WHERE notes IS NULL)
    RETURNING 1
)
SELECT 'public.clients' AS table, count(*)::int AS rows FROM spoiled;

-- name: a lost row
WITH spoiled AS (
    DELETE FROM bookings WHERE yclients_record_id = (SELECT max(yclients_record_id) FROM bookings) RETURNING 1
)
SELECT 'public.bookings' AS table, count(*)::int AS rows FROM spoiled;

-- name: two values swapped between rows
WITH pair AS (
    SELECT a.id AS one, a.price_min AS price_one, b.id AS other, b.price_min AS price_other
    FROM services AS a
    JOIN services AS b ON b.id > a.id AND b.price_min <> a.price_min
    ORDER BY a.id, b.id
    LIMIT 1
), spoiled AS (
    UPDATE services SET price_min = CASE id WHEN one THEN price_other ELSE price_one END
    FROM pair WHERE id IN (one, other)
    RETURNING 1
)
SELECT 'public.services' AS table, count(*)::int AS rows FROM spoiled;

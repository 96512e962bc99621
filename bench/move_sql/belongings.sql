-- returns (kind, number): what hangs on the tables outside PostgreSQL and our ledger
WITH ours AS (
    SELECT c.oid, c.relkind FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast', 'crosswalk')
)
SELECT 'tables', count(*) FROM ours WHERE relkind = 'r'
UNION ALL SELECT 'sequences', count(*) FROM ours WHERE relkind = 'S'
UNION ALL SELECT 'indexes', count(*) FROM pg_index i JOIN ours ON ours.oid = i.indrelid WHERE i.indisvalid
UNION ALL SELECT 'unique indexes', count(*) FROM pg_index i JOIN ours ON ours.oid = i.indrelid WHERE i.indisunique
UNION ALL
SELECT CASE k.contype WHEN 'p' THEN 'primary keys' WHEN 'u' THEN 'unique constraints' WHEN 'f' THEN 'foreign keys'
       WHEN 'c' THEN 'checks' ELSE 'other constraints' END, count(*)
FROM pg_constraint k JOIN ours ON ours.oid = k.conrelid WHERE k.convalidated GROUP BY 1
ORDER BY 1

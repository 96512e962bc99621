-- returns one row per extended statistics object of the tables of the schemas $1
SELECT s.stxrelid AS relation, n.nspname::text AS schema, s.stxname::text AS name,
       pg_get_statisticsobjdef(s.oid) AS definition,
       nullif(coalesce(s.stxstattarget, -1), -1)::int AS target,
       obj_description(s.oid, 'pg_statistic_ext') AS comment
FROM pg_statistic_ext s
JOIN pg_class c ON c.oid = s.stxrelid
JOIN pg_namespace n ON n.oid = s.stxnamespace
WHERE c.relnamespace = ANY ($1::oid[])
ORDER BY s.stxrelid, n.nspname COLLATE "C", s.stxname COLLATE "C"

-- returns one row per view and materialized view of the schemas $1 with its query
SELECT n.nspname::text AS schema, c.relname::text AS name, pg_get_viewdef(c.oid) AS definition
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('v', 'm')
  AND c.relnamespace = ANY ($1::oid[])
ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C"

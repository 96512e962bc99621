-- returns one row per user trigger of the relations of the schemas $1, clones on partitions included
-- (before PostgreSQL 15 a clone is marked internal; what serves a foreign key is internal everywhere)
SELECT g.tgrelid AS relation, g.tgname::text AS name,
       pg_get_triggerdef(g.oid) AS definition,
       fn.nspname::text AS function_schema, f.proname::text AS function_name,
       g.tgtype::int AS type, g.tgenabled::text AS state,
       g.tgconstraint <> 0 AS "constraint",
       g.tgparentid <> 0 AS inherited,
       obj_description(g.oid, 'pg_trigger') AS comment
FROM pg_trigger g
JOIN pg_class c ON c.oid = g.tgrelid
JOIN pg_proc f ON f.oid = g.tgfoid
JOIN pg_namespace fn ON fn.oid = f.pronamespace
LEFT JOIN pg_constraint k ON k.oid = g.tgconstraint
WHERE c.relnamespace = ANY ($1::oid[])
  AND (NOT g.tgisinternal OR (g.tgparentid <> 0 AND (k.oid IS NULL OR k.contype = 't')))
ORDER BY g.tgrelid, g.tgname COLLATE "C"

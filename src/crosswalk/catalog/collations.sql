-- returns one row per collation of the schemas $1 that no extension brought
-- (the locale's column was named colliculocale in PostgreSQL 15 and 16, collcollate before: read through to_jsonb)
SELECT n.nspname::text AS schema, c.collname::text AS name,
       format('CREATE COLLATION %I.%I (PROVIDER = %s, ', n.nspname, c.collname, p.provider)
           || CASE WHEN c.collprovider = 'c' AND c.collcollate <> c.collctype
                   THEN format('LC_COLLATE = %L, LC_CTYPE = %L', c.collcollate, c.collctype)
                   ELSE format('LOCALE = %L', p.locale) END
           || CASE WHEN c.collisdeterministic THEN '' ELSE ', DETERMINISTIC = false' END
           || coalesce(', RULES = ' || quote_literal(to_jsonb(c) ->> 'collicurules'), '') || ')' AS definition,
       CASE WHEN c.collprovider = 'b' THEN 17 WHEN to_jsonb(c) ->> 'collicurules' IS NOT NULL THEN 16 ELSE 14 END AS since,
       pg_get_userbyid(c.collowner)::text AS owner, '{}'::text[] AS acl,
       obj_description(c.oid, 'pg_collation') AS comment
FROM pg_collation c
JOIN pg_namespace n ON n.oid = c.collnamespace
CROSS JOIN LATERAL (
    SELECT CASE c.collprovider WHEN 'i' THEN 'icu' WHEN 'b' THEN 'builtin' ELSE 'libc' END AS provider,
           coalesce(to_jsonb(c) ->> 'colllocale', to_jsonb(c) ->> 'colliculocale', c.collcollate::text) AS locale) AS p
WHERE c.collnamespace = ANY ($1::oid[])
  AND c.collprovider IN ('i', 'b', 'c')
  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_collation'::regclass AND d.objid = c.oid AND d.deptype = 'e')
ORDER BY n.nspname COLLATE "C", c.collname COLLATE "C"

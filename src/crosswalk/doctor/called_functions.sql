-- returns one row per function, not of the server itself, that a default, check, policy, trigger or index of the
-- tables (schemas $1, names $2) calls, and by what
WITH moved AS (
    SELECT c.oid
    FROM unnest($1::text[], $2::text[]) AS m (schema, name)
    JOIN pg_namespace n ON n.nspname = m.schema
    JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = m.name
),
callers (class, object, label) AS (
    SELECT 'pg_attrdef'::regclass, d.oid, format('the default of %s.%s', d.adrelid::regclass, a.attname)
    FROM moved JOIN pg_attrdef d ON d.adrelid = moved.oid
    JOIN pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
    UNION ALL
    SELECT 'pg_constraint'::regclass, k.oid, format('constraint %s of %s', k.conname, k.conrelid::regclass)
    FROM moved JOIN pg_constraint k ON k.conrelid = moved.oid
    UNION ALL
    SELECT 'pg_policy'::regclass, p.oid, format('policy %s of %s', p.polname, p.polrelid::regclass)
    FROM moved JOIN pg_policy p ON p.polrelid = moved.oid
    UNION ALL
    SELECT 'pg_trigger'::regclass, g.oid, format('trigger %s of %s', g.tgname, g.tgrelid::regclass)
    FROM moved JOIN pg_trigger g ON g.tgrelid = moved.oid AND NOT g.tgisinternal
    UNION ALL
    SELECT 'pg_class'::regclass, i.indexrelid, format('index %s', i.indexrelid::regclass)
    FROM moved JOIN pg_index i ON i.indrelid = moved.oid
)
SELECT n.nspname::text AS schema, f.proname::text AS name,
       min(c.label) || CASE WHEN count(*) > 1 THEN format(' and %s more', count(*) - 1) ELSE '' END AS uses
FROM callers c
JOIN pg_depend d ON d.classid = c.class AND d.objid = c.object AND d.refclassid = 'pg_proc'::regclass
JOIN pg_proc f ON f.oid = d.refobjid
JOIN pg_namespace n ON n.oid = f.pronamespace
WHERE n.nspname <> 'pg_catalog'
GROUP BY 1, 2
ORDER BY 1, 2

-- returns the columns of other relations that policies and rules of the tables $1 speak of; "column" is NULL for the relation itself
SELECT DISTINCT n.nspname::text AS schema, c.relname::text AS relation, a.attname::text AS "column"
FROM (SELECT 'pg_catalog.pg_policy'::regclass AS class, p.oid FROM pg_catalog.pg_policy p
      WHERE p.polrelid = ANY ($1::text[]::regclass[])
      UNION ALL
      SELECT 'pg_catalog.pg_rewrite'::regclass, r.oid FROM pg_catalog.pg_rewrite r
      WHERE r.ev_class = ANY ($1::text[]::regclass[])) AS o
JOIN pg_catalog.pg_depend d ON d.classid = o.class AND d.objid = o.oid AND d.refclassid = 'pg_catalog.pg_class'::regclass
JOIN pg_catalog.pg_class c ON c.oid = d.refobjid AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace AND n.nspname NOT IN ('pg_catalog', 'information_schema')
LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = d.refobjsubid AND d.refobjsubid > 0
WHERE c.oid <> ALL ($1::text[]::regclass[])
ORDER BY 1, 2, 3

-- returns one row per extension: how many columns of the tables (schemas $1, names $2) have a type, or elements, of it
SELECT e.extname::text AS extension, count(*) AS columns
FROM unnest($1::text[], $2::text[]) AS moved (schema, name)
JOIN pg_namespace n ON n.nspname = moved.schema
JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = moved.name
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_type t ON t.oid = a.atttypid
JOIN pg_depend d ON d.classid = 'pg_type'::regclass AND d.objid IN (t.oid, t.typelem, t.typbasetype)
                AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
JOIN pg_extension e ON e.oid = d.refobjid
GROUP BY 1
ORDER BY 1

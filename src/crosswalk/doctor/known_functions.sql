-- returns those functions that exist, of the schemas $1 with the names $2 beside them
SELECT DISTINCT n.nspname::text AS schema, p.proname::text AS name
FROM unnest($1::text[], $2::text[]) AS wanted (schema, name)
JOIN pg_namespace n ON n.nspname = wanted.schema
JOIN pg_proc p ON p.pronamespace = n.oid AND p.proname = wanted.name

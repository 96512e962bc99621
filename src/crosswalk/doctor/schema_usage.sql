-- returns one row per schema of $1 that the role may not use
SELECT n.nspname::text AS name
FROM pg_namespace n
WHERE n.nspname = ANY ($1::text[]) AND NOT has_schema_privilege(n.oid, 'USAGE')

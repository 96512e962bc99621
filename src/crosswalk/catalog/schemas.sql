-- returns the oid and name of each schema to read: all but the server's own and ours, or those named in $1
SELECT n.oid, n.nspname::text AS name
FROM pg_namespace n
WHERE n.nspname !~ '^pg_'
  AND n.nspname NOT IN ('information_schema', 'crosswalk')
  AND n.nspname !~ '^crosswalk_archive_'
  AND ($1::text[] IS NULL OR n.nspname = ANY ($1))
ORDER BY n.nspname COLLATE "C"

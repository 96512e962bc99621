-- returns version, role, database, what a database that is a source stands for ($1: a setting) and the note of the pull
-- into it, and which backend this is
SELECT pg_catalog.current_setting('server_version_num')::int AS version,
       CURRENT_USER::text AS role,
       pg_catalog.current_database()::text AS database,
       COALESCE(pg_catalog.current_setting($1, true), '') AS stands_for,
       CASE WHEN COALESCE(pg_catalog.current_setting($1, true), '') <> '' THEN (
           SELECT pg_catalog.shobj_description(d.oid, 'pg_database') FROM pg_catalog.pg_database AS d
           WHERE d.datname = pg_catalog.current_database()
       ) END AS pulled,
       pg_catalog.pg_backend_pid() AS pid,
       (SELECT backend_start::text FROM pg_catalog.pg_stat_get_activity(pg_catalog.pg_backend_pid())) AS since

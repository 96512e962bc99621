-- returns version, role, database, what a database that is a source stands for ($1: a setting), and which backend this is
SELECT pg_catalog.current_setting('server_version_num')::int AS version,
       CURRENT_USER::text AS role,
       pg_catalog.current_database()::text AS database,
       COALESCE(pg_catalog.current_setting($1, true), '') AS stands_for,
       pg_catalog.pg_backend_pid() AS pid,
       (SELECT backend_start::text FROM pg_catalog.pg_stat_get_activity(pg_catalog.pg_backend_pid())) AS since

-- returns whether the backend of a session that we lost has ended; $1 its pid, $2 when it began: a number is used again
SELECT pg_catalog.pg_terminate_backend(pid, 2000)
FROM pg_catalog.pg_stat_activity
WHERE pid = $1
  AND backend_start::text = $2
  AND usename = SESSION_USER
  AND application_name = pg_catalog.current_setting('application_name')

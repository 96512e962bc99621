-- returns whether each session of ours that outlived its attempt has ended; $1 marks, $2 milliseconds to wait for each
SELECT pg_catalog.pg_terminate_backend(pid, $2)
FROM pg_catalog.pg_stat_activity
WHERE datname = pg_catalog.current_database()
  AND usename = SESSION_USER
  AND pid <> pg_catalog.pg_backend_pid()
  AND substring(application_name FROM '[^ ]*$') = ANY ($1::text[])

-- returns one row that is equal only for sessions in the same database of the same running server
SELECT pg_postmaster_start_time() AS started, d.oid, d.datname::text AS name,
       pg_is_in_recovery() AS recovery
FROM pg_database d
WHERE d.datname = current_database()

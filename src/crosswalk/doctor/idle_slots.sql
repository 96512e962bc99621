-- returns one row per replication slot without a reader, with the amount of log that it keeps
SELECT s.slot_name::text AS name,
       coalesce(pg_size_pretty(pg_wal_lsn_diff(
           CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END,
           s.restart_lsn)), 'nothing') AS kept
FROM pg_replication_slots s
WHERE NOT s.active AND NOT s.temporary
ORDER BY s.slot_name

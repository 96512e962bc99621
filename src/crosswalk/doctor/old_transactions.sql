-- returns one row per other session or prepared transaction older than five minutes that holds xmin back, oldest first
-- (of other roles' sessions a role without pg_read_all_stats sees nothing)
SELECT * FROM (
    SELECT 'session' AS kind, a.pid, format('pid %s, %s, %s', a.pid, a.usename, a.state) AS holder,
           date_trunc('second', now() - a.xact_start)::text AS age, a.xact_start AS since
    FROM pg_stat_activity a
    WHERE a.pid <> pg_backend_pid() AND a.backend_type = 'client backend'
      AND (a.backend_xmin IS NOT NULL OR a.backend_xid IS NOT NULL)
      AND a.xact_start < now() - interval '5 minutes'
    UNION ALL
    SELECT 'prepared transaction', NULL, format('%s of %s', p.gid, p.owner),
           date_trunc('second', now() - p.prepared)::text, p.prepared
    FROM pg_prepared_xacts p
    WHERE p.prepared < now() - interval '5 minutes') AS holders
ORDER BY since

-- returns how run $1 goes on: its phase, bytes that landed in the last $2 seconds of it since rows began to come, over how many seconds, sessions that load, and how many of them are at work (NULL: not to be seen)
WITH begun AS (
    SELECT COALESCE(extract(epoch FROM clock_timestamp() - max(at)), 0)::float8 AS ago
    FROM crosswalk.event WHERE run_id = $1 AND kind = 'phase' AND name = 'load'
), lately AS (
    SELECT LEAST(ago, $2::float8) AS seconds FROM begun
)
SELECT (SELECT name FROM crosswalk.event WHERE run_id = $1 AND kind = 'phase' ORDER BY id DESC LIMIT 1) AS phase,
       lately.seconds,
       (SELECT COALESCE(sum(bytes), 0)::bigint FROM crosswalk.chunk
        WHERE run_id = $1 AND number < 1000000000 AND finished_at > clock_timestamp() - make_interval(secs => lately.seconds)
       ) AS bytes,
       (SELECT count(*) FROM pg_catalog.pg_stat_activity AS a
        WHERE a.datname = pg_catalog.current_database() AND a.application_name LIKE 'crosswalk/% load%') AS workers,
       (SELECT CASE WHEN bool_and(a.state IS NOT NULL) THEN count(*) FILTER (WHERE a.state <> 'idle') END
        FROM pg_catalog.pg_stat_activity AS a
        WHERE a.datname = pg_catalog.current_database() AND a.application_name LIKE 'crosswalk/% load%') AS busy
FROM lately

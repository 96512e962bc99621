-- returns, by target table of run $1: seconds that its chunks took, bytes, when its first chunk landed, in order
WITH marks AS (
    SELECT finished_at AS at, target_table, CASE WHEN number < $2 THEN bytes ELSE 0 END AS bytes
    FROM crosswalk.chunk WHERE run_id = $1 AND finished_at IS NOT NULL
    UNION ALL
    SELECT at, NULL, 0 FROM crosswalk.event WHERE run_id = $1 AND kind = 'state' AND name = 'copying'
), steps AS (
    SELECT target_table, bytes, at, lag(at) OVER (ORDER BY at) AS before FROM marks
)
SELECT target_table AS target, COALESCE(sum(bytes), 0)::bigint AS bytes,
       COALESCE(sum(extract(epoch FROM at - before)), 0)::float8 AS seconds,
       extract(epoch FROM min(COALESCE(before, at)))::float8 AS began, extract(epoch FROM max(at))::float8 AS ended,
       count(*) AS chunks
FROM steps
WHERE target_table IS NOT NULL
GROUP BY target_table
ORDER BY min(at), target_table

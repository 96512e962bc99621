-- returns, by target table of run $1: seconds from its first chunk's beginning to its last one's end, bytes, both moments, chunks;
-- in the order in which they began ($2: chunks from there on are of the second passage; a ledger of an older form says no beginnings)
WITH marks AS (
    SELECT target_table, finished_at, CASE WHEN number < $2 THEN bytes ELSE 0 END AS bytes,
           COALESCE(opened_at, lag(finished_at) OVER (ORDER BY finished_at), finished_at) AS opened_at
    FROM crosswalk.chunk WHERE run_id = $1 AND finished_at IS NOT NULL
)
SELECT target_table AS target, COALESCE(sum(bytes), 0)::bigint AS bytes,
       extract(epoch FROM max(finished_at) - min(opened_at))::float8 AS seconds,
       extract(epoch FROM min(opened_at))::float8 AS began, extract(epoch FROM max(finished_at))::float8 AS ended,
       count(*) AS chunks
FROM marks
GROUP BY target_table
ORDER BY min(opened_at), target_table

-- returns the tables that we filled (those in $1, or all) and how many of their rows are ours
-- a table that the last run to move rows into it has not accounted for is known by that run's chunks too;
-- "more" rows are under way (see former.py)
SELECT f.target_table, f.run_id, f.was_empty, COALESCE(f.standing, '') AS standing,
       (GREATEST(COALESCE(f.ours, 0), CASE WHEN t.run_id IS NULL THEN COALESCE(c.rows, 0) ELSE 0 END) + f.more)::bigint AS known
FROM crosswalk.filled AS f
LEFT JOIN LATERAL (
    -- from 10^9 on: the second passage, which adds no row and takes some out
    SELECT run_id, sum(CASE WHEN number < 1000000000 THEN rows ELSE -rejected END) AS rows
    FROM crosswalk.chunk WHERE target_table = f.target_table
    GROUP BY run_id ORDER BY run_id DESC LIMIT 1) AS c ON true
LEFT JOIN crosswalk.tally AS t ON t.target_table = f.target_table AND t.run_id = c.run_id
WHERE $1::text[] IS NULL OR f.target_table = ANY ($1)
ORDER BY f.target_table

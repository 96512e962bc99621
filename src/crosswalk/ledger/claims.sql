-- returns the tables that we filled (those in $1, or all) and how many of their rows are ours
-- a table that no run has accounted for yet is known by its chunks; "more" rows are under way (see former.py)
SELECT f.target_table, f.run_id, f.was_empty, COALESCE(f.standing, '') AS standing,
       (GREATEST(COALESCE(f.ours, 0),
                 CASE WHEN t.run_id IS NULL THEN COALESCE(c.rows, 0) ELSE 0 END) + f.more)::bigint AS known
FROM crosswalk.filled AS f
CROSS JOIN LATERAL (SELECT max(id) AS id FROM crosswalk.run) AS newest
LEFT JOIN crosswalk.tally AS t ON t.target_table = f.target_table AND t.run_id = newest.id
LEFT JOIN LATERAL (
    -- from 10^9 on: the second passage, which adds no row and takes some out
    SELECT sum(CASE WHEN number < 1000000000 THEN rows ELSE -rejected END) AS rows
    FROM crosswalk.chunk WHERE run_id = newest.id AND target_table = f.target_table) AS c ON true
WHERE $1::text[] IS NULL OR f.target_table = ANY ($1)
ORDER BY f.target_table

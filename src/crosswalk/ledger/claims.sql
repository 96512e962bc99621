-- returns the tables that we filled (those in $1, or all) and how many of their rows are ours
-- "ours" is what a ledger of an older form had counted; each transaction that moves rows adds to it in "came"
SELECT f.target_table, f.run_id, f.was_empty, COALESCE(f.standing, '') AS standing,
       EXISTS (SELECT FROM crosswalk.row_before AS b WHERE b.target_table = f.target_table) AS overwrites,
       (COALESCE(f.ours, 0)
        + COALESCE((SELECT sum(rows) FROM crosswalk.came AS c WHERE c.target_table = f.target_table), 0))::bigint AS known
FROM crosswalk.filled AS f
WHERE $1::text[] IS NULL OR f.target_table = ANY ($1)
ORDER BY f.target_table

-- returns by target table of run $1 (table $2, or NULL: all): chunks planned and landed; rows, bytes and rejected ones so far, as the accounting has them where there is one ("done")
SELECT p.target_table AS target, p.chunks, COALESCE(c.landed, 0) AS landed,
       COALESCE(t.written, c.rows, 0)::bigint AS rows, COALESCE(c.bytes, 0)::bigint AS bytes,
       COALESCE(t.quarantined, c.rejected, 0)::bigint AS rejected, t.run_id IS NOT NULL AS done
FROM (SELECT target_table, count(*) AS chunks FROM crosswalk.chunk_plan
      WHERE run_id = $1 AND ($2::text IS NULL OR target_table = $2) GROUP BY target_table) AS p
LEFT JOIN (
    -- the table's end has a number of its own, and so has each chunk of the second passage, from 1000000000 on
    SELECT target_table, count(finished_at) FILTER (WHERE number < 999999999) AS landed,
           sum(rows) FILTER (WHERE number < 1000000000) AS rows,
           sum(bytes) FILTER (WHERE number < 1000000000) AS bytes, sum(rejected) AS rejected
    FROM crosswalk.chunk WHERE run_id = $1 AND ($2::text IS NULL OR target_table = $2) GROUP BY target_table
) AS c USING (target_table)
LEFT JOIN crosswalk.tally AS t ON t.run_id = $1 AND t.target_table = p.target_table
ORDER BY p.target_table

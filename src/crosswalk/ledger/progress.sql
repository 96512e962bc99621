-- returns by target table of run $1: chunks planned, chunks landed, rows, bytes
SELECT p.target_table AS target, count(*) AS chunks, count(c.finished_at) AS landed,
       COALESCE(sum(c.rows), 0)::bigint AS rows, COALESCE(sum(c.bytes), 0)::bigint AS bytes
FROM crosswalk.chunk_plan p
LEFT JOIN crosswalk.chunk c USING (run_id, target_table, number)
WHERE p.run_id = $1
GROUP BY p.target_table
ORDER BY min(p.number), p.target_table

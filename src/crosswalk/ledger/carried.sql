-- returns rows, merged, rejected, bytes that chunks of a table carried; $1 run, $2 table, $3 their numbers
SELECT COALESCE(sum(rows), 0)::bigint, COALESCE(sum(merged), 0)::bigint, COALESCE(sum(rejected), 0)::bigint,
       COALESCE(sum(bytes), 0)::bigint
FROM crosswalk.chunk
WHERE run_id = $1 AND target_table = $2 AND number = ANY ($3::int[])

-- returns up to $4 rows in quarantine of table $1 (of reason $2, or all), oldest first; "row" only where $3 is true
SELECT ARRAY(SELECT jsonb_array_elements_text(q.source_key)) AS key, q.source_table, q.found_by, q.code, q.sqlstate,
       q.message, q.constraint_name, q.column_name, q.run_id, q.at::text AS at,
       CASE WHEN $3 THEN q.row::text END AS row, d.why, d.who, d.at::text AS dropped_at
FROM crosswalk.quarantine AS q
LEFT JOIN crosswalk.dropped AS d
       ON d.target_table = q.target_table AND d.source_key = q.source_key AND d.code = q.code
WHERE q.target_table = $1 AND ($2::text IS NULL OR q.code = $2)
ORDER BY q.id
LIMIT $4

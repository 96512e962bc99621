-- returns quarantine counted by table and reason, of table $1 or of all (NULL); "dropped": of them, given up by a person
SELECT q.source_table, q.target_table, q.code, q.sqlstate, q.message, q.constraint_name, q.column_name,
       count(*) AS rows, count(DISTINCT q.source_key) AS keys, count(d.source_key) AS dropped
FROM crosswalk.quarantine AS q
LEFT JOIN crosswalk.dropped AS d
       ON d.target_table = q.target_table AND d.source_key = q.source_key AND d.code = q.code
WHERE $1::text IS NULL OR q.target_table = $1
GROUP BY 1, 2, 3, 4, 5, 6, 7
ORDER BY 1, 2, rows DESC, 3, 7

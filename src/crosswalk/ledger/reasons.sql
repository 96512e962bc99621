-- returns quarantine counted by table and reason, of table $1 or of all (NULL)
SELECT source_table, target_table, code, sqlstate, message, constraint_name, column_name,
       count(*) AS rows, count(DISTINCT source_key) AS keys
FROM crosswalk.quarantine
WHERE $1::text IS NULL OR target_table = $1
GROUP BY 1, 2, 3, 4, 5, 6, 7
ORDER BY 1, 2, rows DESC, 3, 7

-- returns up to $1 source keys for each reason in quarantine, as arrays of texts; to be masked before anybody sees them
SELECT source_table, target_table, code, sqlstate, message, constraint_name, column_name,
       ARRAY(SELECT jsonb_array_elements_text(source_key)) AS key
FROM (
    SELECT DISTINCT source_table, target_table, code, sqlstate, message, constraint_name, column_name, source_key,
           dense_rank() OVER (PARTITION BY source_table, target_table, code, sqlstate, message, constraint_name, column_name
                              ORDER BY source_key) AS place
    FROM crosswalk.quarantine
) AS q
WHERE place <= $1
ORDER BY source_table, target_table, code, sqlstate, message, constraint_name, column_name, place

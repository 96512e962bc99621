-- returns nothing: statements that have changed the target's form ($1: a json array)
INSERT INTO crosswalk.applied (run_id, number, phase, target_table, name, sql, undo)
SELECT run, number, phase, target, name, sql, undo
FROM json_to_recordset($1::json) AS s (run bigint, number int, phase text, target text, name text, sql text, undo text)

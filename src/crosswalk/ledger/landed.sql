-- returns nothing: our word of run $1 on the tables of $2 (a list of objects), in place of an earlier one
INSERT INTO crosswalk.landed AS l
    (target_table, run_id, columns, unfed, rows, writers, hash, unfed_hash, moment, form, server)
SELECT w.target_table, $1, w.columns, w.unfed, w.rows, w.writers, w.hash, w.unfed_hash, w.moment, w.form, w.server
FROM json_to_recordset($2::json) AS w (target_table text, columns text[], unfed text[], rows bigint, writers json,
                                       hash numeric, unfed_hash numeric, moment text, form json, server text)
ON CONFLICT (target_table) DO UPDATE
SET run_id = excluded.run_id, columns = excluded.columns, unfed = excluded.unfed, rows = excluded.rows,
    writers = excluded.writers, hash = excluded.hash, unfed_hash = excluded.unfed_hash, moment = excluded.moment,
    form = excluded.form, server = excluded.server

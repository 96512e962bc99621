-- returns nothing: how table $2 is cut in run $1 ($3: a json array of chunks)
INSERT INTO crosswalk.chunk_plan (run_id, target_table, number, after, upto, from_page, to_page)
SELECT $1, $2, c.number, c.after, c.upto, c.from_page, c.to_page
FROM json_to_recordset($3::json) AS c (number int, after text[], upto text[], from_page bigint, to_page bigint)

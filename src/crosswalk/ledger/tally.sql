-- returns nothing: the accounting of table $2 in run $1, replaced where it was written before
INSERT INTO crosswalk.tally AS t
    (run_id, target_table, source_table, extracted, loaded, merged, quarantined, filtered, written)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
ON CONFLICT (run_id, target_table) DO UPDATE
SET extracted = excluded.extracted, loaded = excluded.loaded, merged = excluded.merged,
    quarantined = excluded.quarantined, filtered = excluded.filtered, written = excluded.written

-- returns a number that grows with whatever a run commits: statements, cuts, chunks, batches of rows, tables
SELECT (SELECT count(*) FROM crosswalk.applied WHERE run_id = $1)
     + (SELECT count(*) FROM crosswalk.chunk_plan WHERE run_id = $1)
     + (SELECT count(*) FROM crosswalk.chunk WHERE run_id = $1)
     + (SELECT count(*) FROM crosswalk.came WHERE run_id = $1)
     + (SELECT count(*) FROM crosswalk.tally WHERE run_id = $1)

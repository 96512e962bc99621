-- returns all runs, newest first, each with its last state
SELECT r.id, r.plan_id, r.plan::text AS plan, r.started_at::text AS started_at,
       (SELECT e.name FROM crosswalk.event e
        WHERE e.run_id = r.id AND e.kind = 'state' ORDER BY e.id DESC LIMIT 1) AS state
FROM crosswalk.run r
ORDER BY r.id DESC

-- returns (name, seconds since the epoch) of the newest run: its start, its events, its first and last chunk
WITH newest AS (SELECT max(id) AS id FROM crosswalk.run)
SELECT e.name, extract(epoch FROM e.at) FROM crosswalk.event e JOIN newest ON e.run_id = newest.id
UNION ALL SELECT 'first chunk', extract(epoch FROM min(c.finished_at)) FROM crosswalk.chunk c JOIN newest ON c.run_id = newest.id
UNION ALL SELECT 'last chunk', extract(epoch FROM max(c.finished_at)) FROM crosswalk.chunk c JOIN newest ON c.run_id = newest.id
ORDER BY 2

-- returns the table of each row in quarantine that is given up now: of tables $1 (NULL: all) and reason $2 (NULL: any)
WITH given_up AS (
    INSERT INTO crosswalk.dropped (target_table, source_key, code, digest, why, who)
    SELECT DISTINCT ON (q.target_table, q.source_key, q.code)
           q.target_table, q.source_key, q.code, md5(q.row::text), $3, $4
    FROM crosswalk.quarantine AS q
    WHERE ($1::text[] IS NULL OR q.target_table = ANY ($1)) AND ($2::text IS NULL OR q.code = $2)
    ORDER BY q.target_table, q.source_key, q.code, q.id DESC
    ON CONFLICT DO NOTHING
    RETURNING target_table, source_key, code
)
UPDATE crosswalk.quarantine AS q SET row = '{}'
FROM given_up AS g
WHERE g.target_table = q.target_table AND g.source_key = q.source_key AND g.code = q.code
RETURNING q.target_table

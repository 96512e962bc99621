-- returns one row per rewrite rule of the relations of the schemas $1, without the rule that makes a view
SELECT r.ev_class AS relation, r.rulename::text AS name, pg_get_ruledef(r.oid) AS definition,
       r.ev_enabled::text AS state, obj_description(r.oid, 'pg_rewrite') AS comment
FROM pg_rewrite r
JOIN pg_class c ON c.oid = r.ev_class
WHERE c.relnamespace = ANY ($1::oid[])
  AND r.rulename <> '_RETURN'
ORDER BY r.ev_class, r.rulename COLLATE "C"

-- returns one row per index of the tables and materialized views of the schemas $1
-- (indnullsnotdistinct is PostgreSQL 15+: read through to_jsonb so that 14 parses)
SELECT i.indrelid AS relation, x.relname::text AS name,
       pg_get_indexdef(i.indexrelid) AS definition,
       ARRAY(SELECT coalesce(a.attname::text, '')
             FROM generate_series(0, i.indnkeyatts - 1) AS place
             LEFT JOIN pg_attribute a
                    ON a.attrelid = i.indrelid AND a.attnum = i.indkey[place] AND i.indkey[place] <> 0
             ORDER BY place) AS columns,
       ARRAY(SELECT pg_get_indexdef(i.indexrelid, place, false)
             FROM generate_series(1, i.indnkeyatts) AS place ORDER BY place) AS keys,
       i.indisunique AND NOT i.indisexclusion AS "unique",
       pg_get_expr(i.indpred, i.indrelid) AS predicate,
       i.indexprs IS NOT NULL AS expressions,
       i.indimmediate AS immediate,
       i.indisvalid AND i.indisready AND i.indislive AS valid,
       m.amname::text AS method,
       coalesce((to_jsonb(i) ->> 'indnullsnotdistinct')::boolean, false) AS nulls_not_distinct,
       (SELECT k.conname::text FROM pg_constraint k
        WHERE k.conindid = i.indexrelid AND k.conrelid = i.indrelid AND k.contype IN ('p', 'u', 'x')) AS "constraint",
       p.oid IS NOT NULL AS inherited, pn.nspname::text AS parent_schema, p.relname::text AS parent_name,
       i.indisclustered AS clustered,
       obj_description(x.oid, 'pg_class') AS comment,
       i.indisreplident AS replica_identity
FROM pg_index i
JOIN pg_class x ON x.oid = i.indexrelid
JOIN pg_am m ON m.oid = x.relam
JOIN pg_class c ON c.oid = i.indrelid
LEFT JOIN pg_inherits h ON h.inhrelid = i.indexrelid
LEFT JOIN pg_class p ON p.oid = h.inhparent
LEFT JOIN pg_namespace pn ON pn.oid = p.relnamespace
WHERE c.relkind IN ('r', 'p', 'm')
  AND c.relnamespace = ANY ($1::oid[])
ORDER BY i.indrelid, x.relname COLLATE "C"

-- returns one row per key, check, foreign key and exclusion of the tables of the schemas $1
-- NOT NULL (rows of contype n since PostgreSQL 18) is the column's own fact and left out, and so are the
-- copies that a foreign key to a partitioned table keeps for each partition it refers to
SELECT k.conrelid AS relation, k.conname::text AS name, k.contype::text AS kind,
       ARRAY(SELECT coalesce(a.attname::text, '')
             FROM unnest(k.conkey) WITH ORDINALITY AS u (num, place)
             LEFT JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.num AND u.num > 0
             ORDER BY u.place) AS columns,
       pg_get_constraintdef(k.oid) AS definition,
       CASE WHEN k.contype = 'c' THEN pg_get_expr(k.conbin, k.conrelid) END AS expression,
       k.condeferrable AS deferrable, k.condeferred AS deferred, k.convalidated AS validated,
       fn.nspname::text AS foreign_schema, f.relname::text AS foreign_name,
       ARRAY(SELECT a.attname::text
             FROM unnest(k.confkey) WITH ORDINALITY AS u (num, place)
             JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = u.num
             ORDER BY u.place) AS foreign_columns,
       coalesce((to_jsonb(i) ->> 'indnullsnotdistinct')::boolean, false) AS nulls_not_distinct,
       k.conparentid <> 0 OR (k.coninhcount > 0 AND NOT k.conislocal) AS inherited,
       coalesce((to_jsonb(k) ->> 'conenforced')::boolean, true) AS enforced,
       ARRAY(SELECT format('OPERATOR(%I.%s)', n.nspname, o.oprname)
             FROM unnest(k.conexclop) WITH ORDINALITY AS u (operator, place)
             JOIN pg_operator o ON o.oid = u.operator
             JOIN pg_namespace n ON n.oid = o.oprnamespace
             ORDER BY u.place) AS operators,
       CASE WHEN (to_jsonb(k) ->> 'conperiod')::boolean OR NOT (to_jsonb(k) ->> 'conenforced')::boolean
                 OR (c.relkind = 'p' AND k.contype = 'f' AND NOT k.convalidated) THEN 18
            WHEN c.relkind = 'p' AND k.contype = 'x' THEN 17
            WHEN (to_jsonb(i) ->> 'indnullsnotdistinct')::boolean
                 OR jsonb_typeof(to_jsonb(k) -> 'confdelsetcols') = 'array' THEN 15
            ELSE 14 END AS since,
       obj_description(k.oid, 'pg_constraint') AS comment
FROM pg_constraint k
JOIN pg_class c ON c.oid = k.conrelid
LEFT JOIN pg_constraint up ON up.oid = k.conparentid
LEFT JOIN pg_class f ON f.oid = k.confrelid
LEFT JOIN pg_namespace fn ON fn.oid = f.relnamespace
LEFT JOIN pg_index i ON i.indexrelid = k.conindid AND k.contype IN ('p', 'u')
WHERE k.contype IN ('p', 'u', 'f', 'c', 'x')
  AND c.relkind IN ('r', 'p', 'f')
  AND c.relnamespace = ANY ($1::oid[])
  AND (up.oid IS NULL OR up.conrelid <> k.conrelid)
ORDER BY k.conrelid, k.conname COLLATE "C"

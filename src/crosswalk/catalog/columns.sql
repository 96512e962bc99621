-- returns one row per column of the relations (composite types too) of the schemas $1, in column order
-- (NOT NULL has a name, and may be NOT VALID, since PostgreSQL 18; attstattarget is NULL instead of -1 since 17)
SELECT a.attrelid AS relation, a.attname::text AS name, a.attnum::int AS position,
       a.atttypid AS type, a.atttypmod AS modifier,
       format_type(a.atttypid, a.atttypmod) AS display,
       CASE WHEN e.oid IS NOT NULL THEN format_type(e.oid, a.atttypmod) END AS element_display,
       a.attnotnull AS not_null,
       coalesce(nn.convalidated, true) AS not_null_validated,
       nn.conname::text AS not_null_name,
       a.attislocal AS local,
       CASE WHEN a.attstorage <> t.typstorage AND c.relkind IN ('r', 'p', 'm') THEN a.attstorage::text END AS storage,
       a.attcompression::text AS compression,
       nullif(coalesce(a.attstattarget, -1), -1)::int AS statistics,
       coalesce(a.attoptions, '{}') AS options,
       ARRAY(SELECT x::text FROM unnest(a.attacl) AS x ORDER BY x::text COLLATE "C") AS acl,
       pg_get_expr(d.adbin, d.adrelid) AS "default",
       a.attidentity::text AS identity,
       a.attgenerated::text AS generated,
       cn.nspname::text AS collation_schema, co.collname::text AS collation_name,
       col_description(a.attrelid, a.attnum) AS comment,
       has_schema_privilege(c.relnamespace, 'USAGE')
           AND (has_table_privilege(c.oid, 'SELECT') OR has_column_privilege(c.oid, a.attnum, 'SELECT')) AS selectable
FROM pg_class c
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_type e ON e.oid = t.typelem AND e.typarray = t.oid
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
LEFT JOIN pg_constraint nn ON nn.conrelid = a.attrelid AND nn.contype = 'n' AND nn.conkey[1] = a.attnum
LEFT JOIN pg_collation co ON co.oid = a.attcollation AND a.attcollation <> t.typcollation
LEFT JOIN pg_namespace cn ON cn.oid = co.collnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'c')
  AND c.relnamespace = ANY ($1::oid[])
ORDER BY a.attrelid, a.attnum

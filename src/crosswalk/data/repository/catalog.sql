-- one row a table or view that the role may see: schema, name, columns, keys (primary first; `unfit` says why one arbitrates nothing), references
WITH RECURSIVE based AS (
  SELECT t.oid, t.oid AS base, -1 AS modifier FROM pg_catalog.pg_type t WHERE t.typtype <> 'd'
  UNION ALL
  SELECT t.oid, b.base, CASE WHEN t.typtypmod >= 0 THEN t.typtypmod ELSE b.modifier END
  FROM based b JOIN pg_catalog.pg_type t ON t.typbasetype = b.oid AND t.typtype = 'd'
), shown AS (
  SELECT c.oid, n.nspname, c.relname
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
    AND n.nspname NOT LIKE 'pg\_toast%' AND n.nspname NOT LIKE 'pg\_temp\_%'
    AND pg_catalog.has_schema_privilege(n.oid, 'USAGE')
)
SELECT pg_catalog.json_build_object(
  'schema', s.nspname, 'name', s.relname,
  'columns', (
    SELECT COALESCE(pg_catalog.json_agg(pg_catalog.json_build_object(
      'name', a.attname,
      'base', pg_catalog.format_type(b.base, CASE WHEN a.atttypmod >= 0 THEN a.atttypmod ELSE b.modifier END),
      'cast', pg_catalog.format_type(b.base, -1),
      'not_null', a.attnotnull OR EXISTS (
        SELECT FROM pg_catalog.pg_type d WHERE d.oid = a.atttypid AND d.typtype = 'd' AND d.typnotnull
      ),
      'default', CASE WHEN a.attidentity <> '' THEN 'identity' WHEN a.attgenerated <> '' THEN 'generated'
                      ELSE COALESCE(pg_catalog.pg_get_expr(f.adbin, f.adrelid), d.typdefault) END
    ) ORDER BY a.attnum), '[]')
    FROM pg_catalog.pg_attribute a
      JOIN based b ON b.oid = a.atttypid
      JOIN pg_catalog.pg_type d ON d.oid = a.atttypid
      LEFT JOIN pg_catalog.pg_attrdef f ON f.adrelid = a.attrelid AND f.adnum = a.attnum
    WHERE a.attrelid = s.oid AND a.attnum > 0 AND NOT a.attisdropped
  ),
  'keys', (
    SELECT COALESCE(pg_catalog.json_agg(pg_catalog.json_build_object(
      'name', i.relname, 'primary', x.indisprimary,
      'nulls_distinct', COALESCE((pg_catalog.to_jsonb(x) ->> 'indnullsnotdistinct') <> 'true', true),
      'unfit', CASE WHEN x.indpred IS NOT NULL THEN 'partial' WHEN x.indexprs IS NOT NULL THEN 'over an expression'
                    WHEN NOT x.indimmediate THEN 'deferrable' WHEN NOT x.indisvalid THEN 'not valid' END,
      'columns', (
        SELECT COALESCE(pg_catalog.json_agg(a.attname ORDER BY k.place), '[]')
        FROM pg_catalog.unnest(x.indkey[0:x.indnkeyatts - 1]) WITH ORDINALITY AS k (number, place)
          JOIN pg_catalog.pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = k.number
      )
    ) ORDER BY x.indisprimary DESC, i.relname), '[]')
    FROM pg_catalog.pg_index x JOIN pg_catalog.pg_class i ON i.oid = x.indexrelid
    WHERE x.indrelid = s.oid AND x.indisunique AND x.indislive
  ),
  'references', (
    SELECT COALESCE(pg_catalog.json_agg(pg_catalog.json_build_object(
      'name', r.conname, 'schema', tn.nspname, 'table', t.relname,
      'columns', (
        SELECT pg_catalog.json_agg(a.attname ORDER BY k.place)
        FROM pg_catalog.unnest(r.conkey) WITH ORDINALITY AS k (number, place)
          JOIN pg_catalog.pg_attribute a ON a.attrelid = r.conrelid AND a.attnum = k.number
      ),
      'to_columns', (
        SELECT pg_catalog.json_agg(a.attname ORDER BY k.place)
        FROM pg_catalog.unnest(r.confkey) WITH ORDINALITY AS k (number, place)
          JOIN pg_catalog.pg_attribute a ON a.attrelid = r.confrelid AND a.attnum = k.number
      )
    ) ORDER BY r.conname), '[]')
    FROM pg_catalog.pg_constraint r
      JOIN pg_catalog.pg_class t ON t.oid = r.confrelid
      JOIN pg_catalog.pg_namespace tn ON tn.oid = t.relnamespace
    WHERE r.conrelid = s.oid AND r.contype = 'f'
  )
)::text AS described
FROM shown s
ORDER BY s.nspname, s.relname

-- returns the columns of table $1 whose type has no binary form (nor has that of its elements, or the one below a domain)
SELECT a.attname::text AS name
FROM pg_catalog.pg_attribute AS a
JOIN pg_catalog.pg_type AS t ON t.oid = a.atttypid
LEFT JOIN pg_catalog.pg_type AS below ON below.oid = COALESCE(NULLIF(t.typbasetype, 0), NULLIF(t.typelem, 0))
LEFT JOIN pg_catalog.pg_type AS element ON element.oid = NULLIF(below.typelem, 0)
WHERE a.attrelid = to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped
  AND (t.typsend = 0 OR below.typsend = 0 OR element.typsend = 0)

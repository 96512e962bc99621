-- returns what it takes to make index $1 again as it stands, with its tablespace where a session would choose another one;
-- nothing where it stands no more, or where more than queries stands on it
SELECT pg_catalog.pg_get_indexdef(i.indexrelid) AS definition,
       CASE WHEN x.reltablespace <> 0 THEN t.spcname::text
            WHEN pg_catalog.current_setting('default_tablespace') <> '' THEN '' END AS tablespace,
       pg_catalog.obj_description(x.oid, 'pg_class') AS comment,
       ARRAY(SELECT a.attnum::text || ' SET STATISTICS ' || a.attstattarget FROM pg_catalog.pg_attribute a
             WHERE a.attrelid = x.oid AND a.attstattarget >= 0 ORDER BY a.attnum) AS statistics
FROM pg_catalog.pg_index i
JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid
LEFT JOIN pg_catalog.pg_tablespace t ON t.oid = x.reltablespace
WHERE i.indexrelid = pg_catalog.to_regclass($1::text) AND x.relkind = 'i'
  AND i.indisvalid AND i.indisready AND i.indislive
  AND NOT (i.indisunique OR i.indisexclusion OR i.indisclustered OR i.indisreplident OR x.relispartition)
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = x.oid)
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                  WHERE d.classid = 'pg_class'::regclass AND d.objid = x.oid AND d.deptype NOT IN ('n', 'a'))

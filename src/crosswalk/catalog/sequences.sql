-- returns one row per sequence of the schemas $1, its owner column and the columns whose default calls it
-- last_value is NULL where the sequence was never used or the role may not read it ("readable" tells)
SELECT n.nspname::text AS schema, c.relname::text AS name, format_type(s.seqtypid, NULL) AS type,
       s.seqstart AS start, s.seqincrement AS increment, s.seqmin AS minimum, s.seqmax AS maximum,
       s.seqcycle AS cycle, s.seqcache AS cache, c.relpersistence::text AS persistence,
       pg_get_userbyid(c.relowner)::text AS owner,
       ARRAY(SELECT a::text FROM unnest(c.relacl) AS a ORDER BY a::text COLLATE "C") AS acl,
       obj_description(c.oid, 'pg_class') AS comment,
       may.readable, may.settable,
       CASE WHEN may.readable THEN pg_sequence_last_value(c.oid) END AS last_value,
       tn.nspname::text AS owner_schema, t.relname::text AS owner_name, a.attname::text AS owner_column,
       ARRAY(SELECT ARRAY[un.nspname::text, u.relname::text, ua.attname::text]
             FROM pg_depend d
             JOIN pg_attrdef ad ON ad.oid = d.objid
             JOIN pg_class u ON u.oid = ad.adrelid
             JOIN pg_namespace un ON un.oid = u.relnamespace
             JOIN pg_attribute ua ON ua.attrelid = u.oid AND ua.attnum = ad.adnum
             WHERE d.classid = 'pg_attrdef'::regclass AND d.refclassid = 'pg_class'::regclass
               AND d.refobjid = c.oid AND d.deptype = 'n'
             ORDER BY un.nspname COLLATE "C", u.relname COLLATE "C", ua.attnum) AS used_by
FROM pg_sequence s
JOIN pg_class c ON c.oid = s.seqrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN LATERAL (
    -- the planner may come here with a table, before the join leaves it out
    SELECT has_schema_privilege(n.oid, 'USAGE')
       AND CASE WHEN c.relkind = 'S' THEN has_sequence_privilege(c.oid, 'SELECT, USAGE') ELSE false END
       AND (c.relpersistence = 'p' OR NOT pg_is_in_recovery()) AS readable,
           has_schema_privilege(n.oid, 'USAGE') AND CASE WHEN c.relkind = 'S'
               THEN has_sequence_privilege(c.oid, 'SELECT') AND has_sequence_privilege(c.oid, 'UPDATE')
               ELSE false END AS settable) AS may
LEFT JOIN pg_depend o ON o.classid = 'pg_class'::regclass AND o.objid = c.oid AND o.objsubid = 0
                     AND o.refclassid = 'pg_class'::regclass AND o.refobjsubid > 0 AND o.deptype IN ('a', 'i')
LEFT JOIN pg_class t ON t.oid = o.refobjid
LEFT JOIN pg_namespace tn ON tn.oid = t.relnamespace
LEFT JOIN pg_attribute a ON a.attrelid = o.refobjid AND a.attnum = o.refobjsubid
WHERE c.relnamespace = ANY ($1::oid[])
ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C"

-- returns one row per object of the schemas $1 (and its part) that needs another object which is not the server's own
-- parts stand for the object that they are part of; an object that an extension brought stands for the extension
WITH routine AS (
    SELECT p.oid, n.nspname::text AS schema, p.proname::text AS name, pg_get_function_identity_arguments(p.oid) AS arguments
    FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
    WHERE p.oid >= 16384
), maker AS (
    SELECT d.objid AS oid, n.nspname::text AS schema, b.typname::text AS name
    FROM pg_depend d
    LEFT JOIN pg_range m ON m.rngmultitypid = d.refobjid
    JOIN pg_type b ON b.oid = coalesce(m.rngtypid, d.refobjid)
    JOIN pg_namespace n ON n.oid = b.typnamespace
    WHERE d.classid = 'pg_proc'::regclass AND d.refclassid = 'pg_type'::regclass AND d.deptype = 'i'
), relation AS (
    SELECT c.oid, c.relkind, n.nspname::text AS schema, c.relname::text AS name, c.relnamespace AS namespace
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.oid >= 16384 AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
), home AS (
    SELECT 'pg_class'::regclass AS class, r.oid, CASE r.relkind WHEN 'S' THEN 'sequence' ELSE 'relation' END AS kind,
           r.schema, r.name, '' AS arguments, '' AS part
    FROM relation r
    UNION ALL
    SELECT 'pg_class'::regclass, i.indexrelid, 'relation', r.schema, r.name, '', 'index ' || x.relname
    FROM pg_index i JOIN relation r ON r.oid = i.indrelid JOIN pg_class x ON x.oid = i.indexrelid
    UNION ALL
    SELECT 'pg_attrdef'::regclass, d.oid, 'relation', r.schema, r.name, '', 'default ' || a.attname
    FROM pg_attrdef d JOIN relation r ON r.oid = d.adrelid
    JOIN pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
    UNION ALL
    SELECT 'pg_constraint'::regclass, k.oid, 'relation', r.schema, r.name, '',
           CASE k.contype WHEN 'f' THEN 'foreign key ' ELSE 'constraint ' END || k.conname
    FROM pg_constraint k JOIN relation r ON r.oid = k.conrelid
    UNION ALL
    SELECT 'pg_trigger'::regclass, g.oid, 'relation', r.schema, r.name, '', 'trigger ' || g.tgname
    FROM pg_trigger g JOIN relation r ON r.oid = g.tgrelid
    WHERE NOT g.tgisinternal
    UNION ALL
    SELECT 'pg_policy'::regclass, p.oid, 'relation', r.schema, r.name, '', 'policy ' || p.polname
    FROM pg_policy p JOIN relation r ON r.oid = p.polrelid
    UNION ALL
    SELECT 'pg_rewrite'::regclass, w.oid, 'relation', r.schema, r.name, '',
           CASE w.rulename WHEN '_RETURN' THEN '' ELSE 'rule ' || w.rulename END
    FROM pg_rewrite w JOIN relation r ON r.oid = w.ev_class
    UNION ALL
    SELECT 'pg_statistic_ext'::regclass, s.oid, 'relation', r.schema, r.name, '', 'statistics ' || s.stxname
    FROM pg_statistic_ext s JOIN relation r ON r.oid = s.stxrelid
    UNION ALL
    -- what makes values of a range stands for the range
    SELECT 'pg_proc'::regclass, f.oid, CASE WHEN t.oid IS NULL THEN 'function' ELSE 'type' END,
           coalesce(t.schema, f.schema), coalesce(t.name, f.name), CASE WHEN t.oid IS NULL THEN f.arguments ELSE '' END, ''
    FROM routine f LEFT JOIN maker t ON t.oid = f.oid
    UNION ALL
    -- a row type stands for its relation, an array for its element, a multirange for its range
    SELECT 'pg_type'::regclass, t.oid, CASE WHEN r.oid IS NULL THEN 'type' ELSE 'relation' END,
           coalesce(r.schema, n.nspname::text), coalesce(r.name, b.typname::text), '', ''
    FROM pg_type t
    LEFT JOIN pg_type e ON e.oid = t.typelem AND e.typarray = t.oid
    LEFT JOIN pg_range m ON m.rngmultitypid = coalesce(e.oid, t.oid)
    JOIN pg_type b ON b.oid = coalesce(m.rngtypid, e.oid, t.oid)
    JOIN pg_namespace n ON n.oid = b.typnamespace
    LEFT JOIN relation r ON r.oid = b.typrelid
    WHERE t.oid >= 16384
    UNION ALL
    SELECT 'pg_class'::regclass, c.oid, 'type', n.nspname::text, c.relname::text, '', ''
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'c' AND c.oid >= 16384
    UNION ALL
    SELECT 'pg_constraint'::regclass, k.oid, 'type', n.nspname::text, t.typname::text, '', ''
    FROM pg_constraint k JOIN pg_type t ON t.oid = k.contypid JOIN pg_namespace n ON n.oid = t.typnamespace
    UNION ALL
    SELECT 'pg_collation'::regclass, c.oid, 'collation', n.nspname::text, c.collname::text, '', ''
    FROM pg_collation c JOIN pg_namespace n ON n.oid = c.collnamespace
    WHERE c.oid >= 16384
), member AS (
    SELECT d.classid AS class, d.objid AS oid, e.extname::text AS extension
    FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid
    WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
), edge AS (
    SELECT DISTINCT d.classid, d.objid, d.refclassid, d.refobjid
    FROM pg_depend d
    WHERE d.objid >= 16384 AND d.refobjid >= 16384
      AND d.refclassid NOT IN ('pg_namespace'::regclass, 'pg_constraint'::regclass)
      AND d.deptype NOT IN ('e', 'P', 'S')
      AND NOT (d.classid = 'pg_class'::regclass AND d.deptype IN ('a', 'i') AND d.refobjsubid > 0
               AND EXISTS (SELECT FROM pg_class q WHERE q.oid = d.objid AND q.relkind = 'S'))
)
SELECT DISTINCT h.kind, h.schema, h.name, h.arguments, h.part, o.kind AS on_kind, o.schema AS on_schema,
       o.name AS on_name, o.arguments AS on_arguments
FROM edge d
JOIN home h ON h.class = d.classid AND h.oid = d.objid
LEFT JOIN member mine ON mine.class = d.classid AND mine.oid = d.objid
LEFT JOIN member theirs ON theirs.class = d.refclassid AND theirs.oid = d.refobjid
LEFT JOIN home t ON t.class = d.refclassid AND t.oid = d.refobjid
CROSS JOIN LATERAL (
    SELECT CASE WHEN d.refclassid = 'pg_extension'::regclass OR theirs.extension IS NOT NULL THEN 'extension'
                ELSE coalesce(t.kind, (SELECT i.type FROM pg_identify_object(d.refclassid, d.refobjid, 0) AS i)) END AS kind,
           CASE WHEN d.refclassid = 'pg_extension'::regclass OR theirs.extension IS NOT NULL THEN '' ELSE coalesce(t.schema, '') END
               AS schema,
           coalesce(theirs.extension, t.name,
                    CASE WHEN d.refclassid = 'pg_extension'::regclass
                         THEN (SELECT e.extname::text FROM pg_extension e WHERE e.oid = d.refobjid)
                         ELSE (SELECT i.identity FROM pg_identify_object(d.refclassid, d.refobjid, 0) AS i) END) AS name,
           CASE WHEN theirs.extension IS NOT NULL THEN '' ELSE coalesce(t.arguments, '') END AS arguments) AS o
WHERE h.schema IN (SELECT n.nspname::text FROM pg_namespace n WHERE n.oid = ANY ($1::oid[]))
  AND mine.extension IS NULL
  AND (h.kind, h.schema, h.name, h.arguments) IS DISTINCT FROM (o.kind, o.schema, o.name, o.arguments)

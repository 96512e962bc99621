-- returns one row per type that the schemas $1 hold or use, with labels (enum), checks (domain), subtype (range)
-- "held" is true for free-standing types of those schemas; element, base and subtype are oids of other rows
WITH RECURSIVE used (oid) AS (
    SELECT a.atttypid
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'c') AND c.relnamespace = ANY ($1::oid[])
    UNION
    SELECT t.oid
    FROM pg_type t LEFT JOIN pg_class c ON c.oid = t.typrelid
    WHERE t.typnamespace = ANY ($1::oid[])
      AND (t.typtype IN ('d', 'e', 'r', 'm') OR (t.typtype = 'c' AND c.relkind = 'c'))
    UNION
    SELECT next.oid
    FROM used
    JOIN pg_type t ON t.oid = used.oid
    LEFT JOIN pg_range r ON r.rngtypid = t.oid
    CROSS JOIN LATERAL (VALUES (t.typelem), (t.typbasetype), (r.rngsubtype)) AS next (oid)
    WHERE next.oid <> 0
)
SELECT t.oid, n.nspname::text AS schema, t.typname::text AS name,
       CASE WHEN e.oid IS NOT NULL THEN 'array' ELSE t.typtype::text END AS kind,
       t.typcategory::text AS category,
       format_type(t.oid, NULL) AS plain,
       e.oid AS element,
       nullif(t.typbasetype, 0::oid) AS base,
       t.typtypmod AS base_modifier,
       format_type(nullif(t.typbasetype, 0::oid), t.typtypmod) AS base_display,
       CASE WHEN be.oid IS NOT NULL THEN format_type(be.oid, t.typtypmod) END AS base_element_display,
       t.typnotnull AS not_null,
       CASE WHEN t.typtype = 'd' THEN coalesce(pg_get_expr(t.typdefaultbin, 0), t.typdefault) END AS "default",
       cn.nspname::text AS collation_schema, co.collname::text AS collation_name,
       ARRAY(SELECT l.enumlabel::text FROM pg_enum l WHERE l.enumtypid = t.oid ORDER BY l.enumsortorder) AS labels,
       ARRAY(SELECT k.conname::text FROM pg_constraint k WHERE k.contypid = t.oid AND k.contype = 'c'
             ORDER BY k.conname COLLATE "C") AS check_names,
       ARRAY(SELECT pg_get_expr(k.conbin, 0) FROM pg_constraint k WHERE k.contypid = t.oid AND k.contype = 'c'
             ORDER BY k.conname COLLATE "C") AS check_expressions,
       r.rngsubtype AS subtype,
       format_type(r.rngsubtype, NULL) AS subtype_display,
       CASE WHEN r.rngcanonical = 0 THEN
           format('CREATE TYPE %I.%I AS RANGE (SUBTYPE = %s, SUBTYPE_OPCLASS = %s', n.nspname, t.typname,
                  format_type(r.rngsubtype, NULL),
                  (SELECT format('%I.%I', o.nspname, c.opcname) FROM pg_opclass c JOIN pg_namespace o ON o.oid = c.opcnamespace
                   WHERE c.oid = r.rngsubopc))
               || coalesce((SELECT format(', COLLATION = %I.%I', o.nspname, c.collname) FROM pg_collation c
                            JOIN pg_namespace o ON o.oid = c.collnamespace WHERE c.oid = r.rngcollation), '')
               || CASE WHEN r.rngsubdiff <> 0 THEN
                   (SELECT format(', SUBTYPE_DIFF = %I.%I', o.nspname, f.proname) FROM pg_proc f
                    JOIN pg_namespace o ON o.oid = f.pronamespace WHERE f.oid = r.rngsubdiff) ELSE '' END
               || (SELECT format(', MULTIRANGE_TYPE_NAME = %I.%I', o.nspname, m.typname) FROM pg_type m
                   JOIN pg_namespace o ON o.oid = m.typnamespace WHERE m.oid = r.rngmultitypid) || ')' END AS range_definition,
       pg_get_userbyid(t.typowner)::text AS owner,
       ARRAY(SELECT a::text FROM unnest(t.typacl) AS a ORDER BY a::text COLLATE "C") AS acl,
       coalesce(obj_description(t.oid, 'pg_type'),
                CASE WHEN t.typtype = 'c' THEN obj_description(t.typrelid, 'pg_class') END) AS comment,
       nullif(t.typrelid, 0::oid) AS relation,
       t.typnamespace = ANY ($1::oid[]) AND t.typtype IN ('d', 'e', 'r', 'c')
           AND (t.typtype <> 'c' OR rel.relkind = 'c') AS held
FROM used
JOIN pg_type t ON t.oid = used.oid
JOIN pg_namespace n ON n.oid = t.typnamespace
LEFT JOIN pg_type e ON e.oid = t.typelem AND e.typarray = t.oid
LEFT JOIN pg_type b ON b.oid = t.typbasetype
LEFT JOIN pg_type be ON be.oid = b.typelem AND be.typarray = b.oid
LEFT JOIN pg_collation co ON co.oid = t.typcollation AND t.typtype = 'd' AND t.typcollation <> b.typcollation
LEFT JOIN pg_namespace cn ON cn.oid = co.collnamespace
LEFT JOIN pg_range r ON r.rngtypid = t.oid
LEFT JOIN pg_class rel ON rel.oid = t.typrelid
ORDER BY n.nspname COLLATE "C", t.typname COLLATE "C"

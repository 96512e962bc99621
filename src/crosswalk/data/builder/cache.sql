-- one row, one column: the schema cache as JSON text; $1 is the array of exposed schemas
WITH named_type AS (
    -- every type; own_name is that of its element outside of pg_catalog, which format_type might not qualify
    SELECT t.oid, t.typtype, t.typbasetype, t.typdefaultbin, t.typnotnull,
           CASE WHEN e.typnamespace = 'pg_catalog'::regnamespace THEN NULL
                ELSE quote_ident(en.nspname) || '.' || quote_ident(e.typname) END AS own_name,
           CASE WHEN t.typelem <> 0 AND t.typlen = -1 AND t.typcategory = 'A' THEN '[]' ELSE '' END AS brackets
    FROM pg_type t
    JOIN pg_type e ON e.oid = CASE WHEN t.typelem <> 0 AND t.typlen = -1 AND t.typcategory = 'A' THEN t.typelem ELSE t.oid END
    JOIN pg_namespace en ON en.oid = e.typnamespace
), base_type AS (
    -- every type, and the type below all of its domains
    SELECT d.oid, coalesce((
        WITH RECURSIVE down AS (
            SELECT d.typbasetype AS at
            UNION ALL
            SELECT below.typbasetype FROM down JOIN pg_type below ON below.oid = down.at WHERE below.typbasetype <> 0
        ) SELECT at FROM down JOIN pg_type last ON last.oid = down.at WHERE last.typbasetype = 0
    ), d.oid) AS base
    FROM pg_type d
), relation AS (
    SELECT c.oid, n.nspname, c.relname, c.relkind
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition
      AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp)'
), columns AS (
    SELECT a.attrelid, json_agg(json_build_object(
        'name', a.attname,
        'type', coalesce(t.own_name || coalesce(substring(format_type(a.atttypid, a.atttypmod) FROM '\([^()]*\)'), '') || t.brackets,
                         format_type(a.atttypid, a.atttypmod)),
        'base', b.typname,
        'nullable', NOT (a.attnotnull OR t.typnotnull),
        'generated', a.attgenerated <> '' OR a.attidentity = 'a',
        'default', CASE
            WHEN t.typbasetype <> 0 AND ad.adbin IS NULL THEN pg_get_expr(t.typdefaultbin, 0)
            WHEN a.attidentity = 'd' THEN (
                SELECT 'nextval(' || quote_literal(d.objid::regclass::text) || ')' FROM pg_depend d
                WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass
                  AND d.refobjid = a.attrelid AND d.refobjsubid = a.attnum AND d.deptype = 'i')
            WHEN a.attgenerated <> '' THEN NULL
            ELSE pg_get_expr(ad.adbin, ad.adrelid) END
    ) ORDER BY a.attnum) AS list
    FROM relation r
    JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
    JOIN named_type t ON t.oid = a.atttypid
    JOIN base_type bt ON bt.oid = a.atttypid
    JOIN pg_type b ON b.oid = bt.base
    LEFT JOIN pg_attrdef ad ON ad.adrelid = a.attrelid AND ad.adnum = a.attnum
    WHERE r.nspname = ANY ($1::text[])
    GROUP BY a.attrelid
), key AS (
    SELECT k.oid, k.conrelid, k.contype, k.conname, k.confrelid, k.conparentid,
           array(SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY AS x (num, pos)
                 JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = x.num ORDER BY x.pos) AS columns,
           array(SELECT a.attname::text FROM unnest(k.confkey) WITH ORDINALITY AS x (num, pos)
                 JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = x.num ORDER BY x.pos) AS targets
    FROM pg_constraint k
    WHERE k.contype IN ('p', 'u', 'f') AND k.conrelid <> 0
), relations AS (
    SELECT json_agg(json_build_object(
        'schema', r.nspname, 'name', r.relname, 'oid', r.oid::bigint, 'kind', r.relkind,
        'columns', coalesce(c.list, '[]'),
        'attributes', (SELECT json_object_agg(a.attnum, a.attname) FROM pg_attribute a
                       WHERE a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped),
        'primary', (SELECT k.columns FROM key k WHERE k.conrelid = r.oid AND k.contype = 'p'),
        'uniques', (SELECT json_agg(k.columns) FROM key k WHERE k.conrelid = r.oid AND k.contype IN ('p', 'u')),
        'rule', CASE WHEN r.relkind IN ('v', 'm') THEN
            (SELECT w.ev_action::text FROM pg_rewrite w WHERE w.ev_class = r.oid AND w.rulename = '_RETURN') END
    )) AS list
    FROM relation r LEFT JOIN columns c ON c.attrelid = r.oid
), foreign_keys AS (
    SELECT json_agg(json_build_object(
        'name', k.conname, 'table', k.conrelid::bigint, 'target', k.confrelid::bigint,
        'columns', k.columns, 'targets', k.targets
    ) ORDER BY k.conrelid, k.conname) AS list
    FROM key k WHERE k.contype = 'f' AND k.conparentid = 0
), input AS (
    -- the arguments that a caller gives, in order
    SELECT p.oid, coalesce(x.name, '') AS name, x.type, coalesce(x.mode = 'v', false) AS variadic,
           row_number() OVER (PARTITION BY p.oid ORDER BY x.pos) <= p.pronargs - p.pronargdefaults AS required, x.pos
    FROM pg_proc p
    CROSS JOIN unnest(coalesce(p.proallargtypes, p.proargtypes::oid[]), p.proargnames, p.proargmodes)
        WITH ORDINALITY AS x (type, name, mode, pos)
    WHERE p.pronamespace IN (SELECT n.oid FROM pg_namespace n WHERE n.nspname = ANY ($1::text[]))
      AND coalesce(x.mode, 'i') IN ('i', 'b', 'v') AND x.type IS NOT NULL
), argument AS (
    SELECT i.oid, json_agg(json_build_object(
        'name', i.name,
        'shown', format_type(i.type, NULL),
        'type', CASE format_type(i.type, NULL)
            WHEN 'bit' THEN 'bit varying' WHEN 'bit[]' THEN 'bit varying[]'
            WHEN 'character' THEN 'character varying' WHEN 'character[]' THEN 'character varying[]'
            ELSE coalesce(t.own_name || t.brackets, format_type(i.type, NULL)) END,
        'required', i.required,
        'variadic', i.variadic
    ) ORDER BY i.pos) AS list,
    CASE count(*) - count(nullif(i.name, ''))
        WHEN 0 THEN true
        WHEN 1 THEN (array_agg(i.type))[1] = ANY ('{bytea,json,jsonb,text,xml}'::regtype[]::oid[])
        ELSE false END AS callable
    FROM input i JOIN named_type t ON t.oid = i.type
    GROUP BY i.oid
), functions AS (
    SELECT json_agg(json_build_object(
        'schema', n.nspname, 'name', p.proname, 'arguments', coalesce(a.list, '[]'),
        'result_schema', tn.nspname, 'result', coalesce(rc.relname, t.typname), 'set', p.proretset,
        'composite', t.typtype = 'c' OR coalesce(p.proargmodes::text[] && '{t,b,o}', false),
        'volatility', p.provolatile, 'variadic', p.provariadic <> 0
    ) ORDER BY p.proname, p.pronargs, p.oid) AS list
    FROM pg_proc p
    JOIN pg_namespace n ON n.oid = p.pronamespace
    JOIN base_type b ON b.oid = p.prorettype
    JOIN pg_type t ON t.oid = b.base
    JOIN pg_namespace tn ON tn.oid = t.typnamespace
    LEFT JOIN pg_class rc ON rc.oid = t.typrelid
    LEFT JOIN argument a ON a.oid = p.oid
    WHERE n.nspname = ANY ($1::text[]) AND p.prokind = 'f' AND t.oid <> 'trigger'::regtype AND coalesce(a.callable, true)
), computed AS (
    SELECT json_agg(json_build_object(
        'schema', n.nspname, 'name', p.proname, 'table_schema', ts.nspname, 'table', tt.typname,
        'target_schema', rs.nspname, 'target', rt.typname, 'single', NOT p.proretset OR p.prorows = 1
    )) AS list
    FROM pg_proc p
    JOIN pg_namespace n ON n.oid = p.pronamespace
    JOIN pg_type tt ON tt.oid = p.proargtypes[0] AND tt.typtype = 'c'
    JOIN pg_namespace ts ON ts.oid = tt.typnamespace
    JOIN pg_type rt ON rt.oid = p.prorettype AND rt.typtype = 'c'
    JOIN pg_namespace rs ON rs.oid = rt.typnamespace
    WHERE p.pronargs = 1 AND n.nspname = ANY ($1::text[])
      AND EXISTS (SELECT FROM relation r WHERE r.oid = tt.typrelid) AND EXISTS (SELECT FROM relation r WHERE r.oid = rt.typrelid)
)
SELECT json_build_object(
    'schemas', $1::text[],
    'relations', coalesce((SELECT list FROM relations), '[]'),
    'foreign_keys', coalesce((SELECT list FROM foreign_keys), '[]'),
    'functions', coalesce((SELECT list FROM functions), '[]'),
    'computed', coalesce((SELECT list FROM computed), '[]')
)::text AS cache

-- returns one row per table, view and foreign table of the schemas $1: what holds for the relation as a whole
-- "hides" says whether row-level security would keep rows from this role (row_security itself is off here)
SELECT c.oid, n.nspname::text AS schema, c.relname::text AS name, c.relkind::text AS kind,
       c.relpersistence::text AS persistence, c.relreplident::text AS replident,
       pg_get_userbyid(c.relowner)::text AS owner,
       obj_description(c.oid, 'pg_class') AS comment,
       c.relrowsecurity AS rls_enabled, c.relforcerowsecurity AS rls_forced,
       c.relrowsecurity AND NOT me.sees_all
           AND (NOT pg_has_role(c.relowner, 'USAGE') OR c.relforcerowsecurity) AS rls_hides,
       pg_get_partkeydef(c.oid) AS partition_key,
       pg_get_expr(c.relpartbound, c.oid) AS partition_bound,
       CASE WHEN c.relispartition THEN pg_get_partition_constraintdef(c.oid) END AS partition_rule,
       c.relispartition AS is_partition,
       ARRAY(SELECT pn.nspname::text FROM pg_inherits i JOIN pg_class p ON p.oid = i.inhparent
             JOIN pg_namespace pn ON pn.oid = p.relnamespace
             WHERE i.inhrelid = c.oid ORDER BY i.inhseqno) AS parent_schemas,
       ARRAY(SELECT p.relname::text FROM pg_inherits i JOIN pg_class p ON p.oid = i.inhparent
             WHERE i.inhrelid = c.oid ORDER BY i.inhseqno) AS parent_names,
       (CASE WHEN c.reltuples >= 0 THEN c.reltuples ELSE pg_stat_get_live_tuples(c.oid) END)::bigint AS rows,
       CASE WHEN c.relkind IN ('r', 'm') THEN coalesce(pg_table_size(c.oid), 0) ELSE 0 END AS bytes,
       (SELECT e.extname::text FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid
        WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.objsubid = 0
          AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e') AS extension,
       ARRAY(SELECT p.right FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE']) AS p ("right")
             WHERE has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, p.right))
           || CASE WHEN pg_has_role(c.relowner, 'USAGE') THEN ARRAY['OWNER'] ELSE '{}' END AS privileges,
       coalesce(c.reloptions, '{}') || ARRAY(SELECT 'toast.' || o FROM pg_class s CROSS JOIN unnest(s.reloptions) AS o
                                             WHERE s.oid = c.reltoastrelid) AS options,
       ARRAY(SELECT a::text FROM unnest(c.relacl) AS a ORDER BY a::text COLLATE "C") AS acl,
       c.relispopulated AS populated,
       ARRAY(SELECT what FROM (VALUES
                 ('it is a typed table (OF ' || format_type(nullif(c.reloftype, 0::oid), NULL) || ')'),
                 ('it lies in the tablespace ' || (SELECT s.spcname FROM pg_tablespace s WHERE s.oid = c.reltablespace)),
                 ('its access method is ' || (SELECT m.amname FROM pg_am m WHERE m.oid = c.relam AND m.amname <> 'heap'))
             ) AS said (what) WHERE what IS NOT NULL) AS apart
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN (SELECT rolsuper OR rolbypassrls AS sees_all FROM pg_roles WHERE rolname = current_user) AS me
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
  AND c.relnamespace = ANY ($1::oid[])
ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C"

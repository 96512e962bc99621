-- returns one row per function, procedure and aggregate of the schemas $1 that no extension and no type brought
SELECT n.nspname::text AS schema, p.proname::text AS name,
       pg_get_function_identity_arguments(p.oid) AS arguments,
       CASE p.prokind WHEN 'p' THEN 'procedure' WHEN 'a' THEN 'aggregate'
                      WHEN 'w' THEN 'window' ELSE 'function' END AS kind,
       CASE WHEN p.prokind = 'a' THEN
           format('CREATE AGGREGATE %I.%I(%s) (SFUNC = %s, STYPE = %s, FINALFUNC = %s, INITCOND = %L, SORTOP = %s)',
                  n.nspname, p.proname, pg_get_function_arguments(p.oid), a.aggtransfn::regprocedure,
                  format_type(a.aggtranstype, NULL), a.aggfinalfn::regprocedure, a.agginitval, a.aggsortop::regoperator)
       ELSE pg_get_functiondef(p.oid) END AS definition
FROM pg_proc p
JOIN pg_namespace n ON n.oid = p.pronamespace
LEFT JOIN pg_aggregate a ON a.aggfnoid = p.oid
WHERE p.pronamespace = ANY ($1::oid[])
  AND NOT EXISTS (SELECT FROM pg_depend d
                  WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype IN ('e', 'i'))
ORDER BY n.nspname COLLATE "C", p.proname COLLATE "C", pg_get_function_identity_arguments(p.oid) COLLATE "C"

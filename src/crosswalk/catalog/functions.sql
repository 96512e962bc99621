-- returns one row per function, procedure and aggregate of the schemas $1 that no extension and no type brought
-- an ordered-set aggregate has no definition text of the server; ours for plain ones can be run
SELECT n.nspname::text AS schema, p.proname::text AS name,
       pg_get_function_identity_arguments(p.oid) AS arguments,
       CASE p.prokind WHEN 'p' THEN 'procedure' WHEN 'a' THEN 'aggregate'
                      WHEN 'w' THEN 'window' ELSE 'function' END AS kind,
       CASE WHEN p.prokind <> 'a' THEN pg_get_functiondef(p.oid)
            WHEN a.aggkind <> 'n' THEN format('-- ordered-set aggregate %I.%I', n.nspname, p.proname)
       ELSE format('CREATE AGGREGATE %I.%I(%s) (SFUNC = %s, STYPE = %s',
                   n.nspname, p.proname, coalesce(nullif(pg_get_function_arguments(p.oid), ''), '*'),
                   a.aggtransfn::regproc, format_type(a.aggtranstype, NULL))
            || CASE WHEN a.aggtransspace <> 0 THEN format(', SSPACE = %s', a.aggtransspace) ELSE '' END
            || CASE WHEN a.aggfinalfn <> 0 THEN format(', FINALFUNC = %s', a.aggfinalfn::regproc) ELSE '' END
            || CASE WHEN a.aggfinalextra THEN ', FINALFUNC_EXTRA' ELSE '' END
            || CASE a.aggfinalmodify WHEN 's' THEN ', FINALFUNC_MODIFY = SHAREABLE'
                                     WHEN 'w' THEN ', FINALFUNC_MODIFY = READ_WRITE' ELSE '' END
            || CASE WHEN a.aggcombinefn <> 0 THEN format(', COMBINEFUNC = %s', a.aggcombinefn::regproc) ELSE '' END
            || CASE WHEN a.aggserialfn <> 0 THEN format(', SERIALFUNC = %s', a.aggserialfn::regproc) ELSE '' END
            || CASE WHEN a.aggdeserialfn <> 0 THEN format(', DESERIALFUNC = %s', a.aggdeserialfn::regproc) ELSE '' END
            || coalesce(', INITCOND = ' || quote_literal(a.agginitval), '')
            || CASE WHEN a.aggmtransfn <> 0 THEN format(', MSFUNC = %s, MINVFUNC = %s, MSTYPE = %s', a.aggmtransfn::regproc,
                                                        a.aggminvtransfn::regproc, format_type(a.aggmtranstype, NULL)) ELSE '' END
            || CASE WHEN a.aggmtransspace <> 0 THEN format(', MSSPACE = %s', a.aggmtransspace) ELSE '' END
            || CASE WHEN a.aggmfinalfn <> 0 THEN format(', MFINALFUNC = %s', a.aggmfinalfn::regproc) ELSE '' END
            || CASE WHEN a.aggmfinalextra THEN ', MFINALFUNC_EXTRA' ELSE '' END
            || coalesce(', MINITCOND = ' || quote_literal(a.aggminitval), '')
            || coalesce((SELECT format(', SORTOP = OPERATOR(%I.%s)', o.nspname, s.oprname) FROM pg_operator s
                         JOIN pg_namespace o ON o.oid = s.oprnamespace WHERE s.oid = a.aggsortop), '')
            || CASE p.proparallel WHEN 's' THEN ', PARALLEL = SAFE' WHEN 'r' THEN ', PARALLEL = RESTRICTED' ELSE '' END
            || ')' END AS definition,
       pg_get_userbyid(p.proowner)::text AS owner,
       ARRAY(SELECT x::text FROM unnest(p.proacl) AS x ORDER BY x::text COLLATE "C") AS acl,
       obj_description(p.oid, 'pg_proc') AS comment,
       p.prosecdef AS security_definer, oidvectortypes(p.proargtypes) AS signature
FROM pg_proc p
JOIN pg_namespace n ON n.oid = p.pronamespace
LEFT JOIN pg_aggregate a ON a.aggfnoid = p.oid
WHERE p.pronamespace = ANY ($1::oid[])
  AND NOT EXISTS (SELECT FROM pg_depend d
                  WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype IN ('e', 'i'))
ORDER BY n.nspname COLLATE "C", p.proname COLLATE "C", pg_get_function_identity_arguments(p.oid) COLLATE "C"

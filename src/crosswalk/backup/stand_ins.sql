-- returns the functions of extensions that defaults of the tables $1 call: extension, schema, name, arguments, result
SELECT DISTINCT e.extname::text AS extension, n.nspname::text AS schema, f.proname::text AS name,
       pg_catalog.pg_get_function_identity_arguments(f.oid) AS arguments,
       pg_catalog.pg_get_function_result(f.oid) AS result
FROM pg_catalog.pg_attrdef ad
JOIN pg_catalog.pg_attribute a ON a.attrelid = ad.adrelid AND a.attnum = ad.adnum AND a.attgenerated = ''
JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_attrdef'::regclass AND d.objid = ad.oid
                           AND d.refclassid = 'pg_catalog.pg_proc'::regclass
JOIN pg_catalog.pg_proc f ON f.oid = d.refobjid
JOIN pg_catalog.pg_namespace n ON n.oid = f.pronamespace
JOIN pg_catalog.pg_depend m ON m.classid = 'pg_catalog.pg_proc'::regclass AND m.objid = f.oid
                           AND m.refclassid = 'pg_catalog.pg_extension'::regclass AND m.deptype = 'e'
JOIN pg_catalog.pg_extension e ON e.oid = m.refobjid
WHERE ad.adrelid = ANY ($1::text[]::regclass[])
ORDER BY 1, 2, 3, 4

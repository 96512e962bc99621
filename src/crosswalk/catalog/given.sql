-- returns one row per default privilege that this role's new objects get
SELECT n.nspname::text AS schema, d.defaclobjtype::text AS kind,
       ARRAY(SELECT a::text FROM unnest(d.defaclacl) AS a ORDER BY a::text COLLATE "C") AS acl
FROM pg_default_acl d
LEFT JOIN pg_namespace n ON n.oid = d.defaclnamespace
WHERE d.defaclrole = (SELECT r.oid FROM pg_roles r WHERE r.rolname = current_user)
ORDER BY n.nspname COLLATE "C" NULLS FIRST, d.defaclobjtype

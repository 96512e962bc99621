-- returns one row per schema of $1: who owns it, who may use it, whether this role may create in it
SELECT n.nspname::text AS name, pg_get_userbyid(n.nspowner)::text AS owner,
       ARRAY(SELECT a::text FROM unnest(n.nspacl) AS a ORDER BY a::text COLLATE "C") AS acl,
       obj_description(n.oid, 'pg_namespace') AS comment,
       has_schema_privilege(n.oid, 'CREATE') AS may_create
FROM pg_namespace n
WHERE n.oid = ANY ($1::oid[])
ORDER BY n.nspname COLLATE "C"

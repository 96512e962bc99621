-- returns one row: may the role create schemas, make temporary tables, write into the ledger schema $1;
-- "foreign_ledger" is the owner of that schema where the role may not act as it
SELECT has_database_privilege(current_database(), 'CREATE') AS "create",
       has_database_privilege(current_database(), 'TEMPORARY') AS temporary,
       (SELECT pg_get_userbyid(n.nspowner)::text FROM pg_namespace n
        WHERE n.nspname = $1 AND NOT pg_has_role(n.nspowner, 'USAGE')) AS foreign_ledger,
       coalesce((SELECT has_schema_privilege(n.oid, 'CREATE') FROM pg_namespace n WHERE n.nspname = $1), false) AS ledger

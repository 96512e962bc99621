-- returns one row: may the role create schemas, make temporary tables, write into the ledger schema $1
SELECT has_database_privilege(current_database(), 'CREATE') AS "create",
       has_database_privilege(current_database(), 'TEMPORARY') AS temporary,
       coalesce((SELECT has_schema_privilege(n.oid, 'CREATE') FROM pg_namespace n WHERE n.nspname = $1), false) AS ledger

-- returns (schema.table, rows) of every ordinary table outside PostgreSQL and our ledger, counted one by one (psql's \gexec)
SELECT format('SELECT %L, count(*) FROM %I.%I', format('%I.%I', n.nspname, c.relname), n.nspname, c.relname)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'crosswalk')
ORDER BY n.nspname, c.relname
\gexec

-- returns one row per table that a publication with UPDATE or DELETE carries, partitions one by one
SELECT n.nspname::text AS schema, c.relname::text AS name, min(p.pubname::text) AS publication
FROM pg_publication p
JOIN pg_publication_tables t ON t.pubname = p.pubname
JOIN pg_namespace tn ON tn.nspname = t.schemaname
JOIN pg_class root ON root.relnamespace = tn.oid AND root.relname = t.tablename
CROSS JOIN LATERAL (SELECT relid FROM pg_partition_tree(root.oid) UNION SELECT root.oid) AS leaf (oid)
JOIN pg_class c ON c.oid = leaf.oid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE p.pubupdate OR p.pubdelete
GROUP BY 1, 2
ORDER BY 1, 2

-- returns of table $1 with its partitions and heirs: pages of the largest file, bytes of all with TOAST, whether all are files
WITH RECURSIVE below (oid) AS (
    SELECT $1::text::regclass::oid
    UNION
    SELECT i.inhrelid FROM pg_catalog.pg_inherits i JOIN below b ON b.oid = i.inhparent
)
SELECT COALESCE(max(pg_catalog.pg_relation_size(c.oid)) / pg_catalog.current_setting('block_size')::int8, 0) AS pages,
       COALESCE(sum(pg_catalog.pg_table_size(c.oid)), 0)::int8 AS bytes,
       bool_and(c.relkind IN ('r', 'm', 'p')) AS files
FROM below JOIN pg_catalog.pg_class c USING (oid)

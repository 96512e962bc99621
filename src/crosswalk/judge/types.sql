-- returns for the type OIDs $1, their elements and bases: one row a type
WITH RECURSIVE wanted AS (
    SELECT t.oid FROM pg_catalog.pg_type t WHERE t.oid = ANY ($1::oid[])
    UNION
    SELECT inner_type.oid
    FROM wanted w
    JOIN pg_catalog.pg_type t ON t.oid = w.oid
    JOIN pg_catalog.pg_type inner_type
      ON inner_type.oid IN (t.typbasetype, CASE WHEN t.typcategory = 'A' THEN t.typelem ELSE 0 END)
)
SELECT t.oid::bigint AS oid, n.nspname::text AS schema, t.typname::text AS name, t.typtype::text AS type,
       t.typcategory::text AS category, pg_catalog.format_type(t.oid, NULL) AS display,
       CASE WHEN t.typcategory = 'A' AND t.typelem <> 0 THEN t.typelem::bigint END AS element,
       CASE WHEN t.typtype = 'd' THEN t.typbasetype::bigint END AS base, t.typtypmod AS modifier
FROM wanted
JOIN pg_catalog.pg_type t USING (oid)
JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace

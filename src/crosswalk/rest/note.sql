-- returns one row: the note that the last finished pull left on the staging database, or NULL
SELECT pg_catalog.shobj_description(d.oid, 'pg_database')
FROM pg_catalog.pg_database AS d
WHERE d.datname = pg_catalog.current_database()

-- returns one row: server version, database, role, encoding and the database's collation
-- (datlocale is PostgreSQL 17+, daticulocale 15 and 16: read through to_jsonb so that all versions parse)
SELECT current_setting('server_version_num')::int AS version,
       d.datname::text AS database,
       current_user::text AS role,
       pg_encoding_to_char(d.encoding)::text AS encoding,
       coalesce(to_jsonb(d) ->> 'datlocale', to_jsonb(d) ->> 'daticulocale', d.datcollate::text) AS collate
FROM pg_database d
WHERE d.datname = current_database()

-- returns the names among $1 that the server could install
SELECT name::text FROM pg_available_extensions WHERE name = ANY ($1::text[])

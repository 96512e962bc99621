-- returns one row per setting of $1: its value in this session and the one it would have without us
SELECT name::text, setting, reset_val
FROM pg_settings
WHERE name = ANY ($1::text[])

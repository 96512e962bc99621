-- returns one row per extension that the server could install, whether a plain role may do it, and what it requires
SELECT a.name::text AS name, bool_or(v.trusted OR NOT v.superuser) AS trusted,
       min(array_to_string(v.requires, ',')) AS requires
FROM pg_available_extensions a
JOIN pg_available_extension_versions v ON v.name = a.name AND v.version = a.default_version
GROUP BY a.name
ORDER BY a.name

-- one row, one column: by role that the user may take, the settings that ALTER ROLE gave it and every user may set, as JSON
SELECT coalesce(json_object_agg(rolname, said), '{}')::text AS settings
FROM (
    SELECT r.rolname, json_object_agg(s.name, substr(c.entry, strpos(c.entry, '=') + 1)) AS said
    FROM pg_roles r
    CROSS JOIN unnest(r.rolconfig) AS c (entry)
    JOIN pg_settings s ON s.name = split_part(c.entry, '=', 1) AND s.context = 'user'
    WHERE r.rolname <> current_user AND pg_has_role(r.oid, 'MEMBER')
    GROUP BY r.rolname
) AS role

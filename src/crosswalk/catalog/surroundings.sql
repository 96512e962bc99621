-- returns one row: what the server and this role's rights allow, and what the database has beside what is read
SELECT r.rolsuper AS superuser,
       has_database_privilege(current_database(), 'CREATE') AS may_create,
       has_database_privilege(current_database(), 'TEMPORARY') AS may_make_temporary,
       (SELECT count(*) FROM pg_largeobject_metadata) AS large_objects,
       ARRAY(SELECT x.rolname::text FROM pg_roles x ORDER BY x.rolname COLLATE "C") AS roles,
       ARRAY(SELECT x.rolname::text FROM pg_roles x WHERE pg_has_role(x.oid, 'USAGE') ORDER BY x.rolname COLLATE "C") AS acts_as,
       ARRAY(SELECT c.collname::text FROM pg_collation c
             WHERE c.collnamespace = 'pg_catalog'::regnamespace
               AND c.collencoding IN (-1, (SELECT d.encoding FROM pg_database d WHERE d.datname = current_database()))) AS collations,
       ARRAY(SELECT DISTINCT p.proname::text FROM pg_proc p WHERE p.pronamespace = 'pg_catalog'::regnamespace) AS functions,
       ARRAY(SELECT ARRAY[n.nspname::text, t.typname::text] FROM pg_depend d
             JOIN pg_type t ON t.oid = d.objid JOIN pg_namespace n ON n.oid = t.typnamespace
             WHERE d.classid = 'pg_type'::regclass AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e') AS brought,
       ARRAY(SELECT what FROM (
                 SELECT format('publication %I', pubname) AS what FROM pg_publication
                 UNION ALL SELECT format('event trigger %I', evtname) FROM pg_event_trigger
                 UNION ALL SELECT format('foreign server %I', srvname) FROM pg_foreign_server
                 UNION ALL SELECT format('default privileges of %I', pg_get_userbyid(defaclrole)) FROM pg_default_acl
             ) AS all_of_it GROUP BY what ORDER BY what COLLATE "C") AS unread
FROM pg_roles r
WHERE r.rolname = current_user

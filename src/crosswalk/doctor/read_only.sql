-- returns one row: is the server a standby, and are transactions read-only unless a session says otherwise
SELECT pg_is_in_recovery() AS recovery,
       (SELECT reset_val FROM pg_settings WHERE name = 'default_transaction_read_only') AS "default"

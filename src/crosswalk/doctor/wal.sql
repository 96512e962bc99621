-- returns one row: the server's wal_level
SELECT current_setting('wal_level') AS level

-- returns one row: is this connection encrypted, and from which address does the server see it (NULL: a socket)
SELECT coalesce((SELECT s.ssl FROM pg_stat_ssl s WHERE s.pid = pg_backend_pid()), false) AS ssl,
       host(inet_client_addr()) AS client

-- returns one row: which server session answers, does it know our setting, on which port does it listen
SELECT pg_backend_pid() AS pid, current_setting('crosswalk.probe', true) AS probe, inet_server_port() AS port

-- makes the world of tests/integration/test_data_client.py
CREATE TABLE salon (id int PRIMARY KEY, name text NOT NULL, balance numeric, tags text[]);
CREATE TABLE visit (
    id int PRIMARY KEY, salon_id int NOT NULL REFERENCES salon DEFERRABLE INITIALLY IMMEDIATE, minutes int CHECK (minutes > 0), owner text
);
INSERT INTO salon VALUES (1, 'Ann''s', 12345678901234567890.10, '{a}'), (2, 'Bob, "b"', 0.5, '{}'), (3, E'two\nlines', NULL, NULL);
INSERT INTO visit SELECT n, n % 3 + 1, n, CASE WHEN n % 2 = 0 THEN 'ann' ELSE 'bob' END FROM generate_series(1, 10) n;
ALTER TABLE visit ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON visit TO authenticated USING (owner = current_setting('request.jwt.claims', true)::json ->> 'sub');
CREATE TABLE secret (id int PRIMARY KEY);
CREATE SCHEMA archive;
CREATE TABLE archive.salon (id int PRIMARY KEY, closed date);
INSERT INTO archive.salon VALUES (9, '2020-02-29');
CREATE SEQUENCE calls;
CREATE FUNCTION told() RETURNS json STABLE LANGUAGE sql AS $$
    SELECT json_build_object(
        'role', current_user, 'claims', current_setting('request.jwt.claims', true)::json,
        'method', current_setting('request.method', true), 'path', current_setting('request.path', true),
        'header', current_setting('request.headers', true)::json ->> 'x-told', 'read only', current_setting('transaction_read_only'),
        'timeout', current_setting('statement_timeout'))
$$;
CREATE FUNCTION whoami() RETURNS json STABLE LANGUAGE sql AS $$
    SELECT json_build_object('role', current_user, 'claims', current_setting('request.jwt.claims', true)::json)
$$;
CREATE FUNCTION fails(state text, message text, detail text DEFAULT '', hint text DEFAULT '') RETURNS void LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION USING ERRCODE = state, MESSAGE = message, DETAIL = detail, HINT = hint; END
$$;
CREATE FUNCTION late() RETURNS void LANGUAGE plpgsql AS $$
BEGIN SET CONSTRAINTS ALL DEFERRED; INSERT INTO visit VALUES (77, 99, 1, 'ann'); END
$$;
CREATE FUNCTION slow(seconds float) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE called bigint := nextval('calls'); BEGIN PERFORM pg_sleep(seconds); RETURN called; END
$$;
CREATE FUNCTION slowly(seconds float) RETURNS text STABLE LANGUAGE sql AS $$ SELECT pg_sleep(seconds)::text $$;
CREATE FUNCTION numbers(many int) RETURNS TABLE (n int) STABLE LANGUAGE sql AS $$ SELECT generate_series(1, many) $$;
CREATE FUNCTION packed(many int) RETURNS json STABLE LANGUAGE sql AS $$ SELECT json_agg(n) FROM generate_series(1, many) n $$;
CREATE FUNCTION nothing() RETURNS void STABLE LANGUAGE sql AS $$ SELECT $$;
CREATE FUNCTION unknown() RETURNS int STABLE LANGUAGE sql AS $$ SELECT NULL::int $$;
CREATE FUNCTION statements() RETURNS bigint STABLE LANGUAGE sql AS $$ SELECT count(*) FROM pg_prepared_statements $$;
CREATE FUNCTION session() RETURNS int STABLE LANGUAGE sql AS $$ SELECT pg_backend_pid() $$;
GRANT USAGE ON SCHEMA archive TO anon, authenticated, service_role;
GRANT ALL ON salon, visit, archive.salon, calls TO anon, authenticated, service_role;
ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO anon;

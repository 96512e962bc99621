-- The oracle's database: what its requests ask about. Small, deterministic, every relation and type that PostgREST treats apart.
CREATE SCHEMA archive;
CREATE SCHEMA hidden;

-- Values of every type -------------------------------------------------------------------------------------------------
CREATE TYPE mood AS ENUM ('sad', 'ok', 'very happy');
CREATE DOMAIN email AS text CHECK (VALUE LIKE '%@%');
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE TYPE address AS (street text, zip int);
CREATE TABLE kinds (
    id int PRIMARY KEY, small smallint, whole int, big bigint, exact numeric(30, 10), free numeric, single real,
    double double precision, label text, short varchar(20), fixed char(5), flag boolean, day date, clock time,
    zoned timetz, moment timestamptz, wall timestamp, lasts interval, token uuid, doc json, docb jsonb, tags text[],
    numbers int[], tokens uuid[], grid int[], days date[], moods mood[], years int4range, dates daterange,
    moments tstzrange, prices numrange, gaps int4multirange, mood mood, contact email, size positive, home address,
    photo bytea, host inet, net cidr, mac macaddr, words tsvector, bits bit(4), place point);
INSERT INTO kinds VALUES
(1, 1, 1, 1, 1.5, 1.50, 1.5, 1.5, 'one', 'uno', 'a', true, '2024-01-01', '10:00', '10:00+02', '2024-01-01 10:00+00',
    '2024-01-01 10:00', '1 day', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '{"a": 1, "b": {"c": [1, 2, {"d": "x"}]}}',
    '{"a": 1, "b": {"c": [1, 2, {"d": "x"}]}}', '{a,b}', '{1,2,3}', '{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}',
    '{{1,2},{3,4}}', '{2024-01-01}', '{sad,ok}', '[1,10)', '[2024-01-01,2024-02-01)',
    '["2024-01-01 00:00+00","2024-02-01 00:00+00")', '[1.5,2.5]', '{[1,3),[5,8)}', 'sad', 'ann@example.org', 5,
    '("Main, ""st""",100)', '\x00ff', '10.0.0.1', '10.0.0.0/8', '08:00:2b:01:02:03', 'cat:1 mat:3', '1010', '(1,2)'),
(2, -32768, -2147483648, 9007199254740993, -0.0000000001, 12345678901234567890123.450, 'NaN', 'Infinity', 'two, (three) "four"',
    'x,y', 'ab', false, '1999-12-31', '23:59:59.999999', '23:59:59-11', '1999-12-31 23:59:59.999999+03',
    '1999-12-31 23:59:59.999999', '-1 year 3 days -00:00:01', 'b0eebc99-9c0b-4ef8-bb6d-6bb9bd380a22', '[1, "two", null]',
    '[1, "two", null]', '{"a,b","c\"d",NULL,""}', '{-1,NULL}', '{}', '{}', '{}', '{"very happy"}', 'empty', '(,)',
    '(,"2024-01-01 00:00+00")', '(0,)', '{}', 'very happy', 'b@b', 1, '(,)', '', '::1', '192.168.0.0/16',
    'ff:ff:ff:ff:ff:ff', 'dog:1A bark:2', '0000', '(-1.5,1e10)'),
(3, 32767, 2147483647, 9223372036854775807, 99999999999999999999.9999999999, 0, 1e-30, -0.1, '', '', '', NULL, '0044-03-15 BC',
    '24:00', '00:00+00', 'infinity', '-infinity', '00:00', '00000000-0000-0000-0000-000000000000', '"text"', '"text"', '{}',
    '{}', '{00000000-0000-0000-0000-000000000000,NULL}', '{{0}}', '{infinity}', '{}', '[5,6)', '[2024-03-01,)', 'empty',
    'empty', '{[1,2),[4,100)}', 'ok', '@', 2147483647, '(x,)', '\x5c', '10.0.0.1/24', '2001:db8::/32', '00:00:00:00:00:00',
    '', '1111', '(0,0)'),
(4, 0, 0, 0, 0, 'NaN', 0, 0, 'Привет, мир', 'é%_*', '%', true, 'infinity', '00:00', '12:30:15.5+05:30', '2024-06-30 23:30-05',
    '2024-06-30 23:30', '1 mon 2 days 03:04:05.678', 'ffffffff-ffff-ffff-ffff-ffffffffffff', 'null', 'null', '{null,NULL,"NULL"}',
    '{7}', NULL, '{1,2}', '{2024-12-31,2025-01-01}', '{ok,ok}', '[10,20)', '[2024-01-15,2024-01-16)',
    '["2024-06-01 00:00+00",)', '(2.5,3)', '{[1,2)}', 'ok', 'q"@x', 7, '("",0)', '\xdeadbeef', '0.0.0.0', '0.0.0.0/0',
    '01:02:03:04:05:06', 'the:1 fat:2 rat:3', '0101', '(3,4)'),
(5, 5, 5, 5, 5, 5, 5, 5, 'null', 'NULL', 'true', false, '2024-02-29', '05:05', '05:05+00', '2024-02-29 05:05+00', '2024-02-29 05:05',
    '100 years', 'c0eebc99-9c0b-4ef8-bb6d-6bb9bd380a33', '{}', '{"a": null, "k": "v", "n": 2.50, "deep": {"list": ["p", "q"]}}',
    '{"sp ace","{x}","back\\slash"}', '{5,5,5}', '{c0eebc99-9c0b-4ef8-bb6d-6bb9bd380a33}', '{5}', '{2024-02-29}', '{sad}', '(,5)',
    'empty', '(,)', '[5,5]', '{(,)}', 'sad', 'five@5', 55, '(five,5)', '\x35', '5.5.5.5', '5.0.0.0/8', '05:05:05:05:05:05',
    'five:5', '0101', '(5,5)'),
(6, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
    NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);

-- Relations ------------------------------------------------------------------------------------------------------------
CREATE TABLE countries (code text PRIMARY KEY, name text NOT NULL, capital text);
INSERT INTO countries VALUES ('IS', 'Iceland', 'Reykjavík'), ('DE', 'Germany', 'Berlin'), ('JP', 'Japan', '東京'), ('AQ', 'Antarctica', NULL);
CREATE TABLE labels (id int PRIMARY KEY, name text NOT NULL, country text REFERENCES countries, founded int);
INSERT INTO labels VALUES (1, 'Bad Taste', 'IS', 1986), (2, 'Kompakt', 'DE', 1993), (3, 'Pony Canyon', 'JP', 1966), (4, 'Nobody', NULL, NULL);
CREATE TABLE artists (id int PRIMARY KEY, name text NOT NULL, country text REFERENCES countries,
    mentor_id int REFERENCES artists, born date, rating numeric(4, 2));
INSERT INTO artists VALUES (1, 'Anna', 'IS', NULL, '1965-11-21', 9.50), (2, 'Bernd', 'DE', 1, '1961-05-06', 7.25),
    (3, 'Chiyo', 'JP', 1, '1976-01-02', NULL), (4, 'Dagur', 'IS', 2, NULL, 5.00), (5, 'Erik "the" Red, Jr.', NULL, NULL, '1950-07-07', 5.00),
    (6, 'Freyja', 'IS', 4, '2001-02-03', 8.00);
CREATE TABLE profiles (artist_id int PRIMARY KEY REFERENCES artists, bio text, links jsonb);
INSERT INTO profiles VALUES (1, 'Sings.', '{"site": "a.example", "fans": 10}'), (2, NULL, '{"site": "b.example", "fans": 7}'), (4, 'Drums, loudly', NULL);
CREATE TABLE passports (id int PRIMARY KEY, number text, artist_id int UNIQUE REFERENCES artists);
INSERT INTO passports VALUES (1, 'A-1', 1), (2, 'B-2', 3), (3, 'C-3', NULL);
CREATE TABLE albums (id int PRIMARY KEY, title text NOT NULL, artist_id int REFERENCES artists, label_id int REFERENCES labels,
    released date, price numeric(8, 2), copies bigint, tags text[], meta jsonb);
INSERT INTO albums VALUES
    (1, 'Aurora', 1, 1, '1993-07-05', 9.99, 1000, '{ice,pop}', '{"discs": 1, "size": {"w": 12, "h": 12}, "formats": ["lp", "cd"]}'),
    (2, 'Basalt', 1, 1, '1995-06-13', 12.50, 2000, '{ice}', '{"discs": 2, "size": {"w": 12, "h": 10}, "formats": ["cd"]}'),
    (3, 'Clockwork', 2, 2, '1999-01-01', 7.00, 300, '{techno,minimal}', '{"discs": 1, "formats": []}'),
    (4, 'Drift', 2, 2, '2004-09-30', NULL, 50, '{}', NULL),
    (5, 'Edo', 3, 3, '2010-10-10', 20.00, 9007199254740993, '{koto,"new, old"}', '{"discs": "3"}'),
    (6, 'Fjord', 4, NULL, '2010-10-10', 5.25, 0, NULL, 'null'),
    (7, 'Ghost', NULL, 4, NULL, 1.00, NULL, '{ice,pop,"100%"}', '[1, 2]'),
    (8, 'Aurora', 6, 2, '2023-12-01', 9.99, 10, '{pop}', '{"discs": null}');
CREATE TABLE tracks (album_id int REFERENCES albums, position int, title text NOT NULL, seconds int, PRIMARY KEY (album_id, position));
INSERT INTO tracks VALUES (1, 1, 'Dawn', 201), (1, 2, 'Noon', 180), (1, 3, 'Dusk', 305), (2, 1, 'Column', 240), (2, 2, 'Lava', NULL),
    (3, 1, 'Tick', 600), (3, 2, 'Tock', 601), (5, 1, 'Bridge', 199), (5, 2, 'River', 200), (5, 3, 'Bridge', 201), (8, 1, 'Again', 77);
CREATE TABLE track_notes (id int PRIMARY KEY, album_id int, position int, note text, stars int,
    FOREIGN KEY (album_id, position) REFERENCES tracks);
INSERT INTO track_notes VALUES (1, 1, 1, 'lovely', 5), (2, 1, 1, 'slow', 2), (3, 1, 3, NULL, NULL), (4, 5, 2, 'wet', 4), (5, NULL, NULL, 'lost', 0),
    (6, 3, 1, 'long', 3);
CREATE TABLE genres (id int PRIMARY KEY, name text NOT NULL UNIQUE);
INSERT INTO genres VALUES (1, 'ambient'), (2, 'pop'), (3, 'techno'), (4, 'folk');
CREATE TABLE album_genres (album_id int REFERENCES albums, genre_id int REFERENCES genres, weight int DEFAULT 1, PRIMARY KEY (album_id, genre_id));
INSERT INTO album_genres VALUES (1, 1, 3), (1, 2, 5), (2, 1, 1), (3, 3, 9), (4, 3, 2), (5, 1, 1), (8, 2, 2);
-- Two references to one table.
CREATE TABLE duets (id int PRIMARY KEY, title text, first_id int NOT NULL REFERENCES artists, second_id int CONSTRAINT second_voice REFERENCES artists);
INSERT INTO duets VALUES (1, 'Us', 1, 2), (2, 'Them', 1, 3), (3, 'Alone', 4, NULL), (4, 'Again', 2, 1);
-- A junction of a table with itself.
CREATE TABLE friendships (artist_id int CONSTRAINT friend_of REFERENCES artists, friend_id int CONSTRAINT has_friend REFERENCES artists,
    since int, PRIMARY KEY (artist_id, friend_id));
INSERT INTO friendships VALUES (1, 2, 1990), (1, 3, 2000), (2, 3, 2001), (4, 6, 2020);
-- To-one and to-many between the same two tables.
CREATE TABLE festivals (id int PRIMARY KEY, name text, headliner_id int REFERENCES artists, country text REFERENCES countries);
INSERT INTO festivals VALUES (1, 'Solstice', 1, 'IS'), (2, 'Airwaves', 4, 'IS'), (3, 'Fuji', 3, 'JP'), (4, 'Nowhere', NULL, NULL);
CREATE TABLE lineups (festival_id int REFERENCES festivals, artist_id int REFERENCES artists, slot int, PRIMARY KEY (festival_id, artist_id));
INSERT INTO lineups VALUES (1, 1, 1), (1, 2, 2), (1, 4, 3), (2, 4, 1), (3, 3, 1), (3, 1, 2);
-- Two junctions between the same two tables.
CREATE TABLE rooms (id int PRIMARY KEY, name text);
CREATE TABLE guests (id int PRIMARY KEY, name text);
CREATE TABLE bookings (room_id int REFERENCES rooms, guest_id int REFERENCES guests, PRIMARY KEY (room_id, guest_id));
CREATE TABLE wishes (room_id int REFERENCES rooms, guest_id int REFERENCES guests, PRIMARY KEY (room_id, guest_id));
INSERT INTO rooms VALUES (1, 'red'), (2, 'blue');
INSERT INTO guests VALUES (1, 'Gil'), (2, 'Hal');
INSERT INTO bookings VALUES (1, 1), (1, 2);
INSERT INTO wishes VALUES (2, 1);
-- A partitioned table that refers.
CREATE TABLE plays (id int, album_id int REFERENCES albums, day date, listeners int, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
CREATE TABLE plays_old PARTITION OF plays FOR VALUES FROM (MINVALUE) TO ('2020-01-01');
CREATE TABLE plays_new PARTITION OF plays FOR VALUES FROM ('2020-01-01') TO (MAXVALUE);
INSERT INTO plays VALUES (1, 1, '2019-05-05', 10), (2, 1, '2021-05-05', 20), (3, 2, '2021-06-06', 30), (4, NULL, '2022-01-01', 40);
-- A reference into a schema that is not exposed, and one across the exposed schemas.
CREATE TABLE hidden.owners (id int PRIMARY KEY, name text);
INSERT INTO hidden.owners VALUES (1, 'nobody');
CREATE TABLE shops (id int PRIMARY KEY, name text, owner_id int REFERENCES hidden.owners);
INSERT INTO shops VALUES (1, 'corner', 1);
CREATE TABLE archive.albums (id int PRIMARY KEY, title text, year int);
INSERT INTO archive.albums VALUES (1, 'Old Aurora', 1901), (2, 'Older', NULL);
CREATE TABLE archive.letters (id int PRIMARY KEY, artist_id int REFERENCES artists, album_id int REFERENCES archive.albums, body text);
INSERT INTO archive.letters VALUES (1, 1, 1, 'Dear'), (2, NULL, 1, 'Yours'), (3, 2, NULL, 'Hm');
CREATE TABLE series (id int PRIMARY KEY, n int, parity text, bucket int);
INSERT INTO series SELECT i, (i * 37) % 101, CASE WHEN i % 2 = 0 THEN 'even' ELSE 'odd' END, i / 10 FROM generate_series(1, 60) AS i;
CREATE TABLE nothing (id int PRIMARY KEY, album_id int REFERENCES albums, word text);
CREATE TABLE articles (id int PRIMARY KEY, title text, body text, words tsvector);
INSERT INTO articles SELECT id, title, body, to_tsvector('english', body) FROM (VALUES
    (1, 'Cats', 'The fat cats sat on the mats'), (2, 'Dogs', 'A dog barks at fat rats & cats'), (3, 'Impossible', 'It is kind of fun to do the impossible'),
    (4, 'Deutsch', 'Die Katzen schlafen'), (5, 'Empty', '')) AS v(id, title, body);

-- Views, computed columns, computed relationships ----------------------------------------------------------------------
CREATE VIEW album_list AS SELECT id, title, artist_id, label_id, price FROM albums;
CREATE VIEW album_credits AS SELECT b.id AS album_id, b.title, a.id AS artist_id, a.name AS artist, b.label_id
    FROM albums b JOIN artists a ON a.id = b.artist_id;
CREATE VIEW album_list_again AS SELECT id AS number, title AS called, artist_id AS by FROM album_list;
CREATE VIEW artist_sums AS SELECT artist_id, count(*) AS albums, sum(price) AS total FROM albums GROUP BY artist_id;
CREATE VIEW icelanders AS SELECT * FROM artists WHERE country = 'IS';
CREATE VIEW loud AS SELECT upper(title) AS title, seconds / 60.0 AS minutes FROM tracks;
CREATE MATERIALIZED VIEW genre_counts AS SELECT genre_id, count(*) AS albums FROM album_genres GROUP BY genre_id ORDER BY 1;
CREATE FUNCTION shout(albums) RETURNS text LANGUAGE sql STABLE AS $$ SELECT upper($1.title) || '!' $$;
CREATE FUNCTION decade(albums) RETURNS int LANGUAGE sql STABLE AS $$ SELECT (extract(year FROM $1.released)::int / 10) * 10 $$;
CREATE FUNCTION card(artists) RETURNS jsonb LANGUAGE sql STABLE AS $$ SELECT jsonb_build_object('name', $1.name, 'since', $1.born) $$;
CREATE FUNCTION latest(artists) RETURNS SETOF albums ROWS 1 LANGUAGE sql STABLE AS
    $$ SELECT * FROM albums WHERE artist_id = $1.id ORDER BY released DESC NULLS LAST LIMIT 1 $$;
CREATE FUNCTION compatriots(artists) RETURNS SETOF artists LANGUAGE sql STABLE AS
    $$ SELECT * FROM artists WHERE country = $1.country AND id <> $1.id ORDER BY id $$;
CREATE FUNCTION labels(artists) RETURNS SETOF labels LANGUAGE sql STABLE AS
    $$ SELECT * FROM labels WHERE id IN (SELECT label_id FROM albums WHERE artist_id = $1.id) ORDER BY id $$;

-- Odd names ------------------------------------------------------------------------------------------------------------
CREATE TABLE "Odd Table" ("The Id" int PRIMARY KEY, "Full Name" text, "quo""te" text, "select" int, "a.b" text, "a,b" text, "par(en)s" text,
    "col:on" text, "UPPER" text, "имя" text, "per%cent" text, "am&p=x" text, "arrow->x" jsonb, "back\slash" text);
INSERT INTO "Odd Table" VALUES (1, 'Zed O''Neil', 'q"1', 10, 'dot', 'comma', 'paren', 'colon', 'Up', 'Иван', '5%', 'a&b', '{"k y": 1, "1": "one"}', '\'),
    (2, NULL, 'q2', 20, 'dot2', 'a,b', '(x)', 'c:d', 'up', 'Мария', '%', 'c=d', '["z"]', 'x\y'), (3, 'null', '"', 5, '.', ',', ')', ':', 'UP', 'и', '', '&', NULL, '\\');
CREATE TABLE "Заказы" ("номер" int PRIMARY KEY, "сумма" numeric, "Odd Id" int REFERENCES "Odd Table", "дата" date);
INSERT INTO "Заказы" VALUES (1, 100.50, 1, '2024-01-01'), (2, 5, 1, '2024-02-02'), (3, NULL, 2, NULL), (4, 7, NULL, '2024-03-03');
CREATE VIEW "Odd View" AS SELECT "The Id", "Full Name" AS "Name, full" FROM "Odd Table";

-- Who may see what -----------------------------------------------------------------------------------------------------
CREATE FUNCTION claim(named text) RETURNS text LANGUAGE sql STABLE AS
    $$ SELECT nullif(current_setting('request.jwt.claims', true), '')::json ->> named $$;
CREATE TABLE diaries (id int PRIMARY KEY, owner text NOT NULL DEFAULT 'nobody', body text, public boolean NOT NULL DEFAULT false);
ALTER TABLE diaries ENABLE ROW LEVEL SECURITY;
CREATE POLICY seen ON diaries FOR SELECT USING (public OR owner = claim('sub'));
CREATE POLICY written ON diaries FOR INSERT TO member WITH CHECK (owner = claim('sub'));
CREATE POLICY changed ON diaries FOR UPDATE TO member USING (owner = claim('sub')) WITH CHECK (owner = claim('sub'));
CREATE POLICY removed ON diaries FOR DELETE TO member USING (owner = claim('sub'));
CREATE TABLE pages (id int PRIMARY KEY, diary_id int REFERENCES diaries, text text);
CREATE TABLE vault (id int PRIMARY KEY, gold int);
INSERT INTO vault VALUES (1, 100);
CREATE TABLE staff (id int PRIMARY KEY, name text, salary int);

-- What is written ------------------------------------------------------------------------------------------------------
CREATE TABLE categories (id int PRIMARY KEY, name text NOT NULL, parent_id int REFERENCES categories);
CREATE TABLE items (id serial PRIMARY KEY, sku text UNIQUE, name text NOT NULL DEFAULT 'unnamed', qty int DEFAULT 1 CHECK (qty >= 0),
    price numeric(8, 2), tags text[] DEFAULT '{}', meta jsonb DEFAULT '{"new": true}', mood mood, token uuid, size positive, home address,
    years int4range, photo bytea, made timestamptz DEFAULT '2024-01-01 00:00+00', day date,
    doubled int GENERATED ALWAYS AS (qty * 2) STORED, category_id int REFERENCES categories);
CREATE FUNCTION item_label(items) RETURNS text LANGUAGE sql STABLE AS $$ SELECT coalesce($1.sku, '?') || ':' || $1.name $$;
CREATE TABLE stock (warehouse text, sku text, qty int NOT NULL DEFAULT 0, note text, PRIMARY KEY (warehouse, sku));
CREATE TABLE loners (word text, n int);
CREATE TABLE numbered (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, word text NOT NULL UNIQUE, twice text UNIQUE);
CREATE TABLE guarded (id int PRIMARY KEY, word text);
CREATE TABLE tags_of (item_id int REFERENCES items ON DELETE CASCADE, tag text, PRIMARY KEY (item_id, tag));
CREATE TABLE partial (id int PRIMARY KEY, word text, gone boolean DEFAULT false);
CREATE UNIQUE INDEX partial_words ON partial (word) WHERE NOT gone;
CREATE TABLE "Odd Writes" ("The Id" int PRIMARY KEY, "Full Name" text, "a,b" text DEFAULT 'd"f', "имя" text UNIQUE);
CREATE TABLE defaulted (id int DEFAULT 42 PRIMARY KEY, word text DEFAULT 'word', n int);
CREATE VIEW cheap_items AS SELECT id, sku, name, price FROM items WHERE price < 10 WITH CHECK OPTION;
CREATE VIEW item_words AS SELECT id, upper(name) AS loud FROM items;
CREATE VIEW item_box AS SELECT id, name || '' AS boxed FROM items;
CREATE FUNCTION into_box() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN INSERT INTO items (id, name) VALUES (NEW.id, NEW.boxed || ' (boxed)'); RETURN NEW; END $$;
CREATE TRIGGER boxing INSTEAD OF INSERT ON item_box FOR EACH ROW EXECUTE FUNCTION into_box();
CREATE FUNCTION guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.word = 'teapot' THEN RAISE sqlstate 'PT418' USING message = 'I am a teapot', detail = 'short and stout', hint = 'pour'; END IF;
    IF NEW.word = 'own' THEN RAISE sqlstate 'ZX001' USING message = 'my own code', hint = 'mine'; END IF;
    IF NEW.word = 'plain' THEN RAISE EXCEPTION 'plainly no'; END IF;
    IF NEW.word = 'skip' THEN RETURN NULL; END IF;
    NEW.word := NEW.word || '+';
    RETURN NEW;
END $$;
CREATE TRIGGER guarding BEFORE INSERT OR UPDATE ON guarded FOR EACH ROW EXECUTE FUNCTION guard();

-- Functions ------------------------------------------------------------------------------------------------------------
CREATE FUNCTION add(a int, b int DEFAULT 10) RETURNS int LANGUAGE sql IMMUTABLE AS $$ SELECT a + b $$;
CREATE FUNCTION hello() RETURNS text LANGUAGE sql STABLE AS $$ SELECT 'hello'::text $$;
CREATE FUNCTION nothing_at_all() RETURNS void LANGUAGE sql STABLE AS $$ SELECT NULL $$;
CREATE FUNCTION no_value() RETURNS int LANGUAGE sql STABLE AS $$ SELECT NULL::int $$;
CREATE FUNCTION no_rows() RETURNS SETOF albums LANGUAGE sql STABLE AS $$ SELECT * FROM albums WHERE false $$;
CREATE FUNCTION no_row() RETURNS albums LANGUAGE sql STABLE AS $$ SELECT * FROM albums WHERE false $$;
CREATE FUNCTION albums_of(artist int) RETURNS SETOF albums LANGUAGE sql STABLE AS $$ SELECT * FROM albums WHERE artist_id = artist ORDER BY id $$;
CREATE FUNCTION one_album(number int) RETURNS albums LANGUAGE sql STABLE AS $$ SELECT * FROM albums WHERE id = number $$;
CREATE FUNCTION words(n int) RETURNS SETOF text LANGUAGE sql STABLE AS $$ SELECT 'w' || i FROM generate_series(1, n) AS i $$;
CREATE FUNCTION pairs(n int) RETURNS TABLE (number int, square bigint) LANGUAGE sql STABLE AS $$ SELECT i, i::bigint * i FROM generate_series(1, n) AS i $$;
CREATE FUNCTION halves(n int, OUT half int, OUT rest int) LANGUAGE sql IMMUTABLE AS $$ SELECT n / 2, n % 2 $$;
CREATE FUNCTION bumped(INOUT n int) LANGUAGE sql IMMUTABLE AS $$ SELECT n + 1 $$;
CREATE FUNCTION where_is(street text, zip int) RETURNS address LANGUAGE sql IMMUTABLE AS $$ SELECT ROW(street, zip)::address $$;
CREATE FUNCTION total(VARIADIC numbers int[]) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$ SELECT sum(n) FROM unnest(numbers) AS n $$;
CREATE FUNCTION joined(glue text, VARIADIC parts text[] DEFAULT '{}') RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT array_to_string(parts, glue) $$;
CREATE FUNCTION told(x int) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT 'int ' || x $$;
CREATE FUNCTION told(x int, y int) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT 'ints ' || x || ' ' || y $$;
CREATE FUNCTION told(z text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT 'text ' || z $$;
CREATE FUNCTION unclear(x int) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT 'int' $$;
CREATE FUNCTION unclear(x text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT 'text' $$;
CREATE FUNCTION echo(json) RETURNS json LANGUAGE sql IMMUTABLE AS $$ SELECT $1 $$;
CREATE FUNCTION echo_binary(jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$ SELECT $1 || '{"seen": true}' $$;
CREATE FUNCTION typed(i int DEFAULT NULL, n numeric DEFAULT NULL, t text DEFAULT NULL, f boolean DEFAULT NULL, d date DEFAULT NULL, m timestamptz DEFAULT NULL,
    u uuid DEFAULT NULL, j json DEFAULT NULL, b jsonb DEFAULT NULL, a int[] DEFAULT NULL, w text[] DEFAULT NULL, e mood DEFAULT NULL, r int4range DEFAULT NULL,
    c address DEFAULT NULL, p positive DEFAULT NULL, s interval DEFAULT NULL, y bytea DEFAULT NULL) RETURNS json LANGUAGE sql STABLE AS
    $$ SELECT json_strip_nulls(json_build_object('i', i, 'n', n, 't', t, 'f', f, 'd', d, 'm', m, 'u', u, 'j', j, 'b', b, 'a', a, 'w', w, 'e', e, 'r', r,
        'c', c, 'p', p, 's', s, 'y', y)) $$;
CREATE FUNCTION listed() RETURNS int[] LANGUAGE sql IMMUTABLE AS $$ SELECT ARRAY[3, 1, 2] $$;
CREATE FUNCTION moody() RETURNS mood LANGUAGE sql IMMUTABLE AS $$ SELECT 'very happy'::mood $$;
CREATE FUNCTION moment() RETURNS timestamptz LANGUAGE sql STABLE AS $$ SELECT '2024-01-01 12:00+00'::timestamptz $$;
CREATE FUNCTION exactly() RETURNS numeric LANGUAGE sql IMMUTABLE AS $$ SELECT 1.50 $$;
CREATE FUNCTION documented() RETURNS json LANGUAGE sql IMMUTABLE AS $$ SELECT '{"a":  1.0, "b": [null]}'::json $$;
CREATE FUNCTION documents() RETURNS SETOF json LANGUAGE sql IMMUTABLE AS $$ SELECT json_build_object('n', i) FROM generate_series(1, 2) AS i $$;
CREATE FUNCTION places() RETURNS SETOF address LANGUAGE sql IMMUTABLE AS $$ VALUES (ROW('a', 1)::address), (ROW('b', 2)::address) $$;
CREATE FUNCTION records() RETURNS SETOF record LANGUAGE sql IMMUTABLE AS $$ VALUES (1, 'a'), (2, 'b') $$;
CREATE FUNCTION me() RETURNS json LANGUAGE sql STABLE AS
    $$ SELECT json_build_object('role', current_user, 'sub', claim('sub'), 'team', claim('team')) $$;
CREATE FUNCTION method() RETURNS text LANGUAGE sql STABLE AS $$ SELECT current_setting('transaction_read_only') $$;
CREATE FUNCTION refuse(code text, said text DEFAULT 'refused') RETURNS void LANGUAGE plpgsql AS
    $$ BEGIN RAISE sqlstate 'P0001' USING errcode = code, message = said, detail = 'the detail', hint = 'the hint'; END $$;
CREATE FUNCTION store(named text, amount int DEFAULT 1) RETURNS items LANGUAGE sql AS
    $$ INSERT INTO items (name, qty) VALUES (named, amount) RETURNING * $$;
CREATE FUNCTION store_all(names text[]) RETURNS SETOF items LANGUAGE sql AS $$ INSERT INTO items (name) SELECT unnest(names) RETURNING * $$;
CREATE FUNCTION bump_all() RETURNS void LANGUAGE sql AS $$ UPDATE items SET qty = qty + 1 $$;
CREATE FUNCTION sneaky() RETURNS int LANGUAGE plpgsql STABLE AS $$ BEGIN UPDATE items SET qty = 0; RETURN 1; END $$;
CREATE FUNCTION "Odd Function"("The Arg" int, "имя" text DEFAULT 'я') RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT "имя" || "The Arg" $$;
CREATE FUNCTION only_member() RETURNS text LANGUAGE sql STABLE AS $$ SELECT 'in' $$;
CREATE FUNCTION divided(a int, b int) RETURNS int LANGUAGE sql IMMUTABLE AS $$ SELECT a / b $$;
CREATE FUNCTION archive.hello(name text DEFAULT 'archive') RETURNS text LANGUAGE sql STABLE AS $$ SELECT 'hello ' || name $$;
CREATE FUNCTION archive.of_album(albums archive.albums) RETURNS text LANGUAGE sql STABLE AS $$ SELECT albums.title || '.' $$;
CREATE FUNCTION seen() RETURNS json LANGUAGE sql STABLE AS $$ SELECT json_build_object('role', current_user, 'session', session_user,
    'claims', current_setting('request.jwt.claims', true)::json ->> 'role', 'zone', current_setting('timezone'), 'patience', current_setting('statement_timeout'),
    'isolation', current_setting('transaction_isolation'), 'read only', current_setting('transaction_read_only'),
    'steady', now() = (SELECT now()), 'style', current_setting('intervalstyle')) $$;
CREATE FUNCTION seen_writing() RETURNS json LANGUAGE sql VOLATILE AS $$ SELECT seen() $$;
CREATE FUNCTION asked_by() RETURNS json LANGUAGE sql STABLE AS $$ SELECT json_build_object('method', current_setting('request.method', true),
    'path', current_setting('request.path', true)) $$;
CREATE VIEW sights AS SELECT seen() AS seen, asked_by() AS asked;
CREATE FUNCTION archive.path() RETURNS text LANGUAGE sql STABLE AS $$ SELECT current_setting('search_path') $$;

-- Rights ---------------------------------------------------------------------------------------------------------------
GRANT USAGE ON SCHEMA public, archive TO anon, member;
GRANT ALL ON ALL TABLES IN SCHEMA public TO anon, member;
GRANT ALL ON ALL TABLES IN SCHEMA archive TO anon, member;
GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO anon, member;
REVOKE ALL ON vault FROM anon, member;
REVOKE ALL ON staff FROM anon, member;
GRANT SELECT (id, name), UPDATE (name) ON staff TO member;
REVOKE EXECUTE ON FUNCTION only_member() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION only_member() TO member;

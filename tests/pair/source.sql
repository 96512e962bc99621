-- A city's libraries, the source: composite keys, enums, arrays, circles, a table without a key, names as they come.
CREATE SCHEMA biblio;
CREATE SCHEMA "Old Data";

CREATE TYPE biblio.lang AS ENUM ('de', 'en', 'fr', 'la', '??');
CREATE DOMAIN biblio.card AS text CHECK (VALUE ~ '^[A-Z]-');

CREATE TABLE biblio.branch (
    code   char(4) PRIMARY KEY,
    name   text NOT NULL,
    city   text,
    phone  text,
    boxes  int[]
);
CREATE TABLE biblio.category (
    id     int PRIMARY KEY,
    parent int REFERENCES biblio.category,
    label  text NOT NULL
);
CREATE TABLE biblio.household (
    id     int PRIMARY KEY,
    head   int,
    street text
);
CREATE TABLE biblio.member (
    id        bigint PRIMARY KEY,
    card      biblio.card NOT NULL UNIQUE,
    full_name text,
    household int REFERENCES biblio.household,
    joined    date,
    email     text,
    email_2   text,
    points    numeric
);
ALTER TABLE biblio.household ADD FOREIGN KEY (head) REFERENCES biblio.member DEFERRABLE INITIALLY DEFERRED;
CREATE TABLE biblio.book (
    branch    char(4) NOT NULL,
    number    int NOT NULL,
    title     text NOT NULL,
    author    text,
    lang      biblio.lang,
    formats   text[],
    subjects  text[],
    isbn      text,
    isbn_copy text,
    category  int,
    bought    timestamp,                 -- Berlin's wall clock, with its summer time
    price     numeric(8,3),
    shelf     point,
    note      text,
    weight    double precision,
    PRIMARY KEY (branch, number)
);
CREATE TABLE biblio.loan (
    card   text NOT NULL,
    branch char(4) NOT NULL,
    number int NOT NULL,
    lent   timestamptz NOT NULL,
    back   timestamptz,
    fine   text,
    PRIMARY KEY (card, branch, number, lent)
);
CREATE TABLE biblio.visit (
    branch char(4),
    day    date,
    hours  numrange,
    gate   int
);
CREATE TABLE "Old Data"."Select" (
    "order"                                                            int PRIMARY KEY,
    "Имя и фамилия"                                                    text,
    "we""ird 'name'"                                                   text,
    "a column whose name has exactly sixty three bytes, for a test A"  text,
    "a column whose name has exactly sixty three bytes, for a test B"  text,
    "%s $1 {x}"                                                        int
);

INSERT INTO biblio.branch VALUES
    ('A   ', 'Altstadt', 'Köln', '0221/1', '{1,2,3}'), ('BB  ', 'Bücher "Bö"', NULL, '', '{}'), ('CCCC', E'C\\D\tE', 'Bonn', NULL, NULL);
INSERT INTO biblio.category
SELECT i, CASE WHEN i > 3 THEN i / 3 END, 'category ' || i FROM generate_series(1, 120) i;
INSERT INTO biblio.category VALUES (200, 150 - 100, 'late parent'), (0, 200, 'child before its parent');
UPDATE biblio.category SET label = repeat('ж', 40) WHERE id = 13;
INSERT INTO biblio.household SELECT i, NULL, 'street ' || i FROM generate_series(1, 60) i;
INSERT INTO biblio.member
SELECT i, chr((65 + i % 26)::int) || '-' || i, CASE i % 10 WHEN 0 THEN 'Single' WHEN 1 THEN NULL ELSE 'First' || i || ' Last' || i END,
       CASE WHEN i % 4 <> 0 THEN 1 + i % 60 END, date '2010-01-01' + i::int, 'm' || i || '@example.org',
       CASE i % 3 WHEN 0 THEN 'm' || i || '@example.org' END, i * 1.10
FROM generate_series(1, 300) i;
UPDATE biblio.member SET email_2 = 'other@example.org' WHERE id IN (7, 8);
UPDATE biblio.member SET points = 'NaN' WHERE id = 9;
UPDATE biblio.member SET points = 10.00 WHERE id = 10;
UPDATE biblio.member SET id = 9007199254740993 WHERE id = 299;
UPDATE biblio.household SET head = 300 - id WHERE id > 1;
UPDATE biblio.household SET head = 9007199254740993 % 290 WHERE id = 60;
UPDATE biblio.household SET head = 7 WHERE id = 30;
INSERT INTO biblio.book
SELECT b.code, i, 'Title ' || i || CASE i % 7 WHEN 0 THEN ' «й» 📚' WHEN 1 THEN E' \\N\n' ELSE '' END,
       CASE i % 5 WHEN 0 THEN NULL WHEN 1 THEN 'Anonymous' ELSE 'Goethe, Johann, von' END,
       (enum_range(NULL::biblio.lang))[1 + i % 5],
       CASE i % 4 WHEN 0 THEN NULL WHEN 1 THEN '{}' ELSE ARRAY['paper', 'audio'] END,
       CASE i % 3 WHEN 0 THEN ARRAY['history', 'art, "fine"', 'law'] WHEN 1 THEN ARRAY['law'] ELSE '{}' END,
       lpad(i::text, CASE i % 2 WHEN 0 THEN 10 ELSE 13 END, '9'),
       CASE i % 6 WHEN 0 THEN NULL ELSE lpad(i::text, CASE i % 2 WHEN 0 THEN 10 ELSE 13 END, '9') END,
       1 + i % 116, timestamp '2025-03-29 12:30:00.123456' + interval '37 minutes' * i, i * 1.250, point(i, -0.5), 'note ' || i,
       CASE i % 4 WHEN 0 THEN 'Infinity' WHEN 1 THEN '-0' ELSE i / 3.0 END
FROM biblio.branch b, generate_series(1, 200) i;
UPDATE biblio.book SET isbn = '12-34' WHERE branch = 'A' AND number = 18;
UPDATE biblio.book SET isbn_copy = '0000000000' WHERE branch = 'A' AND number = 5;
UPDATE biblio.book SET price = 1.255 WHERE branch = 'A' AND number = 6;
UPDATE biblio.book SET formats = ARRAY['paper', 'papyrus'] WHERE branch = 'BB' AND number = 7;
UPDATE biblio.book SET category = 117 WHERE branch = 'CCCC' AND number = 8;
UPDATE biblio.book SET subjects = ARRAY['law', 'law', 'art'] WHERE branch = 'CCCC' AND number = 30;
UPDATE biblio.book SET subjects = ARRAY['law', NULL, 'a subject far too long'] WHERE branch = 'CCCC' AND number = 15;
INSERT INTO biblio.loan
SELECT m.card, (ARRAY['A', 'BB', 'CCCC'])[1 + m.id % 3], 1 + (m.id * k % 200)::int,
       timestamptz '2023-06-30 22:00:00+00' + interval '5 days' * (m.id % 200) + interval '1 year' * (k - 2),
       CASE k WHEN 2 THEN NULL ELSE timestamptz 'infinity' END, CASE m.id % 9 WHEN 0 THEN '1.50' WHEN 1 THEN ' 2 ' END
FROM biblio.member m, generate_series(1, 4) k WHERE m.id < 1000;
UPDATE biblio.loan SET fine = 'three euros' WHERE card = 'C-2' AND lent = (SELECT min(lent) FROM biblio.loan WHERE card = 'C-2');
INSERT INTO biblio.visit
SELECT (ARRAY['A', 'BB', NULL])[1 + i % 3], date '2026-01-01' + i % 10, numrange(i % 4, i % 4 + 5, '[]'), i % 2
FROM generate_series(1, 240) i;
INSERT INTO "Old Data"."Select"
SELECT i, 'Имя ' || i, 'it''s "' || i || '"', 'A' || i, 'B' || i, i FROM generate_series(1, 40) i;

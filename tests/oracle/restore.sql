-- Nothing: fills what the oracle's requests write, each table under its name in a comment, those that are referred to first.
-- categories
INSERT INTO categories VALUES (1, 'tools', NULL), (2, 'hammers', 1), (3, 'paints', NULL);
-- items
INSERT INTO items (sku, name, qty, price, tags, meta, mood, token, size, home, years, photo, day, category_id) VALUES
    ('h1', 'hammer', 5, 12.50, '{steel,"a,b"}', '{"kg": 1.5}', 'ok', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 3, '(Main,1)', '[1,5)', '\x01', '2024-01-01', 2),
    ('p1', 'paint', 0, 7.00, '{}', NULL, 'sad', NULL, NULL, NULL, NULL, NULL, NULL, 3),
    ('n1', 'nail', 1000, 0.01, '{steel}', '{}', NULL, NULL, 1, NULL, 'empty', NULL, '2024-02-02', 1),
    (NULL, 'orphan', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
-- stock
INSERT INTO stock VALUES ('north', 'h1', 3, 'low'), ('north', 'n1', 900, NULL), ('south', 'h1', 2, NULL);
-- loners
INSERT INTO loners VALUES ('a', 1), ('b', 2), ('b', 2);
-- numbered
INSERT INTO numbered (word) VALUES ('one'), ('two');
-- guarded
INSERT INTO guarded VALUES (1, 'x'), (2, 'y');
-- tags_of
INSERT INTO tags_of VALUES (1, 'heavy'), (1, 'old'), (3, 'sharp');
-- partial
INSERT INTO partial VALUES (1, 'w', false), (2, 'w', true);
-- "Odd Writes"
INSERT INTO "Odd Writes" VALUES (1, 'One', 'x', 'а'), (2, NULL, DEFAULT, 'б');
-- defaulted
-- diaries
INSERT INTO diaries VALUES (1, 'ann', 'mine', false), (2, 'ann', 'yours', true), (3, 'bob', 'his', false), (4, 'bob', 'ours', true), (5, 'eve', 'x', false);
-- pages
INSERT INTO pages VALUES (1, 1, 'p1'), (2, 2, 'p2'), (3, 3, 'p3'), (4, 4, 'p4');
-- staff
INSERT INTO staff VALUES (1, 'Ida', 10), (2, 'Jon', 20);

CREATE TABLE users (id bigserial PRIMARY KEY, email varchar NOT NULL, encrypted_password varchar NOT NULL, first_name varchar, last_name varchar,
    role integer NOT NULL DEFAULT 0, home_phone varchar, work_phone varchar, discarded_at timestamp, created_at timestamp(6) NOT NULL, updated_at timestamp(6) NOT NULL);
CREATE UNIQUE INDEX index_users_on_email ON users (email);
CREATE TABLE addresses (id bigserial PRIMARY KEY, street varchar, city varchar, zip varchar, country_code varchar, user_id bigint NOT NULL REFERENCES users,
    created_at timestamp(6) NOT NULL, updated_at timestamp(6) NOT NULL);
CREATE TABLE orders (id bigserial PRIMARY KEY, number varchar NOT NULL, user_id bigint NOT NULL REFERENCES users, billing_address_id bigint REFERENCES addresses,
    shipping_address_id bigint REFERENCES addresses, state varchar NOT NULL DEFAULT 'cart', total_cents integer NOT NULL, tax_cents integer NOT NULL,
    completed_at timestamp, created_by_id bigint, updated_by_id bigint, created_at timestamp(6) NOT NULL, updated_at timestamp(6) NOT NULL);
CREATE TABLE line_items (id bigserial PRIMARY KEY, order_id bigint NOT NULL REFERENCES orders, sku varchar NOT NULL, quantity integer NOT NULL, price_cents integer NOT NULL,
    width_mm integer, height_mm integer, created_at timestamp(6) NOT NULL, updated_at timestamp(6) NOT NULL);
CREATE TABLE comments (id bigserial PRIMARY KEY, commentable_type varchar NOT NULL, commentable_id bigint NOT NULL, user_id bigint NOT NULL, body text, created_at timestamp(6) NOT NULL);
CREATE TABLE schema_migrations (version varchar PRIMARY KEY);
CREATE TABLE ar_internal_metadata (key varchar PRIMARY KEY, value varchar);
INSERT INTO users SELECT i, 'u' || i || '@example.com', '$2a$' || md5(i::text), 'F' || i, 'L' || i, i % 3, '+49 30 ' || 100000 + i, '+49 40 ' || 200000 + i,
    CASE WHEN i % 11 = 0 THEN timestamp '2026-01-01' END, timestamp '2025-01-01' + i * interval '1 hour', timestamp '2025-06-01' + i * interval '1 hour' FROM generate_series(1, 80) i;
INSERT INTO addresses SELECT i, 'Street ' || i, 'City ' || i % 9, lpad(i::text, 5, '0'), (ARRAY['DE', 'FR'])[1 + i % 2], i % 80 + 1, '2025-01-01', '2025-01-02' FROM generate_series(1, 160) i;
INSERT INTO orders SELECT i, 'R' || lpad(i::text, 9, '0'), i % 80 + 1, i % 160 + 1, (i * 3) % 160 + 1, (ARRAY['cart', 'complete', 'canceled'])[1 + i % 3], i * 119, i * 19,
    '2025-03-01', i % 3 + 1, i % 4 + 1, '2025-02-01', '2025-02-02' FROM generate_series(1, 300) i;
INSERT INTO line_items SELECT i, i % 300 + 1, 'SKU' || i % 40, i % 4 + 1, i * 7, i % 50 + 10, i % 70 + 20, '2025-01-01', '2025-01-01' FROM generate_series(1, 500) i;
INSERT INTO comments SELECT i, (ARRAY['Order', 'User'])[1 + i % 2], i % 80 + 1, i % 80 + 1, 'Text ' || i, '2025-01-01' FROM generate_series(1, 100) i;
INSERT INTO schema_migrations SELECT 20250101000000 + i FROM generate_series(1, 9) i;
ANALYZE;

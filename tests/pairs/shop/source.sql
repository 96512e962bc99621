CREATE TABLE catalog_product_entity (entity_id int PRIMARY KEY, sku varchar(64) NOT NULL UNIQUE, type_id varchar(32) NOT NULL, attribute_set_id smallint NOT NULL,
    created_at timestamp NOT NULL, updated_at timestamp NOT NULL);
CREATE TABLE eav_attribute (attribute_id int PRIMARY KEY, attribute_code varchar(255) NOT NULL, backend_type varchar(8) NOT NULL);
CREATE TABLE catalog_product_entity_varchar (value_id int PRIMARY KEY, attribute_id int NOT NULL, entity_id int NOT NULL, value varchar(255));
CREATE TABLE customer_entity (entity_id int PRIMARY KEY, email varchar(255) NOT NULL, firstname varchar(255), lastname varchar(255), dob varchar(10), gender smallint,
    is_active smallint NOT NULL, created_at timestamp NOT NULL, group_id smallint NOT NULL);
CREATE TABLE sales_order (entity_id int PRIMARY KEY, increment_id varchar(32) NOT NULL UNIQUE, customer_id int, state varchar(32), status varchar(32), base_grand_total numeric(20,4),
    grand_total numeric(20,4), subtotal numeric(20,4), tax_amount numeric(20,4), discount_amount numeric(20,4), order_currency_code varchar(3),
    billing_name varchar(255), billing_street varchar(255), billing_city varchar(255), billing_postcode varchar(20),
    shipping_name varchar(255), shipping_street varchar(255), shipping_city varchar(255), shipping_postcode varchar(20),
    weight numeric(12,4), created_at timestamp NOT NULL, updated_at timestamp NOT NULL, is_virtual smallint);
CREATE TABLE sales_order_item (item_id int PRIMARY KEY, order_id int NOT NULL, product_id int, name varchar(255), sku varchar(255), qty_ordered numeric(12,4), qty_shipped numeric(12,4),
    price numeric(12,4) NOT NULL, row_total numeric(20,4) NOT NULL, tax_percent numeric(12,4));
INSERT INTO catalog_product_entity SELECT i, 'P-' || i, 'simple', 4, '2025-01-01', '2025-02-01' FROM generate_series(1, 100) i;
INSERT INTO eav_attribute VALUES (73, 'name', 'varchar'), (97, 'status', 'int'), (119, 'url_key', 'varchar');
INSERT INTO catalog_product_entity_varchar SELECT i, 73, i, 'Product ' || i FROM generate_series(1, 100) i;
INSERT INTO customer_entity SELECT i, 'c' || i || '@example.com', 'F' || i, 'L' || i, to_char('1970-01-01'::date + i * 30, 'YYYY-MM-DD'), i % 2 + 1, (i % 8 > 0)::int, '2025-01-01', 1 FROM generate_series(1, 90) i;
INSERT INTO sales_order SELECT i, '1000' || 10000 + i, i % 90 + 1, (ARRAY['new', 'processing', 'complete', 'canceled'])[1 + i % 4], (ARRAY['pending', 'processing', 'complete', 'canceled'])[1 + i % 4],
    i * 1.19, i * 1.19, i, i * 0.19, 0, 'EUR', 'N' || i, 'S' || i, 'C' || i % 20, lpad(i::text, 5, '0'), 'N' || i, 'T' || i, 'D' || i % 20, lpad((i + 1)::text, 5, '0'),
    i * 0.1, '2025-03-01'::timestamp + i * interval '1 h', '2025-03-02'::timestamp + i * interval '2 h', 0 FROM generate_series(1, 250) i;
INSERT INTO sales_order_item SELECT i, i % 250 + 1, i % 100 + 1, 'Product ' || i % 100 + 1, 'P-' || i % 100 + 1, i % 3 + 1, i % 3, i, i * 2, 19 FROM generate_series(1, 400) i;
ANALYZE;

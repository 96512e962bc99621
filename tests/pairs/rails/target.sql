CREATE TYPE member_role AS ENUM ('customer', 'support', 'admin');
CREATE TABLE customer (customer_id bigint PRIMARY KEY, email varchar(255) NOT NULL UNIQUE, password_digest varchar(255) NOT NULL, first_name varchar(80), last_name varchar(80),
    role member_role NOT NULL DEFAULT 'customer', phone_work varchar(40), phone_home varchar(40), is_deleted boolean NOT NULL DEFAULT false, created timestamptz NOT NULL, updated timestamptz NOT NULL);
CREATE TABLE address (address_id bigint PRIMARY KEY, customer_id bigint NOT NULL REFERENCES customer, street varchar(200), city varchar(100), postal_code varchar(12), country char(2));
CREATE TABLE purchase_order (order_id bigint PRIMARY KEY, order_no varchar(20) NOT NULL UNIQUE, customer_id bigint NOT NULL REFERENCES customer,
    ship_to_address_id bigint REFERENCES address, bill_to_address_id bigint REFERENCES address, status varchar(20) NOT NULL CHECK (status IN ('open', 'completed', 'cancelled')),
    gross_amount numeric(12,2) NOT NULL, tax_amount numeric(12,2) NOT NULL, net_amount numeric(12,2), completed timestamptz, modified_by bigint, created_by bigint,
    created timestamptz NOT NULL, updated timestamptz NOT NULL);
CREATE TABLE order_line (line_id bigint PRIMARY KEY, order_id bigint NOT NULL REFERENCES purchase_order, article_no varchar(40) NOT NULL, qty integer NOT NULL,
    unit_price numeric(10,2) NOT NULL, height_cm numeric(8,1), width_cm numeric(8,1));
CREATE TABLE order_comment (comment_id bigint PRIMARY KEY, order_id bigint NOT NULL REFERENCES purchase_order, customer_id bigint REFERENCES customer, text text, created timestamptz NOT NULL);

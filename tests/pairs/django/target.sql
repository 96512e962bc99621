CREATE TABLE users (id int PRIMARY KEY, login varchar(150) NOT NULL UNIQUE, password_hash varchar(200) NOT NULL, email varchar(254) NOT NULL,
    given_name varchar(100), family_name varchar(100), is_admin boolean NOT NULL DEFAULT false, disabled boolean NOT NULL DEFAULT false,
    registered_at timestamptz NOT NULL, last_login_at timestamptz);
CREATE TABLE categories (id bigint PRIMARY KEY, title varchar(100) NOT NULL, slug varchar(100) NOT NULL UNIQUE, parent_category_id bigint REFERENCES categories);
CREATE TABLE articles (id bigint PRIMARY KEY, headline varchar(200) NOT NULL, slug varchar(200) NOT NULL UNIQUE, content text NOT NULL,
    state text NOT NULL CHECK (state IN ('draft', 'published', 'archived')), written_by int NOT NULL REFERENCES users, edited_by int REFERENCES users,
    category_id bigint REFERENCES categories, created_at timestamptz NOT NULL, updated_at timestamptz NOT NULL, visible_from date, visible_until date,
    views int NOT NULL DEFAULT 0, comments_disabled boolean NOT NULL DEFAULT false);
CREATE TABLE comments (id bigint PRIMARY KEY, article_id bigint NOT NULL REFERENCES articles, author_name varchar(80) NOT NULL, author_email varchar(254),
    text text NOT NULL, created_at timestamptz NOT NULL, is_hidden boolean NOT NULL DEFAULT false);
CREATE TABLE tags (id bigint PRIMARY KEY, name varchar(50) NOT NULL UNIQUE);
CREATE TABLE article_tags (article_id bigint REFERENCES articles, tag_id bigint REFERENCES tags, PRIMARY KEY (article_id, tag_id));

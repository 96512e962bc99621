-- returns nothing: the ledger, in the target; every statement may run again
CREATE SCHEMA IF NOT EXISTS crosswalk;

CREATE TABLE IF NOT EXISTS crosswalk.run (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    plan_id     text NOT NULL,
    plan        json NOT NULL,
    started_at  timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- what happened, in order; a run's state is that of its last event of kind 'state'
CREATE TABLE IF NOT EXISTS crosswalk.event (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run_id  bigint NOT NULL REFERENCES crosswalk.run,
    at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    kind    text NOT NULL,
    name    text NOT NULL,
    detail  json NOT NULL DEFAULT '{}'
);

-- the ranges of the source's identity into which a table is cut
CREATE TABLE IF NOT EXISTS crosswalk.chunk_plan (
    run_id        bigint NOT NULL REFERENCES crosswalk.run,
    target_table  text NOT NULL,
    number        int NOT NULL,
    after         text[],
    upto          text[],
    PRIMARY KEY (run_id, target_table, number)
);

-- a chunk that landed; written in the transaction of its rows, which begins with this row
CREATE TABLE IF NOT EXISTS crosswalk.chunk (
    run_id        bigint NOT NULL REFERENCES crosswalk.run,
    target_table  text NOT NULL,
    number        int NOT NULL,
    snapshot      text NOT NULL,
    rows          bigint,
    merged        bigint,
    rejected      bigint,
    bytes         bigint,
    finished_at   timestamptz,
    PRIMARY KEY (run_id, target_table, number)
);

-- target tables that a run of ours filled: their rows are ours
CREATE TABLE IF NOT EXISTS crosswalk.filled (
    target_table  text PRIMARY KEY,
    run_id        bigint NOT NULL REFERENCES crosswalk.run,
    was_empty     boolean NOT NULL
);

-- rows that stood in a target table before the first run
CREATE TABLE IF NOT EXISTS crosswalk.kept (
    target_table  text NOT NULL,
    target_key    jsonb NOT NULL,
    PRIMARY KEY (target_table, target_key)
);

-- which target key a source row went to
CREATE TABLE IF NOT EXISTS crosswalk.key_map (
    target_table  text NOT NULL,
    source_key    jsonb NOT NULL,
    target_key    jsonb NOT NULL,
    PRIMARY KEY (target_table, source_key)
);

CREATE INDEX IF NOT EXISTS key_map_target_key ON crosswalk.key_map (target_table, target_key);

-- source rows that did not fit, each with its reason
CREATE TABLE IF NOT EXISTS crosswalk.quarantine (
    id               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run_id           bigint NOT NULL REFERENCES crosswalk.run,
    source_table     text NOT NULL,
    target_table     text NOT NULL,
    found_by         text NOT NULL,
    source_key       jsonb NOT NULL,
    row              jsonb NOT NULL,
    code             text NOT NULL,
    sqlstate         text NOT NULL,
    message          text NOT NULL,
    constraint_name  text,
    column_name      text,
    at               timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE INDEX IF NOT EXISTS quarantine_key ON crosswalk.quarantine (target_table, source_key);

-- what was switched off on the target for the time of a run, and how to switch it on again
CREATE TABLE IF NOT EXISTS crosswalk.held (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run_id       bigint NOT NULL REFERENCES crosswalk.run,
    kind         text NOT NULL CHECK (kind IN ('trigger', 'foreign key', 'index')),
    target_table text NOT NULL,
    name         text NOT NULL,
    restore      text NOT NULL,
    released_at  timestamptz
);

-- what became of the source rows of each table, by the last run
CREATE TABLE IF NOT EXISTS crosswalk.tally (
    run_id        bigint NOT NULL REFERENCES crosswalk.run,
    target_table  text NOT NULL,
    source_table  text NOT NULL,
    extracted     bigint NOT NULL,
    loaded        bigint NOT NULL,
    merged        bigint NOT NULL,
    quarantined   bigint NOT NULL,
    filtered      bigint NOT NULL,
    written       bigint NOT NULL,
    PRIMARY KEY (run_id, target_table)
);

-- preserved tables as a run found them
CREATE TABLE IF NOT EXISTS crosswalk.preserved (
    run_id        bigint NOT NULL REFERENCES crosswalk.run,
    target_table  text NOT NULL,
    rows          bigint NOT NULL,
    hash          numeric NOT NULL,
    PRIMARY KEY (run_id, target_table)
);

-- statements of a plan that changed the target's form; written in the transaction of the statement
CREATE TABLE IF NOT EXISTS crosswalk.applied (
    run_id       bigint NOT NULL REFERENCES crosswalk.run,
    number       int NOT NULL,
    phase        text NOT NULL,
    target_table text NOT NULL,
    name         text NOT NULL,
    sql          text NOT NULL,
    undo         text NOT NULL,
    at           timestamptz NOT NULL DEFAULT clock_timestamp(),
    undone_at    timestamptz,
    PRIMARY KEY (run_id, number)
);

-- where the sequences of filled tables stood before the first run
CREATE TABLE IF NOT EXISTS crosswalk.sequence_before (
    sequence    text PRIMARY KEY,
    run_id      bigint NOT NULL REFERENCES crosswalk.run,
    last_value  bigint NOT NULL,
    is_called   boolean NOT NULL
);

-- rows that stood in a table whose mapping overwrites them (existing: update), as they were
CREATE TABLE IF NOT EXISTS crosswalk.row_before (
    target_table  text NOT NULL,
    target_key    jsonb NOT NULL,
    row           text NOT NULL,
    PRIMARY KEY (target_table, target_key)
);

-- keys under which several rows stood (a table without a key, say)
ALTER TABLE crosswalk.kept ADD COLUMN IF NOT EXISTS times bigint NOT NULL DEFAULT 1;

-- for a rollback: the query that gives place and target key of each row; "ours" and "more" are of an older form
ALTER TABLE crosswalk.filled ADD COLUMN IF NOT EXISTS standing text;
ALTER TABLE crosswalk.filled ADD COLUMN IF NOT EXISTS ours bigint;
ALTER TABLE crosswalk.filled ADD COLUMN IF NOT EXISTS more bigint NOT NULL DEFAULT 0;

-- what a key takes with it when it is dropped: its comment
ALTER TABLE crosswalk.held ADD COLUMN IF NOT EXISTS also text NOT NULL DEFAULT '';

-- tables that held rows before the first run, as it found them: kept ones and archived ones
CREATE TABLE IF NOT EXISTS crosswalk.found (
    target_table  text PRIMARY KEY,
    run_id        bigint NOT NULL REFERENCES crosswalk.run,
    rows          bigint NOT NULL,
    hash          numeric NOT NULL
);

-- the catalog when a run began, as hashes: by object, by aspect
CREATE TABLE IF NOT EXISTS crosswalk.portrait (
    run_id   bigint PRIMARY KEY REFERENCES crosswalk.run,
    catalog  json NOT NULL
);

-- rows that a transaction of ours added to a table, or took out of it (below zero); written in that transaction
CREATE TABLE IF NOT EXISTS crosswalk.came (
    target_table  text NOT NULL,
    run_id        bigint NOT NULL REFERENCES crosswalk.run,
    rows          bigint NOT NULL
);

CREATE INDEX IF NOT EXISTS came_table ON crosswalk.came (target_table);

-- what a run left in a table: its rows (those that stood there before only where they may have been overwritten), the
-- hash of all columns, and of those that no rule feeds, the table's form; rows is NULL while a run is under way
CREATE TABLE IF NOT EXISTS crosswalk.landed (
    target_table  text PRIMARY KEY,
    run_id        bigint NOT NULL REFERENCES crosswalk.run,
    columns       text[] NOT NULL,
    unfed         text[] NOT NULL,
    rows          bigint,
    hash          numeric,
    unfed_hash    numeric,
    moment        text,
    server        text NOT NULL,
    disturbed     boolean NOT NULL DEFAULT false,
    form          json NOT NULL
);

-- in place of the hashes, where a table was empty before us: rows by the transaction that wrote them (xmin)
ALTER TABLE crosswalk.landed ADD COLUMN IF NOT EXISTS writers json;

-- rows in quarantine that a person has given up: what stood in them is deleted, and a digest tells whether they change
CREATE TABLE IF NOT EXISTS crosswalk.dropped (
    target_table  text NOT NULL,
    source_key    jsonb NOT NULL,
    code          text NOT NULL,
    digest        text NOT NULL,
    why           text NOT NULL,
    who           text NOT NULL,
    at            timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (target_table, source_key, code)
);

-- when the chunk's transaction began
ALTER TABLE crosswalk.chunk ADD COLUMN IF NOT EXISTS opened_at timestamptz;
ALTER TABLE crosswalk.chunk ALTER COLUMN opened_at SET DEFAULT clock_timestamp();

-- a chunk may be a range of pages (the second exclusive, NULL: to the end); they mean the same rows under one snapshot only
ALTER TABLE crosswalk.chunk_plan ADD COLUMN IF NOT EXISTS from_page bigint;
ALTER TABLE crosswalk.chunk_plan ADD COLUMN IF NOT EXISTS to_page bigint;

-- an older form knows no indexes
ALTER TABLE crosswalk.held DROP CONSTRAINT IF EXISTS held_kind_check;
ALTER TABLE crosswalk.held ADD CONSTRAINT held_kind_check CHECK (kind IN ('trigger', 'foreign key', 'index'));

CREATE SCHEMA auth;
CREATE TABLE auth.users (id uuid PRIMARY KEY, email varchar(255), encrypted_password varchar(255), raw_user_meta_data jsonb, created_at timestamptz, updated_at timestamptz, last_sign_in_at timestamptz, banned_until timestamptz);
CREATE TABLE public.profiles (id uuid PRIMARY KEY REFERENCES auth.users, username text UNIQUE, full_name text, avatar_url text, website text, is_public boolean DEFAULT true, updated_at timestamptz);
CREATE TABLE public.workspaces (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), name text NOT NULL, owner_id uuid NOT NULL REFERENCES auth.users, created_by uuid REFERENCES auth.users, updated_by uuid REFERENCES auth.users, created_at timestamptz DEFAULT now(), plan text);
CREATE TABLE public.tasks (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), workspace_id uuid NOT NULL REFERENCES workspaces, title text NOT NULL, details text, status text NOT NULL, assignee uuid REFERENCES auth.users, reporter uuid REFERENCES auth.users,
    starts text, ends text, due text, estimate text, done boolean, labels text[], deleted_at timestamptz, inserted_at timestamptz DEFAULT now(), min_points int, max_points int);
CREATE TABLE public.task_links (source_task uuid REFERENCES tasks, target_task uuid REFERENCES tasks, kind text, PRIMARY KEY (source_task, target_task));
INSERT INTO auth.users SELECT md5('u' || i)::uuid, 'u' || i || '@example.com', 'x', '{}', now() - interval '9 d', now(), now(), NULL FROM generate_series(1, 50) i;
INSERT INTO profiles SELECT md5('u' || i)::uuid, 'user' || i, 'First' || i || ' Last' || i, 'https://cdn.example/' || i, 'https://example.com/' || i, i % 3 > 0, now() FROM generate_series(1, 50) i;
INSERT INTO workspaces SELECT md5('w' || i)::uuid, 'Space ' || i, md5('u' || i % 50 + 1)::uuid, md5('u' || i % 50 + 1)::uuid, md5('u' || i % 7 + 1)::uuid, now(), 'free' FROM generate_series(1, 20) i;
INSERT INTO tasks SELECT md5('t' || i)::uuid, md5('w' || i % 20 + 1)::uuid, 'Task ' || i, 'D' || i, (ARRAY['todo', 'doing', 'done'])[1 + i % 3], md5('u' || i % 50 + 1)::uuid, md5('u' || i % 20 + 1)::uuid, '2026-01-0' || i % 9 + 1 || 'T08:00:00Z', '2026-02-0' || i % 9 + 1 || 'T09:00:00Z', '2026-03-0' || i % 9 + 1, (i % 9)::text, i % 3 = 2, '{a,b}', CASE WHEN i % 10 = 0 THEN now() END, now(), 1, 5 FROM generate_series(1, 200) i;
INSERT INTO task_links SELECT md5('t' || i)::uuid, md5('t' || i + 1)::uuid, 'blocks' FROM generate_series(1, 60) i;
ANALYZE;

-- The salon's new database, the target: ten business tables, partitioned messages, two WhatsApp tables
-- (docs/salon.md, section 3). Needs CREATE on the current schema and nothing else; PostgreSQL 14 and later.
-- The month of the first partition of messages is the setting salon.month ('2026-01' where nobody sets it).

CREATE TABLE companies (
    id                       integer CONSTRAINT companies_pkey PRIMARY KEY,
    name                     varchar(255) NOT NULL,
    yclients_company_id      integer NOT NULL,
    phone                    varchar(20),
    email                    varchar(255),
    website                  varchar(255),
    marketplace_app_id       varchar(255),
    marketplace_connected_at timestamptz,
    marketplace_permissions  jsonb,
    settings                 jsonb DEFAULT '{}',
    timezone                 varchar(50) DEFAULT 'Europe/Moscow',
    locale                   varchar(10) DEFAULT 'ru-RU',
    is_active                boolean DEFAULT true,
    subscription_status      varchar(50) DEFAULT 'active',
    created_at               timestamptz DEFAULT now(),
    updated_at               timestamptz DEFAULT now(),
    CONSTRAINT companies_yclients_company_id_key UNIQUE (yclients_company_id)
);

CREATE TABLE clients (
    id                 serial CONSTRAINT clients_pkey PRIMARY KEY,
    company_id         integer NOT NULL,
    yclients_client_id integer,
    phone              varchar(20) NOT NULL,
    name               varchar(255),
    email              varchar(255),
    sex                varchar(10),
    birth_date         date,
    discount           numeric(5,2) DEFAULT 0,
    loyalty_card       varchar(50),
    visits_count       integer DEFAULT 0,
    last_visit_date    date,
    first_visit_date   date,
    tags               text[],
    comment            text,
    importance         integer DEFAULT 0,
    is_deleted         boolean DEFAULT false,
    created_at         timestamptz DEFAULT now(),
    updated_at         timestamptz DEFAULT now(),
    synced_at          timestamptz,
    CONSTRAINT clients_company_id_fkey FOREIGN KEY (company_id) REFERENCES companies (id) ON DELETE CASCADE,
    CONSTRAINT clients_company_id_phone_key UNIQUE (company_id, phone)
);

CREATE TABLE services (
    id                  serial CONSTRAINT services_pkey PRIMARY KEY,
    company_id          integer NOT NULL,
    yclients_service_id integer,
    title               varchar(255) NOT NULL,
    category_id         integer,
    category_name       varchar(255),
    price_min           numeric(10,2),
    price_max           numeric(10,2),
    duration            integer NOT NULL,                -- minutes
    comment             text,
    weight              integer DEFAULT 0,
    is_active           boolean DEFAULT true,
    created_at          timestamptz DEFAULT now(),
    updated_at          timestamptz DEFAULT now(),
    synced_at           timestamptz,
    CONSTRAINT services_company_id_fkey FOREIGN KEY (company_id) REFERENCES companies (id) ON DELETE CASCADE,
    CONSTRAINT services_company_id_yclients_service_id_key UNIQUE (company_id, yclients_service_id)
);

CREATE TABLE staff (
    id                serial CONSTRAINT staff_pkey PRIMARY KEY,
    company_id        integer NOT NULL,
    yclients_staff_id integer,
    name              varchar(255) NOT NULL,
    specialization    varchar(255),
    avatar_url        text,
    phone             varchar(20),
    email             varchar(255),
    rating            numeric(3,2),
    comments_count    integer DEFAULT 0,
    weight            integer DEFAULT 0,
    is_active         boolean DEFAULT true,
    is_hidden         boolean DEFAULT false,
    created_at        timestamptz DEFAULT now(),
    updated_at        timestamptz DEFAULT now(),
    synced_at         timestamptz,
    CONSTRAINT staff_company_id_fkey FOREIGN KEY (company_id) REFERENCES companies (id) ON DELETE CASCADE,
    CONSTRAINT staff_company_id_yclients_staff_id_key UNIQUE (company_id, yclients_staff_id)
);

CREATE TABLE staff_schedules (
    id                   serial CONSTRAINT staff_schedules_pkey PRIMARY KEY,
    company_id           integer NOT NULL,
    staff_id             integer NOT NULL,
    yclients_schedule_id integer,
    date                 date NOT NULL,
    start_time           time,
    end_time             time,
    is_working           boolean DEFAULT true,
    is_day_off           boolean DEFAULT false,
    created_at           timestamptz DEFAULT now(),
    updated_at           timestamptz DEFAULT now(),
    synced_at            timestamptz,
    CONSTRAINT staff_schedules_company_id_fkey FOREIGN KEY (company_id) REFERENCES companies (id) ON DELETE CASCADE,
    CONSTRAINT staff_schedules_staff_id_fkey FOREIGN KEY (staff_id) REFERENCES staff (id) ON DELETE CASCADE,
    CONSTRAINT staff_schedules_staff_id_date_key UNIQUE (staff_id, date)
);

CREATE TABLE bookings (
    id                  serial CONSTRAINT bookings_pkey PRIMARY KEY,
    company_id          integer NOT NULL,
    yclients_booking_id integer,
    client_id           integer NOT NULL,
    service_id          integer NOT NULL,
    staff_id            integer NOT NULL,
    datetime            timestamptz NOT NULL,
    duration            integer NOT NULL,                -- minutes
    status              varchar(50) NOT NULL DEFAULT 'pending',
    cost                numeric(10,2),
    paid                numeric(10,2) DEFAULT 0,
    comment             text,
    client_comment      text,
    source              varchar(50) DEFAULT 'whatsapp',
    created_at          timestamptz DEFAULT now(),
    updated_at          timestamptz DEFAULT now(),
    synced_at           timestamptz,
    CONSTRAINT bookings_company_id_fkey FOREIGN KEY (company_id) REFERENCES companies (id) ON DELETE CASCADE,
    CONSTRAINT bookings_client_id_fkey FOREIGN KEY (client_id) REFERENCES clients (id) ON DELETE RESTRICT,
    CONSTRAINT bookings_service_id_fkey FOREIGN KEY (service_id) REFERENCES services (id) ON DELETE RESTRICT,
    CONSTRAINT bookings_staff_id_fkey FOREIGN KEY (staff_id) REFERENCES staff (id) ON DELETE RESTRICT,
    -- The zone is written out: without it the constant would be the midnight of whoever ran this file.
    CONSTRAINT bookings_datetime_check CHECK (datetime > '2020-01-01 00:00:00+00'),
    CONSTRAINT bookings_duration_check CHECK (duration > 0),
    CONSTRAINT bookings_status_check
        CHECK (status IN ('pending', 'confirmed', 'completed', 'cancelled', 'no_show')),
    CONSTRAINT bookings_company_id_yclients_booking_id_key UNIQUE (company_id, yclients_booking_id)
);

CREATE TABLE appointments_cache (
    id           serial CONSTRAINT appointments_cache_pkey PRIMARY KEY,
    company_id   integer NOT NULL,
    cache_key    varchar(255) NOT NULL,
    appointments jsonb NOT NULL,
    cached_at    timestamptz DEFAULT now(),
    expires_at   timestamptz NOT NULL,
    CONSTRAINT appointments_cache_company_id_fkey
        FOREIGN KEY (company_id) REFERENCES companies (id) ON DELETE CASCADE,
    CONSTRAINT appointments_cache_company_id_cache_key_key UNIQUE (company_id, cache_key)
);

CREATE TABLE dialog_contexts (
    id           serial CONSTRAINT dialog_contexts_pkey PRIMARY KEY,
    phone        varchar(20) NOT NULL,
    company_id   integer NOT NULL,
    context      jsonb NOT NULL DEFAULT '{}',
    current_step varchar(50),
    booking_data jsonb,
    created_at   timestamptz DEFAULT now(),
    updated_at   timestamptz DEFAULT now(),
    expires_at   timestamptz,
    CONSTRAINT dialog_contexts_company_id_fkey FOREIGN KEY (company_id) REFERENCES companies (id) ON DELETE CASCADE,
    CONSTRAINT dialog_contexts_phone_company_id_key UNIQUE (phone, company_id)
);

CREATE TABLE reminders (
    id            serial CONSTRAINT reminders_pkey PRIMARY KEY,
    booking_id    integer NOT NULL,
    remind_at     timestamptz NOT NULL,
    type          varchar(20) NOT NULL DEFAULT 'whatsapp',
    status        varchar(20) NOT NULL DEFAULT 'pending',
    message       text,
    sent_at       timestamptz,
    error_message text,
    created_at    timestamptz DEFAULT now(),
    updated_at    timestamptz DEFAULT now(),
    CONSTRAINT reminders_booking_id_fkey FOREIGN KEY (booking_id) REFERENCES bookings (id) ON DELETE CASCADE,
    CONSTRAINT reminders_type_check CHECK (type IN ('sms', 'whatsapp', 'email')),
    CONSTRAINT reminders_status_check CHECK (status IN ('pending', 'sent', 'failed'))
);

CREATE TABLE sync_status (
    id             serial CONSTRAINT sync_status_pkey PRIMARY KEY,
    company_id     integer NOT NULL,
    entity_type    varchar(50) NOT NULL,
    last_sync_at   timestamptz,
    records_synced integer DEFAULT 0,
    error_message  text,
    created_at     timestamptz DEFAULT now(),
    updated_at     timestamptz DEFAULT now(),
    CONSTRAINT sync_status_company_id_fkey FOREIGN KEY (company_id) REFERENCES companies (id) ON DELETE CASCADE,
    CONSTRAINT sync_status_entity_type_check
        CHECK (entity_type IN ('clients', 'services', 'staff', 'staff_schedules', 'bookings')),
    CONSTRAINT sync_status_company_id_entity_type_key UNIQUE (company_id, entity_type)
);

CREATE TABLE messages (
    id           bigserial,
    company_id   integer NOT NULL,                       -- deliberately without a foreign key
    phone        varchar(20) NOT NULL,
    direction    varchar(10) NOT NULL,
    message_type varchar(20) DEFAULT 'text',
    content      text,
    metadata     jsonb DEFAULT '{}',
    created_at   timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT messages_pkey PRIMARY KEY (id, created_at),
    CONSTRAINT messages_direction_check CHECK (direction IN ('inbound', 'outbound'))
) PARTITION BY RANGE (created_at);

-- The month given and the five after it, in UTC; no default partition, so history is rejected.
DO $$
DECLARE
    given date := to_date(coalesce(nullif(current_setting('salon.month', true), ''), '2026-01'), 'YYYY-MM');
    month date;
BEGIN
    FOR ahead IN 0 .. 5 LOOP
        month := (given + make_interval(months => ahead))::date;
        EXECUTE format(
            'CREATE TABLE %I PARTITION OF messages FOR VALUES FROM (%L) TO (%L)',
            'messages_' || to_char(month, 'YYYY_MM'),
            to_char(month, 'YYYY-MM-DD') || ' 00:00:00+00',
            to_char(month + interval '1 month', 'YYYY-MM-DD') || ' 00:00:00+00'
        );
    END LOOP;
END
$$;

-- Live session state. An index with INCLUDE (value) would reject the largest values: there is none.
CREATE TABLE whatsapp_auth (
    company_id text CONSTRAINT whatsapp_auth_pkey PRIMARY KEY,
    creds      jsonb NOT NULL,
    created_at timestamptz DEFAULT now(),
    updated_at timestamptz DEFAULT now()
);

CREATE TABLE whatsapp_keys (
    company_id text NOT NULL,
    key_type   text NOT NULL,
    key_id     text NOT NULL,
    value      jsonb NOT NULL,
    created_at timestamptz DEFAULT now(),
    updated_at timestamptz DEFAULT now(),
    expires_at timestamptz,
    CONSTRAINT whatsapp_keys_pkey PRIMARY KEY (company_id, key_type, key_id)
);

ALTER TABLE whatsapp_auth ENABLE ROW LEVEL SECURITY;
ALTER TABLE whatsapp_keys ENABLE ROW LEVEL SECURITY;
CREATE POLICY whatsapp_auth_own_company ON whatsapp_auth
    USING (company_id = current_setting('app.company_id', true));
CREATE POLICY whatsapp_keys_own_company ON whatsapp_keys
    USING (company_id = current_setting('app.company_id', true));

CREATE INDEX idx_clients_company_yclients ON clients (company_id, yclients_client_id);
CREATE INDEX idx_clients_phone ON clients (phone);
CREATE INDEX idx_clients_last_visit ON clients (company_id, last_visit_date DESC NULLS LAST) WHERE NOT is_deleted;
CREATE INDEX idx_services_active ON services (company_id, category_id) WHERE is_active;
CREATE INDEX idx_staff_active ON staff (company_id) WHERE is_active AND NOT is_hidden;
CREATE INDEX idx_staff_schedules_company_date ON staff_schedules (company_id, date);
CREATE INDEX idx_bookings_company_datetime ON bookings (company_id, datetime);
CREATE INDEX idx_bookings_client ON bookings (client_id, datetime DESC);
CREATE INDEX idx_bookings_staff ON bookings (staff_id, datetime);
CREATE INDEX idx_bookings_open ON bookings (datetime) WHERE status IN ('pending', 'confirmed');
CREATE INDEX idx_appointments_cache_expires ON appointments_cache (expires_at);
CREATE INDEX idx_dialog_contexts_expires ON dialog_contexts (expires_at);
CREATE INDEX idx_dialog_contexts_context ON dialog_contexts USING gin (context);
CREATE INDEX idx_reminders_due ON reminders (remind_at) WHERE status = 'pending';
CREATE INDEX idx_messages_company_phone ON messages (company_id, phone, created_at DESC);
CREATE INDEX idx_whatsapp_keys_expires ON whatsapp_keys (expires_at) WHERE expires_at IS NOT NULL;

CREATE FUNCTION update_updated_at_column() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.updated_at = now();
    RETURN NEW;
END
$$;

CREATE TRIGGER update_companies_updated_at BEFORE UPDATE ON companies
    FOR EACH ROW EXECUTE FUNCTION update_updated_at_column();
CREATE TRIGGER update_clients_updated_at BEFORE UPDATE ON clients
    FOR EACH ROW EXECUTE FUNCTION update_updated_at_column();
CREATE TRIGGER update_services_updated_at BEFORE UPDATE ON services
    FOR EACH ROW EXECUTE FUNCTION update_updated_at_column();
CREATE TRIGGER update_staff_updated_at BEFORE UPDATE ON staff
    FOR EACH ROW EXECUTE FUNCTION update_updated_at_column();
CREATE TRIGGER update_staff_schedules_updated_at BEFORE UPDATE ON staff_schedules
    FOR EACH ROW EXECUTE FUNCTION update_updated_at_column();
CREATE TRIGGER update_bookings_updated_at BEFORE UPDATE ON bookings
    FOR EACH ROW EXECUTE FUNCTION update_updated_at_column();
CREATE TRIGGER update_dialog_contexts_updated_at BEFORE UPDATE ON dialog_contexts
    FOR EACH ROW EXECUTE FUNCTION update_updated_at_column();
CREATE TRIGGER update_reminders_updated_at BEFORE UPDATE ON reminders
    FOR EACH ROW EXECUTE FUNCTION update_updated_at_column();
CREATE TRIGGER update_sync_status_updated_at BEFORE UPDATE ON sync_status
    FOR EACH ROW EXECUTE FUNCTION update_updated_at_column();

-- Each of these answers the number of rows that it deleted.
CREATE FUNCTION cleanup_expired_appointments_cache() RETURNS integer LANGUAGE sql AS $$
    WITH gone AS (DELETE FROM appointments_cache WHERE expires_at < now() RETURNING 1)
    SELECT count(*)::integer FROM gone
$$;
CREATE FUNCTION cleanup_expired_dialog_contexts() RETURNS integer LANGUAGE sql AS $$
    WITH gone AS (DELETE FROM dialog_contexts WHERE expires_at < now() RETURNING 1)
    SELECT count(*)::integer FROM gone
$$;
CREATE FUNCTION cleanup_expired_whatsapp_keys() RETURNS integer LANGUAGE sql AS $$
    WITH gone AS (DELETE FROM whatsapp_keys WHERE expires_at < now() RETURNING 1)
    SELECT count(*)::integer FROM gone
$$;

-- clients has no total_spent: plpgsql looks columns up late, so this is created and fails when it is called.
CREATE FUNCTION get_company_statistics(p_company_id integer)
RETURNS TABLE (clients_total bigint, bookings_total bigint, revenue numeric)
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN QUERY
    SELECT (SELECT count(*) FROM clients c WHERE c.company_id = p_company_id),
           (SELECT count(*) FROM bookings b WHERE b.company_id = p_company_id),
           (SELECT sum(c.total_spent) FROM clients c WHERE c.company_id = p_company_id);
END
$$;

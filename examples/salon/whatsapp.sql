-- Fills the target's live WhatsApp session: 1 row of whatsapp_auth and 1,127 of whatsapp_keys, none of them a real key.
-- Buffers come as a list of bytes and as base64; one value has about 112 KB and does not compress.

INSERT INTO whatsapp_auth (company_id, creds, created_at, updated_at)
VALUES (
    'company_700123',
    jsonb_build_object(
        'me', jsonb_build_object('id', '79000000000:1@s.whatsapp.net', 'name', 'Синяя птица'),
        'registered', true,
        'noiseKey', jsonb_build_object('type', 'Buffer', 'data', encode(decode(md5('noise a') || md5('noise b'), 'hex'), 'base64')),
        'advSecretKey', 'synthetic',
        'signedPreKey', '{"keyId": 1, "keyPair": {"type": "Buffer", "data": [5, 0, 255, 128]}}'::jsonb,
        'accountSyncCounter', 1.0
    ),
    '2025-09-01 10:00:00+00', '2026-01-15 11:59:00.123456+00'
);

INSERT INTO whatsapp_keys (company_id, key_type, key_id, value, created_at, updated_at, expires_at)
SELECT
    company_id, key_type, key_id,
    CASE key_type
        WHEN 'lid-mapping' THEN to_jsonb('7900000' || lpad(n::text, 4, '0'))
        WHEN 'session' THEN jsonb_build_object('version', 'v1', '_sessions', jsonb_build_object(buffer ->> 'data', buffer))
        ELSE jsonb_build_object('public', buffer, 'private', buffer, 'n', n)
    END,
    timestamptz '2025-09-01 10:00:00+00' + interval '1 minute' * n,
    timestamptz '2026-01-14 10:00:00.000001+00' + interval '1 second' * n,
    CASE key_type WHEN 'session' THEN timestamptz '2036-01-01 00:00:00+00' END
FROM (
    SELECT 'company_700123' AS company_id, 'pre-key' AS key_type, n::text AS key_id, n FROM generate_series(1, 860) AS n
    UNION ALL
    SELECT '700123', 'pre-key', n::text, n FROM generate_series(1, 12) AS n
    UNION ALL
    SELECT 'company_700123', 'app-state-sync-key', n::text, n FROM generate_series(1, 10) AS n
    UNION ALL
    SELECT 'company_700123', 'session', '7900000' || lpad(n::text, 4, '0') || '.0', n FROM generate_series(1, 200) AS n
    UNION ALL
    SELECT 'company_700123', 'sender-key', '1200000000' || n || '@g.us::0', n FROM generate_series(1, 20) AS n
    UNION ALL
    SELECT 'company_700123', 'lid-mapping', 'lid ' || n, n FROM generate_series(1, 20) AS n
    UNION ALL
    SELECT 'company_700123', 'app-state-sync-version', name, n
    FROM unnest('{critical_block,critical_unblock_low,regular_high,regular_low}'::text[]) WITH ORDINALITY AS t (name, n)
) AS key
CROSS JOIN LATERAL (
    SELECT decode(md5(key_type || n) || md5(n || company_id), 'hex') AS bytes
) AS secret
CROSS JOIN LATERAL (
    SELECT jsonb_build_object(
        'type', 'Buffer',
        'data', CASE WHEN n % 3 = 0
                     THEN (SELECT jsonb_agg(get_byte(bytes, i) ORDER BY i) FROM generate_series(0, 31) AS i)
                     ELSE to_jsonb(encode(bytes, 'base64')) END) AS buffer
) AS encoded;

INSERT INTO whatsapp_keys (company_id, key_type, key_id, value, created_at, updated_at)
SELECT
    'company_700123', 'app-state-sync-version', 'regular',
    jsonb_build_object('version', 812, 'hash', jsonb_build_object(
        'type', 'Buffer',
        'data', replace(encode(decode(string_agg(md5('large ' || i), '' ORDER BY i), 'hex'), 'base64'), E'\n', ''))),
    '2025-09-01 10:00:00+00', '2026-01-15 11:58:00+00'
FROM generate_series(1, 5250) AS i;

ANALYZE whatsapp_auth, whatsapp_keys;

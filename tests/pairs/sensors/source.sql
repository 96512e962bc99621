CREATE TABLE dev (dev_id varchar(36) PRIMARY KEY, serial_no varchar(30) NOT NULL, lat double precision, lng double precision, fw varchar(20), installed_ms bigint, last_seen_ms bigint, batt_pct int, kind int NOT NULL, disabled boolean NOT NULL, tz varchar(40), weight_g int, meta text);
CREATE TABLE readings (dev_id varchar(36) NOT NULL, ts bigint NOT NULL, min_temp real, max_temp real, avg_temp real, hum real, payload text, dur_ms int, recv_ts bigint, PRIMARY KEY (dev_id, ts)) PARTITION BY RANGE (ts);
CREATE TABLE readings_a PARTITION OF readings FOR VALUES FROM (0) TO (1750000000000);
CREATE TABLE readings_b PARTITION OF readings FOR VALUES FROM (1750000000000) TO (9999999999999);
CREATE TABLE alerts (id bigint PRIMARY KEY, dev_id varchar(36) NOT NULL, raised int NOT NULL, cleared int, severity smallint NOT NULL, src_ip varchar(45), dst_ip varchar(45), from_state varchar(10), to_state varchar(10), acked_by varchar(60), ack boolean);
INSERT INTO dev SELECT '00000000-0000-4000-8000-' || lpad(i::text, 12, '0'), 'SN' || i, 50 + i * 0.01, 8 + i * 0.01, '1.' || i, 1700000000000 + i * 86400000::bigint, 1760000000000 + i * 1000, i % 100, i % 3, i % 9 = 0, 'Europe/Berlin', 200 + i, '{"a": ' || i || '}' FROM generate_series(1, 60) i;
INSERT INTO readings SELECT '00000000-0000-4000-8000-' || lpad((i % 60 + 1)::text, 12, '0'), 1749990000000 + i * 60000, i % 20, i % 20 + 10, i % 20 + 5, i % 100, '{"raw": [1, ' || i || ']}', i * 10, 1749990000500 + i * 60000 FROM generate_series(1, 400) i;
INSERT INTO alerts SELECT i, '00000000-0000-4000-8000-' || lpad((i % 60 + 1)::text, 12, '0'), 1750000000 + i, CASE WHEN i % 3 > 0 THEN 1750000900 + i END, i % 4, '10.0.0.' || i, '10.0.1.' || i, 'ok', 'alarm', 'op' || i % 4, i % 2 = 0 FROM generate_series(1, 120) i;
ANALYZE;

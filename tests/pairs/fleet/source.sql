CREATE TABLE driver (id int PRIMARY KEY, name text, phone text, mobile text, license text, hired date, fired date, rating numeric(3,1), status int, vendor_id int UNIQUE);
CREATE TABLE vehicle (id int PRIMARY KEY, plate text UNIQUE NOT NULL, driver_id int, height int, width int, length int, fuel text, odo_km int, state text, active int);
CREATE TABLE trip (id int PRIMARY KEY, driver_id int NOT NULL, backup_driver_id int, vehicle_id int NOT NULL, start_lat numeric(9,6), start_lon numeric(9,6), end_lat numeric(9,6), end_lon numeric(9,6), start_ts bigint, end_ts bigint, km int, price_total int, price_net int, tip int, cancelled_at timestamp, min_speed int, max_speed int, type text, code text, from_city text, to_city text);
INSERT INTO driver SELECT i,'D '||i,'030-'||i,'017-'||i,'L'||i,'2020-01-01',NULL,4.5,i%3,i+7000 FROM generate_series(1,40) i;
INSERT INTO vehicle SELECT i,'P-'||i,i,150,180,400,'diesel',i*1000,'ok',i%2 FROM generate_series(1,40) i;
INSERT INTO trip SELECT i,i%40+7001,CASE WHEN i%4=0 THEN i%9+7001 END,i%40+1,50,8,51,9,1750000000+i*60,1750000900+i*60,i,i*119,i*100,0,NULL,10,90,'city','T'||i,'A','B' FROM generate_series(1,300) i;

CREATE TABLE "DEPT" ("deptCd" varchar(6) PRIMARY KEY, "deptNm" varchar(60) NOT NULL, "upDeptCd" varchar(6), "mgrEmpNo" int);
CREATE TABLE "EMP" ("empNo" int PRIMARY KEY, "empNm" varchar(60) NOT NULL, "dob" varchar(8), "sexCd" char(1), "addr1" varchar(80), "addr2" varchar(80), "telHome" varchar(20), "telWork" varchar(20),
    "deptCd" varchar(6) NOT NULL, "mgrEmpNo" int, "hireDt" varchar(8), "termDt" varchar(8), "baseSal" varchar(12), "actvYn" char(1) NOT NULL, "ptYn" char(1), "bankAcctNo" varchar(34), "regDttm" timestamp, "updDttm" timestamp);
CREATE TABLE "PAYSLIP" ("empNo" int NOT NULL, "payYm" char(6) NOT NULL, "grossAmt" numeric(12,2) NOT NULL, "netAmt" numeric(12,2) NOT NULL, "taxAmt" numeric(12,2) NOT NULL, "workMin" int, "stCd" smallint NOT NULL, PRIMARY KEY ("empNo", "payYm"));
CREATE TABLE "LEAVE_REQ" ("reqId" int PRIMARY KEY, "empNo" int NOT NULL, "fromDt" date NOT NULL, "toDt" date NOT NULL, "reqDt" date NOT NULL, "aprvEmpNo" int, "rsn" varchar(200), "delYn" char(1) NOT NULL);
INSERT INTO "DEPT" SELECT 'D' || lpad(i::text, 3, '0'), 'Department ' || i, CASE WHEN i > 1 THEN 'D001' END, i FROM generate_series(1, 12) i;
INSERT INTO "EMP" SELECT i, 'Name ' || i, to_char('1970-01-01'::date + i * 40, 'YYYYMMDD'), (ARRAY['M', 'F'])[1 + i % 2], 'Street ' || i, 'Flat ' || i, '030-' || 10000 + i, '040-' || 20000 + i,
    'D' || lpad((i % 12 + 1)::text, 3, '0'), CASE WHEN i > 5 THEN i % 5 + 1 END, to_char('2010-01-01'::date + i * 9, 'YYYYMMDD'), CASE WHEN i % 13 = 0 THEN '20251231' END, (2000 + i * 10)::text || '.00',
    CASE WHEN i % 13 = 0 THEN 'N' ELSE 'Y' END, CASE WHEN i % 4 = 0 THEN 'Y' ELSE 'N' END, 'DE' || 10000000 + i, '2020-01-01', '2021-01-01' FROM generate_series(1, 150) i;
INSERT INTO "PAYSLIP" SELECT i % 150 + 1, '2025' || lpad((i / 150 + 1)::text, 2, '0'), 3000 + i, 2000 + i, 1000, 9600 + i, i % 3 + 1 FROM generate_series(0, 449) i;
INSERT INTO "LEAVE_REQ" SELECT i, i % 150 + 1, '2025-05-01'::date + i, '2025-05-10'::date + i, '2025-04-01'::date + i, i % 5 + 1, 'Reason ' || i, CASE WHEN i % 9 = 0 THEN 'Y' ELSE 'N' END FROM generate_series(1, 120) i;
ANALYZE;

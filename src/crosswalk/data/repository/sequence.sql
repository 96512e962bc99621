-- Returns one row where a column's sequence was moved on: to $3, and never back. $1 is the table, $2 its column.
SELECT pg_catalog.setval(owned.seqrelid::pg_catalog.regclass, $3::bigint)
FROM pg_catalog.pg_sequence AS owned
WHERE owned.seqrelid = pg_catalog.pg_get_serial_sequence($1::text, $2::text)::pg_catalog.regclass
  AND owned.seqincrement > 0
  AND $3::bigint <= owned.seqmax
  AND CASE
        WHEN pg_catalog.has_sequence_privilege(owned.seqrelid, 'UPDATE')
         AND pg_catalog.has_sequence_privilege(owned.seqrelid, 'SELECT, USAGE')
        THEN $3::bigint > coalesce(pg_catalog.pg_sequence_last_value(owned.seqrelid), owned.seqmin - 1)
        ELSE false
      END

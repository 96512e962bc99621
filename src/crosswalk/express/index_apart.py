"""A block that finds the rows of a table which an index refuses that is about to be built again. Pure.

CREATE INDEX names no row. So rows are put, a stretch of pages at a time, into an empty table of the same columns that has
the index; where that fails, one by one.
"""

from __future__ import annotations

import re
from typing import Final

from crosswalk.names import Name, literal
from crosswalk.sqlstates import blaming

MISFITS: Final = "pg_temp.cw_misfits"
"""(place, sqlstate, message) of each row that was refused alone."""
_TRIAL: Final = "pg_temp.cw_trial"
_ID: Final = r'(?:"(?:[^"]|"")+"|[a-z_][a-z0-9_]*)'
_MADE: Final = re.compile(rf"(CREATE INDEX {_ID} ON ){_ID}\.{_ID}( USING )")
_STRETCH: Final = 32
"""Pages that are tried at once."""


def trial(table: Name, restore: str) -> str:
    """CREATE the table in which rows are tried, with the index that `restore` makes, and the one for what is found."""
    made = _MADE.sub(lambda found: f"{found[1]}{_TRIAL}{found[2]}", restore, count=1)
    return (
        f"CREATE TEMPORARY TABLE cw_trial (LIKE {table.sql}) ON COMMIT DROP;\n{made};\n"
        "CREATE TEMPORARY TABLE cw_misfits (place tid, sqlstate text, message text) ON COMMIT DROP"
    )


def index_apart(table: Name) -> str:
    """Leave the rows that the trial's index refuses in `cw_misfits`."""
    within = """ctid >= pg_catalog.format('(%s,0)', "cw$low")::tid AND ctid < pg_catalog.format('(%s,0)', "cw$high")::tid"""
    said = 'GET STACKED DIAGNOSTICS "cw$state" = RETURNED_SQLSTATE, "cw$said" = MESSAGE_TEXT;'
    raised = f"""{said} IF NOT ({blaming('"cw$state"')}) THEN RAISE; END IF;"""
    return f"""DO $cw_apart$
DECLARE
    "cw$low" bigint; "cw$high" bigint; "cw$place" tid; "cw$state" text; "cw$said" text;
    "cw$pages" bigint := pg_catalog.pg_relation_size({literal(table.sql)}::pg_catalog.regclass)
        / pg_catalog.current_setting('block_size')::bigint;
BEGIN
    FOR "cw$low" IN SELECT pg_catalog.generate_series(0, "cw$pages", {_STRETCH}) LOOP
        "cw$high" := "cw$low" + {_STRETCH};
        BEGIN
            INSERT INTO {_TRIAL} SELECT * FROM ONLY {table.sql} WHERE {within};
        EXCEPTION WHEN OTHERS THEN
            {raised}
            FOR "cw$place" IN SELECT ctid FROM ONLY {table.sql} WHERE {within} LOOP
                BEGIN
                    INSERT INTO {_TRIAL} SELECT * FROM ONLY {table.sql} WHERE ctid = "cw$place";
                EXCEPTION WHEN OTHERS THEN
                    {raised}
                    INSERT INTO {MISFITS} VALUES ("cw$place", "cw$state", "cw$said");
                END;
            END LOOP;
        END;
        TRUNCATE {_TRIAL};
    END LOOP;
END $cw_apart$"""

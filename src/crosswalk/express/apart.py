"""Blocks that find the rows to blame inside the server: one statement where halving would ask thousands of times.

`landing_apart` runs on the target: it lands a stretch of the twin and leaves the refused rows in a table of its own.
`raising_apart` runs on the source, which is read-only: it names the rows for which a rule raises in a setting.
A `DO` block needs nothing but the language plpgsql, which every database has unless somebody took it away. Pure.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from crosswalk.express.casts import needs_no_cast, type_sql
from crosswalk.express.facts import Moment, Selection
from crosswalk.express.load import NUMBER, TWIN, Landing
from crosswalk.express.motion import Motion
from crosswalk.express.parts import Wire
from crosswalk.mapping import Take
from crosswalk.names import array_literal, literal, quote
from crosswalk.sqlstates import blaming

REFUSED: Final = "pg_temp.cw_refused"
CAME: Final = "crosswalk.came"
"""A setting of the transaction: how many rows a block added to the table."""
FOUND: Final = "crosswalk.found"
"""A setting of the transaction: what a block found, a line of json for each row."""
_FAN: Final = 8
"""Parts into which a stretch is cut whose error does not tell where it came from."""
_TOO_LARGE: Final = """"cw$state" = 'XX000' AND "cw$said" ~ '[0-9]{10}'"""
"""A row that would take over 1 GB ends in the allocator, as an internal error."""
_BLAMES: Final = f"""{blaming('"cw$state"')} OR {_TOO_LARGE}"""
_CAUGHT: Final = (
    'GET STACKED DIAGNOSTICS "cw$state" = RETURNED_SQLSTATE, "cw$said" = MESSAGE_TEXT,'
    ' "cw$constraint" = CONSTRAINT_NAME, "cw$column" = COLUMN_NAME;'
    f" IF NOT ({_BLAMES}) THEN RAISE; END IF;"
)
_SAID: Final = '"cw$state" text; "cw$said" text; "cw$constraint" text; "cw$column" text;'

_PLANS: Final = {
    "plan_cache_mode": "force_generic_plan",
    "enable_sort": "off",
    "enable_bitmapscan": "off",
    "enable_seqscan": "off",
}
"""Settings under which a stretch of the twin is read by number, in order, by one plan, however short it is."""
_SPLIT: Final = f"""
                "cw$step" := GREATEST(("cw$high" - "cw$low" + {_FAN}) / {_FAN}, 1);
                FOR "cw$part" IN REVERSE ("cw$high" - "cw$low") / "cw$step" .. 0 LOOP
                    "cw$lows" := "cw$lows" || ("cw$low" + "cw$part" * "cw$step");
                    "cw$highs" := "cw$highs" || LEAST("cw$low" + ("cw$part" + 1) * "cw$step" - 1, "cw$high");
                END LOOP;"""
_POP: Final = """"cw$depth" := COALESCE(pg_catalog.cardinality("cw$lows"), 0);
            EXIT WHEN "cw$depth" = 0;
            "cw$low" := "cw$lows"["cw$depth"];
            "cw$high" := "cw$highs"["cw$depth"];
            "cw$lows" := "cw$lows"[:"cw$depth" - 1];
            "cw$highs" := "cw$highs"[:"cw$depth" - 1];"""
"""Take the next stretch that waits."""
_REFUSED_OR_CUT: Final = f"""IF "cw$low" = "cw$high" THEN
                INSERT INTO {REFUSED} VALUES ("cw$low", "cw$state", "cw$said", "cw$constraint", "cw$column");
            ELSIF "cw$misled" < 3 AND "cw$at" >= "cw$low" AND "cw$at" < "cw$high" THEN
                "cw$blamed" := "cw$at";
                "cw$lows" := "cw$lows" || ARRAY["cw$at" + 1, "cw$at"];
                "cw$highs" := "cw$highs" || ARRAY["cw$high", "cw$at"];
                IF "cw$at" > "cw$low" THEN
                    "cw$lows" := "cw$lows" || "cw$low";
                    "cw$highs" := "cw$highs" || ("cw$at" - 1);
                END IF;
            ELSE
                {_SPLIT}
            END IF;"""
_PAGE: Final = 512
"""Rows of the source that are asked about at a time."""
SPEAKS: Final = """
SELECT EXISTS (SELECT FROM pg_catalog.pg_language
               WHERE lanname = 'plpgsql' AND pg_catalog.has_language_privilege(oid, 'USAGE'))
"""
"""Whether blocks can be run."""


def _block(body: str) -> str:
    """A DO statement. Rules may name columns like PL/pgSQL's own variables (`found`): then the column is meant."""
    tag = "cw"
    while f"${tag}$" in body:
        tag += "_"
    return f"DO ${tag}$\n#variable_conflict use_column\n{body} ${tag}$"


def make_refused() -> str:
    """CREATE the table in which `landing_apart` leaves the numbers of refused rows, and why."""
    return (
        "CREATE TEMPORARY TABLE IF NOT EXISTS cw_refused (number bigint, sqlstate text, message text,"
        f" constraint_name text, column_name text) ON COMMIT DROP; TRUNCATE {REFUSED}"
    )


def landing_apart(landing: Landing, span: tuple[int, int], *, fresh: bool, parts: int = 1) -> str:
    """Land a stretch of the twin, first cut into `parts`; what is refused alone goes to `cw_refused`.

    Each row is marked as it is taken: where a statement fails in the middle, the last one marked is most likely to
    blame, and is tried alone. Where it fails at its end (a constraint trigger, a foreign key), or where marks misled,
    the stretch is cut into parts. A row is refused only where it was refused alone.
    """
    write = [landing.update("within")] if not fresh else []
    write.append(landing.insert("within", fresh=fresh))
    write.append('GET DIAGNOSTICS "cw$count" = ROW_COUNT')
    write += ["SET CONSTRAINTS ALL IMMEDIATE"] if landing.has_deferred else []
    statements = "; ".join(w for w in write if w)
    mark = f"pg_catalog.pg_get_serial_sequence({literal(f'pg_temp.{TWIN}')}, {literal(NUMBER.strip(chr(34)))})"
    return _block(f"""DECLARE
    "cw$lows" bigint[]; "cw$highs" bigint[]; "cw$low" bigint; "cw$high" bigint; "cw$depth" int; "cw$step" bigint;
    "cw$at" bigint; "cw$blamed" bigint; "cw$misled" int := 0; "cw$count" bigint; "cw$came" bigint := 0; {_SAID}
    "cw$mark" pg_catalog.regclass := {mark};
    "cw$plans" text[] := ARRAY[{", ".join(f"pg_catalog.current_setting({literal(name)})" for name in _PLANS)}];
BEGIN
    PERFORM {", ".join(f"pg_catalog.set_config({literal(name)}, {literal(value)}, true)" for name, value in _PLANS.items())};
    "cw$step" := GREATEST(({span[1]} - {span[0]} + {parts})::bigint / {parts}, 1);
    SELECT array_agg(low ORDER BY low DESC), array_agg(LEAST(low + "cw$step" - 1, {span[1]}) ORDER BY low DESC)
    INTO "cw$lows", "cw$highs" FROM pg_catalog.generate_series({span[0]}::bigint, {span[1]}::bigint, "cw$step") AS low;
    LOOP
        {_POP}
        BEGIN
            {statements};
            "cw$came" := "cw$came" + "cw$count";
            IF "cw$low" = "cw$high" AND "cw$low" = "cw$blamed" THEN
                "cw$misled" := "cw$misled" + 1;
            END IF;
        EXCEPTION WHEN OTHERS OR ASSERT_FAILURE THEN
            {_CAUGHT}
            "cw$at" := pg_catalog.pg_sequence_last_value("cw$mark");
            {_REFUSED_OR_CUT}
        END;
    END LOOP;
    PERFORM {", ".join(f'pg_catalog.set_config({literal(n)}, "cw$plans"[{i}], true)' for i, n in enumerate(_PLANS, 1))};
    PERFORM pg_catalog.set_config({literal(CAME)}, "cw$came"::text, true);
END""")


def raising_apart(motion: Motion, query: Callable[[Selection], str], selection: Selection, *, joins: bool) -> str:
    """Ask a query over some rows at a time; those that it raises for alone are named in the setting FOUND.

    In one pass in the order of the identity: a page that raises is cut into parts. The query is planned once, unless it
    `joins`: a plan that reads a whole parent may do for a page, and not for each row.
    """
    plans = literal("auto" if joins else "force_generic_plan")
    kinds = [type_sql(kind) for _, kind in motion.identity]
    places = range(len(kinds))
    declared = " ".join(f'"cw$first{i}" {k}; "cw$last{i}" {k}; "cw$keys{i}" {k}[];' for i, k in enumerate(kinds))
    gather = "".join(f'"cw$keys{i}" := pg_catalog.array_append("cw$keys{i}", "cw$next"."cw$k{i}"); ' for i in places)
    drain = _asking(query(Selection(between=True)), places)
    return _block(f"""DECLARE
    {declared} "cw$next" record; "cw$count" int := 0; "cw$lows" int[]; "cw$highs" int[]; "cw$low" int; "cw$high" int;
    "cw$depth" int; "cw$step" int; "cw$answer" numeric; "cw$found" text[] := '{{}}'; {_SAID}
    "cw$plans" text := pg_catalog.current_setting('plan_cache_mode');
BEGIN
    PERFORM pg_catalog.set_config('plan_cache_mode', {plans}, true);
    FOR "cw$next" IN {motion.identities(selection)} LOOP
        {gather}
        "cw$count" := "cw$count" + 1;
        IF "cw$count" = {_PAGE} THEN {drain}
        END IF;
    END LOOP;
    {drain}
    PERFORM pg_catalog.set_config('plan_cache_mode', "cw$plans", true);
    PERFORM pg_catalog.set_config({literal(FOUND)}, pg_catalog.array_to_string("cw$found", E'\n'), true);
END""")


def _asking(query: str, places: range) -> str:
    """Ask about the rows that were gathered, then about parts of them; `places` are those of the identity's columns."""
    ends = "".join(f'"cw$first{i}" := "cw$keys{i}"["cw$low"]; "cw$last{i}" := "cw$keys{i}"["cw$high"]; ' for i in places)
    forget = "".join(f"\"cw$keys{i}\" := '{{}}'; " for i in places)
    key = ", ".join(f'"cw$first{i}"::pg_catalog.text' for i in places)
    return f"""
        "cw$lows" := CASE WHEN "cw$count" > 0 THEN ARRAY[1] END;
        "cw$highs" := ARRAY["cw$count"];
        LOOP
            {_POP}
            BEGIN
                {ends}
                "cw$answer" := ({query});
            EXCEPTION WHEN OTHERS OR ASSERT_FAILURE THEN
                {_CAUGHT}
                IF "cw$low" = "cw$high" THEN
                    "cw$found" := pg_catalog.array_append("cw$found",
                        pg_catalog.json_build_array(pg_catalog.json_build_array({key}), "cw$state", "cw$said")::text);
                ELSE
                    {_SPLIT}
                END IF;
            END;
        END LOOP;
        "cw$count" := 0;
        {forget}"""


def carried_key(motion: Motion) -> list[str] | None:
    """The source row's identity as texts, over a row of the twin that came without it; None where it is not carried."""
    carried = {}
    for fed in motion.fed:
        rule = motion.mapping.columns[fed.column.name]
        if isinstance(rule, Take) and isinstance(fed.via, Wire):
            have = motion.source.column(rule.column)
            if have is not None and needs_no_cast(have.type, fed.column.type):
                carried[rule.column] = f"{quote(fed.via.name)}::text"
    names = [name for name, _ in motion.identity]
    return [carried[name] for name in names] if not motion.unnests and all(n in carried for n in names) else None


def found_by_key(motion: Motion, target_keys: list[str], selection: Selection, moment: Moment) -> str:
    """(target key as jsonb text, source key in texts) of the selection's rows that go to the given target keys."""
    listed = ", ".join(f"{quote(w.name)}::pg_catalog.text" for w in motion.key_wires)
    wanted = f"{array_literal(target_keys)}::pg_catalog.text[]::pg_catalog.jsonb[]"
    return (
        f'SELECT "cw$key"::pg_catalog.text, {listed} FROM (SELECT *, {motion.target_key_json()} AS "cw$key"'
        f' FROM ({motion.fitting(selection, moment)}) AS "cw$fitting") AS "cw$named" WHERE "cw$key" = ANY ({wanted})'
    )

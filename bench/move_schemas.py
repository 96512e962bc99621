"""The schemas that are moved: what they are for, how they are made and filled on the server, what may be mapped of them.

A row is a function of its number, so the same sizes give the same rows. Each schema has a size for
`--quick`, at which the whole benchmark takes minutes, and one in full.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from bench.move_servers import SQL, Database
from crosswalk.names import literal
from examples.salon.data import HERE as SALON
from examples.salon.data import Sizes

Scripts = Iterator[tuple[str, Mapping[str, object]]]
"""Each with its psql variables."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """A lookup of the mapped variants: a column that holds a number of another table comes to hold its id."""

    table: str
    column: str
    of: str
    """The table that is searched; `id` is taken."""
    match: Mapping[str, str]
    """Its columns: those of `table` that they are compared with."""
    missing: str = "fail"


@dataclass(frozen=True, slots=True, kw_only=True)
class Schema:
    """One schema to be moved."""

    name: str
    about: str
    scripts: Callable[[int], Scripts]
    quick: int
    full: int
    searches: tuple[Search, ...] = ()
    folds: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By table: columns that the third variant folds into one jsonb."""
    rekeyed: str = ""
    """What the mapped variants do to foreign keys whose column comes to hold an id."""
    small: bool = False
    """Of many small tables: its ratios stand apart."""

    @property
    def mapped(self) -> bool:
        return bool(self.searches)

    def build(self, database: Database, size: int) -> None:
        """Make and fill it in an empty database."""
        for script, variables in self.scripts(size):
            database.psql(script, **variables)
        database.psql("VACUUM (ANALYZE)")


def _file(name: str) -> Callable[[int], Scripts]:
    def scripts(size: int) -> Scripts:
        yield (SQL / name).read_text(), {"rows": size}

    return scripts


# --- the salon ----------------------------------------------------------------------------------


def _salon(bookings: Callable[[int], int]) -> Callable[[int], Scripts]:
    """So many clients, with more bookings than the salon's own proportion gives."""

    def scripts(size: int) -> Scripts:
        counts = replace(Sizes.of(size), bookings=bookings(size)).by_table()
        counts["rows"] = counts.pop("clients")
        settings = [f"SELECT set_config('salon.{name}', {literal(str(n))}, true) \\g /dev/null" for name, n in counts.items()]
        texts = [(SALON / name).read_text("utf-8") for name in ("legacy.sql", "data_default.sql")]
        yield "\n".join(["BEGIN;", *settings, *texts, "COMMIT;"]), {}

    return scripts


SALON_SEARCHES: Final = (
    *(
        Search(table=table, column="company_id", of="companies", match={"company_id": "company_id"})
        for table in ("clients", "services", "staff", "bookings")
    ),
    Search(table="bookings", column="staff_id", of="staff", match={"yclients_id": "staff_id"}, missing="null"),
    Search(
        table="bookings",
        column="client_yclients_id",
        of="clients",
        match={"yclients_id": "client_yclients_id", "company_id": "company_id"},
        missing="null",
    ),
)
SALON_FOLDS: Final = {
    "clients": (
        "raw_phone", "source", "preferences", "loyalty_level", "client_segment", "average_bill", "blacklisted",
        "created_by_ai", "ai_messages_count", "goods_count",
    ),
    "bookings": ("client_name", "staff_name", "visit_attendance", "online", "record_hash", "created_by_bot"),
}  # fmt: skip

# --- wide ---------------------------------------------------------------------------------------

WIDE: Final = (
    ("integer", "die % 1000000"),
    ("bigint", "die * 7919"),
    ("smallint", "die % 30000"),
    ("numeric(12,2)", "(die % 100000000) / 100.0"),
    ("double precision", "die / 7.0"),
    ("boolean", "die % 2 = 0"),
    ("text", "'text ' || md5((die + {n})::text)"),
    ("varchar(40)", "'word ' || (die + {n}) % 9973"),
    ("timestamp", "timestamp '2020-01-01' + interval '1 second' * (die % 150000000)"),
    ("timestamptz", "timestamptz '2020-01-01 00:00Z' + interval '1 second' * (die % 150000000)"),
    ("date", "date '2000-01-01' + (die % 9000)::integer"),
    ("uuid", "md5((die + {n})::text)::uuid"),
)
"""Types of the wide table's columns, each with a value over `die` and the column's number."""
COLUMNS: Final = 120


def _wide(size: int) -> Scripts:
    kinds = [(f"c{n:03}", *WIDE[n % len(WIDE)]) for n in range(1, COLUMNS - 2)]
    columns = ",\n".join(f"{name} {kind}" for name, kind, _ in kinds)
    values = ",\n".join(
        # Every fifth column is NULL in every fourth row, each in other ones.
        (f"CASE WHEN (die + {n}) % 4 <> 0 THEN {value} END" if n % 5 == 0 else value).format(n=n)
        for n, (_, _, value) in enumerate(kinds, 1)
    )
    yield f"""
        CREATE TABLE region (id integer GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
            no integer NOT NULL CONSTRAINT region_no_key UNIQUE, name text NOT NULL);
        CREATE TABLE wide (id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, code text NOT NULL,
            region_no integer NOT NULL CONSTRAINT wide_region_no_fkey REFERENCES region (no),
            {columns});
        INSERT INTO region (no, name) SELECT 700000 + i * 13, 'region ' || i FROM generate_series(1, 1000) AS i;
        INSERT INTO wide (code, region_no, {", ".join(name for name, _, _ in kinds)})
        SELECT 'code ' || i, 700000 + (1 + die % 1000) * 13, {values}
        FROM (SELECT i, abs(hashint8(i)::bigint) AS die FROM generate_series(1, :rows) AS i) AS dice;
        ALTER TABLE wide ADD CONSTRAINT wide_code_key UNIQUE (code);
        CREATE INDEX wide_region_idx ON wide (region_no);
        CREATE INDEX wide_first_idx ON wide (c001);
        CREATE INDEX wide_time_idx ON wide (c008, c001);
        CREATE INDEX wide_word_idx ON wide (c007) WHERE c005;
        CREATE INDEX wide_uuid_idx ON wide (c011);
        """, {"rows": size}


WIDE_FOLDS: Final = {"wide": tuple(f"c{n:03}" for n in range(61, 85))}

# --- many small tables --------------------------------------------------------------------------

FAMILY: Final = 10
"""Tables in a row of which each refers to the one before."""
TOGETHER: Final = 100
"""Tables made in one script."""


def _many(size: int) -> Scripts:
    for start in range(0, size, TOGETHER):
        yield "\n".join(["BEGIN;", *(_small(n) for n in range(start, min(start + TOGETHER, size))), "COMMIT;"]), {}


def _small(number: int) -> str:
    name = f"t{number:04}"
    parent = f"REFERENCES t{number - 1:04} (id)" if number % FAMILY else ""
    return f"""
        CREATE TABLE {name} (id serial PRIMARY KEY, parent integer {parent}, code text NOT NULL UNIQUE,
            state varchar(20) NOT NULL DEFAULT 'open', amount numeric(10,2), due date, data jsonb NOT NULL DEFAULT '{{}}',
            created timestamptz NOT NULL DEFAULT '2024-01-01 00:00Z', CHECK (amount >= 0));
        INSERT INTO {name} (parent, code, amount, due, data)
        SELECT i, 'code ' || i, i * 1.5, date '2024-01-01' + i, jsonb_build_object('row', i)
        FROM generate_series(1, {20 + number % 60}) AS i
        {"WHERE i <= 20" if number % FAMILY else ""};
        CREATE INDEX {name}_due_idx ON {name} (due);
        CREATE INDEX {name}_state_idx ON {name} (state, created);"""


# --- all of them --------------------------------------------------------------------------------


def _to_id(table: str, column: str, of: str) -> str:
    """The foreign key of a column that comes to hold an id."""
    return (
        f"ALTER TABLE {table} DROP CONSTRAINT {table}_{column}_fkey,"
        f" ADD CONSTRAINT {table}_{column}_fkey FOREIGN KEY ({column}) REFERENCES {of} (id)"
    )


ALL: Final = (
    Schema(
        name="salon",
        about="the salon's seven tables: clients with arrays and jsonb, twice as many bookings",
        scripts=_salon(lambda clients: 2 * clients),
        quick=150_000,
        full=1_000_000,
        searches=SALON_SEARCHES,
        folds=SALON_FOLDS,
    ),
    Schema(
        name="salon5m",
        about="the salon with more clients than bookings",
        scripts=_salon(lambda clients: 2 * clients // 5),
        quick=0,
        full=5_000_000,
    ),
    Schema(
        name="wide",
        about=f"{COLUMNS} columns of mixed types, seven indexes",
        scripts=_wide,
        quick=100_000,
        full=400_000,
        searches=(Search(table="wide", column="region_no", of="region", match={"no": "region_no"}),),
        folds=WIDE_FOLDS,
        rekeyed=_to_id("wide", "region_no", "region"),
    ),
    Schema(
        name="narrow",
        about="three integers a row, two indexes, a foreign key",
        scripts=_file("narrow.sql"),
        quick=2_500_000,
        full=20_000_000,
        searches=(Search(table="reading", column="sensor_no", of="sensor", match={"no": "sensor_no"}),),
        rekeyed=_to_id("reading", "sensor_no", "sensor"),
    ),
    Schema(
        name="jsonb",
        about="about a kilobyte of jsonb a row, a GIN index",
        scripts=_file("jsonb.sql"),
        quick=200_000,
        full=1_000_000,
        searches=(Search(table="event", column="tenant_no", of="tenant", match={"no": "tenant_no"}),),
        folds={"event": ("actor", "channel", "tries")},
        rekeyed=_to_id("event", "tenant_no", "tenant"),
    ),
    Schema(
        name="toast",
        about="text and bytea of 5 to 100 kB a row, most of it incompressible",
        scripts=_file("toast.sql"),
        quick=8_000,
        full=40_000,
    ),
    Schema(
        name="many",
        about="small tables, each with four indexes and a sequence, nine of ten with a foreign key",
        scripts=_many,
        quick=300,
        full=2_000,
        small=True,
    ),
)

"""Built-in types by name: which travel in binary, which lose what. Names only, no catalog.

Sources: PostgreSQL's pg_type.dat and the send/receive functions named there. OIDs of built-in types
are the same on all servers (below 16384 by pg_type.dat), which is what makes their arrays and
records comparable between two servers.
"""

from __future__ import annotations

from typing import Final

INTEGERS: Final = {"int2": (-(2**15), 2**15 - 1), "int4": (-(2**31), 2**31 - 1), "int8": (-(2**63), 2**63 - 1)}
"""Range of each integer type."""

FLOATS: Final = frozenset({"float4", "float8"})
NUMBERS: Final = frozenset({*INTEGERS, *FLOATS, "numeric"})
STRINGS: Final = frozenset({"text", "varchar", "bpchar", "name", "char"})
ZONED: Final = frozenset({"timestamptz"})
WALL_CLOCKS: Final = frozenset({"timestamp", "date"})
TIMES: Final = frozenset({"timestamp", "timestamptz", "time", "timetz", "interval"})
DOCUMENTS: Final = frozenset({"json", "jsonb"})
NETWORKS: Final = frozenset({"inet", "cidr"})
BITS: Final = frozenset({"bit", "varbit"})

BINARY_SAFE: Final = frozenset(
    [
        "bool",
        "bytea",
        "char",
        "name",
        "int2",
        "int4",
        "int8",
        "float4",
        "float8",
        "numeric",
        "money",
        "text",
        "varchar",
        "bpchar",
        "json",
        "jsonb",
        "jsonpath",
        "date",
        "time",
        "timetz",
        "timestamp",
        "timestamptz",
        "interval",
        "uuid",
        "bit",
        "varbit",
        "inet",
        "cidr",
        "macaddr",
        "macaddr8",
        "oid",
        "pg_lsn",
        "point",
        "line",
        "lseg",
        "box",
        "path",
        "polygon",
        "circle",
        "tsvector",
        "int4range",
        "int8range",
        "numrange",
        "tsrange",
        "tstzrange",
        "daterange",
        "int4multirange",
        "int8multirange",
        "nummultirange",
        "tsmultirange",
        "tstzmultirange",
        "datemultirange",
    ]
)
"""Types whose binary form is the same on every server from 14 on, whatever its settings.

tsquery is none of them: no server takes the binary form of an empty one."""

TEXT_ON_THE_WIRE: Final = frozenset(
    [
        "xml",
        "aclitem",
        "regclass",
        "regcollation",
        "regconfig",
        "regdictionary",
        "regnamespace",
        "regoper",
        "regoperator",
        "regproc",
        "regprocedure",
        "regrole",
        "regtype",
        "tid",
        "xid",
        "xid8",
        "cid",
        "pg_snapshot",
        "txid_snapshot",
    ]
)
"""Built-in types that travel as text: their binary form holds an OID, a declaration, or does not exist."""

UNLIMITED: Final = -1
VARHDRSZ: Final = 4


def numeric_limits(modifier: int) -> tuple[int, int] | None:
    """(precision, scale) of a numeric's type modifier; None where it has none. Scale may be negative from 15 on."""
    if modifier < VARHDRSZ:
        return None
    bits = modifier - VARHDRSZ
    scale = bits & 0x7FF
    return (bits >> 16) & 0xFFFF, scale - 0x800 if scale & 0x400 else scale


def length_limit(name: str, modifier: int) -> int | None:
    """Characters (or bits) that a varchar, char, bit or varbit of that modifier may hold; None: no limit."""
    if modifier == UNLIMITED:
        return None
    if name in {"varchar", "bpchar"}:
        return modifier - VARHDRSZ
    return modifier if name in BITS else None


def second_digits(name: str, modifier: int) -> int | None:
    """Digits after the second that a time type of that modifier keeps; None: all six."""
    if modifier == UNLIMITED or name not in TIMES:
        return None
    digits = modifier & 0xFFFF if name == "interval" else modifier
    return digits if digits <= 6 else None

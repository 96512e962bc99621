"""The vocabulary of `bench.manytables`: areas, nouns, and columns with their values, types and other names."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Final

AREAS: Final = (
    "sales", "stock", "fleet", "claims", "care", "school", "farm", "energy", "rail", "port", "museum", "mining",
    "press", "print", "audio", "video", "games", "travel", "hotel", "food", "water", "waste", "steel", "paper",
    "chem", "bank", "fund", "tax", "audit", "legal",
)  # fmt: skip
NOUNS: Final = (
    "order", "invoice", "shipment", "contract", "ticket", "asset", "device", "route", "batch", "vendor", "permit",
)  # fmt: skip
QUALIFIERS: Final = ("", "", "", "billing_", "delivery_", "home_", "default_", "external_", "former_", "second_")


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of column."""

    name: str
    synonym: str
    type: str
    wider: str
    """A type that holds every value."""
    value: str
    """SQL over the row's number `i`."""
    filler: str
    """A value that is not NULL."""
    narrow: str = ""
    """A type that is too short for `too_long`."""
    too_long: str = ""
    check: str = ""
    """What a sane value is, as the right side of a comparison."""
    insane: str = ""


def _text(name: str, synonym: str, value: str) -> Kind:
    return Kind(
        name=name, synonym=synonym, type="text", wider="varchar(200)", value=value, filler="''", narrow="varchar(60)",
        too_long="repeat('too long ', 9)",
    )  # fmt: skip


def _number(name: str, synonym: str, kind: str, wider: str, value: str) -> Kind:
    return Kind(
        name=name, synonym=synonym, type=kind, wider=wider, value=value, filler="0", check=">= 0", insane="-5"
    )


def _other(name: str, synonym: str, kind: str, value: str, filler: str, wider: str = "") -> Kind:
    return Kind(name=name, synonym=synonym, type=kind, wider=wider or kind, value=value, filler=filler)


KINDS: Final = (
    _text("email", "email_address", "'user' || i || '@example.org'"),
    _text("phone", "phone_number", "'+49' || (1000000 + i * 37)"),
    _text("city", "town", "(ARRAY['Oslo', 'Lima', 'Pune', 'Bonn', 'Cork'])[i % 5 + 1]"),
    _text("street", "street_line", "'Street ' || i"),
    _text("zip", "postal_code", "lpad((i * 7)::text, 5, '0')"),
    _text("description", "details", "'description ' || md5(i::text)"),
    _text("note", "remark", "CASE WHEN i % 3 = 0 THEN 'note ' || md5(i::text) END"),
    _text("url", "link", "'https://example.org/' || i"),
    _text("label", "caption", "'label ' || i % 17"),
    _text("contact", "contact_name", "'Person ' || i"),
    _number("quantity", "qty", "integer", "bigint", "i % 40"),
    _number("weight", "weight_kg", "numeric(12,3)", "numeric(16,3)", "i * 1.125"),
    _number("priority", "prio", "smallint", "integer", "i % 5"),
    _number("rating", "score", "double precision", "double precision", "i / 8.0"),
    _number("price", "unit_price", "numeric(10,2)", "numeric(14,2)", "i * 1.25"),
    _number("capacity", "max_load", "bigint", "bigint", "i * 1000"),
    _other("is_active", "active", "boolean", "i % 7 > 0", "true"),
    _other("is_locked", "locked", "boolean", "i % 11 = 0", "false"),
    _other("payload", "data", "jsonb", "jsonb_build_object('n', i, 'kind', 'k' || i % 4)", "'{}'"),
    _other("tags", "labels", "text[]", "ARRAY['a' || i % 3, 'b']", "'{}'"),
    _other("due_on", "due_date", "date", "date '2024-02-01' + i", "'2024-01-01'"),
    _other("opens_at", "opening_time", "time", "time '08:00' + i % 60 * interval '1 minute'", "'08:00'"),
    _other("token", "public_id", "uuid", "md5(i::text)::uuid", "md5('')::uuid"),
    _other("currency", "currency_code", "varchar(3)", "(ARRAY['EUR', 'USD', 'NOK'])[i % 3 + 1]", "'EUR'", "text"),
    _other("language", "locale", "varchar(5)", "(ARRAY['de', 'en', 'nb'])[i % 3 + 1]", "'en'", "varchar(10)"),
    _other("checksum", "digest", "bytea", "decode(md5(i::text), 'hex')", "''"),
)


def area(number: int) -> str:
    """The name of an area; the list begins anew with a number behind."""
    rounds, place = divmod(number, len(AREAS))
    return AREAS[place] + (str(rounds + 1) if rounds else "")


def pick(random: Random, count: int) -> list[tuple[str, Kind]]:
    """So many columns with different names."""
    found: dict[str, Kind] = {}
    while len(found) < count:
        kind = random.choice(KINDS)
        found.setdefault(random.choice(QUALIFIERS) + kind.name, kind)
    return list(found.items())


def singular(table: str) -> str:
    """`public.sales_order_items` → `order_item`."""
    return table.rpartition(".")[2].partition("_")[2].removesuffix("s")


def renamed(table: str) -> str:
    """Another name for the same thing."""
    for old, new in (("_items", "_lines"), ("_notes", "_remarks"), ("_events", "_log"), ("_audit", "_history")):
        if table.endswith(old):
            return table.removesuffix(old) + new
    return table.removesuffix("s")

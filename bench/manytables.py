"""A source and a target schema of many tables, made up but alike to real ones, and the document between them.

Areas of a business, each with its accounts and families of tables (orders, order_items,
order_item_notes, order_events, order_audit …); a few areas are tenants, that is copies of one another.
Between the two sides tables and columns are renamed, retyped, merged, dropped; clocks lose their zone,
units change, ids become numbers of a vendor or are given anew. The same arguments give the same texts.

Many tables hold rows that do not fit, and `Pair` knows how many and why. Children refer to
the first ten rows of their parents, and only later rows are dirty, so that no loss takes others along.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass
from random import Random
from typing import Final

from bench import words
from bench.made import Area, Column, Reason, Style, Table, document_of, flow, source_sql, target_sql
from bench.words import Kind
from crosswalk.connect import session

STYLES: Final[tuple[Style, ...]] = ("kept", "kept", "vendor", "anew")
REFERRED: Final = 10
"""Children refer to rows 1 to 10."""
ZONES: Final = ("Europe/Berlin", "America/New_York", "Asia/Tokyo", "UTC")
STATES: Final = ("open", "paid", "done", "void")
NEW_STATES: Final = ("pending", "settled", "finished", "cancelled")


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two schemas with rows in the source, and what must come of them."""

    source: tuple[str, ...]
    """Scripts, each short enough for one transaction's locks."""
    target: tuple[str, ...]
    document: str
    """The true mapping document."""
    tables: int
    """Mapped tables."""
    rows: int
    """Rows of the mapped source tables."""
    quarantined: Counter[Reason]
    merged: int


def generate(*, tables: int = 1000, seed: int = 1, rows: tuple[int, int] = (20, 200)) -> Pair:
    """So many mapped tables (and two that are not), with rows each between the two bounds (at least 20)."""
    made: list[Table] = []
    source = ["CREATE TABLE public.import_scratch (line text, loaded_at timestamp)"]
    target = [
        "CREATE TABLE public.live_sessions (id bigint PRIMARY KEY, state jsonb NOT NULL);"
        " INSERT INTO public.live_sessions SELECT i, '{}' FROM generate_series(1, 25) AS i"
    ]
    for number in range(tables):
        area = _area(number, seed)
        target.append(_area_sql(area))
        for noun in words.NOUNS[: 6 + number % 5]:
            _family(area, noun, rows)
        for table in area.tables[: tables - len(made)]:
            made.append(table)
            source.append(source_sql(table))
            target.append(target_sql(table))
        if len(made) == tables:
            break
    return Pair(
        source=tuple(source),
        target=tuple(target),
        document=document_of(made),
        tables=len(made),
        rows=sum(t.rows for t in made),
        quarantined=sum((t.reasons for t in made), Counter()),
        merged=sum(t.merges for t in made),
    )


async def build(pair: Pair, source: str, target: str) -> None:
    """Make both schemas and the rows, at the same time."""

    async def one(url: str, scripts: tuple[str, ...]) -> None:
        async with session("target", url, purpose="bench") as opened:
            for script in scripts:
                await opened.execute(script, what="the made-up schema")
            await opened.execute("ANALYZE", what="ANALYZE")

    await asyncio.gather(one(source, pair.source), one(target, pair.target))


# --- areas and families -------------------------------------------------------------------------


def _area(number: int, seed: int) -> Area:
    """The first four areas are tenants and differ in nothing but their names; they share the seed of the first."""
    tenants = 4
    name = f"t{number + 1:02d}" if number < tenants else words.area(number - tenants)
    random = Random(f"{seed}:{max(number, tenants - 1)}")
    schema = name if random.random() < 0.3 else None
    return Area(name=name, random=random, schema=schema, zone=random.choice(ZONES))


def _area_sql(area: Area) -> str:
    lines = [f"CREATE SCHEMA {area.schema}"] if area.schema else []
    labels = ", ".join(f"'{label}'" for label in NEW_STATES)
    lines.append(f"CREATE TYPE public.{area.name}_state AS ENUM ({labels})")
    lines.append(
        f"CREATE FUNCTION public.{area.name}_touch() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN NEW.changed_on := current_date; RETURN NEW; END $$"
    )
    return ";\n".join(lines)


def _family(area: Area, noun: str, rows: tuple[int, int]) -> None:
    """A noun's tables; the area's first family begins with its accounts."""
    if not area.tables:
        _root(area, "account", rows, parent=None, style="vendor")
    account = area.tables[0]
    root = _root(area, noun, rows, parent=account, style=area.random.choice(STYLES))
    wanted = area.random.sample(["items", "events", "audit", "tags", "settings"], k=area.random.randint(1, 4))
    if "items" in wanted:
        items = _child(area, f"{noun}_items", rows, parent=root, account=account)
        if area.random.random() < 0.7:
            _child(area, f"{noun}_item_notes", rows, parent=items, account=None)
    if "events" in wanted:
        _events(area, f"{noun}_events", rows, parent=root)
    if "audit" in wanted:
        _audit(area, f"{noun}_audit", rows, of=root)
    if "tags" in wanted:
        _tags(area, f"{noun}_tags", rows, parent=root)
    if "settings" in wanted:
        _child(area, f"{noun}_settings", rows, parent=root, account=None)


def _begin(area: Area, plain: str, rows: tuple[int, int], *, style: Style = "kept") -> Table:
    name, new = area.names(plain)
    if area.random.random() < 0.15:
        new = words.renamed(new)
    count = area.random.randint(max(rows[0], 20), rows[1])
    table = Table(
        name=name, new=new, key=["id"], source_key=["id"], target_key=["id"], rows=count, style=style,
        free=iter(range(REFERRED + 2, count + 1)),
    )  # fmt: skip
    area.tables.append(table)
    return table


def _root(area: Area, noun: str, rows: tuple[int, int], *, parent: Table | None, style: Style) -> Table:
    table = _begin(area, f"{noun}s", rows, style=style)
    table.comment = f"one row for each {noun}"
    _identity(table)
    if style == "vendor":
        table.columns.append(
            Column(
                name="vendor_no", source="bigint NOT NULL UNIQUE", value="700000 + i * 13", new=f"vendor_{noun}_no",
                target="bigint NOT NULL UNIQUE", rule="vendor_no", comment="the vendor's own number",
            )
        )  # fmt: skip
    if style == "anew":
        table.merges = area.random.random() < 0.3
        twice = next(table.free) if table.merges else 0
        table.columns.append(
            Column(
                name="code", source="text NOT NULL" if table.merges else "text NOT NULL UNIQUE",
                value=f"'{noun[:3].upper()}-' || CASE WHEN i = {twice} THEN {REFERRED + 1} ELSE i END",
                new="code", target="varchar(30) NOT NULL UNIQUE", rule="code",
            )
        )  # fmt: skip
    if parent is not None:
        _refer(table, parent, "account", area)
    _fill(area, table, area.random.choice((3, 6, 9, 14, 22, 45)))
    return table


def _child(area: Area, plain: str, rows: tuple[int, int], *, parent: Table, account: Table | None) -> Table:
    table = _begin(area, plain, rows)
    _identity(table)
    if account is not None:
        _refer(table, account, "account", area)
    _refer(table, parent, words.singular(parent.name), area)
    _fill(area, table, area.random.choice((2, 4, 8, 12, 20)))
    return table


def _events(area: Area, plain: str, rows: tuple[int, int], *, parent: Table) -> None:
    table = _begin(area, plain, rows)
    table.partitions = True
    table.key = table.target_key = ["id", "happened_at"]
    _identity(table)
    _refer(table, parent, words.singular(parent.name), area)
    table.columns.append(
        Column(
            name="happened_at", source="timestamp NOT NULL", value="timestamp '2024-01-01 06:00' + i * interval '1 day'",
            new="happened_at", target="timestamptz NOT NULL", rule=flow({"zone": area.zone, "from": "happened_at"}),
            comment=f"wall clock of {area.zone}",
        )
    )  # fmt: skip
    _fill(area, table, area.random.choice((1, 3, 5)))


def _audit(area: Area, plain: str, rows: tuple[int, int], *, of: Table) -> None:
    """A copy of every column as it is, beside who did what."""
    table = _begin(area, plain, rows)
    table.key = table.source_key = table.target_key = ["audit_id"]
    for name, kind, value in (
        ("audit_id", "bigint", "i"),
        ("operation", "varchar(10)", "(ARRAY['INSERT', 'UPDATE', 'DELETE'])[i % 3 + 1]"),
        ("changed_at", "timestamptz", "timestamptz '2024-05-01 00:00Z' + i * interval '1 hour'"),
    ):
        table.columns.append(
            Column(name=name, source=f"{kind} NOT NULL", value=value, new=name, target=f"{kind} NOT NULL", rule=name)
        )
    for column in of.columns:
        if column.source is not None:
            kind = column.source.partition(" NOT NULL")[0]
            table.columns.append(
                Column(
                    name=column.name, source=kind, value=column.value, new=column.name, target=kind, rule=column.name
                )
            )


def _tags(area: Area, plain: str, rows: tuple[int, int], *, parent: Table) -> None:
    table = _begin(area, plain, rows)
    _refer(table, parent, words.singular(parent.name), area)
    column = table.columns[0]
    table.source_key = [column.name, "tag"]
    table.key = table.target_key = [column.new, "tag"]
    table.columns.append(
        Column(name="tag", source="text", value="'tag ' || i", new="tag", target="varchar(40)", rule="tag")
    )


# --- columns ------------------------------------------------------------------------------------


def _identity(table: Table) -> None:
    if table.style == "anew":
        table.key = ["code"]
        column = Column(
            name="id", source="uuid", value=_token("i"), new="id", target="bigint GENERATED BY DEFAULT AS IDENTITY",
            dropped="the target numbers its rows itself",
        )  # fmt: skip
    else:
        made = "bigint GENERATED BY DEFAULT AS IDENTITY" if table.rows % 2 else "bigint"
        column = Column(name="id", source="integer", value="i", new="id", target=made, rule="id")
    table.columns.append(column)


def _refer(table: Table, parent: Table, noun: str, area: Area) -> None:
    """A column that refers to the parent, by what its style says; where a lookup finds nothing the row is dirty."""
    number = f"(i * 7) % {REFERRED} + 1"
    name = f"{noun}_id"
    source, value, rule = "integer", number, name
    if parent.style == "vendor":
        source, value = "bigint", f"700000 + ({number}) * 13"
        rule = flow({"lookup": {"table": parent.name, "match": {"vendor_no": name}, "take": "id"}})
    elif parent.style == "anew":
        source, value = "uuid", _token(f"({number})")
        rule = flow({"lookup": {"table": parent.name, "match": {"id": name}, "take": "id"}})
    if parent.style != "kept" and area.random.random() < 0.15:
        lost = table.dirty("lookup.missing", name, area.random.randint(1, 2))
        value = _instead(value, lost, _token("-1") if parent.style == "anew" else "-1")
    table.columns.append(
        Column(name=name, source=f"{source} NOT NULL", value=value, new=name, target="bigint NOT NULL", rule=rule)
    )
    referenced = ", ".join(parent.target_key)
    constraint = f"{name}_fk"
    table.extra.append(f"CONSTRAINT {constraint} FOREIGN KEY ({name}) REFERENCES {parent.new} ({referenced})")
    table.after.append(f"CREATE INDEX ON {table.new} ({name})")


def _token(number: str) -> str:
    """A uuid that follows from a number."""
    return f"md5('token ' || {number})::uuid"


def _instead(value: str, numbers: list[int], other: str) -> str:
    if not numbers:
        return value
    return f"CASE WHEN i IN ({', '.join(map(str, numbers))}) THEN {other} ELSE {value} END"


def _fill(area: Area, table: Table, count: int) -> None:
    """So many further columns, and some that only the target has."""
    random = area.random
    for name, kind in words.pick(random, count):
        table.columns.append(_plain(area, table, name, kind))
    if random.random() < 0.5:
        table.columns.append(_status(area, table))
    if random.random() < 0.3:
        table.columns.append(
            Column(
                name="duration", source="integer", value="(i % 50 + 1) * 60", new="duration", target="integer",
                rule=flow({"sql": "duration / 60"}), comment="in seconds",
            )
        )  # fmt: skip
    if random.random() < 0.3:
        table.columns.append(
            Column(
                name="amount_cents", source="bigint", value="i * 125", new="amount", target="numeric(14,2)",
                rule=flow({"sql": "amount_cents / 100.0"}), comment="cents",
            )
        )  # fmt: skip
    if random.random() < 0.6:
        table.columns.append(
            Column(
                name="created", source="timestamp", value="timestamp '2023-03-01 08:00' + i * interval '5 hours'",
                new="created_at", target="timestamptz", rule=flow({"zone": "UTC", "from": "created"}),
            )
        )  # fmt: skip
    if random.random() < 0.2:
        table.columns.append(Column(name="origin", target="text", rule=flow({"value": "import"}), new="origin"))
    if random.random() < 0.2:
        table.columns.append(
            Column(name="reviewed", target="boolean DEFAULT false", rule=flow({"default": True}), new="reviewed")
        )
    if random.random() < 0.15:
        table.columns.append(Column(name="changed_on", target="date", rule=flow({"value": None}), new="changed_on"))
        table.after.append(
            f"CREATE TRIGGER touch BEFORE UPDATE ON {table.new} FOR EACH ROW EXECUTE FUNCTION public.{area.name}_touch()"
        )
    left = [c for c in table.columns if c.rule is None and c.source is not None and not c.dropped]
    if left:
        fold = flow({"fold": [c.name for c in left]})
        table.columns.append(Column(name="extra", target="jsonb", rule=fold, new="extra"))


def _plain(area: Area, table: Table, name: str, kind: Kind) -> Column:
    random = area.random
    chance = random.random()
    made = Column(name=name, source=kind.type, value=kind.value, new=name, target=kind.type, rule=name)
    if chance < 0.15:
        made.new = name.removesuffix(kind.name) + kind.synonym
    elif chance < 0.30:
        made.target = kind.wider
    elif chance < 0.36:
        made.target = made.rule = None
        made.dropped = "nobody reads it"
    elif chance < 0.42:
        made.target = made.rule = None
    elif chance < 0.48 and kind.narrow:
        made.target = kind.narrow
        made.value = _instead(kind.value, table.dirty("length", name, random.randint(0, 3)), kind.too_long)
    elif chance < 0.53:
        made.target = f"{kind.type} NOT NULL"
        value = f"COALESCE({kind.value}, {kind.filler})"
        made.value = _instead(value, table.dirty("not_null", name, random.randint(0, 2)), "NULL")
    elif kind.check and chance < 0.80:
        table.extra.append(f"CONSTRAINT {name}_sane CHECK ({name} {kind.check})")
        made.value = _instead(kind.value, table.dirty("check", None, random.randint(0, 2)), kind.insane)
    return made


def _status(area: Area, table: Table) -> Column:
    """Labels that are translated; a label that nobody translated is dirty."""
    value = f"({_array(STATES)})[i % {len(STATES)} + 1]"
    value = _instead(value, table.dirty("map.quarantine", "status", area.random.randint(0, 2)), "'limbo'")
    labels = dict(zip(STATES, NEW_STATES, strict=True))
    target = f"public.{area.name}_state"
    if area.random.random() < 0.5:
        target = f"varchar(20) CHECK (status IN ({', '.join(repr(s) for s in NEW_STATES)}))"
    rule = flow({"map": labels, "from": "status", "else": "quarantine"})
    return Column(name="status", source="varchar(20)", value=value, new="status", target=target, rule=rule)


def _array(labels: tuple[str, ...]) -> str:
    return f"ARRAY[{', '.join(repr(label) for label in labels)}]"

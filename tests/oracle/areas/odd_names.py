"""Names with spaces, quotes, dots, commas, brackets, capitals and Cyrillic letters, and the other schema."""

from __future__ import annotations

from typing import Any

from tests.oracle.asked import Build, asks, changes

ODD, ORDERS = "Odd Table", "Заказы"
COLUMNS: dict[str, Any] = {
    "The Id": 1, "Full Name": "Zed O'Neil", 'quo"te': 'q"1', "select": 10, "a.b": "dot", "a,b": "a,b", "par(en)s": "(x)",
    "col:on": "c:d", "UPPER": "UP", "имя": "Мария", "per%cent": "5%", "am&p=x": "a&b", "back\\slash": "x\\y", "имЯ": "x",
}  # fmt: skip


def quoted(column: str) -> str:
    escaped = column.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def selecting(column: str) -> Build:
    return lambda c: c.table(ODD).select(quoted(column)).order('"The Id"')


def filtering(column: str, value: Any) -> Build:
    return lambda c: c.table(ODD).select('"The Id"').eq(column, value)


def listed(column: str, value: Any) -> Build:
    return lambda c: c.table(ODD).select('"The Id"').in_(column, [value, ")"])


def either(column: str) -> Build:
    return lambda c: (
        c.table(ODD).select('"The Id"').or_(f"{quoted(column)}.is.null,{quoted(column)}.eq.x").order('"The Id"')
    )


NAMES: list[Build] = [
    *(selecting(column) for column in COLUMNS), *(filtering(column, value) for column, value in COLUMNS.items()),
    *(listed(column, COLUMNS[column]) for column in ("Full Name", "a,b", "par(en)s", "col:on", 'quo"te', "back\\slash")),
    *(either(column) for column in COLUMNS if column in {"Full Name", "a.b", "a,b", "par(en)s", "имя", 'quo"te', "back\\slash"}),
    lambda c: c.table(ODD).select("*").order("The Id"),
    lambda c: c.table(ODD).select("Full Name").order("The Id"),
    lambda c: c.table(ODD).select('"Full Name"', '"The Id"').order("UPPER", desc=True),
    lambda c: c.table(ODD).select('"новое имя":имя').order("имя"),
    lambda c: c.table(ODD).select("имя::varchar", 'a:"a.b"', 'b:"a,b"').order('"a,b"'),
    lambda c: c.table(ODD).select('"arrow->x"->>"k y"', '"arrow->x"->0').order('"The Id"'),
    lambda c: c.table(ODD).select('"arrow->x"->1', "select").order('"The Id"'),
    lambda c: c.table(ODD).select("select").eq("select", 20),
    lambda c: c.table(ODD).select("*").order('"The Id"').csv(),
    lambda c: c.table(ODD).select("UPPER").eq("upper", "UP"),
    lambda c: c.table("Odd View").select("*").order('"The Id"'),
    lambda c: c.table("Odd View").select('"Name, full"').like('"Name, full"', "Z%"),
    lambda c: c.table("odd table").select("*"),
    lambda c: c.table(ORDERS).select("*").order("номер"),
    lambda c: c.table(ORDERS).select("сумма", "дата").gte("сумма", 7).order("сумма", desc=True),
    lambda c: c.table(ORDERS).select("номер", '"Odd Table"("Full Name")').order("номер"),
    lambda c: c.table(ORDERS).select("номер", "Odd Table(Full Name)").order("номер"),
    lambda c: c.table(ORDERS).select("номер", '"Odd Table"!"Odd Id"("Full Name")').order("номер"),
    lambda c: c.table(ORDERS).select("номер", '"кто":"Odd Table"!inner(имя)').eq("кто.имя", "Иван").order("номер"),
    lambda c: c.table(ORDERS).select("номер", '"Odd Table"!inner(имя)').eq("Odd Table.Full Name", "Zed O'Neil").order("номер"),
    lambda c: (
        c.table(ODD).select('"The Id"', "Заказы(сумма,номер)").order('"The Id"').order("номер", desc=True, foreign_table="Заказы")
    ),
    lambda c: c.table(ODD).select('"The Id"', "Заказы(сумма.sum())").order('"The Id"'),
    lambda c: c.table(ODD).select('"The Id"', '...Заказы(сумма)').order('"The Id"'),
    lambda c: c.table("нет такой").select("*"),
    lambda c: c.table('x"; drop table albums; --').select("*"),
    lambda c: c.rpc("Odd Function", {"The Arg": 5}),
    lambda c: c.rpc("Odd Function", {"The Arg": 5, "имя": "ю"}),
    lambda c: c.rpc("Odd Function", {"The Arg": 5, "имя": "ю"}, get=True),
]  # fmt: skip
ARCHIVE: list[Build] = [
    lambda c: c.schema("archive").table("albums").select("*").order("id"),
    lambda c: c.schema("archive").table("albums").select("id", "letters(body)").order("id"),
    lambda c: c.schema("archive").table("letters").select("body", "albums(title)").order("id"),
    lambda c: c.schema("archive").table("letters").select("body", "artists(name)").order("id"),
    lambda c: c.schema("archive").table("artists").select("*"),
    lambda c: c.schema("archive").table("letters").select("*", count="exact").eq("album_id", 1).order("id"),
    lambda c: c.schema("archive").rpc("hello", {}),
    lambda c: c.schema("archive").rpc("hello", {"name": "you"}),
    lambda c: c.schema("archive").rpc("add", {"a": 1}),
    lambda c: c.schema("hidden").table("owners").select("*"),
    lambda c: c.schema("nowhere").table("albums").select("*"),
    lambda c: c.schema("public").table("albums").select("id").eq("id", 1),
    lambda c: c.table("artists").select("name", "letters(body)").order("id"),
    lambda c: c.table("letters").select("*"),
    lambda c: (
        c.schema("archive").table("albums").select("id", "title").in_("id", [1, 2]).order("title", desc=True).limit(1)
    ),
    lambda c: c.schema("hidden").rpc("hello", {}),
]
WRITTEN: list[Build] = [
    lambda c: c.table("Odd Writes").insert({"The Id": 9, "Full Name": 'q"uo', "a,b": "x,y", "имя": "ж"}),
    lambda c: c.table("Odd Writes").insert([{"The Id": 9, "a,b": "x"}, {"The Id": 10, "a,b": "y"}]),
    lambda c: c.table("Odd Writes").insert({"The Id": 9}).select('"Full Name"', '"a,b"'),
    lambda c: c.table("Odd Writes").update({"Full Name": "New", "a,b": None}).eq("The Id", 1),
    lambda c: c.table("Odd Writes").upsert({"The Id": 1, "Full Name": "Up"}),
    lambda c: c.table("Odd Writes").upsert({"The Id": 7, "имя": "а", "a,b": "z"}, on_conflict="имя"),
    lambda c: c.table("Odd Writes").delete().eq("Full Name", "One"),
    lambda c: c.table("Odd Writes").insert({"the id": 1}),
]
CASES = [*asks(*NAMES, *ARCHIVE), *changes(*WRITTEN)]

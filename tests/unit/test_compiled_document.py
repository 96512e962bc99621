"""The form of a compiled mapping: read strictly, refused by name, and turned into the two texts that it stands for."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import Any

import pytest

from crosswalk.compiling import VERSION as WRITTEN
from crosswalk.data import compiled
from crosswalk.data.compiled import VERSION, document, mapped, read_compiled, reading
from crosswalk.data.compiled.statements import REFUSED, read, source
from crosswalk.data.failures import ColumnMissing, Misconfigured, TableMissing

ENTRY: dict[str, Any] = {
    "target": "public.purchases", "alias": "orders",
    "joins": [{"alias": "cw$j1", "table": "public.shops", "sql": 'LEFT JOIN "shops" AS "cw$j1" ON "cw$j1"."id" = "t"."shop"'}],
    "columns": {
        "number": {"type": "integer", "cast": "int4", "not_null": True, "read": '"t"."id"', "exact": True},
        "shop": {"type": "bigint", "cast": "int8", "read": '"cw$j1"."vendor"', "exact": True},
        "scratch": {"type": "text", "cast": "text", "absent": "dropped: never used"},
    },
    "values": {"cw$v0": '"orders"."number"', "cw$f1_0": "(SELECT 1)"},
    "writes": {"id": {"sql": '"cw$v0"', "reads": ["number"]}, "shop": {"sql": '("cw$f1_0")[1]', "reads": ["shop"]}},
    "refusals": [
        {"sql": '"cw$v0" > 9', "code": "range", "sqlstate": "22003", "reason": "too large", "column": "id", "reads": ["number"]},
        {"sql": '"cw$f1_0" IS NULL', "code": "lookup.missing", "sqlstate": "23503", "reason": "no shop", "reads": ["shop"]},
    ],
    "keys": [{"columns": ["number"], "primary": True, "arbiter": ["id"], "matched": ["id"]}],
    "target_columns": {"id": {"type": "integer", "not_null": True}, "shop": {"type": "integer"}},
    "target_key": ["id"],
}  # fmt: skip
WHOLE: dict[str, Any] = {
    "format": "crosswalk-compiled", "version": 1, "tables": {"public.orders": ENTRY}, "refused": {"public.logs": "ignored: old"},
}  # fmt: skip


def test_writer_and_reader_speak_of_one_version() -> None:
    assert WRITTEN == VERSION


def test_a_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "compiled.json"
    path.write_text(json.dumps(WHOLE), encoding="utf-8")
    found = read_compiled(path)
    assert found == read_compiled(str(path)) == read_compiled(WHOLE)
    assert found.table("orders") is found.table("public.orders") is found.tables["public.orders"]
    table = found.table("orders")
    assert table.readable == ("number", "shop")
    assert table.writable == {"number", "shop"}
    assert table.touched(frozenset({"shop", "scratch"})) == ("shop",)
    assert table.name.sql == '"public"."purchases"'
    assert (key := table.key(("number",))) is not None
    assert key.arbiter == ("id",)
    assert table.key(("shop",)) is None


@pytest.mark.parametrize(
    ("place", "value", "said"),
    [
        ((), {"format": "another"}, "is no compiled mapping"),
        (("version",), 2, "has version 2, and this is read here: 1"),
        (("tables", "public.orders", "extra"), 1, "tables → public.orders → extra: Extra inputs"),
        (("tables", "public.orders", "alias"), 1, "alias: Input should be a valid string"),
        (("tables", "public.orders", "columns", "number", "absent"), "both", "either a reading or a reason"),
        (("tables", "public.orders", "columns", "scratch", "absent"), None, "either a reading or a reason"),
        (("tables", "public.orders", "writes", "id", "reads"), ["ghost"], "it speaks of ghost"),
        (("tables", "public.orders", "keys"), [{"columns": ["number"], "arbiter": ["ghost"]}], "it speaks of ghost"),
        (("tables", "public.orders", "target_key"), ["ghost"], "it speaks of ghost"),
    ],
    ids=lambda each: str(each)[:30],
)
def test_what_is_none_is_refused_by_its_place(place: tuple[str, ...], value: Any, said: str) -> None:
    whole = copy.deepcopy(WHOLE)
    here: Any = whole
    for step in place[:-1]:
        here = here[step]
    if place:
        here[place[-1]] = value
    with pytest.raises(Misconfigured, match=re.escape(said)):
        read_compiled(whole if place else value)


def test_a_file_that_is_not_there_or_no_json_is_told(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="cannot be read"):
        read_compiled(tmp_path / "none.json")
    (tmp_path / "text.json").write_text("{", encoding="utf-8")
    with pytest.raises(Misconfigured, match="is no JSON"):
        read_compiled(tmp_path / "text.json")


def test_a_table_without_a_place_is_missing_with_its_reason() -> None:
    found = read_compiled(WHOLE)
    with pytest.raises(TableMissing, match=r"public\.logs has no place in the new schema: ignored: old"):
        found.table("logs")
    with pytest.raises(TableMissing, match="does not know it"):
        found.table("ghosts")
    with pytest.raises(TableMissing):
        found.table("a.b.c")


def test_rows_are_read_under_legacy_names() -> None:
    table = read_compiled(WHOLE).table("orders")
    assert source(table) == f'"public"."purchases" AS "t" {ENTRY["joins"][0]["sql"]}'
    assert reading(table) == f'SELECT "t"."id" AS "number", "cw$j1"."vendor" AS "shop" FROM {source(table)}'
    assert reading(table, ["shop"], extra=['"t"."id" AS "k"']).startswith('SELECT "t"."id" AS "k", "cw$j1"."vendor" AS "shop" FROM')
    with pytest.raises(ColumnMissing, match="scratch cannot be read from the new schema: dropped: never used"):
        read(table, "scratch")
    with pytest.raises(ColumnMissing, match="there is no column ghost"):
        reading(table, ["ghost"])


def test_rows_are_mapped_and_only_what_is_given_is_refused() -> None:
    table = read_compiled(WHOLE).table("orders")
    whole = mapped(table, "SELECT 1", carry=["n"])
    assert whole.startswith('SELECT "n", "cw$v0" AS "id", ("cw$f1_0")[1] AS "shop", CASE WHEN "cw$v0" > 9 THEN 1 WHEN')
    assert '"orders"."n", "orders"."number" AS "cw$v0"' in whole
    part = mapped(table, "SELECT 1", given=["shop"], into=["shop"])
    assert f'CASE WHEN "cw$f1_0" IS NULL THEN 2 ELSE 0 END AS {REFUSED}' in part
    assert "> 9" not in part


def test_the_example_of_the_docstring_is_a_compiled_table() -> None:
    text = "{" + (document.__doc__ or "").split("An entry, shortened:", 1)[1].strip() + "}"
    table = compiled.CompiledTable.model_validate_json(json.dumps(json.loads(text)["public.orders"]))
    assert table.readable == ("number", "shop")

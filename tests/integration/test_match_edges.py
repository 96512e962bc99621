"""Matching at its edges: nothing to see, nothing that may be seen, odd names, and what a person has decided."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from crosswalk.cli.app import main
from crosswalk.embedded import Server
from crosswalk.errors import NothingMatches
from crosswalk.mapping import read_text
from crosswalk.matching import Matched, match
from crosswalk.names import Name
from crosswalk.survey import Servers
from tests.road import connected
from tests.servers import MakeDatabase, MakeRole, database_of, sql

SHOP = """
CREATE TABLE makers (id int PRIMARY KEY, vendor_no int NOT NULL UNIQUE, name text NOT NULL);
CREATE TABLE parts (id int PRIMARY KEY, maker_id int NOT NULL, title text NOT NULL, length_sec int, colour text, made timestamp);
"""
NEW_SHOP = """
CREATE TABLE makers (id int PRIMARY KEY, vendor_no int NOT NULL UNIQUE, name varchar(80) NOT NULL);
CREATE TABLE parts (id int PRIMARY KEY, maker_id int NOT NULL REFERENCES makers, title varchar(80) NOT NULL,
    length_min int, colour varchar(20) CHECK (colour IN ('red', 'green')), made timestamptz, active boolean DEFAULT true);
"""
ROWS = """
INSERT INTO makers SELECT i, i + 900, 'maker ' || i FROM generate_series(1, 20) i;
INSERT INTO parts SELECT i, 901 + i % 20, 'part ' || i, i * 60, (ARRAY['red', 'GREEN'])[1 + i % 2], '2026-01-01 10:00'
FROM generate_series(1, 60) i;
"""


@dataclass(frozen=True, kw_only=True)
class Shop:
    servers: Servers

    async def match(self, text: str | None = None) -> Matched:
        return await match(self.servers, update=read_text(text) if text is not None else None)


async def _shop(make_database: MakeDatabase, server: Server, source: str, target: str) -> Shop:
    urls = []
    for text in (source, target):
        url = make_database(server)
        async with connected(url) as conn:
            await conn.execute(text)
        urls.append(url)
    return Shop(servers=Servers(source=urls[0], target=urls[1]))


def rules(matched: Matched, table: str) -> dict[str, Any]:
    made = next(t for t in matched.draft.tables if t.target.relation == table)
    return {name: dict(p.rule) for name, p in made.columns.items()}


def asked(matched: Matched) -> set[tuple[str, str]]:
    return {(place, q.code) for q in matched.draft.questions for place in q.places}


async def test_values_tell_units_labels_and_what_a_reference_holds(make_database: MakeDatabase, pg16: Server) -> None:
    shop = await _shop(make_database, pg16, SHOP + ROWS, NEW_SHOP)
    matched = await shop.match()
    assert rules(matched, "parts") == {
        "id": {"column": "id"},
        "maker_id": {
            "lookup": {"table": "public.makers", "match": {"vendor_no": "maker_id"}, "take": "id", "missing": "quarantine"}
        },
        "title": {"column": "title"},
        "length_min": {"sql": '"length_sec" / 60.0'},
        "colour": {"map": {"GREEN": "green", "red": "red"}, "from": "colour", "else": "quarantine"},
        "active": {"default": True},
    }
    assert {("public.parts.made", "zone"), ("public.parts.active", "unfed.default")} <= asked(matched)
    assert read_text(matched.text).document.by_target[Name("public", "parts")].columns["maker_id"].status == "accepted"


async def test_empty_tables_prove_nothing(make_database: MakeDatabase, pg16: Server) -> None:
    matched = await (await _shop(make_database, pg16, SHOP, NEW_SHOP)).match()
    parts = read_text(matched.text).document.by_target[Name("public", "parts")].columns
    assert "maker_id" not in parts or parts["maker_id"].status == "proposed"
    assert ("public.parts.maker_id", "reference.unknown") in asked(matched)
    assert parts["colour"].status == "proposed"
    assert parts["title"].status == "accepted"


async def test_values_that_live_in_both_keys_or_in_neither_are_a_question(
    make_database: MakeDatabase, pg16: Server
) -> None:
    parts = ROWS.split(";")[1].replace("901 + i", "1 + i")
    both = SHOP + "INSERT INTO makers SELECT i, i, 'maker' FROM generate_series(1, 20) i;" + parts
    matched = await (await _shop(make_database, pg16, both, NEW_SHOP)).match()
    assert ("public.parts.maker_id", "reference.both") in asked(matched)
    assert not next(p for t in matched.draft.tables for n, p in t.columns.items() if n == "maker_id").accepted
    neither = SHOP + ROWS.replace("901 + i", "70000 + i")
    matched = await (await _shop(make_database, pg16, neither, NEW_SHOP)).match()
    assert ("public.parts.maker_id", "reference.unknown") in asked(matched)
    assert "maker_id" not in rules(matched, "parts")


async def test_words_of_which_none_is_a_label_stay_on_their_server(make_database: MakeDatabase, pg16: Server) -> None:
    free = SHOP + ROWS.replace("ARRAY['red', 'GREEN']", "ARRAY['Ada Lovelace', 'Grace Hopper']")
    matched = await (await _shop(make_database, pg16, free, NEW_SHOP)).match()
    assert ("public.parts.colour", "labels") in asked(matched)
    assert "Lovelace" not in matched.text
    assert "Hopper" not in "".join(q.text for q in matched.draft.questions)


async def test_a_table_that_may_not_be_read_is_said_to_be_unseen(
    make_database: MakeDatabase, make_role: MakeRole, pg16: Server
) -> None:
    shop = await _shop(make_database, pg16, SHOP + ROWS, NEW_SHOP)
    database = database_of(shop.servers.source)
    guest = make_role(pg16)
    sql(pg16, f"GRANT SELECT ON parts TO {guest.name}", database=database)
    as_guest = Servers(source=guest.url(pg16, database), target=shop.servers.target)
    matched = await match(as_guest)
    assert matched.draft.unseen["public.makers"] == "the role may not read it"
    assert "#?   public.makers: the role may not read it" in matched.text
    assert "maker_id" not in {n for t in matched.draft.tables for n, p in t.columns.items() if p.accepted}
    read_text(matched.text)


async def test_row_security_is_an_unseen_table_and_no_error(
    make_database: MakeDatabase, make_role: MakeRole, pg16: Server
) -> None:
    shop = await _shop(make_database, pg16, SHOP + ROWS, NEW_SHOP)
    database = database_of(shop.servers.source)
    guest = make_role(pg16)
    sql(
        pg16, f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {guest.name}", "ALTER TABLE parts ENABLE ROW LEVEL SECURITY",
        database=database,
    )  # fmt: skip
    matched = await match(Servers(source=guest.url(pg16, database), target=shop.servers.target))
    assert matched.draft.unseen["public.parts"] == "row-level security would hide rows"


LONG = "й" * 31
ODD = f'''
CREATE SCHEMA "Ü.ml";
CREATE TABLE "Ü.ml"."null: ""x"" # y" ("ID" int PRIMARY KEY, "Фамилия: имя" text, "true" text, "1" int, "{LONG}" text,
    "a\\b'c""d" text, "new
line" text, "tab	" text);
INSERT INTO "Ü.ml"."null: ""x"" # y" VALUES (1, 'х', 'y', 1, 'z', 'a', 'b', 'c');
'''


async def test_odd_names_are_written_so_that_they_are_read_again(make_database: MakeDatabase, pg16: Server) -> None:
    shop = await _shop(make_database, pg16, ODD, ODD.replace("INSERT INTO", "-- INSERT INTO"))
    matched = await shop.match()
    [(name, table)] = read_text(matched.text).document.by_target.items()
    assert name == Name("Ü.ml", 'null: "x" # y')
    assert set(table.columns) == {"ID", "Фамилия: имя", "true", "1", LONG, "a\\b'c\"d", "new\nline", "tab\t"}
    once = (await shop.match(matched.text)).text
    assert read_text(once).document == read_text(matched.text).document
    assert (await shop.match(once)).text == once


async def test_a_target_with_rows_is_asked_about(make_database: MakeDatabase, pg16: Server) -> None:
    full = NEW_SHOP + "INSERT INTO makers VALUES (1, 1, 'there'); CREATE TABLE live (id int); INSERT INTO live VALUES (1);"
    matched = await (await _shop(make_database, pg16, SHOP + ROWS, full)).match()
    assert {("public.makers", "table.occupied"), ("public.live", "table.preserve")} <= asked(matched)
    text = matched.text.replace("  public.makers:\n", "  public.makers:\n    existing: update\n")
    shop = await _shop(make_database, pg16, SHOP + ROWS, full)
    assert ("public.makers", "table.occupied") not in asked(await shop.match(text))


async def test_schemas_that_share_nothing(make_database: MakeDatabase, pg16: Server) -> None:
    shop = await _shop(make_database, pg16, SHOP, "CREATE TABLE zebra (stripes point NOT NULL, gait polygon)")
    with pytest.raises(NothingMatches):
        await shop.match()


PERSONS = """\
# mine, at the head
version: 1
tables:
  public.parts:   # the parts
    from: public.parts
    key: [id]   # kept
    columns:
      id: id
      title: {sql: upper(title), why: louder}   # a remark
      colour: {map: {red: green}, from: colour, else: "null", status: accepted, confidence: 0.8}
      length_min: {column: length_sec, status: proposed, why: we shall see}
      made:
        zone: UTC
        from: made
        status: proposed
    # between
    drop:
      maker_id: not needed
preserve:
  public.makers: mine   # stays
ignore:
  source:
    public.makers: "no"
"""


async def test_an_update_keeps_what_a_person_decided(make_database: MakeDatabase, pg16: Server) -> None:
    shop = await _shop(make_database, pg16, SHOP + ROWS, NEW_SHOP)
    matched = await shop.match(PERSONS)
    lines = matched.text.splitlines()
    mine = [line for line in PERSONS.splitlines() if "made" not in line and line.strip() != "zone: UTC"]
    kept = [line for line in mine if "status: proposed" not in line or "why" in line]
    rest = iter(lines)
    lost = [line for line in kept if line not in rest]
    assert lost == []
    assert not any("public.makers" in q.place for q in matched.draft.questions)
    assert "active" in read_text(matched.text).document.by_target[Name("public", "parts")].columns
    assert (await shop.match(matched.text)).text == matched.text


async def test_an_update_refreshes_only_what_is_open(make_database: MakeDatabase, pg16: Server) -> None:
    shop = await _shop(make_database, pg16, SHOP + ROWS, NEW_SHOP)
    first = await shop.match()
    edited = first.text.replace("sql: \"\\\"length_sec\\\" / 60.0\"", 'sql: "0"').replace("0.96", "0.96 # mine")
    assert edited != first.text
    matched = await shop.match(edited)
    assert matched.text == first.text.replace("0.96", "0.96 # mine")
    accepted = re.sub(r"(sql: \"0\"\n +status: )proposed", r"\1accepted", edited)
    assert accepted != edited
    assert 'sql: "0"' in (await shop.match(accepted)).text


MONEY = """
CREATE TABLE goods (id int PRIMARY KEY, price int, duration int, group_id int, registered_at timestamptz, name text);
INSERT INTO goods SELECT i, i * 100, i, 7, now(), 'x' FROM generate_series(1, 30) i;
"""
NEW_MONEY = """
CREATE TABLE goods (id int PRIMARY KEY, price numeric(10,2), duration int, group_id int, created_at timestamptz, name text);
"""


async def test_a_name_and_a_type_that_agree_do_not_say_unit_or_meaning(
    make_database: MakeDatabase, pg16: Server
) -> None:
    matched = await (await _shop(make_database, pg16, MONEY, NEW_MONEY)).match()
    [goods] = matched.draft.tables
    assert {name for name, p in goods.columns.items() if p.accepted} == {"id", "name"}
    assert {n: dict(p.rule) for n, p in goods.columns.items()} == {
        name: {"column": "registered_at" if name == "created_at" else name} for name in goods.columns
    }
    assert ("public.goods.price", "unit") in asked(matched)


def _run(capsys: pytest.CaptureFixture[str], *arguments: str, code: int) -> tuple[str, str]:
    assert main(["match", *arguments]) == code
    said = capsys.readouterr()
    return said.out, said.err


def test_the_command(
    make_database: MakeDatabase, pg16: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    for side, text in (("SOURCE", SHOP + ROWS), ("TARGET", NEW_SHOP)):
        url = make_database(pg16)
        sql(pg16, text, database=database_of(url))
        monkeypatch.setenv(f"CROSSWALK_{side}", url)
    monkeypatch.chdir(tmp_path)
    out, err = _run(capsys, code=2)
    assert out.startswith("questions to you, the gravest first")
    assert "crosswalk check crosswalk.yaml" in err
    text = (tmp_path / "crosswalk.yaml").read_text()
    assert text.startswith("#? ")
    assert "DraftInTheWay" in _run(capsys, "--json", code=1)[0]
    assert (tmp_path / "crosswalk.yaml").read_text() == text
    _run(capsys, "--update", "crosswalk.yaml", code=2)
    _run(capsys, "--force", code=2)
    assert (tmp_path / "crosswalk.yaml").read_text() == text
    told = json.loads(_run(capsys, "--json", "-o", "other.yaml", code=2)[0])
    assert told["questions"][0]["rank"] == 1
    assert {t["target"] for t in told["tables"]} == {"public.makers", "public.parts"}
    assert sorted(p.name for p in tmp_path.iterdir()) == ["crosswalk.yaml", "other.yaml"]
    out, _ = _run(capsys, "--explain", "parts.maker_id", code=0)
    assert "vendor_no" in out
    assert "maker_id" in out
    found = json.loads(_run(capsys, "--explain", "parts.title", "--json", code=0)[0])["explained"]
    assert [each["side"] for each in found] == ["target", "source"]
    assert found[0]["candidates"][0]["column"] == "title"
    assert "NotInSchema" in _run(capsys, "--explain", "parts.nothing", "--json", code=3)[0]


ODD_TYPES = """
CREATE TYPE pair_of AS (a int, b text);
CREATE TABLE odd (id int PRIMARY KEY, words tsvector, span int4range, spans int4multirange, pairs pair_of[], cash money, bits bit(4),
    gap interval,
    at time, spot point, doc json, raw bytea, flags boolean[], grid int[][], net cidr, huge text, hidden text, n numeric,
    f double precision, d date, w jsonb);
CREATE VIEW seen AS SELECT id, huge FROM odd;
"""
ODD_ROWS = """
INSERT INTO odd SELECT i, to_tsvector('a b'), int4range(1, 5), '{[1,3)}', ARRAY[ROW(1, 'x')::pair_of],
    12.50, B'0101', '1 day', '10:00',
    '(1,2)', '{}', '\\x00', '{t,f}', '{{1,2},{3,4}}', '10.0.0.0/8', repeat('й', 300000), 'x', 'NaN', 'Infinity', 'infinity', '{}'
FROM generate_series(1, 6) i;
"""


async def test_odd_types_wide_texts_and_a_column_that_may_not_be_read(
    make_database: MakeDatabase, make_role: MakeRole, pg16: Server
) -> None:
    shop = await _shop(make_database, pg16, ODD_TYPES + ODD_ROWS, ODD_TYPES)
    database, guest = database_of(shop.servers.source), make_role(pg16)
    names = "id, words, span, spans, pairs, cash, bits, gap, at, spot, doc, raw, flags, grid, net, huge, n, f, d, w"
    slow = f"ALTER ROLE {guest.name} SET statement_timeout = '30s'"
    sql(pg16, f"GRANT SELECT ({names}) ON odd TO {guest.name}", slow, database=database)
    matched = await match(Servers(source=guest.url(pg16, database), target=shop.servers.target))
    made = rules(matched, "odd")
    assert made["id"] == {"column": "id"}
    assert {"words", "span", "cash", "bits", "gap", "d"} <= set(made)
    assert "public.odd" not in matched.draft.unseen
    hidden = next((p for t in matched.draft.tables for n, p in t.columns.items() if n == "hidden"), None)
    assert hidden is None or not hidden.accepted
    read_text(matched.text)


async def test_a_table_of_very_many_columns(make_database: MakeDatabase, pg16: Server) -> None:
    wide = f"CREATE TABLE wide ({', '.join(f'value_{i} int' for i in range(400))});"
    shop = await _shop(make_database, pg16, wide + "INSERT INTO wide (value_0) VALUES (1);", wide)
    [table] = (await shop.match()).draft.tables
    assert {name: dict(p.rule) for name, p in table.columns.items()} == {
        f"value_{i}": {"column": f"value_{i}"} for i in range(400)
    }

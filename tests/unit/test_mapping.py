"""Reading the mapping document: strict, with line numbers and hints; comments survive a round trip."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crosswalk.errors import BadMapping, MappingUnreadable
from crosswalk.mapping import (
    Agree,
    Default,
    First,
    Fold,
    Lookup,
    MapLabels,
    Newest,
    Split,
    Sql,
    Take,
    Unnest,
    Value,
    Zone,
    read_mapping,
    read_text,
)
from crosswalk.mapping.rules import KINDS, Model

SALON = Path(__file__).resolve().parents[2] / "examples" / "salon" / "crosswalk.yaml"
GOOD = """\
# the head
version: 1

tables:
  users:  # beside the table
    from: people
    key: [id]
    columns:
      # above a rule
      id: id
      name: {sql: "upper(name)", why: shouted}  # beside a rule
    drop:
      age: not needed
# the end
"""


def text(columns: str = "id: id", more: str = "") -> str:
    return f"version: 1\ntables:\n  users:\n    from: people\n    key: [id]\n    columns:\n      {columns}\n{more}"


def complaint(document: str) -> BadMapping:
    with pytest.raises(BadMapping) as caught:
        read_text(document, path="m.yaml")
    return caught.value


@pytest.mark.parametrize(
    ("document", "line", "words"),
    [
        (text("id: {slq: x}"), 7, ["tables → users → columns → id", "a rule is the name of a source column"]),
        (text("id: {sql: x, wy: y}"), 7, ["unknown key 'wy'", "did you mean 'why'?"]),
        (text(more="    on_duplicat: first\n"), 8, ["unknown key 'on_duplicat'", "did you mean 'on_duplicate'?"]),
        (text(more="preserv: {}\n"), 8, ["unknown key 'preserv'", "did you mean 'preserve'?"]),
        (text("id: {value: a, b}"), 7, ["unknown key 'b'", "a text with a comma inside { } must stand in quotes"]),
        (text("id: {lookup: {tabel: x, match: {a: b}, take: id}}"), 7, ["unknown key 'tabel'", "'table'", "1 more"]),
        (text("id: {lookup: {table: x, match: {a: {lookup: y}}, take: id}}"), 7, ["here stands a source column, or one of"]),
        (text("id: {lookup: {table: x, match: {a: b}}}"), 7, ["the key 'take' is missing"]),
        (text("id: {map: {a: b}}"), 7, ["the key 'from' is missing"]),
        (text("id: {map: {}, from: x}"), 7, ["at least 1 item"]),
        (text("id: {agree: [a]}"), 7, ["at least 2 items"]),
        (text("id: {default: false}"), 7, ["should be True"]),
        (text("id: {sql: ''}"), 7, ["at least 1 character"]),
        (text("id: {sql: x, confidence: 2}"), 7, ["less than or equal to 1"]),
        (text("id: {split: a, by: '', take: 1}"), 7, ["at least 1 character"]),
        (text("id: 5"), 7, ["a rule is"]),
        (text("id: [a]"), 7, ["a rule is"]),
        (text(more="    key: [id]\n"), 8, ['duplicate key "key"']),
        (text("id: id\n      id: other"), 8, ['duplicate key "id"']),
        (text(more="    existing: overwrite\n"), 8, ["existing", "'refuse', 'keep' or 'update'"]),
        (text(more="    rejects: drop\n"), 8, ["rejects"]),
        (text(more="    where: {sql: x}\n"), 8, ["the key 'why' is missing"]),
        (text(more="    drop: {a: ''}\n"), 8, ["drop → a", "at least 1 character"]),
        (text(more="    drop: [a]\n"), 8, ["drop", "dictionary"]),
        (text().replace("key: [id]", "key: id"), 5, ["key", "tuple"]),
        (text().replace("version: 1", "version: 2"), 1, ["version", "should be 1"]),
        (text().replace("version: 1\n", ""), 1, ["the key 'version' is missing"]),
        (text().replace("from: people", "from: a.b.c"), 4, ["tables → users → from", "more than two parts"]),
        (text().replace("users:", "a..b:"), 1, ["is not a name"]),
        ("version: 1\ntables: {}\n", 2, ["at least 1 item"]),
        ("version: 1\ntables:\n  users: [\n", 4, ["the YAML text"]),
        ("version: 1\n\ttables: x\n", 2, ["the YAML text"]),
        ("version: 1\ntables: *nowhere\n", 2, ["the YAML text"]),
        ("just words", 1, ["it is no mapping of keys to values"]),
        ("", 1, ["it is no mapping of keys to values"]),
        ("- a\n", 1, ["it is no mapping of keys to values"]),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_line(document: str, line: int, words: list[str]) -> None:
    error = complaint(document)
    assert error.fields["line"] == line, str(error)
    assert f"m.yaml, line {line}: " in str(error)
    for word in words:
        assert word in str(error)


def test_every_kind_of_rule_is_told_by_its_key() -> None:
    rules = {
        "title": Take(column="title"),
        "{column: title, why: x}": Take(column="title", why="x"),
        "{sql: a + 1}": Sql(sql="a + 1"),
        "{value: null}": Value(value=None),
        "{value: [1, a]}": Value(value=[1, "a"]),
        "{default: true}": Default(default=True),
        "{first: ids}": First(first="ids"),
        "{unnest: ids}": Unnest(unnest="ids"),
        "{split: name, by: ' ', take: -1}": Split(split="name", by=" ", take=-1),
        "{agree: [a, b]}": Agree(agree=("a", "b")),
        "{fold: [a, b], into: legacy}": Fold(fold=("a", "b"), into="legacy"),
        "{zone: Europe/Moscow, from: seen}": Zone(zone="Europe/Moscow", from_=Take(column="seen")),  # type: ignore[call-arg]
    }
    for written, expected in rules.items():
        assert read_text(text(f"id: {written}")).document.tables["users"].columns["id"] == expected
    kinds = {type(rule).kind for rule in rules.values()} | {MapLabels.kind, Lookup.kind}
    assert kinds == set(KINDS)


def test_what_a_rule_reads() -> None:
    document = read_text(
        text(
            "id: {lookup: {table: t, match: [{a: x, b: {first: y}}, {target.c: {sql: lower(z)}}], take: id}}\n"
            "      b: {map: {2: a, null: b, true: 3}, from: {split: s, by: '-', take: 2}, else: {value: null}}\n"
            "      c: {fold: [p, q]}"
        )
    ).document
    lookup, labels, fold = document.tables["users"].columns.values()
    assert [*lookup.reads()] == ["x", "y"]
    assert [*lookup.expressions()] == ["lower(z)"]
    assert [*labels.reads()] == ["s"]
    assert isinstance(labels, MapLabels)
    assert labels.map == {"2": "a", None: "b", "true": 3}
    assert [*fold.reads()] == ["p", "q"]


def test_whole_table_words() -> None:
    table = read_text(
        text(more="    on_duplicate: newest by seen_at\n    drop: {a: why, b: {why: w, secret: true}}\n")
    ).document
    users = table.tables["users"]
    assert users.on_duplicate == Newest(newest="seen_at")
    assert (users.drop["a"].why, users.drop["a"].final, users.drop["b"].secret) == ("why", False, True)
    assert users.secret_columns(["a", "b", "c"]) == {"b"}
    assert (users.existing, users.rejects, users.on_reject) == ("refuse", None, "remove")


def test_a_document_is_written_back_as_it_was() -> None:
    assert read_text(GOOD).dump() == GOOD


def test_an_edit_keeps_the_comments() -> None:
    file = read_text(GOOD)
    columns = file.node["tables"]["users"]["columns"]
    columns["name"]["status"] = "proposed"
    columns["email"] = "mail"
    file.node["tables"]["users"]["drop"]["age"] = "a reason"
    again = file.dump()
    for comment in ("# the head", "# beside the table", "# above a rule", "# beside a rule", "# the end"):
        assert comment in again
    edited = read_text(again).document.tables["users"]
    assert edited.columns["name"].status == "proposed"
    assert edited.columns["email"] == Take(column="mail")
    assert edited.drop["age"].why == "a reason"
    assert [line for line in GOOD.splitlines() if line not in again.splitlines()] == [
        '      name: {sql: "upper(name)", why: shouted}  # beside a rule',
        "      age: not needed",
    ]


def test_the_salons_document_survives_a_round_trip() -> None:
    file = read_mapping(SALON)
    again = read_text(file.dump())
    assert again.document == file.document
    assert [x for x in file.text.splitlines() if x.strip().startswith("#")] == [
        x for x in again.text.splitlines() if x.strip().startswith("#")
    ]


def test_lines_of_places() -> None:
    file = read_text(GOOD)
    assert file.line("tables", "users") == 5
    assert file.line("tables", "users", "columns", "name", "why") == 11
    assert file.line("tables", "users", "nowhere") == 5
    assert file.line() == 1


def test_unreadable_files(tmp_path: Path) -> None:
    with pytest.raises(MappingUnreadable, match="No such file"):
        read_mapping(tmp_path / "absent.yaml")
    (tmp_path / "latin.yaml").write_bytes(b"version: 1 # \xe9")
    with pytest.raises(MappingUnreadable, match="not UTF-8 at byte 13"):
        read_mapping(tmp_path / "latin.yaml")


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["tables", "version", "from", "key", "columns", "users", "id", "sql", "x"]), inner
            )
        ),
        max_leaves=12,
    )
)
def test_no_document_breaks_the_reader(value: Any) -> None:
    with contextlib.suppress(BadMapping):
        read_text(json.dumps(value))


def test_the_nouns_are_frozen() -> None:
    assert all(model.model_config.get("frozen") for model in Model.__subclasses__())

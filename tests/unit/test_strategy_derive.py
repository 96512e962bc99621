"""The documents of hybrid and recreate: what becomes of each drop, of each table, of the author's words."""

from __future__ import annotations

from dataclasses import replace

from crosswalk.express import Facts
from crosswalk.judge import examine
from crosswalk.mapping import MappingFile, read_text
from crosswalk.names import Name
from crosswalk.schema import Column, RelationKind, Schema
from crosswalk.strategy import Derived, derive_hybrid, derive_recreate, dropped, fates, parents_with_rows
from tests.schemas import kind, refers, schema, table

REVIEWED = """\
version: 1  # the first
tables:
  # who buys
  users:
    from: people
    key: [id]
    columns:
      id: id
      name: name  # in full

    # nobody needs them
    drop:
      name_old: {why: an older spelling, secret: true}
      shoe: nobody asks
      pin: {why: a secret, final: true, secret: true}

  # what they bought
  orders:
    from: sales
    key: [id]
    columns:
      id: id
      total: {sql: cents / 100}
      note: {fold: [remark, colour]}
    drop:
      cents: kept as total
      total: of the old shop
      note: of the old shop

preserve: {sessions: live}  # not ours
ignore:
  source: {log: a log}
  target: {cache: fills itself, log: a log of its own}
"""
SOURCE = schema(
    table("people", name="text", name_old="text", shoe="int4", pin="text"),
    table("sales", cents="int4!", total="int4", note="text", remark="text", colour="text"),
    table("log", text="text"),
)
TARGET = schema(
    table("users", name="text"), table("orders", total="int4", note="jsonb"),
    table("sessions", x="text"), table("cache", x="text"), table("log", x="text"),
)


LOG = Name("public", "log")


def reviewed(text: str = REVIEWED) -> MappingFile:
    return read_text(text, path="m.yaml")


def hybrid(text: str = REVIEWED, source: Schema = SOURCE, target: Schema = TARGET) -> Derived:
    return derive_hybrid(reviewed(text), source, target)


def recreate(text: str = REVIEWED, source: Schema = SOURCE, target: Schema = TARGET) -> Derived:
    return derive_recreate(reviewed(text), source, target, archived={LOG})


def test_the_text_of_hybrid_is_the_authors_with_each_drop_turned_into_a_column() -> None:
    assert hybrid().file.text == """\
version: 1  # the first
tables:
  # who buys
  users:
    from: people
    key: [id]
    columns:
      id: id
      name: name  # in full
      name_old: {column: name_old, why: an older spelling, secret: true}
      shoe: {column: shoe, why: nobody asks}

    # nobody needs them
    drop:
      pin: {why: a secret, final: true, secret: true}

  # what they bought
  orders:
    from: sales
    key: [id]
    columns:
      id: id
      total: {sql: cents / 100}
      note: {fold: [remark, colour]}
      cents: {column: cents, why: kept as total}
      legacy_total: {column: total, why: of the old shop}
      legacy_note: {column: note, why: of the old shop}

preserve: {sessions: live}  # not ours
ignore:
  source: {log: a log}
  target: {cache: fills itself, log: a log of its own}
"""


def test_the_reviewed_document_stays_as_it_was() -> None:
    file = reviewed()
    derive_hybrid(file, SOURCE, TARGET)
    derive_recreate(file, SOURCE, TARGET, archived=())
    assert file.dump() == REVIEWED


def test_the_text_of_recreate_is_the_source_as_it_is() -> None:
    assert recreate().file.text == """\
# The source's tables as they are, derived for recreate; the reviewed document stays in the plan.
version: 1
tables:
  public.people:
    from: public.people
    key: [id]
    columns:
      id: id
      name: name
      name_old: {column: name_old, secret: true}
      shoe: shoe
      pin: {value: null, why: a secret}
    drop:
      pin: {why: a secret, final: true, secret: true}
  public.sales:
    from: public.sales
    key: [id]
    columns:
      id: id
      cents: cents
      total: total
      note: note
      remark: remark
      colour: colour
preserve: {sessions: live}  # not ours
ignore:
  source:
    log: a log
  target:
    public.cache: fills itself
    public.users: "left standing: the source's own tables are filled instead"
    public.orders: "left standing: the source's own tables are filled instead"
    public.log: 'made as in the source, without rows: a log'
"""
    assert recreate().archived == (LOG,)
    assert [n.relation for n in recreate().created] == ["people", "sales", "log"]


def test_the_derived_documents_fit_the_schemas_that_they_are_for() -> None:
    made = recreate()
    target = schema(*SOURCE.tables.values(), TARGET.tables[Name("public", "sessions")],
                    TARGET.tables[Name("public", "users")], TARGET.tables[Name("public", "orders")],
                    TARGET.tables[Name("public", "cache")])  # fmt: skip
    assert examine(made.file, Facts(source=SOURCE, target=target, document=made.file.document)) == []
    added = hybrid()
    tables = dict(TARGET.tables)
    for each in added.additions:
        old = tables[each.target]
        tables[each.target] = replace(
            old, columns=(*old.columns, replace(each.column, name=each.name, not_null=False))
        )
    facts = Facts(source=SOURCE, target=replace(TARGET, tables=tables), document=added.file.document)
    assert examine(added.file, facts) == []


def test_each_column_has_one_fate_for_its_table() -> None:
    found = fates(reviewed().document, SOURCE)
    assert found[Name("public", "sales")] == {
        "id": "kept", "cents": "dropped", "total": "dropped", "note": "dropped", "remark": "folded", "colour": "folded",
    }
    assert [(d.column, d.final, d.secret) for d in dropped(reviewed().document, SOURCE)][:3] == [
        ("name_old", False, True), ("shoe", False, False), ("pin", True, True),
    ]


TWICE = """\
version: 1
tables:
  users:
    from: people
    key: [id]
    columns: {id: id, name: name}
    drop: {name_old: one, shoe: one, pin: one}
  heads:
    from: people
    key: [id]
    columns: {id: id, shoe: shoe}
    drop: {name: of users, name_old: two, pin: {why: two, final: true}}
"""


def test_a_column_that_another_table_takes_is_not_lost_and_one_that_none_takes_comes_once() -> None:
    target = schema(table("users", name="text"), table("heads", shoe="int4"))
    made = hybrid(TWICE, target=target)
    assert [(a.target.relation, a.name, a.lost.why) for a in made.additions] == [("users", "name_old", "one")]
    assert [d.column for d in dropped(made.file.document, SOURCE)] == ["pin"]
    assert made.file.document.tables["users"].drop.keys() == {"shoe", "pin"}


def test_a_final_word_about_a_column_holds_wherever_it_stands() -> None:
    assert all(a.lost.column != "pin" for a in hybrid(TWICE).additions)
    assert recreate(TWICE).file.document.tables["public.people"].columns["pin"].kind == "value"


def test_where_nothing_is_dropped_hybrid_adds_nothing() -> None:
    text = TWICE.replace("drop: {name_old: one, shoe: one, pin: one}", "drop: {name_old: {why: x, final: true}}")
    made = hybrid(text, source=schema(table("people", name="text", shoe="int4", name_old="text")))
    assert made.additions == ()
    assert made.file.text == reviewed(text).dump()


def test_a_name_that_is_taken_gives_way_within_63_bytes() -> None:
    long = "ж" * 31 + "x"
    source = schema(table("people", **{"name": "text", long: "text", "legacy_x": "text", "x": "text"}))
    target = schema(table("users", **{"name": "text", long: "text", "x": "text", "legacy_x": "text"}))
    text = f"""\
version: 1
tables:
  users:
    from: people
    key: [id]
    columns: {{id: id, name: name, {long}: {{value: null}}, x: {{value: null}}, legacy_x: {{value: null}}}}
    drop: {{{long}: a, legacy_x: b, x: c}}
"""
    names = [a.name for a in hybrid(text, source=source, target=target).additions]
    assert names == ["legacy_" + "ж" * 28, "legacy_legacy_x", "legacy_x_2"]
    assert all(len(name.encode()) <= 63 for name in names)


def test_what_recreate_cannot_do_is_told() -> None:
    people = SOURCE.tables[Name("public", "people")]
    strict = replace(people, columns=tuple(replace(c, not_null=c.name in {"id", "pin"}) for c in people.columns))
    view = replace(SOURCE.tables[Name("public", "sales")], kind=RelationKind.VIEW)
    made = recreate(REVIEWED.replace("{sessions: live}", "{people: live}"), schema(strict, view))
    assert set(made.blockers) == {
        "public.sales is a view in the source: the target cannot be given it as a table",
        "the name public.people is needed for the source's table, and the target's table of that name is preserved",
        "public.people.pin is dropped for good (final), and is NOT NULL without a default:"
        " take `final` away, or allow NULL in the source",
    }


def test_a_final_column_with_a_default_takes_it_and_generated_columns_are_left_to_the_target() -> None:
    defaulted = Column(name="pin", position=4, type=kind("text"), not_null=True, default="'none'::text")
    computed = Column(name="both", position=5, type=kind("text"), not_null=False, default="name", generated="stored")
    people = SOURCE.tables[Name("public", "people")]
    columns = (*(c for c in people.columns if c.name != "pin"), defaulted, computed)
    text = REVIEWED.replace("      pin:", "      both: computed\n      pin:")
    found = recreate(text, replace(SOURCE, tables={**SOURCE.tables, people.name: replace(people, columns=columns)}))
    mapping = found.file.document.tables["public.people"]
    assert mapping.columns["pin"].kind == "default"
    assert "both" not in mapping.columns
    assert mapping.drop.keys() == {"pin", "both"}
    assert found.blockers == ()


def test_a_table_without_a_key_keeps_what_the_author_named_to_tell_rows_apart() -> None:
    bare = replace(SOURCE.tables[Name("public", "people")], constraints=(), indexes=())
    source = replace(SOURCE, tables={**SOURCE.tables, bare.name: bare})
    text = REVIEWED.replace("    key: [id]\n", "    key: [id]\n    source_key: [id]\n", 1)
    mapping = recreate(text, source).file.document.tables["public.people"]
    assert (mapping.key, mapping.source_key) == ((), ("id",))


def test_a_key_into_a_table_that_comes_without_rows_is_left_out_and_told() -> None:
    sales = table("sales", refers("log", "log"), refers("buyer", "people"), log="int4", buyer="int4")
    log = table("log", refers("text", "people"), text="int4")
    source = replace(SOURCE, tables={**SOURCE.tables, sales.name: sales, log.name: log})
    found, left = parents_with_rows(reviewed(), source)
    assert left == ["public.sales: the foreign key log_fkey is left out: public.log comes without rows"]
    assert [c.name for c in found.tables[sales.name].foreign_keys] == ["buyer_fkey"]
    assert found.tables[log.name] == log

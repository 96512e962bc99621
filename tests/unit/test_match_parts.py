"""The parts of matching that need no server: names, labels, units, the assignment, YAML text, what fits."""

from __future__ import annotations

import random
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from crosswalk.match.affinity import Candidate, judge
from crosswalk.match.assign import assign
from crosswalk.match.coded import propose
from crosswalk.match.fits import misfit
from crosswalk.match.grouping import grouped
from crosswalk.match.labels import from_check, translate
from crosswalk.match.naming import compare, words
from crosswalk.match.profile import Profile, read, sql
from crosswalk.match.proposal import Question
from crosswalk.match.units import convert
from crosswalk.match.writing import stripped
from crosswalk.match.yamltext import flow
from crosswalk.names import Name
from crosswalk.schema import Column, RelationKind, Table, TypeKind, TypeRef

OIDS = {"int4": 23, "int8": 20, "text": 25, "varchar": 1043, "numeric": 1700, "bool": 16, "jsonb": 3802, "timestamptz": 1184}


def kind(name: str, modifier: int = -1) -> TypeRef:
    return TypeRef(
        schema="pg_catalog", name=name, kind=TypeKind.BASE, modifier=modifier, display=name, plain=name, oid=OIDS[name],
        category="X",
    )  # fmt: skip


def column(name: str, of: str = "int4", *, modifier: int = -1, not_null: bool = False, comment: str | None = None) -> Column:
    return Column(name=name, position=1, type=kind(of, modifier), not_null=not_null, comment=comment)


def pair(source: Column, target: Column) -> Candidate:
    found = judge(source, target)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("last_sync_at", ("last", "sync", "at")), ("lastSyncAt", ("last", "sync", "at")), ("visits_count", ("visit", "count")),
        ("HTTPStatus", ("http", "status")), ("addresses", ("address",)), ("qty", ("quantity",)), ("status", ("status",)),
        ("Имя и фамилия", ("fullname",)), ("duration_min", ("duration", "minute")), ("price_min", ("price", "minimum")),
        ("%(x)s", ("x", "s")), ("", ()),
    ],
)  # fmt: skip
def test_a_name_is_cut_into_plain_words(name: str, parts: tuple[str, ...]) -> None:
    assert words(name) == parts


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("visit_count", "visits_count"), ("title", "name"), ("notes", "comment"), ("last_sync_at", "synced_at"),
        ("work_start", "start_time"), ("prepaid", "paid"), ("category_title", "category_name"), ("lang", "language"),
        ("colour", "color"),
    ],
)  # fmt: skip
def test_names_that_mean_the_same_are_alike(left: str, right: str) -> None:
    assert compare(left, right).score >= 0.6
    assert compare(left, right).score == pytest.approx(compare(right, left).score)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("loyalty_level", "loyalty_card"), ("raw_data", "settings"), ("blacklisted", "is_deleted"), ("user_id", "phone_id"),
        ("integration_status", "subscription_status"), ("client_name", "name"), ("ai_enabled", "is_active"), ("data", "raw_data"),
    ],
)  # fmt: skip
def test_a_shared_word_that_many_carry_is_not_enough(left: str, right: str) -> None:
    assert compare(left, right).score <= 0.5


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("billing_city", "shipping_city"), ("first_name", "last_name"), ("fname", "surname"), ("created_by", "updated_by"),
        ("start_at", "end_at"), ("valid_from", "valid_to"), ("min_temp", "temperature_max"), ("home_phone", "phone_work"),
        ("lat", "longitude"), ("width", "height"), ("net_amount", "gross_amount"), ("src_ip", "destination_ip"),
        ("mother_name", "father_name"), ("address1", "address_line_2"), ("sender_id", "recipient_id"), ("buy_price", "sales_price"),
    ],
)  # fmt: skip
def test_look_alikes_at_opposite_ends_are_never_crossed(left: str, right: str) -> None:
    assert compare(left, right).score == 0
    assert judge(column(left, "text"), column(right, "text")) is None


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("empNm", "employee_name"), ("orderdate", "order_date"), ("custid", "customer_id"), ("rechnungsdatum", "invoice_date"),
        ("kundennr", "customer_number"), ("дата_заказа", "order_date"), ("fname", "first_name"), ("date_of_birth", "birth_date"),
        ("aprv_by", "approved_by"), ("toDt", "end_date"), ("last_sign_in_at", "last_login"), ("lat", "latitude"),
    ],
)  # fmt: skip
def test_abbreviations_compounds_and_other_languages_are_read(left: str, right: str) -> None:
    assert compare(left, right).score >= 0.7


def test_flags_that_say_the_opposite_are_turned_and_never_copied() -> None:
    found = pair(column("is_active", "bool"), column("disabled", "bool"))
    assert found.turned
    made = propose(found, "t.disabled", None)
    assert made is not None
    assert made.rule == {"sql": 'NOT "is_active"'}
    assert [q.rank for q in made.questions] == [1]
    assert not pair(column("active", "bool"), column("is_active", "bool")).turned


def test_flags_kept_as_words_become_true_and_false() -> None:
    seen = _seen(shares={"flag": 1.0})
    found = judge(column("active_yn", "text"), column("is_active", "bool"), seen=seen)
    assert found is not None
    made = propose(found, "t.is_active", ("J", "N"))
    assert made is not None
    assert made.rule == {"sql": "CASE \"active_yn\" WHEN 'J' THEN true WHEN 'N' THEN false END"}
    assert propose(found, "t.is_active", ("J", "perhaps")) is None


@pytest.mark.parametrize(
    ("low", "high", "rule"),
    [
        (1_600_000_000, 1_760_000_000, 'to_timestamp("seen_at")'),
        (1_600_000_000_000, 1_760_000_000_000, 'to_timestamp("seen_at" / 1000.0)'),
        (1, 100_000, None), (-1, 1_760_000_000, None),
    ],
)  # fmt: skip
def test_numbers_are_moments_where_all_of_them_are_of_our_time(low: int, high: int, rule: str | None) -> None:
    seen = _seen(low=Decimal(low), high=Decimal(high), distinct=9)
    found = judge(column("seen_at", "int8"), column("seen_at", "timestamptz"), seen=seen)
    if rule is None:
        assert found is None or found.way != "epoch"
        return
    assert found is not None
    made = propose(found, "t.seen_at", None)
    assert made is not None
    assert made.rule == {"sql": rule}
    assert not made.accepted


def test_what_is_one_question_is_asked_once_with_all_its_places() -> None:
    def asked(place: str, theme: str = "how so?") -> Question:
        return Question(code="c", place=place, text="t", theme=theme, offer=f"ignore: {{{place}: x}}", entry=f"{place}: x")

    one, other = grouped([asked("a"), asked("b", ""), asked("c")])
    assert one.places == ("a", "c")
    assert one.text == "how so? a; c"
    assert one.offer == "ignore: {a: x, c: x}"
    assert other.places == ("b",)


def test_the_name_of_the_table_is_left_out_of_its_columns() -> None:
    own = frozenset({"order"})
    assert compare("order_date", "date", own).score > compare("order_date", "date").score
    assert compare("acme_record_id", "acme_order_id", own).score >= 0.9
    assert compare("acme_record_id", "acme_order_id").score < 0.9


@pytest.mark.parametrize(
    ("left", "right", "exact"),
    [
        ("visit_count", "visitsCount", True), ("created_at", "registered_at", False), ("status", "state", False),
        ("is_enabled", "is_active", False), ("visible", "invisible", False),
        ("qty", "quantity", True), ("dob", "birth_date", False), ("mobile", "phone", False),
    ],
)  # fmt: skip
def test_only_spelling_makes_two_names_one(left: str, right: str, exact: bool) -> None:
    assert compare(left, right).exact is exact
    if left == "visible":
        assert compare(left, right).score == 0


def test_a_type_without_a_way_is_no_candidate() -> None:
    assert judge(column("code", "jsonb"), column("code", "int4")) is None
    assert pair(column("code", "text"), column("code", "text")).score == 1
    assert pair(column("count", "int4"), column("count", "text")).score < 0.8


@pytest.mark.parametrize(
    ("expression", "labels"),
    [
        ("((status)::text = ANY ((ARRAY['a'::character varying, 'b''c'::character varying])::text[]))", ("a", "b'c")),
        ("(kind = ANY (ARRAY['x'::text]))", ("x",)), ("((a = 'x'::text) OR (a = 'y'::text))", ("x", "y")),
        ("(age > 3)", ()), ("((a = 'x'::text) AND (b > 1))", ()),
    ],
)  # fmt: skip
def test_labels_of_a_check(expression: str, labels: tuple[str, ...]) -> None:
    assert from_check(expression) == labels


def test_labels_are_translated_where_one_is_meant_and_listed_where_not() -> None:
    assert translate(["Cancelled", "no-show", "past"], ["cancelled", "no_show"]) == (
        {"Cancelled": "cancelled", "no-show": "no_show"}, ("past",),
    )  # fmt: skip
    assert translate(["de", "??"], ["german", "french"]) == ({"de": "german"}, ("??",))
    assert translate(["done"], ["finished", "completed"]) == ({}, ("done",))


def test_units_of_two_names_make_a_factor() -> None:
    found = convert(pair(column("length_sec"), column("length_min")), None, "t.length_min")
    assert found is not None
    assert found.rule == {"sql": '"length_sec" / 60.0'}
    assert not found.accepted
    back = convert(pair(column("delay_hours"), column("delay_min")), None, "t.delay_min")
    assert back is not None
    assert back.rule == {"sql": '"delay_hours" * 60'}
    told = convert(pair(column("delay", comment="in hours"), column("delay", comment="minutes")), None, "t.delay")
    assert told is not None
    assert judge(column("price_min"), column("price_max")) is None


def test_cents_become_an_amount_and_are_asked_about() -> None:
    found = convert(pair(column("amount_cents"), column("amount", "numeric", modifier=(10 << 16) + 2 + 4)), None, "t.amount")
    assert found is not None
    assert found.rule == {"sql": '"amount_cents" / 100.0'}
    assert found.questions


def _seen(**given: object) -> Profile:
    return Profile(**{"rows": 10, "present": 10, **given})  # type: ignore[arg-type]


def test_whole_minutes_are_a_question_and_never_accepted() -> None:
    same = pair(column("duration"), column("duration"))
    found = convert(same, _seen(sixties=1.0, high=Decimal(5400)), "t.duration")
    assert found is not None
    assert [q.code for q in found.questions] == ["unit"]
    assert convert(same, _seen(sixties=0.2, high=Decimal(5400)), "t.duration") is None
    assert convert(same, _seen(sixties=1.0, high=Decimal(120)), "t.duration") is None
    assert convert(pair(column("price"), column("price")), _seen(sixties=1.0, high=Decimal(6000)), "t.price") is None


@pytest.mark.parametrize(
    ("seen", "source", "target", "fits"),
    [
        (_seen(longest=20), column("a", "text"), column("a", "varchar", modifier=24), True),
        (_seen(longest=21), column("a", "text"), column("a", "varchar", modifier=24), False),
        (_seen(present=9), column("a"), column("a", not_null=True), False),
        (_seen(low=Decimal(0), high=Decimal(2**31)), column("a", "int8"), column("a"), False),
        (_seen(low=Decimal(0), high=Decimal(2**31 - 1)), column("a", "int8"), column("a"), True),
        (_seen(low=Decimal(0), high=Decimal(1), whole=0.5), column("a", "numeric"), column("a"), False),
        (None, column("a", "text"), column("a"), True),
    ],
)  # fmt: skip
def test_what_was_seen_fits_or_not(seen: Profile | None, source: Column, target: Column, fits: bool) -> None:
    assert (misfit(seen, source, target) == "") is fits


def test_the_assignment_is_optimal_and_does_not_depend_on_order() -> None:
    scores = {("a", "x"): 0.9, ("a", "y"): 0.8, ("b", "x"): 0.85, ("b", "y"): 0.1, ("c", "z"): 0.2}
    expected = {"x": "b", "y": "a"}
    for seed in range(20):
        mixed = list(scores.items())
        random.Random(seed).shuffle(mixed)
        assert assign(dict(mixed), least=0.3) == expected
    assert assign({("b", "y"): 0.7, ("a", "x"): 0.7, ("a", "y"): 0.7, ("b", "x"): 0.7}, least=0.3) == {"x": "a", "y": "b"}
    assert assign({}, least=0.3) == {}


PLAIN = st.text() | st.none() | st.booleans() | st.integers()


@given(st.recursive(PLAIN, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_yaml_text_is_read_back_as_it_was(value: object) -> None:
    assert YAML(typ="safe").load(flow([value])) == [value]


def test_a_profile_asks_for_counts_and_no_row() -> None:
    table = Table(name=Name("s", "t"), kind=RelationKind.TABLE, columns=(column("n"), column("x", "text"), column("j", "jsonb")))
    text = sql(table, table.columns)
    assert "LIMIT 4000" in text
    assert "TABLESAMPLE" not in text
    large = Table(name=Name("s", "t"), kind=RelationKind.TABLE, columns=table.columns, bytes=1 << 40)
    assert "TABLESAMPLE SYSTEM (0.0100) REPEATABLE (1)" in sql(large, large.columns)
    answers = ['{"rows": 2, "present": 1, "low": "1", "high": "1"}', '{"rows": 2, "present": 0}', '{"rows": 2, "present": 2}']
    found = read(table.columns, answers)
    assert found["n"].low == 1
    assert found["x"].share("email") == 0
    assert found["j"].always


def test_only_lines_of_ours_are_taken_out() -> None:
    text = "#? ours\na: 1 # mine\n  #? ours\n# mine\nb: '#? not ours'\n"
    assert stripped(text) == "a: 1 # mine\n# mine\nb: '#? not ours'\n"

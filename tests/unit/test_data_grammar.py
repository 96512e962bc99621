"""PostgREST's query parameters: what is read from them, and what is refused and where."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crosswalk.data.builder.grammar import OPERATORS, QUANTIFIED, Check, Column, Embed, Field, Logic, Query, Sort, Step
from crosswalk.data.builder.reading import read_query
from crosswalk.data.failures import DataError


def read(**params: str) -> Query:
    return read_query(params.items())


def one(key: str, text: str) -> Check | Logic:
    ((path, found),) = read_query([(key, text)]).tests
    assert path == ()
    return found


def columns(text: str) -> tuple[Column, ...]:
    return read(select=text).columns


def test_no_select_stands_for_every_column() -> None:
    assert read().columns == (Column(field=Field(name="*")),)


def test_a_column_may_have_an_alias_a_json_path_and_a_cast() -> None:
    assert columns('a, b:c->d->>0::int, "we,ird"::timestamp with time zone, x-y') == (
        Column(field=Field(name="a")),
        Column(
            field=Field(name="c", steps=(Step(text=False, key="d"), Step(text=True, key="+0", index=True))),
            alias="b",
            cast="int",
        ),
        Column(field=Field(name="we,ird"), cast="timestamp with time zone"),
        Column(field=Field(name="x-y")),
    )


def test_aggregates_may_be_cast_before_and_after() -> None:
    assert columns("count(),n:count()::text,a::int.sum()::text,a.avg()") == (
        Column(field=Field(name="*"), aggregate="count"),
        Column(field=Field(name="*"), alias="n", aggregate="count", aggregate_cast="text"),
        Column(field=Field(name="a"), cast="int", aggregate="sum", aggregate_cast="text"),
        Column(field=Field(name="a"), aggregate="avg"),
    )


def test_embeds_nest_and_say_how_they_join() -> None:
    found = read(select="id,x:rel!hint!inner(*,deep(id)),...flat!left!other(a),bare()")
    assert found.embeds == (
        Embed(
            name="rel",
            alias="x",
            hint="hint",
            join="inner",
            columns=(Column(field=Field(name="*")),),
            embeds=(Embed(name="deep", columns=(Column(field=Field(name="id")),)),),
        ),
        Embed(name="flat", hint="other", join="left", spread=True, columns=(Column(field=Field(name="a")),)),
        Embed(name="bare"),
    )


def test_a_hint_may_begin_like_a_join() -> None:
    assert read(select="rel!leftover(id)").embeds[0].hint == "leftover"


@pytest.mark.parametrize("operator", sorted(OPERATORS))
def test_every_operator_is_read_with_its_negation(operator: str) -> None:
    assert one("a", f"{operator}.x.y") == Check(field=Field(name="a"), operator=operator, value="x.y")
    assert one("a", f"not.{operator}.x") == Check(field=Field(name="a"), operator=operator, value="x", negated=True)


@pytest.mark.parametrize("operator", sorted(QUANTIFIED))
def test_operators_that_take_any_and_all(operator: str) -> None:
    found = one("a", f"{operator}(any).{{1,2}}")
    assert found == Check(field=Field(name="a"), operator=operator, value="{1,2}", quantifier="any")


@pytest.mark.parametrize(
    "text", ["neq(any).1", "cs(all).{1}", "fts(a b!).x", "in.1", "is.maybe", "nothing", "foo.1", "eq"]
)
def test_what_is_no_filter_is_refused(text: str) -> None:
    with pytest.raises(DataError) as refused:
        one("a", text)
    assert refused.value.code == "PGRST100"
    assert f"failed to parse filter ({text})" in refused.value.message


def test_a_list_may_hold_quoted_values() -> None:
    found = one("a", r'in.(1,"a,b","c\"d",e f,)')
    assert found == Check(field=Field(name="a"), operator="in", value=("1", "a,b", 'c"d', "e f", ""))


def test_is_knows_its_words_in_any_case() -> None:
    assert [one("a", f"is.{word}").value for word in ("NULL", "true", "False", "unknown")] == [  # type: ignore[union-attr]
        "null", "true", "false", "unknown",
    ]  # fmt: skip


def test_a_text_search_may_name_its_configuration() -> None:
    assert one("a", "wfts(english).cat or dog") == Check(
        field=Field(name="a"), operator="wfts", value="cat or dog", config="english"
    )


def test_logic_nests() -> None:
    found = one("or", '(a.eq.1,not.and(b->>c.like.*x*,d.not.in.(1,2)),e.eq."x,y)",f.cs.{1,2})')
    assert found == Logic(
        operator="or",
        parts=(
            Check(field=Field(name="a"), operator="eq", value="1"),
            Logic(
                operator="and",
                negated=True,
                parts=(
                    Check(field=Field(name="b", steps=(Step(text=True, key="c"),)), operator="like", value="*x*"),
                    Check(field=Field(name="d"), operator="in", value=("1", "2"), negated=True),
                ),
            ),
            Check(field=Field(name="e"), operator="eq", value="x,y)"),
            Check(field=Field(name="f"), operator="cs", value="{1,2}"),
        ),
    )


def test_parameters_of_embeds_carry_their_path() -> None:
    found = read_query(
        [("a.b.c", "eq.1"), ("a.not.or", "(x.is.null)"), ("a.order", "x.desc"), ("a.limit", "3"), ("a.b.offset", "2")]
    )
    assert [path for path, _ in found.tests] == [("a", "b"), ("a",)]
    assert found.orders == ((("a",), (Sort(field=Field(name="x"), direction="desc"),)),)
    assert (found.limits, found.offsets) == (((("a",), 3),), ((("a", "b"), 2),))


def test_an_order_may_follow_an_embed_and_a_json_path() -> None:
    ((_, terms),) = read(order="a.desc.nullslast, rel(b->>c).asc,d.nullsfirst").orders
    assert terms == (
        Sort(field=Field(name="a"), direction="desc", nulls="nullslast"),
        Sort(field=Field(name="b", steps=(Step(text=True, key="c"),)), relation="rel", direction="asc"),
        Sort(field=Field(name="d"), nulls="nullsfirst"),
    )


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"select": "id,,name"}, '"failed to parse select parameter (id,,name)" (line 1, column 4)'),
        ({"order": "id.foo"}, '"failed to parse order (id.foo)" (line 1, column 4)'),
        ({"or": "(id.eq.1"}, '"failed to parse logic tree ((id.eq.1)" (line 1, column 11)'),
        ({"id": "is.5"}, '"failed to parse filter (is.5)" (line 1, column 4)'),
        ({"select": "n.sum"}, '"failed to parse select parameter (n.sum)" (line 1, column 6)'),
        ({"id": "eq(some).1"}, '"failed to parse filter (eq(some).1)" (line 1, column 4)'),
        ({"select": "name::te.xt"}, '"failed to parse select parameter (name::te.xt)" (line 1, column 10)'),
    ],
)
def test_a_refusal_tells_the_place_as_postgrest_does(params: dict[str, str], message: str) -> None:
    with pytest.raises(DataError) as refused:
        read(**params)
    assert (refused.value.code, refused.value.message) == ("PGRST100", message)


def test_the_arguments_of_a_call_are_what_is_no_filter() -> None:
    found = read_query([("a", "5"), ("b", "eq.1"), ("a", "6"), ("select", "x")], calls=True)
    assert found.arguments == (("a", "5"), ("a", "6"))
    assert [check.field.name for _, check in found.tests if isinstance(check, Check)] == ["b"]


def test_a_page_begins_at_the_first_row() -> None:
    assert read(offset="-3").offsets == (((), 0),)
    found = read(limit="5", offset="-1")
    assert (found.limits, found.offsets) == ((((), 4),), (((), 0),))
    assert read(limit="0").limits == (((), 0),)


def test_a_page_that_cannot_hold_a_row_is_refused() -> None:
    for params in ({"limit": "-1"}, {"limit": "1", "offset": "-3"}, {"limit": "0", "offset": "5"}):
        with pytest.raises(DataError, match="not satisfiable") as refused:
            read(**params)
        assert refused.value.code == "PGRST103"


# Round trips: a tree is written as its text and read again.
_PLAIN = st.from_regex(r"[a-z_][a-z0-9_]{0,8}", fullmatch=True).filter(
    lambda name: name not in ("count", "inner", "left", "not")
)
_NAMES = st.one_of(_PLAIN, st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=6))
_STEPS = st.builds(lambda text, key: Step(text=text, key=key), st.booleans(), _NAMES)
_FIELDS = st.builds(lambda name, steps: Field(name=name, steps=tuple(steps)), _NAMES, st.lists(_STEPS, max_size=2))
_COLUMNS = st.builds(
    lambda field, alias, cast, aggregate: Column(field=field, alias=alias, cast=cast, aggregate=aggregate),
    _FIELDS,
    st.one_of(st.just(""), _NAMES),
    st.sampled_from(["", "text", "int"]),
    st.sampled_from([None, "sum", "max"]),
)
_EMBEDS = st.recursive(
    st.builds(
        lambda name, alias, columns: Embed(name=name, alias=alias, columns=tuple(columns)),
        _PLAIN,
        st.one_of(st.just(""), _NAMES),
        st.lists(_COLUMNS, max_size=2),
    ),
    lambda inner: st.builds(
        lambda name, hint, join, columns, embeds: Embed(
            name=name, hint=hint, join=join, columns=tuple(columns), embeds=tuple(embeds)
        ),
        _PLAIN,
        st.one_of(st.just(""), _PLAIN),
        st.sampled_from(["", "inner", "left"]),
        st.lists(_COLUMNS, max_size=2),
        st.lists(inner, max_size=2),
    ),
    max_leaves=4,
)
_VALUES = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
_CHECKS = st.builds(
    lambda field, operator, value, negated: Check(field=field, operator=operator, value=value, negated=negated),
    _FIELDS,
    st.sampled_from(["eq", "lt", "isdistinct", "phfts", "ov"]),
    _VALUES,
    st.booleans(),
)
_LOGIC = st.recursive(
    _CHECKS,
    lambda inner: st.builds(
        lambda operator, parts, negated: Logic(operator=operator, parts=tuple(parts), negated=negated),
        st.sampled_from(["and", "or"]),
        st.lists(inner, min_size=1, max_size=3),
        st.booleans(),
    ),
    max_leaves=6,
)


def quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def written_field(field: Field) -> str:
    return quoted(field.name) + "".join(f"->{'>' if step.text else ''}{quoted(step.key)}" for step in field.steps)


def written_column(column: Column) -> str:
    alias = f"{quoted(column.alias)}:" if column.alias else ""
    cast = f"::{column.cast}" if column.cast else ""
    return alias + written_field(column.field) + cast + (f".{column.aggregate}()" if column.aggregate else "")


def written_embed(embed: Embed) -> str:
    alias = f"{quoted(embed.alias)}:" if embed.alias else ""
    words = "".join(f"!{word}" for word in (embed.hint, embed.join) if word)
    inside = [*map(written_column, embed.columns), *map(written_embed, embed.embeds)]
    return f"{alias}{embed.name}{words}({','.join(inside)})"


def written(part: Check | Logic) -> str:
    negated = "not." if part.negated else ""
    if isinstance(part, Logic):
        return f"{negated}{part.operator}({','.join(map(written, part.parts))})"
    return f"{written_field(part.field)}.{negated}{part.operator}.{quoted(str(part.value))}"


@given(st.lists(_COLUMNS, min_size=1, max_size=3), st.lists(_EMBEDS, max_size=2))
def test_a_select_is_read_as_it_was_written(columns: list[Column], embeds: list[Embed]) -> None:
    text = ",".join([*map(written_column, columns), *map(written_embed, embeds)])
    found = read(select=text)
    assert (found.columns, found.embeds) == (tuple(columns), tuple(embeds))


@given(st.lists(_LOGIC, min_size=1, max_size=3))
def test_logic_is_read_as_it_was_written(parts: list[Check | Logic]) -> None:
    assert one("or", f"({','.join(map(written, parts))})") == Logic(operator="or", parts=tuple(parts))


@given(st.sampled_from(["select", "order", "or", "a", "columns", "a.limit"]), st.text(max_size=20))
def test_any_text_is_read_or_refused_by_code(key: str, text: str) -> None:
    try:
        read_query([(key, text)])
    except DataError as refused:
        assert refused.code in ("PGRST100", "PGRST103")  # noqa: PT017

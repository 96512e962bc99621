"""The fluent interface asks for just what postgrest-py asks: method, parameters, preferences, body, for the same calls.

Each chain is written once and played on the public package's builder and on ours; what the two would send is compared.
"""

from __future__ import annotations

import inspect
import json
import string
from collections.abc import Callable, Iterator
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crosswalk.data import bodies
from crosswalk.data.client import fluent, params
from crosswalk.data.client.draft import Draft
from crosswalk.data.client.queries import Queries
from crosswalk.data.failures import NotSupported
from crosswalk.data.request import Request
from postgrest import (
    CountMethod,
    ReturnMethod,
    SyncMaybeSingleRequestBuilder,
    SyncPostgrestClient,
    SyncRequestBuilder,
    SyncRPCFilterRequestBuilder,
    SyncSelectRequestBuilder,
    SyncSingleRequestBuilder,
)

Chain = Callable[[Any], Any]
"""Given a table's builder, of either package."""


class Kept:
    """A sender that only freezes."""

    def send(self, draft: Draft) -> Request:
        return draft.request()

    def send_maybe(self, draft: Draft) -> Request:
        return draft.request()

    def become(self, token: str) -> None:
        raise AssertionError("nobody asked for that")


@pytest.fixture(scope="module")
def public() -> Iterator[SyncPostgrestClient]:
    with httpx.Client() as session:
        yield SyncPostgrestClient("http://localhost", http_client=session)


def ours(table: str = "t") -> fluent.RequestBuilder[Request, Request]:
    return fluent.RequestBuilder(Kept(), table, "public")


def wire(request: Request) -> dict[str, Any]:
    """What a Request would be over HTTP, as far as a client says it."""
    accept = {"array": "application/json", "object": "application/vnd.pgrst.object+json", "csv": "text/csv"}[request.shape]
    if request.strip_nulls:
        accept = {"array": "application/vnd.pgrst.array+json"}.get(request.shape, accept) + ";nulls=stripped"
    prefer = {
        f"return={request.returning}" if request.returning == "representation" or _writes(request) else None,
        f"count={request.count}" if request.count else None,
        f"resolution={request.resolution}" if request.resolution else None,
        "missing=default" if request.missing == "default" else None,
        f"max-affected={request.max_affected}" if request.max_affected is not None else None,
        "handling=strict" if request.max_affected is not None else None,
    } - {None}
    return {
        "method": request.method, "path": f"/{'rpc/' if request.rpc else ''}{request.name}", "params": request.params,
        "prefer": prefer, "accept": accept,
        "body": json.loads(bodies.encoded(request.body)) if request.method in {"POST", "PATCH"} else None,
    }  # fmt: skip


def _writes(request: Request) -> bool:
    return not request.rpc and request.method not in {"GET", "HEAD"}


def _public_wire(builder: Any) -> dict[str, Any]:
    sent: list[httpx.Request] = []

    def keep(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(200, json=[])

    config = builder.request
    with httpx.Client(transport=httpx.MockTransport(keep)) as session:
        config.session = session
        config.send(httpx.Headers())
    (request,) = sent
    headers = request.headers
    prefer = {each for each in headers.get("prefer", "").replace(" ", "").split(",") if each}
    return {
        "method": request.method, "path": request.url.path, "params": _sorted_columns(request.url.params.multi_items()),
        "prefer": prefer, "accept": headers.get("accept", "application/json").replace("*/*", "application/json"),
        "body": json.loads(request.content) if request.method in {"POST", "PATCH"} else None,
    }  # fmt: skip


def _sorted_columns(pairs: Any) -> tuple[tuple[str, str], ...]:
    """The public package names a bulk insert's columns in the order of a set, that is in none."""
    return tuple((name, ",".join(sorted(value.split(","))) if name == "columns" else value) for name, value in pairs)


def _same(public: SyncPostgrestClient, chain: Chain) -> None:
    request = chain(ours()).execute()
    mine = wire(request)
    assert mine | {"params": _sorted_columns(mine["params"])} == _public_wire(chain(public.from_("t")))


CHAINS: dict[str, Chain] = {
    "all": lambda t: t.select(),
    "columns": lambda t: t.select("id", " name , \"a b\"", "x : y (*, z!inner( q ))"),
    "quotes across columns": lambda t: t.select('"a b', 'c d"', "e f"),
    "count": lambda t: t.select("*", count="exact"),
    "count by the enum": lambda t: t.select("*", count=CountMethod.planned),
    "head": lambda t: t.select("*", count="exact", head=True),
    "comparisons": lambda t: t.select().eq("a", 1).neq("b", None).gt("c", 1.5).gte("d", True).lt("e", False).lte("f", "x,y"),
    "containers as values": lambda t: t.select().eq("a", {"b": [1, None]}).eq("c", [1, "é"]),
    "two on a column": lambda t: t.select().gte("a", 1).eq("b", 2).lte("a", 9),
    "names to quote": lambda t: t.select().eq("a,b", 1).eq('c"d', 2).eq("e.f", 3).eq("a->>b", "x"),
    "is": lambda t: t.select().is_("a", None).is_("b", True).is_("c", False).is_("d", "unknown").is_("e", 1),
    "in": lambda t: t.select().in_("a", [1, None, True, "x", "x,y", 'q"', "b\\", "", "(a)"]).in_("b", []),
    "in of a generator": lambda t: t.select().in_("a", (n for n in range(3))),
    "not": lambda t: t.select().not_.eq("a", 1).not_.is_("b", None).eq("c", 2).not_.in_("d", [1]),
    "not, once": lambda t: t.select().not_.match({"a": 1, "b": 2}),
    "match": lambda t: t.select().match({"a": 1, "b": None}),
    "or": lambda t: t.select().or_("a.eq.1,and(b.gt.2,c.is.null)").or_("x.eq.1", reference_table="r").not_.or_("y.eq.1"),
    "not or below": lambda t: t.select().not_.or_("y.eq.1", reference_table="a,b"),
    "patterns": lambda t: t.select().like("a", "%x%").ilike("b", "*y_").like_all_of("c", "a*,b*").like_any_of("d", "a*,b*"),
    "ilike of many": lambda t: t.select().ilike_all_of("c", "a*,b*").ilike_any_of("d", "a*,b*"),
    "search by operator": lambda t: t.select().fts("a", "x").plfts("b", "y z").phfts("c", "z").wfts("d", "w -v"),
    "search": lambda t: t.select().text_search("a", "x & y"),
    "search in plain words": lambda t: t.select().text_search("a", "x y", {"type": "plain", "config": "english"}),
    "search of a phrase": lambda t: t.select().text_search("a", "x y", options={"type": "phrase"}),
    "search as on the web": lambda t: t.select().text_search("a", "x y", options={"type": "web_search", "config": "russian"}),
    "search of a strange type": lambda t: t.select().text_search("a", "x y", options={"type": "odd"}),
    "contains": lambda t: t.select().contains("a", [1, "x y", None, "null", "", "{"]).contains("b", {"k": 1}).contains("c", "[1,5)"),
    "contained": lambda t: t.select().contained_by("a", ["x"]).contained_by("b", {"k": [1, 2]}).contained_by("c", "[1,5)"),
    "overlaps": lambda t: t.select().overlaps("a", ["x", 1]).ov("b", "[1,5)").ov("c", {"k": 1}),
    "by operator": lambda t: t.select().cs("a", ["x", True]).cd("b", [1]).filter("c", "eq", 5).filter("d", "in", "(1,2)"),
    "ranges": lambda t: t.select().sl("a", (1, 2)).sr("a", (1, 2)).nxl("a", (1, 2)).nxr("a", (1, 2)).adj("a", ("x", "y")),
    "ranges, long": lambda t: t.select().range_gt("a", (1, 2)).range_gte("a", (1, 2)).range_lt("a", (1, 2)).range_lte("b", (1, 2)),
    "ranges, adjacent": lambda t: t.select().not_.range_adjacent("a", (1, 2)),
    "order": lambda t: t.select().order("a").order("b", desc=True).order("c", nullsfirst=True),
    "nulls": lambda t: t.select().order("d", desc=True, nullsfirst=False).order("e", nullsfirst=True),
    "order below": lambda t: t.select("*, r(*)").order("a", foreign_table="r").order("b", desc=True, foreign_table="r").order("c"),
    "pages": lambda t: t.select().limit(5).offset(10),
    "pages below": lambda t: t.select().limit(5, foreign_table="r").range(10, 19, foreign_table="r").range(0, 9),
    "limit twice": lambda t: t.select().limit(5).limit(7),
    "order is replaced in its place": lambda t: t.select().order("a").limit(5).eq("x", 1).order("b"),
    "single": lambda t: t.select().eq("a", 1).single(),
    "maybe single": lambda t: t.select().eq("a", 1).maybe_single(),
    "csv": lambda t: t.select().csv(),
    "strip nulls": lambda t: t.select().strip_nulls(),
    "strip nulls of one": lambda t: t.select().strip_nulls().single(),
    "insert": lambda t: t.insert({"a": 1}),
    "insert nothing": lambda t: t.insert({}),
    "insert no rows": lambda t: t.insert([]),
    "insert rows": lambda t: t.insert([{"a": 1}, {"b": 2, 'c "d': 3}], count="exact", default_to_null=False),
    "insert a tuple of rows": lambda t: t.insert(({"a": 1},), returning="minimal"),
    "insert or update": lambda t: t.insert({"a": 1}, upsert=True),
    "insert and choose": lambda t: t.insert({"a": 1}, returning=ReturnMethod.minimal).select("id, a"),
    "insert values": lambda t: t.insert(
        {
            "d": date(2024, 1, 2), "t": time(1, 2, 3), "w": datetime(2024, 1, 2, 3, 4, 5, 6), "b": b"\x00\xff",
            "u": UUID("12345678-1234-5678-1234-567812345678"), "l": (1, 2), "é": "日本",
        }
    ),
    "upsert": lambda t: t.upsert({"a": 1}),
    "upsert rows": lambda t: t.upsert([{"a": 1}], on_conflict="a,b", ignore_duplicates=True, count="exact"),
    "upsert with defaults": lambda t: t.upsert([{"a": 1}, {"b": 1}], default_to_null=False, returning="minimal"),
    "update": lambda t: t.update({"a": 1}).eq("id", 1),
    "update and choose": lambda t: t.update({"a": 1}, count="exact").eq("id", 1).select("a").order("a").limit(1),
    "update a few": lambda t: t.update({"a": 1}, returning="minimal").eq("id", 1).max_affected(3),
    "delete": lambda t: t.delete().eq("id", 1),
    "delete and count": lambda t: t.delete(count="exact", returning="minimal").in_("id", [1, 2]).max_affected(1).max_affected(2),
    "write and want one": lambda t: t.update({"a": 1}).eq("id", 1).single(),
}  # fmt: skip


@pytest.mark.parametrize("chain", CHAINS.values(), ids=CHAINS)
def test_a_chain_asks_what_the_public_package_asks(chain: Chain, public: SyncPostgrestClient) -> None:
    _same(public, chain)


CALLS: dict[str, tuple[Callable[[Any], Any], dict[str, Any]]] = {
    "call": (lambda q: q, {"params": {"a": 1, "b": [1, 2]}}),
    "call with nothing": (lambda q: q, {"params": {}}),
    "call and count": (lambda q: q.select("id").eq("a", 1).limit(2).order("a"), {"params": {"a": 1}, "count": "exact"}),
    "call by get": (
        lambda q: q.select("id, b"),
        {"params": {"a": 1, "b": [1, "x y"], "c": {"k": 1}, "d": None, "e": True, "f": ("a",)}, "get": True},
    ),
    "call by head": (lambda q: q, {"params": {"a": 1}, "head": True, "count": "planned"}),
    "call for one": (lambda q: q.single().eq("a", 1), {"params": {}}),
    "call for csv": (lambda q: q.csv(), {"params": {}}),
    "call for one at most": (lambda q: q.maybe_single(), {"params": {}}),
    "call without nulls": (lambda q: q.strip_nulls(), {"params": {}}),
}


@pytest.mark.parametrize(("chain", "given_"), CALLS.values(), ids=CALLS)
def test_a_call_asks_what_the_public_package_asks(
    chain: Callable[[Any], Any], given_: dict[str, Any], public: SyncPostgrestClient
) -> None:
    mine = Queries(Kept(), "public").rpc("f", **given_)
    assert wire(chain(mine).execute()) == _public_wire(chain(public.rpc("f", **given_)))


_TEXT = st.text(string.ascii_letters + ' ,.:()"\\{}%*_-→é', max_size=12)
_NAME = st.text(string.ascii_lowercase + ',."- >(', min_size=1, max_size=8)
_SCALAR = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | _TEXT
_VALUE = _SCALAR | st.lists(_SCALAR, max_size=3) | st.dictionaries(_TEXT, _SCALAR, max_size=2)
_STEP = st.one_of(
    st.tuples(st.sampled_from(["eq", "neq", "gt", "gte", "lt", "lte", "is_"]), _NAME, _VALUE),
    st.tuples(st.sampled_from(["like", "ilike", "like_all_of", "ilike_any_of", "fts", "wfts"]), _NAME, _TEXT),
    st.tuples(st.sampled_from(["in_", "cs", "cd"]), _NAME, st.lists(_SCALAR, max_size=4)),
    st.tuples(st.sampled_from(["contains", "contained_by", "overlaps"]), _NAME, st.lists(_SCALAR) | _TEXT),
    st.tuples(st.sampled_from(["sl", "range_gte", "adj"]), _NAME, st.tuples(_SCALAR, _SCALAR)),
    st.tuples(st.just("or_"), _TEXT),
    st.tuples(st.just("order"), _NAME),
    st.tuples(st.sampled_from(["limit", "offset"]), st.integers(0, 99)),
    st.tuples(st.just("range"), st.integers(0, 9), st.integers(10, 99)),
    st.just(("not_",)),
)


@given(columns=st.lists(_TEXT, max_size=3), steps=st.lists(_STEP, max_size=8))
def test_any_chain_asks_what_the_public_package_asks(columns: list[str], steps: list[tuple[Any, ...]]) -> None:
    def chain(table: Any) -> Any:
        built = table.select(*columns)
        for name, *arguments in steps:
            built = built.not_ if name == "not_" else getattr(built, name)(*arguments)
        return built

    with httpx.Client() as session:
        public = SyncPostgrestClient("http://localhost", http_client=session).from_("t")
        assert chain(ours()).execute().params == tuple(chain(public).request.params.multi_items())


PAIRS = [
    (SyncRequestBuilder, fluent.RequestBuilder),
    (SyncSelectRequestBuilder, fluent.SelectRequestBuilder),
    (SyncRPCFilterRequestBuilder, fluent.RPCFilterRequestBuilder),
    (SyncSingleRequestBuilder, fluent.SingleRequestBuilder),
    (SyncMaybeSingleRequestBuilder, fluent.MaybeSingleRequestBuilder),
]


@pytest.mark.parametrize(("theirs", "mine"), PAIRS, ids=[mine.__name__ for _, mine in PAIRS])
def test_every_method_of_the_public_package_is_there_with_its_arguments(theirs: type, mine: type) -> None:
    for name, member in inspect.getmembers(theirs):
        if name.startswith("_") or name == "explain":
            continue
        assert hasattr(mine, name), name
        if callable(member):
            asked = {each: (p.kind, p.default) for each, p in inspect.signature(member).parameters.items()}
            have = {each: (p.kind, p.default) for each, p in inspect.signature(getattr(mine, name)).parameters.items()}
            assert have == asked, name


def test_a_chain_changes_its_builder_in_place() -> None:
    built = ours().select("id")
    built.eq("a", 1)
    built.order("id").limit(3)
    assert built.execute().params == (("select", "id"), ("a", "eq.1"), ("order", "id.asc"), ("limit", "3"))


def test_a_bulk_insert_names_its_columns_in_order_of_their_first_mention() -> None:
    request = ours().insert([{"b": 1, "a": 2}, {"c": 3, "a": 4}]).execute()
    assert request.params == (("columns", '"b","a","c"'),)


def test_what_contradicts_itself_is_refused() -> None:
    with pytest.raises(ValueError, match="strip_nulls"):
        ours().select().strip_nulls().csv()
    with pytest.raises(ValueError, match="strip_nulls"):
        Queries(Kept(), "public").rpc("f").csv().strip_nulls()
    with pytest.raises(ValueError, match="at least one"):
        ours().select().match({})


def test_explain_is_not_supported_and_says_its_name() -> None:
    with pytest.raises(NotSupported, match=r"explain\(\)"):
        ours().select().explain(analyze=True)


def test_a_retry_may_be_forbidden() -> None:
    built = ours().select().retry(False)
    assert not built._draft.repeats


def test_a_decimal_is_a_number_with_just_its_digits() -> None:
    long = Decimal("12345678901234567890.123456789")
    row = {"a": Decimal("1.10"), "b": [long], "c": 'decimal:"1"', "d": Decimal("NaN"), "e": Decimal("1E+3")}
    text = '{"a":1.10,"b":[12345678901234567890.123456789],"c":"decimal:\\"1\\"","d":"NaN","e":1000}'
    assert bodies.encoded(row) == text


@pytest.mark.parametrize(("body", "raised"), [({"a": float("nan")}, ValueError), ({"a": object()}, TypeError)], ids=["nan", "object"])
def test_a_body_that_is_no_json_is_refused(body: Any, raised: type[Exception]) -> None:
    with pytest.raises(raised):
        bodies.encoded(body)


def test_parameters_replace_and_repeat() -> None:
    said = params.Params([("a", 1), ("b", None)])
    said.add("a", True)
    assert said.pairs() == (("a", "1"), ("a", "true"), ("b", ""))
    said.set("a", "x")
    assert (said.first("a"), said.first("c")) == ("x", None)

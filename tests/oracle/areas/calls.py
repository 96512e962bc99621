"""Functions: arguments and results of every kind, defaults, overloads, one unnamed document, variadic, errors, writes."""

from __future__ import annotations

from typing import Any

from tests.oracle.asked import Build, asks, changes


def call(name: str, arguments: Any = None, **how: Any) -> Build:
    return lambda c: c.rpc(name, {} if arguments is None else arguments, **how)


ARGUMENTS: list[dict[str, Any]] = [
    {"i": 5}, {"i": "5"}, {"i": -2147483648}, {"i": 5.0}, {"i": 5.5}, {"i": "x"}, {"i": None}, {"i": 99999999999}, {"n": 1.10},
    {"n": "1.10"}, {"n": "NaN"}, {"n": 1e30}, {"t": "text"}, {"t": 5}, {"t": True}, {"t": {"a": 1}}, {"t": [1, "b"]}, {"t": ""},
    {"t": "null"}, {"t": None}, {"f": True}, {"f": "yes"}, {"f": 1}, {"d": "2024-01-31"}, {"d": "31 Jan 2024"}, {"d": "x"},
    {"m": "2024-01-01T00:00:00+03:00"}, {"u": "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"}, {"u": "x"}, {"j": {"a": [1, None]}},
    {"j": "text"}, {"j": [1]}, {"j": 5}, {"j": None}, {"b": {"b": 1.0, "a": 2}}, {"b": "text"}, {"b": "{\"a\": 1}"}, {"a": [1, 2]},
    {"a": "{1,2}"}, {"a": []}, {"a": [1, None]}, {"a": ["1", "2"]}, {"a": [[1], [2]]}, {"a": ["x"]}, {"a": {"x": 1}},
    {"w": ["a,b", "c\"d", None, "", "{}"]}, {"w": [1, True]}, {"e": "very happy"}, {"e": "bored"}, {"r": "[1,5)"},
    {"c": {"street": "s", "zip": 1}}, {"c": "(s,1)"}, {"c": {"zip": "2", "extra": 1}}, {"p": 5}, {"p": -1}, {"s": "1 day 02:00"},
    {"y": "\\x01ff"}, {"i": 1, "t": "x", "f": False, "w": ["z"]}, {"i": 1, "nope": 2},
]  # fmt: skip
GOT: list[dict[str, Any]] = [
    {"i": 5}, {"i": "x"}, {"n": "1.10"}, {"t": ""}, {"t": "a,b(c)"}, {"t": "eq.1"}, {"f": True}, {"a": [1, 2]},
    {"w": ["a,b", None]}, {"j": {"a": 1}}, {"b": {"a": 1}}, {"e": "ok"}, {"d": "2024-01-01"}, {"i": 1, "t": "t"}, {"c": "(s,1)"},
]  # fmt: skip
RESULTS: list[Build] = [
    call("hello"), call("hello", get=True), call("hello", head=True), call("add", {"a": 1, "b": 2}), call("add", {"a": 1}),
    call("add", {"b": 2}), call("add", {"a": 1, "b": None}), call("add", {"a": "1", "b": "2"}),
    call("add", {"a": 1, "b": 2}, get=True), call("add", {"a": 1}, get=True), call("add", {"a": 1, "c": 2}), call("add"),
    call("add", {"a": 2147483647, "b": 1}), call("add", {"a": 1, "b": 2}, count="exact"), call("nothing_at_all"),
    call("nothing_at_all", get=True), call("no_value"), call("no_rows"), call("no_row"), call("one_album", {"number": 1}),
    call("one_album", {"number": 99}), call("albums_of", {"artist": 1}), call("albums_of", {"artist": 1}, get=True),
    call("albums_of", {"artist": 99}), call("words", {"n": 3}), call("words", {"n": 0}), call("pairs", {"n": 3}),
    call("pairs", {"n": 3}, count="exact"), call("halves", {"n": 7}), call("bumped", {"n": 1}),
    call("where_is", {"street": "a", "zip": 1}), call("places"), call("records"), call("listed"), call("moody"), call("moment"),
    call("exactly"), call("documented"), call("documents"), call("method"), call("method", get=True),
    call("total", {"numbers": [1, 2, 3]}), call("total", {"numbers": []}), call("total", {"numbers": [4]}, get=True),
    call("total", {"numbers": 4}), call("total"), call("joined", {"glue": "-"}),
    call("joined", {"glue": "-", "parts": ["a", "b,c"]}), call("joined", {"glue": "+", "parts": ["a", "b"]}, get=True),
    call("total", {"numbers": "{1,2}"}), call("told", {"x": 1}), call("told", {"x": 1, "y": 2}), call("told", {"z": "x"}),
    call("told", {"x": "1"}), call("told", {"y": 2}), call("told"), call("unclear", {"x": 1}), call("unclear"),
    call("echo", {"a": 1, "b": [None]}), call("echo", {"x": 1.0}), call("echo_binary", {"b": 1, "a": 2}), call("echo"),
    call("echo", {"a": 1}, get=True), call("divided", {"a": 1, "b": 0}), call("nowhere"), call("nowhere", {"a": 1, "b": 2}),
    call("nowhere", {"a": 1}, get=True), call("helo"), call("shout", {"albums": 1}), call("latest", {"artists": 1}), call("guard"),
    call("refuse", {"code": "P0001"}), call("refuse", {"code": "ZX009", "said": "mine"}), call("refuse", {"code": "PT402"}),
    call("refuse", {"code": "23505"}), call("refuse", {"code": "42501"}), call("refuse", {"code": "PT204"}),
    call("refuse", {"code": "22012", "said": ""}), call("refuse", {"code": "PGRST"}), call("refuse", {"code": "PT40x"}),
    call("refuse", {"code": "28000"}), call("sneaky"), call("sneaky", get=True), call("no_row", count="exact"),
    call("claim", {"named": "team"}), call("add", {"a": 1, "b": 2}, head=True), call("pairs", {"n": 3}, head=True, count="exact"),
    call("hello", {"a": 1}), call("me", {"x": {}}),
]  # fmt: skip
ROWS: list[Build] = [
    lambda c: c.rpc("albums_of", {"artist": 1}).select("title", "id"),
    lambda c: c.rpc("albums_of", {"artist": 1}).select("title", "artists(name)", "tracks(title)"),
    lambda c: c.rpc("albums_of", {"artist": 1}).eq("title", "Basalt"),
    lambda c: c.rpc("albums_of", {"artist": 1}).order("title", desc=True).limit(1),
    lambda c: c.rpc("albums_of", {"artist": 1}, get=True).select("title").gt("price", 10),
    lambda c: c.rpc("albums_of", {"artist": 1}, count="exact").range(0, 0),
    lambda c: c.rpc("albums_of", {"artist": 1}).select("shout"),
    lambda c: c.rpc("albums_of", {"artist": 1}).select("price.sum()"),
    lambda c: c.rpc("albums_of", {"artist": 1}).single(),
    lambda c: c.rpc("albums_of", {"artist": 3}).single(),
    lambda c: c.rpc("albums_of", {"artist": 99}).single(),
    lambda c: c.rpc("albums_of", {"artist": 1}).csv(),
    lambda c: c.rpc("albums_of", {"artist": 3}).maybe_single(),
    lambda c: c.rpc("albums_of", {"artist": 99}).maybe_single(),
    lambda c: c.rpc("albums_of", {"artist": 1}).maybe_single(),
    lambda c: c.rpc("one_album", {"number": 1}).select("title"),
    lambda c: c.rpc("one_album", {"number": 1}).select("title", "artists(name)"),
    lambda c: c.rpc("one_album", {"number": 1}).single(),
    lambda c: c.rpc("pairs", {"n": 5}).select("square").gte("number", 3).order("number", desc=True),
    lambda c: c.rpc("pairs", {"n": 5}, get=True).select("square").gte("number", 3),
    lambda c: c.rpc("pairs", {"n": 2}).csv(),
    lambda c: c.rpc("pairs", {"n": 5}).select("nowhere"),
    lambda c: c.rpc("pairs", {"n": 5}).select("number", "artists(name)"),
    lambda c: c.rpc("pairs", {"n": 20}, count="exact").range(5, 6),
    lambda c: c.rpc("pairs", {"n": 3}, count="exact").range(5, 6),
    lambda c: c.rpc("words", {"n": 5}).limit(2),
    lambda c: c.rpc("words", {"n": 5}).select("words"),
    lambda c: c.rpc("words", {"n": 2}).csv(),
    lambda c: c.rpc("halves", {"n": 7}).select("rest"),
    lambda c: c.rpc("halves", {"n": 7}).single(),
    lambda c: c.rpc("where_is", {"street": "a", "zip": 1}).select("zip"),
    lambda c: c.rpc("places", {}).eq("zip", 2),
    lambda c: c.rpc("add", {"a": 1, "b": 2}).single(),
    lambda c: c.rpc("add", {"a": 1, "b": 2}).csv(),
    lambda c: c.rpc("add", {"a": 1, "b": 2}).select("add"),
    lambda c: c.rpc("add", {"a": 1, "b": 2}).eq("a", 5),
    lambda c: c.rpc("hello", {}).select("x"),
    lambda c: c.rpc("documents", {}).limit(1),
    lambda c: c.rpc("albums_of", {"artist": 1}).or_("id.eq.1,id.eq.3"),
    lambda c: c.rpc("compatriots", {}).select("name"),
]
WRITING: list[Build] = [
    call("store", {"named": "new"}), call("store", {"named": "new", "amount": 7}), call("store", {"named": "new", "amount": -1}),
    call("store", {"named": None}), call("store", {"named": "n"}, get=True), call("store_all", {"names": ["x", "y"]}),
    call("store_all", {"names": []}), call("bump_all"), call("bump_all", get=True),
    lambda c: c.rpc("store", {"named": "new"}).select("id", "name"),
    lambda c: c.rpc("store", {"named": "new"}).select("name", "categories(name)"),
    lambda c: c.rpc("store_all", {"names": ["x", "y"]}).select("name").order("name", desc=True).limit(1),
    lambda c: c.rpc("store_all", {"names": ["x", "y"]}).single(),
    lambda c: c.rpc("store_all", {"names": ["x", "y"]}, count="exact").eq("name", "y"),
]  # fmt: skip
CASES = [
    *asks(*(call("typed", each) for each in ARGUMENTS)), *asks(*(call("typed", each, get=True) for each in GOT)),
    *asks(*RESULTS, *ROWS), *changes(*WRITING),
]  # fmt: skip

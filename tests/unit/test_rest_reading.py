"""A REST source on paper: addresses, keys, the document as tables, pages as parameters. No server."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import httpx
import pytest

from crosswalk.connect import mask, server_url
from crosswalk.errors import BadConnectionSetting, BadRestAddress, RestKeyMissing, RestKeyUnusable, RestStyleUnknown
from crosswalk.names import Name
from crosswalk.rest import Patience, is_rest, mask_address, read_address
from crosswalk.rest.address import KEY_VARIABLE, key_of
from crosswalk.rest.client import open_client
from crosswalk.rest.filters import after, ordered, selected, since
from crosswalk.rest.ground import database_name
from crosswalk.rest.openapi import Catalog, read_catalog
from crosswalk.rest.staging import foreign_keys, require_known_style
from tests.postgrest import jwt


def document(paths: dict[str, Any] | None = None, **tables: Any) -> dict[str, Any]:
    return {"definitions": tables, "paths": paths or {}}


def table(required: tuple[str, ...] = (), **properties: Any) -> dict[str, Any]:
    given = {name: {"format": value} if isinstance(value, str) else value for name, value in properties.items()}
    return {"required": [*required], "properties": given}


def catalog(**tables: Any) -> Catalog:
    return read_catalog({"public": document(**tables)})


KEY = {"description": "Note:\nThis is a Primary Key.<pk/>"}


@pytest.mark.parametrize(
    ("text", "shown", "root"),
    [
        ("https://abc.supabase.co", "https://abc.supabase.co", "https://abc.supabase.co/rest/v1"),
        ("https://ABC.supabase.co/rest/v1/", "https://abc.supabase.co", "https://abc.supabase.co/rest/v1"),
        ("https://api.example.org/shop/", "https://api.example.org/shop", "https://api.example.org/shop"),
        ("http://127.0.0.1:3000", "http://127.0.0.1:3000", "http://127.0.0.1:3000"),
        ("http://[::1]:3000/", "http://[::1]:3000", "http://[::1]:3000"),
    ],
)
def test_an_address_names_the_project_and_its_root(text: str, shown: str, root: str) -> None:
    source = read_address(text + "?page=5&views=true&schemas=a,b")
    assert (source.url, source.root) == (shown, root)
    assert (source.page, source.views, source.schemas, source.allow_anon) == (5, True, ("a", "b"), False)
    assert database_name(source) == database_name(read_address(text))
    assert is_rest(text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("http://example.org", "in clear"),
        ("https://", "no host"),
        ("https://sb_secret_x@abc.supabase.co", "a key stands in it"),
        ("https://u:hidden@abc.supabase.co", "a key stands in it"),
        ("https://abc.supabase.co?apikey=hidden", "the parameter 'apikey'"),
        ("https://abc.supabase.co?page=0", "page"),
        ("https://abc.supabase.co?views=perhaps", "views"),
        ("https://abc.supabase.co:99999", "cannot be split"),
    ],
)
def test_an_address_that_cannot_be_taken_is_refused_without_what_may_be_secret(text: str, reason: str) -> None:
    with pytest.raises(BadRestAddress, match=reason) as error:
        read_address(text)
    for told in (str(error.value), mask_address(text), mask(text)):
        assert "hidden" not in told
        assert "sb_secret_x" not in told


def test_a_target_is_no_api() -> None:
    with pytest.raises(BadConnectionSetting, match="a REST API can only be read from"):
        server_url("target", "https://abc.supabase.co")


def test_keys_say_for_whom_they_speak_and_stay_out_of_sight(tmp_path: Path) -> None:
    service = key_of(jwt("service_role"))
    assert (service.role, service.sees_all) == ("service_role", True)
    assert set(service.headers) == {"apikey", "Authorization"}
    assert service.secret not in repr(service)
    assert set(key_of("sb_secret_x").headers) == {"apikey"}
    assert [key_of(k).sees_all for k in ("sb_secret_x", "sb_publishable_x", jwt("anon"), "", "a.b.c")] == [True, *[False] * 4]
    hosted = read_address("https://abc.supabase.co")
    with pytest.raises(RestKeyMissing):
        hosted.key({})
    assert hosted.key({KEY_VARIABLE: " sb_secret_x\n"}).secret == "sb_secret_x"
    assert read_address("http://localhost:1").key({}).role == "anon"
    (tmp_path / "key").write_text("sb_secret_file\n")
    named = read_address(f"https://abc.supabase.co?key_file={tmp_path / 'key'}")
    assert named.key({KEY_VARIABLE: "sb_secret_other"}).secret == "sb_secret_file"
    for text in ("", "two words", "ключ"):
        (tmp_path / "key").write_text(text)
        with pytest.raises(RestKeyUnusable):
            named.key({})


def test_types_come_as_declared_and_what_staging_cannot_have_comes_as_text() -> None:
    read = catalog(
        t=table(
            a={"format": "character varying", "maxLength": 20}, b="character varying[]", c={"format": "bit", "maxLength": 3},
            d="public.addr", e="extensions.vector(3)", f="xml", g={"format": "public.mood", "enum": ["x", "y"]},
            h="public.mood[]", i="public.addr[]", j="regclass", k="timestamp with time zone", l="money", m="citext",
            n='odd."Type.x"', o={"format": "character"}, p="extensions.halfvec(2)[]",
        )
    )  # fmt: skip
    assert {c.name: c.type for c in read.tables[0].columns} == {
        "a": "character varying(20)", "b": "varchar[]", "c": "bit(3)", "d": "text", "e": '"extensions"."vector"(3)', "f": "text",
        "g": '"public"."mood"', "h": '"public"."mood"[]', "i": "text[]", "j": "text", "k": "timestamp with time zone",
        "l": "money", "m": "text", "n": "text", "o": "bpchar", "p": '"extensions"."halfvec"(2)[]',
    }  # fmt: skip
    assert [c.name for c in read.tables[0].columns if c.as_text] == ["d", "f", "i", "j", "m", "n"]
    assert read.enums == {Name("public", "mood"): ("x", "y")}
    assert read.extensions == {"vector": "extensions"}
    assert read.schemas == ("extensions", "public")
    chosen = {c.name: s for c, s in zip(read.tables[0].columns, selected(read.tables[0].columns), strict=True)}
    assert (chosen["a"], chosen["k"], chosen["l"]) == ('"a"::text', '"k"', '"l"::numeric')


def test_only_certain_defaults_are_taken_and_comments_lose_their_notes() -> None:
    read = catalog(
        t=table(
            ("a",), a={"format": "integer", "default": 3, "description": "mine\n\nNote:\nThis is a Primary Key.<pk/>"},
            b={"format": "boolean", "default": False}, c={"format": "text", "default": "now()"},
            d={"format": "timestamp with time zone", "default": "now()"},
            e={"format": "public.m", "enum": ["it's"], "default": "it's"},
            f={"format": "uuid", "default": "some_function()"},
        )
    )  # fmt: skip
    columns = {c.name: c for c in read.tables[0].columns}
    assert {name: c.default for name, c in columns.items()} == {
        "a": "3", "b": "false", "c": None, "d": "now()", "e": "'it''s'", "f": None
    }  # fmt: skip
    assert (columns["a"].comment, columns["a"].key, columns["a"].required, columns["b"].comment) == ("mine", True, True, None)


def test_a_view_gives_itself_away() -> None:
    id_ = {"format": "bigint", **KEY}
    paths: dict[str, Any] = {"/closed": {"get": {}}, "/real": {"get": {}, "post": {}}, "/open": {"get": {}, "post": {}}}
    read = read_catalog(
        {"public": document(paths, real=table(("id",), id=id_), closed=table(n="bigint"), open=table(id=id_, n="text"))}
    )
    assert {t.name.relation: t.view for t in read.tables} == {"closed": True, "open": True, "real": False}
    assert {t.name.relation: len(t.key) for t in read.tables} == {"closed": 0, "open": 0, "real": 1}


def test_foreign_keys_lead_to_whole_keys_of_the_same_type() -> None:
    def to(other: str, column: str, kind: str = "bigint") -> dict[str, str]:
        note = f"Note:\nThis is a Foreign Key to `{other}.{column}`.<fk table='{other}' column='{column}'/>"
        return {"format": kind, "description": note}

    read = catalog(
        parent=table(("id",), id={"format": "bigint", **KEY}, code="text"),
        pair=table(("a", "b"), a={"format": "bigint", **KEY}, b={"format": "bigint", **KEY}),
        child=table(
            ("id",), id={"format": "bigint", **KEY}, good=to("parent", "id"), narrow=to("parent", "id", "integer"),
            unique=to("parent", "code", "text"), half=to("pair", "a"), gone=to("hidden", "id"), own=to("child", "id"),
        ),
    )  # fmt: skip
    assert [(f.table.relation, f.column, f.parent.relation) for f in foreign_keys(read)] == [
        ("child", "good", "parent"), ("child", "own", "child")
    ]  # fmt: skip


def test_a_page_begins_after_the_last_key_whatever_stands_in_it() -> None:
    assert after(["id"], ["5"]) == '("id".gt."5")'
    assert after(["a", 'o"d\\d'], ['x,"y\\', ")"]) == (
        r'("a".gt."x,\"y\\",and("a".eq."x,\"y\\","o\"d\\d".gt.")"))'
    )
    assert since(["a", "b"], ['x"', "y"]) == r'("a".gte."x\"")'
    assert ordered(["a", "b c"]) == '"a".asc,"b c".asc'


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("date[]", ["{2026-01-02,NULL,infinity}", "{}", None, '{"0044-03-15 BC"}'], ["{01/31/2026}", "{31.01.2026}", "{02-01-2026}"]),
        ("daterange", ["[2026-01-31,2026-02-05)", "empty", "(,)", "(,2026-01-01)"], ["[01-31-2026,)", "(,31/01/2026)"]),
        ("tstzrange", ['["2026-01-31 01:02:03.5+00","2026-02-05 00:00:00-03:30")'], ['["Sat Jan 31 01:02:03 2026 UTC",)']),
        ("interval", ["1 year 2 mons -3 days +04:05:06", "04:05:06", "P1Y2M-3DT4H5M6S", "@ 1 day", "-00:00:01"],
         ["-1 4:05:06", "1-2", "+1-2 -3 +4:05:06"]),
    ],
)  # fmt: skip
def test_styles_that_could_be_misread_are_refused(kind: str, good: list[str | None], bad: list[str]) -> None:
    made = catalog(t=table(x=kind)).tables[0]
    require_known_style(made, [(text,) for text in good])
    for text in bad:
        with pytest.raises(RestStyleUnknown, match=r"public\.t\.x"):
            require_known_style(made, [(text,)])


def test_patience_heeds_retry_after_within_bounds() -> None:
    patience = Patience(pause=1, longest=60)
    asked = [httpx.Response(429, headers={"Retry-After": said}) for said in ("7", "0", "99999", "Wed, 21 Oct 2015 07:28:00 GMT")]
    assert [patience.before(1, answer) for answer in asked] == [7, 1, 60, 1]
    assert 3 <= patience.before(3, None) <= 5
    assert patience.before(20, httpx.Response(503)) == 60


async def test_logging_never_gets_urls_or_headers() -> None:
    source = read_address("http://127.0.0.1:9")
    async with open_client(source, key_of("sb_secret_x"), Patience()):
        assert logging.getLogger("httpx").level == logging.getLogger("httpcore").level == logging.WARNING

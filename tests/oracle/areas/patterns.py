"""Patterns and text search."""

from __future__ import annotations

from typing import Any

from tests.oracle.asked import Build, asks


def like(operator: str, pattern: str, column: str = "label") -> Build:
    return lambda c: getattr(c.table("kinds").select("id", column), operator)(column, pattern).order("id")


def names(operator: str, value: Any) -> Build:
    return lambda c: c.table("artists").select("name").filter("name", operator, value).order("id")


def search(query: str, column: str = "words", **options: Any) -> Build:
    return lambda c: c.table("articles").select("id").text_search(column, query, options=options).order("id")


def words(operator: str, query: str, column: str = "words") -> Build:
    return lambda c: c.table("articles").select("id").filter(column, operator, query).order("id")


PATTERNS: list[Build] = [
    like("like", "o%"), like("like", "*o*"), like("like", "%(three)%"), like("like", '%"four"'), like("like", "ONE"),
    like("like", ""), like("like", "%"), like("like", "Привет, *"), like("like", "_ne"), like("like", "*\\%*", "short"),
    like("like", "é\\%\\_\\*", "short"), like("like", "%\\*", "short"), like("ilike", "ONE"), like("ilike", "ПРИВЕТ%"),
    like("ilike", "*O*"), like("ilike", "%,%"), like("like", "a%", "fixed"), like("like", "x%", "whole"),
    like("like", "ok", "mood"), like("ilike", "%@EXAMPLE%", "contact"), like("like", "o%\\"),
    lambda c: c.table("kinds").select("id").not_.like("label", "%o%").order("id"),
    lambda c: c.table("kinds").select("id").not_.ilike("label", "O*").order("id"),
    lambda c: c.table("artists").select("name").like_all_of("name", "%a,A%").order("id"),
    lambda c: c.table("artists").select("name").like_any_of("name", "%a,B%").order("id"),
    lambda c: c.table("artists").select("name").ilike_all_of("name", "%A,a%").order("id"),
    lambda c: c.table("artists").select("name").ilike_any_of("name", "%YO,b*").order("id"),
    lambda c: c.table("artists").select("name").not_.like_any_of("name", "%a,B%").order("id"),
    lambda c: c.table("artists").select("name").like_any_of("name", '"%\\"the\\"%",B%').order("id"),
    lambda c: c.table("artists").select("name").ilike_any_of("name", "").order("id"),
    names("match", "^[A-C]"), names("imatch", "^[a-c]"), names("match", "a$"), names("not.match", "a$"), names("match", "\\d"),
    names("match", "^(Anna|Bernd)$"), names("imatch", '"THE" red, jr\\.'), names("match", "("), names("match(any)", "{^A,d$}"),
    names("imatch(all)", "{a,^F}"), names("like(any)", "A%"), names("not.ilike(all)", "{a%,b%}"),
]  # fmt: skip
SEARCHES: list[Build] = [
    search("cat"), search("fat & rat"), search("fat & !rat"), search("fat:*"), search("'fat' <-> 'cat'"), search("dog | fun"),
    search("the"), search(""), search("fat rat", type="plain"), search("fat cats", type="phrase"),
    search("cats fat", type="phrase"), search('"fat cats" -dog or fun', type="web_search"), search("fat cats", config="english"),
    search("fat & cats", config="english"), search("katze", config="german"), search("Katzen", config="german", type="plain"),
    search("cats", config="simple"), search("impossible", type="plain", config="english"), search("fat", "body"),
    search("Katzen", "body", config="german"), words("plfts", "The Fat Rats"), words("phfts(english)", "fat cats"),
    words("wfts(english)", "fun -cat"), words("not.fts", "cat"), words("not.wfts(english)", "cat"),
    words("fts(english)", "impossible & fun", "body"), words("plfts", "cats", "title"), search("fat rat"),
    search("cat", config="klingon"), words("fts()", "cat"), search("x", "id"), search("&"),
    lambda c: c.table("articles").select("id").fts("words", "fun").order("id"),
    lambda c: c.table("articles").select("id").plfts("words", "kind fun").order("id"),
    lambda c: c.table("articles").select("id").phfts("words", "kind fun").order("id"),
    lambda c: c.table("articles").select("id").wfts("words", "kind or dog").order("id"),
    lambda c: c.table("kinds").select("id").fts("words", "cat & mat").order("id"),
    lambda c: c.table("kinds").select("id").not_.fts("words", "cat").order("id"),
]  # fmt: skip
CASES = asks(*PATTERNS, *SEARCHES)

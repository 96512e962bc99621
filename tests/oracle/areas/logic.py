"""or, and, not, nested to any depth, with every operator inside of them."""

from __future__ import annotations

from tests.oracle.asked import Build, asks


def either(filters: str, table: str = "albums") -> Build:
    return lambda c: c.table(table).select("id").or_(filters).order("id")


def neither(filters: str, table: str = "albums") -> Build:
    return lambda c: c.table(table).select("id").not_.or_(filters).order("id")


def both(key: str, filters: str, table: str = "albums") -> Build:
    """The public client has no `and_`: the text is cut at a dot, where `filter` puts one."""
    before, _, after = filters.partition(".")
    return lambda c: c.table(table).select("id").filter(key, before, after).order("id")


EITHER: list[Build] = [
    either("id.eq.1"), either("id.eq.1,id.eq.3"), either("id.lt.3,id.gt.6"), either("title.eq.Aurora,price.is.null"),
    either("title.like.*o*,title.ilike.A*"), either("and(id.gt.1,id.lt.4),id.eq.8"),
    either("and(id.gt.1,id.lt.4),and(id.gt.5,id.lt.7)"), either("or(id.eq.1,and(id.gt.2,or(id.eq.3,id.eq.4))),id.eq.7"),
    either("not.and(id.gt.1,id.lt.8)"), either("id.not.eq.1,id.eq.1"), either("id.in.(1,2),id.in.(7)"),
    either('title.in.("Aurora","Edo")'), either("id.not.in.(1,2,3)"), either("tags.cs.{ice},tags.cs.{koto}"),
    either('tags.cs.{"new, old"}'), either('tags.cs.["x"],id.eq.2'), either("tags.ov.{pop,minimal}"), either("tags.eq.{}"),
    either("tags.is.null"), either('title.eq."Aurora"'), either('title.eq."Aur,ora",id.eq.1'), either('tags.cs."{\\"100%\\"}"'),
    either("price.gt.5.5,price.lt.2"), either("released.gte.2010-10-10"), either("meta->>discs.eq.1"),
    either("meta->discs.eq.2,meta->size->w.gt.3"), either("shout.eq.GHOST!,decade.eq.1990"), either("id.eq.1 , id.eq.2"),
    either(" id.eq.1"), either("title.match.^A,id.eq.7"), either("id.eq(any).{1,2}"), either("title.like(any).{A%,B%},id.eq.7"),
    either("artist_id.isdistinct.1"), either("artist_id.not.isdistinct.1"), either("words.fts.cat", "articles"),
    either("words.fts(english).cat,words.plfts.fun", "articles"), either("words.not.wfts.cat,id.eq.1", "articles"),
    either("years.adj.(10,20),years.sl.(5,9)", "kinds"), either("flag.is.true,flag.is.null", "kinds"),
    either("flag.is.unknown,mood.eq.sad", "kinds"), either('label.eq."two, (three) \\"four\\""', "kinds"),
    either('docb.cs.{"a":1}', "kinds"), either("dates.cs.[2024-01-15,2024-01-15],dates.eq.empty", "kinds"),
    either('docb.cs.{"b":{"c":[{"d":"x"}]}},id.eq.2', "kinds"), either("numbers.cs.{1,2},numbers.eq.{7}", "kinds"),
    either("label.eq.,label.is.null", "kinds"), either("moment.eq.2024-01-01T10:00:00+00:00", "kinds"),
    either("years.ov.[8,12),id.eq.3", "kinds"), either("label.eq.null,label.not.is.null", "kinds"),
    either("lasts.eq.1 day", "kinds"), either("title.eq.(x)"), either("title.in.()"), either("id.gt.1,id.gt.x"),
]  # fmt: skip
OTHERS: list[Build] = [
    neither("id.eq.1,id.eq.3"), neither("and(id.gt.1,id.lt.8),id.eq.8"), neither("price.lt.10,price.is.null"),
    both("and", "(id.gt.2,id.lt.5)"), both("and", "(id.gt.2,or(id.eq.5,id.eq.7))"), both("not.and", "(id.gt.2,id.lt.5)"),
    both("and", "(not.or(id.eq.1,id.eq.2),not.and(id.eq.3,id.eq.3))"),
    lambda c: c.table("albums").select("id").or_("id.eq.1,id.eq.2").or_("title.eq.Aurora,title.eq.Edo").order("id"),
    lambda c: c.table("albums").select("id").or_("id.eq.1,id.eq.2").eq("artist_id", 1).gt("price", 10),
    lambda c: c.table("albums").select("id").eq("artist_id", 1).not_.or_("id.eq.1").order("id"),
    lambda c: (
        c.table("albums").select("id", "artists!inner(name)").or_("name.eq.Anna,name.eq.Chiyo", reference_table="artists")
        .order("id")
    ),
    lambda c: c.table("albums").select("id", "artists(name)").or_("artists.is.null,id.eq.1").order("id"),
    lambda c: c.table("albums").select("id", "artists(name)").or_("artists.name.eq.Anna,id.eq.1").order("id"),
]  # fmt: skip
MISTAKES: list[Build] = [
    either(""), either("id"), either("id.eq"), either("id.eq.1,"), either("id.eq.1)"), either("(id.eq.1)"), either("and(id.eq.1"),
    either("and()"), either("id.eq.1;id.eq.2"), either("id.equals.1"), either("nothing.eq.1"), either("xor(id.eq.1,id.eq.2)"),
    either("not.id.eq.1"), either("id.not.not.eq.1"), either('title.eq."unclosed'), either("not.or(id.eq.1)"), either("eq.1"),
    either(","), either("id.in.1,id.in.2"), either("id.is.5"), both("or", "id.eq.1"), either("and(id.gt.1,,id.lt.3)"),
    either('tags.cs.{"a'), either("title.like(all).A%"),
]  # fmt: skip
CASES = asks(*EITHER, *OTHERS, *MISTAKES)

"""count, sum, avg, min, max: over all rows, by groups, cast, aliased, of embedded resources."""

from __future__ import annotations

from tests.oracle.asked import Build, asks


def of(table: str, *columns: str) -> Build:
    return lambda c: c.table(table).select(*columns)


def grouped(table: str, by: str, *columns: str) -> Build:
    return lambda c: c.table(table).select(by, *columns).order(by)


WHOLE: list[Build] = [
    of("series", "count()"), of("series", "n.sum()"), of("series", "n.avg()"), of("series", "n.min()", "n.max()"),
    of("series", "n.count()"), of("albums", "price.sum()", "copies.sum()"), of("albums", "price.avg()"),
    of("albums", "title.min()", "title.max()"), of("albums", "released.min()", "released.max()"), of("albums", "artist_id.count()"),
    of("nothing", "count()", "id.sum()"), of("series", "total:n.sum()"), of("series", "n.sum()::text"),
    of("series", "n::text.max()"), of("series", "n::numeric.avg()::int"), of("series", "how_many:count()", "most:n.max()"),
    of("kinds", "whole.sum()", "small.avg()", "single.max()", "double.min()", "lasts.sum()", "moment.max()"),
    of("profiles", "links->fans.max()"), of("profiles", "fans:links->>fans.max()"), of("profiles", "links->>fans::int.sum()"),
    of("albums", "meta->>discs::int.sum()"), of("series", "sum()"), of("series", "median()"), of("series", "n.median()"),
    of("series", "parity.sum()"), of("series", "n.sum"), of("series", "n.count()", "count()"), of("albums", "decade.max()"),
    of("series", "count()::text"), of("series", "*.count()"), of("series", "n.sum().avg()"),
]  # fmt: skip
GROUPED: list[Build] = [
    grouped("series", "parity", "count()"), grouped("series", "bucket", "n.sum()", "n.min()"),
    grouped("series", "parity", "bucket", "count()"), grouped("albums", "title", "count()"),
    grouped("albums", "artist_id", "price.avg()", "copies.max()"), grouped("albums", "label_id", "most:price.max()"),
    grouped("albums", "decade", "count()"), grouped("tracks", "album_id", "seconds.sum()"),
    lambda c: c.table("series").select("which:parity", "total:n.sum()").gt("n", 50).order("parity"),
    lambda c: c.table("series").select("parity", "count()", count="exact").order("parity"),
    lambda c: c.table("series").select("bucket", "n.sum()").order("bucket", desc=True).limit(2),
    lambda c: c.table("series").select("bucket", "n.sum()").order("bucket").range(1, 2),
    lambda c: c.table("series").select("parity", "n.sum()").order("id"),
    lambda c: c.table("series").select("parity", "n.sum()").order("sum"),
    lambda c: c.table("series").select("count()").eq("parity", "odd").single(),
    lambda c: c.table("series").select("parity", "count()").order("parity").csv(),
    lambda c: c.table("albums").select("meta->>discs", "count()").order("meta->>discs"),
    lambda c: c.table("albums").select("*", "count()").limit(1).order("id"),
]  # fmt: skip
EMBEDDED: list[Build] = [
    lambda c: c.table("artists").select("name", "albums(count())").order("id"),
    lambda c: c.table("artists").select("name", "albums(price.sum(),copies.max())").order("id"),
    lambda c: c.table("artists").select("name", "albums(total:price.sum())").gt("albums.price", 8).order("id"),
    lambda c: (
        c.table("artists")
        .select("name", "albums(label_id,count())")
        .order("id")
        .order("label_id", foreign_table="albums")
    ),
    lambda c: c.table("artists").select("name", "albums(tracks(seconds.avg()))").order("id"),
    lambda c: c.table("albums").select("title", "genres(count())").order("id"),
    lambda c: c.table("albums").select("title", "album_genres(weight.sum())").order("id"),
    lambda c: c.table("albums").select("price.sum()", "artists(name)").order("artists(name)"),
    lambda c: c.table("albums").select("count()", "...artists(name)").order("artists(name)"),
    lambda c: c.table("albums").select("price.sum()", "...artists(country)").order("artists(country)"),
    lambda c: c.table("artists").select("country", "albums(count())").order("country").order("id"),
    lambda c: c.table("albums").select("title", "...artists(rating.max())").order("id"),
    lambda c: c.table("artists").select("name", "...profiles(count())").order("id"),
    lambda c: c.table("artists").select("name", "albums!inner(count())").order("id"),
    lambda c: c.table("countries").select("code", "artists(rating.avg(),albums(count()))").order("code"),
    lambda c: c.table("artists").select("name", "albums(count)").order("id"),
]
CASES = asks(*WHOLE, *GROUPED, *EMBEDDED)

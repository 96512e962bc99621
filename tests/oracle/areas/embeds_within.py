"""Filters, orders and pages of embedded resources, !inner and !left, and the parent's rows by what is embedded."""

from __future__ import annotations

from tests.oracle.asked import Build, asks

INNER: list[Build] = [
    lambda c: c.table("albums").select("id", "artists!inner(name)").order("id"),
    lambda c: c.table("artists").select("name", "albums!inner(title)").order("id"),
    lambda c: c.table("albums").select("id", "artists!left(name)").order("id"),
    lambda c: c.table("albums").select("title", "artists!inner(name)").eq("artists.name", "Anna").order("id"),
    lambda c: c.table("albums").select("title", "artists(name)").eq("artists.name", "Anna").order("id"),
    lambda c: c.table("artists").select("name", "albums!inner(title)").gt("albums.price", 9).order("id"),
    lambda c: c.table("artists").select("name", "albums(title)").gt("albums.price", 9).order("id"),
    lambda c: c.table("artists").select("name", "albums!inner(tracks!inner(title))").lt("albums.tracks.seconds", 100).order("id"),
    lambda c: c.table("artists").select("name", "albums(title,tracks!inner(title))").lt("albums.tracks.seconds", 200).order("id"),
    lambda c: c.table("albums").select("title", "genres!inner(name)").eq("genres.name", "pop").order("id"),
    lambda c: c.table("albums").select("title", "genres!album_genres!inner(name)").eq("genres.name", "pop").order("id"),
    lambda c: c.table("albums").select("title", "genres!inner!album_genres(name)").order("id"),
    lambda c: c.table("duets").select("title", "second:artists!second_id!inner(name)").order("id"),
    lambda c: (
        c.table("duets").select("title", "a:artists!first_id(name)", "b:artists!second_id!inner(name)").eq("b.name", "Anna")
        .order("id")
    ),
    lambda c: c.table("albums").select("title", "artists!inner()").eq("artists.country", "IS").order("id"),
    lambda c: (
        c.table("albums").select("title", "artists!inner(countries!inner(name))").eq("artists.countries.code", "DE").order("id")
    ),
    lambda c: c.table("artists").select("name", "mentor:artists!mentor_id!inner(name)").eq("mentor.name", "Anna").order("id"),
    lambda c: c.table("albums").select("title", "...artists!inner(name)").eq("artists.name", "Bernd").order("id"),
    lambda c: c.table("artists").select("name", "profiles!inner(bio)").is_("profiles.bio", None).order("id"),
    lambda c: c.table("artists").select("name", "albums!inner(id)", count="exact").eq("albums.title", "Aurora").order("id"),
    lambda c: c.table("track_notes").select("note", "tracks!inner(title)").eq("tracks.title", "Dawn").order("id"),
    lambda c: c.table("artists").select("name", "compatriots!inner(name)").eq("compatriots.name", "Freyja").order("id"),
    lambda c: c.table("albums").select("title", "icelanders!inner(name)").order("id"),
]  # fmt: skip
ANTI: list[Build] = [
    lambda c: c.table("albums").select("title", "artists(name)").is_("artists", None).order("id"),
    lambda c: c.table("albums").select("title", "artists(name)").not_.is_("artists", None).order("id"),
    lambda c: c.table("artists").select("name", "albums(title)").is_("albums", None).order("id"),
    lambda c: c.table("artists").select("name", "albums()").not_.is_("albums", None).order("id"),
    lambda c: (
        c.table("artists").select("name", "albums(title)", "profiles(bio)").or_("albums.is.null,profiles.not.is.null").order("id")
    ),
    lambda c: c.table("artists").select("name", "a:albums(title)").eq("a.title", "Aurora").not_.is_("a", None).order("id"),
    lambda c: c.table("albums").select("title", "genres()").is_("genres", None).order("id"),
    lambda c: (
        c.table("albums").select("title", "tracks()", "genres()").eq("genres.name", "pop")
        .or_("tracks.not.is.null,genres.not.is.null").order("id")
    ),
    lambda c: c.table("albums").select("title", "artists(name)").eq("artists", "x"),
    lambda c: c.table("albums").select("title", "...artists(name)").is_("artists", None).order("id"),
]  # fmt: skip
FILTERED: list[Build] = [
    lambda c: c.table("artists").select("name", "albums(title)").in_("albums.id", [1, 5]).order("id"),
    lambda c: (
        c.table("artists").select("name", "albums(title)").or_("price.lt.8,title.eq.Basalt", reference_table="albums").order("id")
    ),
    lambda c: (
        c.table("artists").select("name", "albums(title)").not_.or_("price.lt.8,title.eq.Basalt", reference_table="albums")
        .order("id")
    ),
    lambda c: c.table("artists").select("name", "albums(title)").filter("albums.and", "(price", "gt.1,price.lt.10)").order("id"),
    lambda c: (
        c.table("artists").select("name", "albums(tracks(title))")
        .or_("seconds.is.null,seconds.gt.300", reference_table="albums.tracks").order("id")
    ),
    lambda c: c.table("artists").select("name", "recent:albums(title)").gte("recent.released", "2000-01-01").order("id"),
    lambda c: c.table("artists").select("name", "recent:albums(title)").gte("albums.released", "2000-01-01").order("id"),
    lambda c: c.table("albums").select("title", "artists!artist_id(name)").eq("artists.name", "Anna").order("id"),
    lambda c: c.table("albums").select("title", "artist_id(name)").eq("artist_id.name", "Anna").order("id"),
    lambda c: c.table("albums").select("title", "tracks(title)").ilike("tracks.title", "*o*").order("id"),
    lambda c: c.table("albums").select("title", "artists(name)").eq("artists.card->>name", "Anna").order("id"),
    lambda c: c.table("albums").select("title", "tags").contains("tags", ["ice"]).eq("artists.name", "Anna"),
    lambda c: c.table("albums").select("title", "artists(name)").eq("labels.name", "x"),
    lambda c: c.table("albums").select("title", "artists(name)").eq("artists.nothing", "x"),
    lambda c: c.table("albums").select("title", "artists(name)").eq("artists.albums.title", "x"),
    lambda c: c.table("rooms").select("name", "guests!bookings(name)").eq("guests.name", "Gil").order("id"),
    lambda c: c.table("artists").select("name", "latest(title)").eq("latest.title", "Basalt").order("id"),
    lambda c: c.table("album_credits").select("title", "artists(name)").eq("artists.country", "DE").order("album_id"),
]  # fmt: skip
ORDERED: list[Build] = [
    lambda c: c.table("artists").select("name", "albums(title)").order("id").order("title", desc=True, foreign_table="albums"),
    lambda c: (
        c.table("artists").select("name", "albums(title)").order("price", nullsfirst=True, foreign_table="albums").order("name")
    ),
    lambda c: (
        c.table("albums").select("title", "tracks(title)").order("seconds", foreign_table="tracks")
        .order("title", foreign_table="tracks").order("id")
    ),
    lambda c: c.table("artists").select("name", "a:albums(title)").order("title", desc=True, foreign_table="a").order("id"),
    lambda c: (
        c.table("countries").select("code", "artists(name,albums(title))").order("code")
        .order("title", desc=True, foreign_table="artists.albums")
    ),
    lambda c: (
        c.table("artists").select("name", "albums(title)").limit(1, foreign_table="albums").order("id")
        .order("id", foreign_table="albums")
    ),
    lambda c: (
        c.table("artists").select("name", "albums(title)").range(1, 1, foreign_table="albums").order("id")
        .order("id", foreign_table="albums")
    ),
    lambda c: (
        c.table("albums").select("title", "tracks(title)").limit(2).limit(1, foreign_table="tracks").order("id")
        .order("position", desc=True, foreign_table="tracks")
    ),
    lambda c: (
        c.table("albums").select("title", "genres(name)").order("name", desc=True, foreign_table="genres")
        .limit(1, foreign_table="genres").order("id")
    ),
    lambda c: c.table("albums").select("title", "artists(name)").order("artists(name)").order("id"),
    lambda c: c.table("albums").select("title", "artists(name)").order("artists(name)", desc=True, nullsfirst=False).order("id"),
    lambda c: c.table("albums").select("title", "a:artists(name)").order("a(born)").order("id"),
    lambda c: c.table("albums").select("title", "a:artists(name,born)").order("a(born)", nullsfirst=True).order("id"),
    lambda c: c.table("artists").select("name", "profiles(bio,links)").order("profiles(links->fans)", desc=True).order("id"),
    lambda c: c.table("tracks").select("title", "albums(*,artists(name))").order("albums(price)").order("title").order("seconds"),
    lambda c: c.table("albums").select("title", "artists()").order("artists(country)").order("id"),
    lambda c: c.table("albums").select("title", "...artists(name)").order("artists(name)").order("id"),
    lambda c: c.table("artists").select("name", "profiles(bio)").order("profiles(links->fans)", desc=True).order("id"),
    lambda c: c.table("tracks").select("title", "albums(title,artists(name))").order("albums(price)").order("title"),
    lambda c: c.table("artists").select("name", "albums(title)").order("albums(title)"),
    lambda c: c.table("albums").select("title").order("artists(name)"),
    lambda c: c.table("albums").select("title", "genres(name)").order("genres(name)"),
    lambda c: c.table("albums").select("title", "artists(name)").order("nothing", foreign_table="artists"),
    lambda c: c.table("albums").select("title", "artists(name)").order("name", foreign_table="labels"),
    lambda c: c.table("albums").select("title", "artists(name)").limit(1, foreign_table="labels"),
    lambda c: c.table("artists").select("name", "albums(title)").limit(0, foreign_table="albums").order("id"),
    lambda c: c.table("albums").select("title", "artists(name)").limit(0, foreign_table="artists").order("id"),
    lambda c: (
        c.table("artists").select("name", "albums!inner(title)").limit(1, foreign_table="albums").order("id")
        .order("id", foreign_table="albums")
    ),
    lambda c: (
        c.table("artists").select("name", "compatriots(name)").order("name", desc=True, foreign_table="compatriots")
        .limit(1, foreign_table="compatriots").order("id")
    ),
]  # fmt: skip
PATHS: list[Build] = [
    lambda c: c.table("artists").select("name", "albums(meta->formats->0)").order("id").order("id", foreign_table="albums"),
    lambda c: c.table("artists").select("name", "albums(tags->0)").order("id").order("id", foreign_table="albums"),
    lambda c: c.table("album_genres").select("weight", "albums(tags->0)").order("weight").order("album_id"),
    lambda c: (
        c.table("albums").select("id", "artists(name,profiles(bio))", "by:artists!artist_id(name)")
        .eq("artists.profiles.bio", "Sings.").eq("by.country", "IS").order("id")
    ),
    lambda c: c.table("album_genres").select("weight", "albums(meta->formats->0,tags->0,id)").order("weight").order("album_id"),
    lambda c: c.table("albums").select("title", "artists(card->name)").order("id"),
    lambda c: c.table("artists").select("name", "albums(title)").eq("albums.meta->>discs", 2).order("id"),
    lambda c: c.table("artists").select("name", "albums(title)").eq("albums.tags->>0", "ice").order("id"),
    lambda c: c.table("artists").select("name", "albums(title)").order("tags->0", foreign_table="albums").order("id"),
    lambda c: c.table("artists").select("name", "albums(first:tags->>0,price::text)").order("id"),
]  # fmt: skip
CASES = asks(*PATHS, *INNER, *ANTI, *FILTERED, *ORDERED)

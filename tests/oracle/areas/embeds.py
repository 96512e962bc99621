"""Embedded resources: every kind of relationship, to any depth, with hints, aliases, spreads, and what is ambiguous or unknown."""

from __future__ import annotations

from tests.oracle.asked import Build, asks


def on(table: str, *columns: str) -> Build:
    return lambda c: c.table(table).select(*columns)


def sorted_(table: str, *columns: str, by: str = "id") -> Build:
    return lambda c: c.table(table).select(*columns).order(by)


PLAIN: list[Build] = [
    sorted_("albums", "id", "artists(name)"), sorted_("albums", "title", "artists(*)"),
    sorted_("albums", "*", "artists(name)", "labels(name)"), sorted_("artists", "name", "albums(title)"),
    sorted_("artists", "*", "albums(*)"), sorted_("labels", "name", "albums(id,title)", "countries(name)"),
    sorted_("countries", "name", "artists(name)", by="code"),
    sorted_("countries", "name", "artists(name,albums(title))", by="code"), sorted_("artists", "name", "countries(*)"),
    sorted_("artists", "name", "profiles(bio)"), sorted_("profiles", "bio", "artists(name)", by="artist_id"),
    sorted_("artists", "name", "passports(number)"), sorted_("passports", "number", "artists(name)"),
    sorted_("albums", "title", "tracks(title,seconds)"), sorted_("tracks", "title", "albums(title)", by="title"),
    sorted_("tracks", "title", "track_notes(note)", by="seconds"), sorted_("track_notes", "note", "tracks(title,albums(title))"),
    sorted_("albums", "title", "genres(name)"), sorted_("genres", "name", "albums(title)"),
    sorted_("albums", "title", "album_genres(weight,genres(name))"),
    sorted_("genres", "name", "album_genres(*,albums(title,artists(name)))"),
    sorted_("album_genres", "weight", "albums(title)", "genres(name)", by="weight"),
    sorted_("albums", "title", "plays(day,listeners)"), sorted_("plays", "day", "albums(title)"),
    on("nothing", "id", "albums(title)"), sorted_("albums", "id", "nothing(word)"), sorted_("festivals", "name", "countries(name)"),
    sorted_("festivals", "name", "lineups(slot)"), sorted_("lineups", "slot", "festivals(name)", "artists(name)", by="slot"),
    sorted_("countries", "code", "labels(name)", "festivals(name)", "artists(name)", by="code"),
    sorted_("albums", "id", "artists()"), sorted_("albums", "artists(name)"),
    sorted_("albums", "artists(*,countries(*),profiles(*))"), sorted_("pages", "id", "diaries(owner,body)"),
    sorted_("diaries", "body", "pages(text)"),
]  # fmt: skip
DEEP: list[Build] = [
    sorted_("countries", "name", "artists(name,albums(title,tracks(title,track_notes(note))))", by="code"),
    sorted_("track_notes", "id", "tracks(albums(artists(countries(name))))"),
    sorted_("labels", "name", "albums(title,artists(name,profiles(links)))"),
    sorted_("artists", "name", "albums(title,artists(name,albums(title)))"),
    sorted_("genres", "name", "albums(title,genres(name,albums(id)))"),
    sorted_("profiles", "artists(albums(labels(countries(code))))", by="artist_id"),
    sorted_("albums", "tracks(*,track_notes(*))", "genres(*)", "labels(*,countries(*))"),
]  # fmt: skip
HINTED: list[Build] = [
    sorted_("albums", "id", "artists!artist_id(name)"), sorted_("albums", "id", "artists!albums_artist_id_fkey(name)"),
    sorted_("albums", "id", "albums_artist_id_fkey(name)"), sorted_("albums", "id", "artist_id(name)"),
    sorted_("artists", "id", "albums!artist_id(title)"), sorted_("artists", "id", "albums!albums_artist_id_fkey(title)"),
    sorted_("duets", "title", "artists!first_id(name)"), sorted_("duets", "title", "artists!second_voice(name)"),
    sorted_("duets", "title", "artists!duets_first_id_fkey(name)"),
    sorted_("duets", "title", "first:artists!first_id(name)", "second:artists!second_id(name)"),
    sorted_("duets", "title", "first_id(name)", "second_id(name)"), sorted_("duets", "title", "second_voice(name)"),
    sorted_("artists", "name", "duets!first_id(title)", "others:duets!second_voice(title)"),
    sorted_("artists", "name", "mentor:artists!mentor_id(name)"), sorted_("artists", "name", "mentor_id(name)"),
    sorted_("artists", "name", "artists!artists_mentor_id_fkey(name)"),
    sorted_("artists", "name", "pupils:artists!mentor_id(name,artists!mentor_id(name))"),
    sorted_("artists", "name", "artists_mentor_id_fkey(name)"), sorted_("festivals", "name", "artists!headliner_id(name)"),
    sorted_("festivals", "name", "artists!lineups(name)"), sorted_("festivals", "name", "headliner_id(name)"),
    sorted_("festivals", "name", "head:artists!festivals_headliner_id_fkey(name)", "all:artists!lineups(name)"),
    sorted_("artists", "name", "festivals!lineups(name)"), sorted_("artists", "name", "festivals!headliner_id(name)"),
    sorted_("rooms", "name", "guests!bookings(name)"), sorted_("rooms", "name", "guests!wishes(name)"),
    sorted_("rooms", "name", "booked:guests!bookings(name)", "wished:guests!wishes(name)"),
    sorted_("albums", "id", "genres!album_genres(name)"), sorted_("artists", "name", "friends:artists!friendships(name)"),
    sorted_("artists", "name", "artists!friend_of(name)"), sorted_("artists", "name", "artists!has_friend(name)"),
    sorted_("artists", "name", "friendships!friend_of(since)"),
    sorted_("artists", "name", "friendships!friend_id(since,artists!friend_of(name))"),
    sorted_("tracks", "title", "track_notes!track_notes_album_id_position_fkey(note)", by="seconds"),
    sorted_("tracks", "title", "track_notes!album_id(note)", by="seconds"),
]  # fmt: skip
ALIASED: list[Build] = [
    sorted_("albums", "title", "by:artists(name)"), sorted_("albums", "title", "by:artists(who:name)"),
    sorted_("albums", "title", "by:artists(who:name,born::text)"), sorted_("albums", "title", "artists(name,card)"),
    sorted_("artists", "name", "albums(shout)"), sorted_("albums", "title", "profile:artists(profiles(links->site))"),
    sorted_("artists", "name", "first:albums(id)", "second:albums(title)"),
    sorted_("albums", "title", "tags", "artists(name)", "artist_id"), sorted_("albums", "title", "title:artists(name)"),
    sorted_("albums", "title", "artists(name)", "artists(born)"), sorted_("albums", "id", '"the artist":artists(name)'),
    sorted_("albums", "title", "...artists(name)"), sorted_("albums", "title", "...artists(artist:name,born)"),
    sorted_("albums", "title", "...artists(*)"), sorted_("albums", "title", "...artists(name,...countries(country_name:name))"),
    sorted_("artists", "name", "...profiles(bio)"), sorted_("artists", "name", "...albums(title)"),
    sorted_("track_notes", "note", "...tracks(title,...albums(album:title,artists(name)))"),
    sorted_("albums", "...artists(artist:name)", "...labels(label:name)"), sorted_("albums", "title", "...genres(name)"),
    sorted_("albums", "title", "by:...artists(name)"), sorted_("albums", "title", "...artists()"),
]  # fmt: skip
VIEWED: list[Build] = [
    sorted_("album_list", "title", "artists(name)"), sorted_("album_list", "title", "tracks(title)"),
    sorted_("artists", "name", "album_list(title)"), sorted_("album_list_again", "called", "artists(name)", by="number"),
    sorted_("artists", "name", "album_list_again(called)"), sorted_("album_credits", "title", "artists(name)", by="album_id"),
    sorted_("album_credits", "title", "labels(name)", by="album_id"),
    sorted_("album_credits", "title", "tracks(title)", by="album_id"), sorted_("icelanders", "name", "albums(title)"),
    sorted_("albums", "title", "icelanders(name)"), sorted_("icelanders", "name", "countries(name)"),
    sorted_("artist_sums", "total", "artists(name)", by="artist_id"), sorted_("artists", "name", "artist_sums(total)"),
    sorted_("album_list", "title", "icelanders(name)"), sorted_("album_list", "title", "album_credits(artist)"),
    sorted_("genres", "name", "album_list(title)"), sorted_("genres", "name", "genre_counts(albums)"),
    sorted_("genre_counts", "albums", "genres(name)", by="genre_id"), sorted_("labels", "name", "album_credits(title)"),
    sorted_("loud", "title", "albums(title)", by="title"), sorted_("artists", "name", "icelanders!mentor_id(name)"),
]  # fmt: skip
COMPUTED: list[Build] = [
    sorted_("artists", "name", "latest(title)"), sorted_("artists", "name", "compatriots(name)"),
    sorted_("artists", "name", "newest:latest(title,labels(name))"), sorted_("artists", "name", "labels(name)"),
    sorted_("artists", "name", "compatriots(name,latest(title))"), sorted_("artists", "name", "latest!inner(title)"),
    sorted_("artists", "name", "...latest(album:title)"), sorted_("artists", "name", "...compatriots(name)"),
    sorted_("albums", "title", "artists(name,latest(title))"), sorted_("artists", "name", "latest!artist_id(title)"),
    sorted_("albums", "title", "compatriots(name)"),
]  # fmt: skip
COMPUTED += [sorted_("festivals", "countries(artists(*))", "all:artists!lineups(id,compatriots(*))")]
REFUSED: list[Build] = [
    on("albums", "id", "nowhere(x)"), on("albums", "id", "countries(name)"), on("albums", "id", "artist(name)"),
    on("albums", "id", "artists(nothing)"), on("duets", "title", "artists(name)"), on("artists", "name", "duets(title)"),
    on("artists", "name", "artists(name)"), on("festivals", "name", "artists(name)"), on("artists", "name", "festivals(name)"),
    on("rooms", "name", "guests(name)"), on("albums", "id", "artists!label_id(name)"), on("albums", "id", "artists!wrong(name)"),
    on("albums", "id", "artists!inner!left(name)"), on("albums", "id", "artists!(name)"), on("albums", "id", "artists(name"),
    on("albums", "id", "artists(name))"), on("albums", "artists(name)::text"), on("shops", "name", "owners(name)"),
    on("albums", "id", "letters(body)"), on("albums", "id", "albums(title)"), on("albums", "id", "artists (name)"),
    on("albums", "id", "artists!mentor_id(name)"), on("artists", "name", "friendships(since)"), on("albums", "...(title)"),
    on("albums", "id", "...artists"), on("duets", "title", "artists!inner(name)"), on("artists", "id", "tracks(title)"),
    on("plays", "id", "plays_old(id)"),
]  # fmt: skip
CASES = asks(*PLAIN, *DEEP, *HINTED, *ALIASED, *VIEWED, *COMPUTED, *REFUSED)

"""The differences that are meant, each with its reason; `differences` says how they are checked and told."""

from __future__ import annotations

from tests.oracle.differences import Meant

MEANT: tuple[Meant, ...] = (
    Meant(
        title="The parser's own words",
        why=(
            "A request that PostgREST's parser does not read is PGRST100 on both sides, and the message names the "
            "same parameter. What its parser expected at which character (`details`, and the position in `message`) "
            "are the inside of another program; ours says what our parser expected."
        ),
        fields=frozenset(["details", "message"]),
        requests=(
            "GET /series?select=n.sum().avg()",
            "GET /albums?select=id::&order=id.asc&limit=3",
            "GET /albums?select=a:b:id&order=id.asc&limit=3",
            "GET /albums?select=id;droptablealbums&order=id.asc&limit=3",
            "GET /kinds?select=id,numbers::text[]&id=neq.6&order=id.asc",
            "GET /kinds?select=id,numbers::bigint[]&id=neq.6&order=id.asc",
            "GET /kinds?select=docb->my-key,docb->>a--b&order=id.asc",
            "GET /albums?select=title,by:...artists(name)&order=id.asc",
            "GET /albums?select=id,artists!(name)",
            "GET /albums?select=id,artists(name",
            "GET /albums?select=id,...artists",
            "GET /kinds?select=id&whole=equals.1",
            "GET /kinds?select=id&or=(years.adj.(10,20),years.sl.(5,9))&order=id.asc",
            "GET /kinds?select=id&or=(dates.cs.[2024-01-15,2024-01-15],dates.eq.empty)&order=id.asc",
            "GET /kinds?select=id&or=(years.ov.[8,12),id.eq.3)&order=id.asc",
            "GET /albums?select=id,artists(name)&or=(artists.name.eq.Anna,id.eq.1)&order=id.asc",
            "GET /albums?select=id&or=(id)&order=id.asc",
            "GET /albums?select=id&or=(id.eq)&order=id.asc",
            "GET /albums?select=id&or=(id.equals.1)&order=id.asc",
            "GET /albums?select=id&or=(xor(id.eq.1,id.eq.2))&order=id.asc",
            "GET /albums?select=id&or=(not.id.eq.1)&order=id.asc",
            "GET /articles?select=id&words=fts().cat&order=id.asc",
        ),
    ),
    Meant(
        title="A select that PostgREST does not read to its end",
        why=(
            "PostgREST 12.0.2 answers as if nothing had been selected when the very first item of `select` is not one "
            "it knows: a typing error gives all columns of all rows. Ours refuses it (PGRST100): nothing is guessed."
        ),
        fields=frozenset(["code", "data", "details", "message"]),
        requests=(
            "GET /series?select=*.count()",
            "GET /albums?select=,id&order=id.asc&limit=3",
            "GET /albums?select=(id)&order=id.asc&limit=3",
            "GET /albums?select=::text&order=id.asc&limit=3",
            "GET /albums?select=:id&order=id.asc&limit=3",
            "GET /albums?select=*:id&order=id.asc&limit=3",
            "GET /albums?select=*::text&order=id.asc&limit=3",
            "GET /albums?select='id'&order=id.asc&limit=3",
            "GET /albums?select=...(title)",
        ),
    ),
    Meant(
        title='"Perhaps you meant"',
        why=(
            "PostgREST proposes the most similar name of a fuzzy search, often one that has nothing to do with it. "
            "Ours gives no hint; code, message and details are the same."
        ),
        fields=frozenset(["hint"]),
        requests=(
            "GET /series?select=sum()",
            "GET /series?select=median()",
            'POST /rpc/add {"b": 2}',
            'POST /rpc/add {"a": 1, "c": 2}',
            'POST /rpc/told {"y": 2}',
            "POST /rpc/nowhere {}",
            'POST /rpc/nowhere {"a": 1, "b": 2}',
            "GET /rpc/nowhere?a=1",
            "POST /rpc/helo {}",
            'POST /rpc/shout {"albums": 1}',
            'POST /rpc/latest {"artists": 1}',
            "POST /rpc/guard {}",
            'POST /rpc/pairs?select=number,artists(name) return=representation {"n": 5}',
            "POST /rpc/compatriots?select=name return=representation {}",
            "GET /albums?select=title,compatriots(name)&order=id.asc",
            "GET /albums?select=id,nowhere(x)",
            "GET /albums?select=id,countries(name)",
            "GET /albums?select=id,artist(name)",
            "GET /shops?select=name,owners(name)",
            "GET /albums?select=id,letters(body)",
            "GET /albums?select=id,albums(title)",
            "GET /Заказы?select=номер,OddTable(FullName)&order=номер.asc",
            "GET /artists?select=name,letters(body)&order=id.asc",
        ),
    ),
    Meant(
        title="A write to a table that is not there",
        why=(
            "PostgREST answers 404 with an empty body, in which the public client finds neither code nor message. "
            "Ours says 42P01 and which relation, as it does for a read."
        ),
        fields=frozenset(["code", "message"]),
        requests=(
            'POST /nowhere return=representation {"a": 1}',
            'POST /nowhere return=representation,resolution=merge-duplicates {"a": 1}',
            'PATCH /nowhere?id=eq.1 return=representation {"a": 1}',
        ),
    ),
    Meant(
        title="An error of a request for the count only",
        why=("A HEAD answer has no body: the public client knows only the HTTP status. Ours has the error itself."),
        fields=frozenset(["code", "message"]),
        requests=(
            "HEAD /series?select=*&nowhere=eq.1",
            "HEAD /nowhere?select=*",
        ),
    ),
    Meant(
        title="A row that is no row",
        why=(
            "PostgREST takes a text or a number in place of a row for an empty list and reports success. Ours refuses "
            "it: a write that writes nothing is not what was asked for."
        ),
        fields=frozenset(["code", "data", "message"]),
        requests=(
            'POST /items return=representation "text"',
            "POST /items return=representation 5",
            'PATCH /items?id=eq.1 return=representation "text"',
        ),
    ),
    Meant(
        title="`maybe_single()` of a write that concerns several rows",
        why=(
            "Both raise. The public client notices it only when PostgREST has committed: the error is raised and the "
            "rows stay written. Ours rolls back, as both do for `single()`."
        ),
        fields=frozenset(["contents"]),
        requests=(
            'POST /items?columns="name" return=representation maybe [{"name": "a"}, {"name": "b"}]',
            'PATCH /items?id=gt.2 return=representation maybe {"qty": 7}',
            "DELETE /items?id=gt.2 return=representation maybe",
        ),
    ),
    Meant(
        title="`or` on a write that returns few columns",
        why=(
            "PostgREST 12.0.2 applies the condition of `or` a second time to what it returns, and fails with 42703 "
            "unless its columns are among those selected. Ours applies it once."
        ),
        fields=frozenset(["code", "contents", "data", "message"]),
        requests=(
            'PATCH /items?or=(sku.eq.h1,sku.is.null)&select=id,doubled&order=id.asc return=representation {"qty": 1}',
            "DELETE /items?or=(id.eq.1,sku.is.null)&select=id&order=id.asc return=representation",
        ),
    ),
    Meant(
        title="An array's element as the last item of an embedded select",
        why=(
            "PostgREST 12.0.2 reads the index as a key when `)` follows it: `albums(tags->0)` is null under the name "
            "`0`, while `albums(tags->0,id)` is the first element. Ours reads an index in both."
        ),
        fields=frozenset(["data"]),
        requests=(
            "GET /artists?select=name,albums(meta->formats->0)&order=id.asc&albums.order=id.asc",
            "GET /artists?select=name,albums(tags->0)&order=id.asc&albums.order=id.asc",
            "GET /album_genres?select=weight,albums(tags->0)&order=weight.asc,album_id.asc",
        ),
    ),
    Meant(
        title="A spread of nothing",
        why=("PostgREST sends an SELECT without columns (42601). Ours spreads no columns."),
        fields=frozenset(["code", "data", "message"]),
        requests=("GET /albums?select=title,...artists()&order=id.asc",),
    ),
    Meant(
        title="Two embeds of one relation, one of them under an alias",
        why=(
            "PostgREST looks up the path of a filter by the relation's name or the alias, in an order that earlier "
            "filters change, so `artists` may be the one that was called `by`. Ours takes the alias where there is "
            "one, and the name only where no other embed has it for its own."
        ),
        fields=frozenset(["code", "data", "hint", "message"]),
        requests=(
            (
                "GET /albums?select=id,artists(name,profiles(bio)),by:artists!artist_id(name)&artists.profiles.bio=eq"
                ".Sings.&by.country=eq.IS&order=id.asc"
            ),
        ),
    ),
    Meant(
        title="A computed relationship among several embeds of one relation",
        why=(
            "PostgREST gives two of its subqueries one alias, takes the wrong one for the function's argument, and "
            "PostgreSQL refuses it (42846). Ours gives each an alias of its own."
        ),
        fields=frozenset(["code", "data", "message"]),
        requests=("GET /festivals?select=countries(artists(*)),all:artists!lineups(id,compatriots(*))&order=id.asc",),
    ),
    Meant(
        title="A limit that is no number",
        why=(
            "Both pass over a limit that is no number; with an offset PostgREST then takes it for a limit of 0 or less."
        ),
        fields=frozenset(["code", "data", "details", "message"]),
        requests=("GET /series?select=id&order=id.asc&offset=5&limit=x",),
    ),
    Meant(
        title="`max_affected()`",
        why=(
            "PostgREST 12.0.2 does not know this preference and refuses it; version 13 does. Ours counts the rows, "
            "and refuses and rolls back (PGRST124) where there are more."
        ),
        fields=frozenset(["code", "contents", "data", "details", "message"]),
        requests=(
            'PATCH /items?id=gt.2 return=representation,handling=strict,max-affected=1 {"qty": 3}',
            "DELETE /items?id=gt.2 return=representation,handling=strict,max-affected=5",
        ),
    ),
    Meant(
        title="A filter of a column that is named like a parameter",
        why=(
            "`eq(\"select\", 10)` and the like (`limit`, `offset`, `order` …) are read by PostgREST as a second `select`, and "
            "passed over: the filter is lost, of a delete too. Ours quotes the name, and it filters."
        ),
        fields=frozenset(["data"]),
        requests=(
            'GET /Odd Table?select="The Id"&select=eq.10',
            "GET /Odd Table?select=select&select=eq.20",
        ),
    ),
    Meant(
        title="A filter's name that is not read to its end",
        why=(
            "PostgREST reads a column's name up to the first character that it does not know, and asks for what it has: "
            "`per` for `per%cent`, which may be another column. Ours refuses the name (PGRST100) unless it is quoted."
        ),
        fields=frozenset(["code", "details", "message"]),
        requests=(
            'GET /Odd Table?select="The Id"&per%cent=eq.5%',
            'GET /Odd Table?select="The Id"&am&p=x=eq.a&b',
        ),
    ),
    Meant(
        title="The order of an object's keys",
        why=(
            "PostgREST moves an embedded resource that has a filter of its own to the front of those beside it. Ours "
            "keeps the order of `select`. An object has no order in JSON; the data are the same."
        ),
        fields=frozenset(["keys"]),
        requests=(
            "GET /duets?select=title,a:artists!first_id(name),b:artists!second_id!inner(name)&b.name=eq.Anna&order=id.asc",
        ),
    ),
)

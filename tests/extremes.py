"""What tests of extremes share: hostile names, a plain reader of the source, a role that owns nothing."""

from __future__ import annotations

import json
from dataclasses import replace

from crosswalk.embedded import Server
from crosswalk.names import quote
from tests.road import Road
from tests.servers import MakeRole, database_of, sql

ODD = "Ключ \"q\" 'a' %s $1 {x} \\ .;\n--"
"""A name with everything that breaks careless quoting."""
LONG = "ж" * 31 + "x"
"""63 bytes."""


def as_key(text: str) -> str:
    """A name as a key or word of a document (yaml reads json's strings)."""
    return json.dumps(text, ensure_ascii=False)


def table_key(schema: str, relation: str) -> str:
    return as_key(f"{quote(schema)}.{quote(relation)}")


def as_reader(way: Road, server: Server, make_role: MakeRole, *, grants: tuple[str, ...] = ()) -> Road:
    """The same road for a role that may only read the source: all of it, or what `grants` say (with {role})."""
    reader, database = make_role(server), database_of(way.source)
    said = grants or ("GRANT pg_read_all_data TO {role}",)
    sql(server, *(grant.format(role=reader.name) for grant in said), database=database)
    return replace(way, source=reader.url(server, database))


def as_writer(way: Road, server: Server, make_role: MakeRole, *grants: str) -> Road:
    """The same road for a role of the target that owns nothing and has these rights ({role}, {database})."""
    writer, database = make_role(server), database_of(way.target)
    sql(server, *(g.format(role=writer.name, database=database) for g in grants), database=database)
    return replace(way, target=writer.url(server, database))


def tables_of(server: Server, url: str) -> list[str]:
    """Every schema and table of a database that is the user's or ours: what a refused run may have left."""
    found = sql(
        server,
        "SELECT n.nspname || '.' || coalesce(c.relname, '') FROM pg_namespace n LEFT JOIN pg_class c"
        " ON c.relnamespace = n.oid AND c.relkind IN ('r', 'p', 'S') WHERE n.nspname !~ '^pg_|^information' ORDER BY 1",
        database=database_of(url),
    )
    return found.splitlines()

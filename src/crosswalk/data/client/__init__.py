"""A client with the interface of supabase-py, straight on PostgreSQL: an application changes one import.

    client = create_client("postgresql://…", role="service_role")
    client.table("books").select("id, title").eq("author_id", 5).order("title").execute().data

`fluent` and `filters` take the calls down as a `draft`; `course` says what is to be sent for it (`scripts`) and what comes
of the rows; `sync` and `aio` are the two shells that wait; `faults` and `answers` speak supabase-py's words.
Every request is one transaction, under the role and with the claims of who asks. docs/leave-supabase-py.md has it all.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Unpack

from crosswalk.data.client.aio import AsyncClient
from crosswalk.data.client.answers import APIError, APIResponse, SingleAPIResponse
from crosswalk.data.client.identity import identity
from crosswalk.data.client.settings import ClientOptions, Said, settings
from crosswalk.data.client.sync import Client

__all__ = [
    "APIError",
    "APIResponse",
    "AsyncClient",
    "Client",
    "ClientOptions",
    "SingleAPIResponse",
    "acreate_client",
    "create_async_client",
    "create_client",
]


def create_client(
    url: str,
    key: str | None = None,
    options: Any = None,
    *,
    role: str | None = None,
    claims: Mapping[str, Any] | None = None,
    **said: Unpack[Said],
) -> Client:
    """A client of the database at `url`; nothing connects before the first request. Raises Misconfigured.

    `key` is a role's name, or a token that `jwt_secret` (or CROSSWALK_JWT_SECRET) checks; `role` and `claims` say it
    without one; with none of them the requests run as the user of the URL. The rest are fields of `settings.Settings`:
    schema, schemas, max_rows, decimals, allow_filterless, min_size, max_size, pool_timeout, timeout, transaction_pooler …
    """
    made = settings(url, options, said)
    return Client(made, identity(key, role, claims, made.jwt_secret))


async def create_async_client(
    url: str,
    key: str | None = None,
    options: Any = None,
    *,
    role: str | None = None,
    claims: Mapping[str, Any] | None = None,
    **said: Unpack[Said],
) -> AsyncClient:
    """The same for asynchronous code, by the same arguments; to be awaited, as supabase-py's is."""
    made = settings(url, options, said)
    return AsyncClient(made, identity(key, role, claims, made.jwt_secret))


acreate_client = create_async_client
"""Its other name there."""

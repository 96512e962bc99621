"""How a client reaches its database and what it allows: checked values, made once. Pure; no secret is in a repr.

`ClientOptions` is the old library's bag of options: what concerns tables is read, what concerns its other services is
accepted and has nothing to act on.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypedDict
from urllib.parse import urlsplit

from crosswalk.data.failures import Misconfigured

POOLER_PORT = 6543
"""Where Supabase's pooler gives a session for a transaction only."""
SECRET_VARIABLE = "CROSSWALK_JWT_SECRET"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything but who asks."""

    url: str = field(repr=False)
    jwt_secret: str | None = field(default=None, repr=False)
    schema: str = "public"
    schemas: tuple[str, ...] | None = None
    """Which schemas may be asked for (else PGRST106); None: any that the role may use."""
    extra_search_path: tuple[str, ...] = ("public", "extensions")
    """Behind the request's schema, as PostgREST's db-extra-search-path."""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """What functions read in request.headers."""
    max_rows: int | None = None
    decimals: bool = False
    allow_filterless: bool = False
    min_size: int = 1
    max_size: int = 10
    pool_timeout: float = 30.0
    """Seconds that a request waits for a connection."""
    connect_timeout: int = 10
    timeout: float | None = None
    """Seconds that a statement may take on the server; None: what the server says."""
    transaction_pooler: bool = False
    """No prepared statements and no pipelines: the session is another one in each transaction."""


class Said(TypedDict, total=False):
    """What may be said of Settings by name; None is the same as nothing said."""

    jwt_secret: str | None
    schema: str | None
    schemas: Sequence[str] | None
    extra_search_path: Sequence[str] | None
    headers: Mapping[str, str] | None
    max_rows: int | None
    decimals: bool
    allow_filterless: bool
    min_size: int | None
    max_size: int | None
    pool_timeout: float | None
    connect_timeout: int | None
    timeout: float | None
    transaction_pooler: bool | None


@dataclass(frozen=True, kw_only=True)
class ClientOptions:
    """The old library's options."""

    schema: str = "public"
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    postgrest_client_timeout: float | None = None
    """Here: how long a statement may take on the server."""
    storage_client_timeout: Any = None
    function_client_timeout: Any = None
    auto_refresh_token: bool = True
    persist_session: bool = True
    storage: Any = None
    realtime: Any = None
    httpx_client: Any = None
    flow_type: str = "pkce"


def settings(url: str, options: Any, given: Said) -> Settings:
    """What was given, over what the options say. Raises Misconfigured."""
    if not isinstance(url, str) or not url:
        raise Misconfigured("there is no URL; it looks like postgresql://user@host:5432/database")
    said = {**_of(options), **{name: value for name, value in given.items() if value is not None}}
    said = {name: tuple(value) if name in {"schemas", "extra_search_path"} else value for name, value in said.items()}
    here = {"transaction_pooler": _port(url) == POOLER_PORT, "jwt_secret": os.environ.get(SECRET_VARIABLE) or None}
    made = Settings(url=url, **{**here, **said})
    if made.timeout is not None and not 0 < made.timeout < math.inf:
        raise Misconfigured("timeout is not a number of seconds above 0")
    if made.max_rows is not None and made.max_rows < 1:
        raise Misconfigured("max_rows is less than 1")
    if not 0 <= made.min_size <= made.max_size or made.max_size < 1:
        raise Misconfigured("the pool's sizes contradict each other: 0 <= min_size <= max_size, max_size >= 1")
    return made


def _of(options: Any) -> dict[str, Any]:
    """What of them concerns tables; the old library's own class will do."""
    timeout = getattr(options, "postgrest_client_timeout", None)
    said = {
        "schema": getattr(options, "schema", None), "headers": dict(getattr(options, "headers", None) or {}),
        "timeout": float(timeout) if isinstance(timeout, int | float) else None,
    }  # fmt: skip
    return {name: value for name, value in said.items() if value}


def _port(url: str) -> int | None:
    """Of a URL of PostgreSQL; an address of an API is refused, and nothing of it is repeated."""
    try:
        parts = urlsplit(url)
        if parts.scheme in {"http", "https"}:
            raise Misconfigured("the URL is that of an HTTP API; this client speaks to PostgreSQL itself: give a postgresql:// URL")
        return parts.port
    except ValueError:
        return None

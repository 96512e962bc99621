"""A project without SQL access, read through its REST API (PostgREST, Supabase).

The API's OpenAPI document becomes a catalog, its rows are pulled page by page into a *staging*
database on an embedded server, and from there on every verb reads that database as an ordinary
source: the same mapping, ledger, judge and proof. Nothing is ever written to the API.

    address   what `--source https://…` means, and the key for it
    client    one GET: headers, retries, errors without secrets
    openapi   the document as tables, columns, types; pure
    filters   a page as query parameters; pure
    pages     the rows of a table, page after page, none lost to a row cap
    staging   tables and rows in the staging database
    pulling   one pull: counts before and after, every table again that did not hold still
    ground    where the staging database stands, and when its rows may be used again
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from crosswalk.rest.address import RestSource, is_rest, mask_address, read_address

if TYPE_CHECKING:
    from crosswalk.rest.client import Patience
    from crosswalk.rest.ground import Rows, Staged, stage
    from crosswalk.rest.pulling import Pulled, pull

__all__ = [
    "Patience", "Pulled", "RestSource", "Rows", "Staged", "is_rest", "mask_address", "pull", "read_address", "stage",
]  # fmt: skip
_LATER = {"Patience": "client", "Rows": "ground", "Staged": "ground", "stage": "ground", "Pulled": "pulling", "pull": "pulling"}
"""Loaded when they are asked for: whoever has no REST source does not wait for the HTTP library."""


def __getattr__(name: str) -> Any:
    if name in _LATER:
        return getattr(import_module(f"crosswalk.rest.{_LATER[name]}"), name)
    raise AttributeError(name)

"""The application's data layer: one interface to the old and the new database. An island: it imports only the ground.

    from crosswalk.data import create_client, Client, APIError, APIResponse

Installed by `pip install pgcrosswalk[data]`; see docs/data.md. A name is loaded when it is first used, so that what needs
no database (failures, conditions) does not import the driver.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from crosswalk.data.client import (
        APIError,
        APIResponse,
        AsyncClient,
        Client,
        ClientOptions,
        SingleAPIResponse,
        acreate_client,
        create_async_client,
        create_client,
    )
    from crosswalk.data.failures import (
        BadValue,
        CheckViolated,
        ColumnMissing,
        DataError,
        DuplicateKey,
        ForeignKeyViolated,
        Misconfigured,
        NoMatchingKey,
        NotSupported,
        NullViolated,
        TableMissing,
        Unavailable,
    )

__all__ = [
    "APIError",
    "APIResponse",
    "AsyncClient",
    "BadValue",
    "CheckViolated",
    "Client",
    "ClientOptions",
    "ColumnMissing",
    "DataError",
    "DuplicateKey",
    "ForeignKeyViolated",
    "Misconfigured",
    "NoMatchingKey",
    "NotSupported",
    "NullViolated",
    "SingleAPIResponse",
    "TableMissing",
    "Unavailable",
    "acreate_client",
    "create_async_client",
    "create_client",
]

_PLACES = {
    "client": (
        "APIError", "APIResponse", "AsyncClient", "Client", "ClientOptions", "SingleAPIResponse",
        "acreate_client", "create_async_client", "create_client",
    ),
}  # fmt: skip
"""By module; what is not here is of `failures`."""
_HOME = {name: place for place, names in _PLACES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"crosswalk.data.{_HOME.get(name, 'failures')}"), name)

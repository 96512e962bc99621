"""The application's data layer: one interface to the old and the new database. An island: it imports only the ground.

    from crosswalk.data import create_client, Client, APIError, APIResponse
    from crosswalk.data import SqlStore, RestStore, MappedStore, MemoryStore, Modes, Switch, ShadowLog, Journal

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
    from crosswalk.data.modes.compare import Rules
    from crosswalk.data.modes.journal import Journal
    from crosswalk.data.modes.log import ShadowLog
    from crosswalk.data.modes.modes import Modes
    from crosswalk.data.modes.switch import Switch
    from crosswalk.data.repository.blocking import blocking
    from crosswalk.data.repository.mapped import MappedStore
    from crosswalk.data.repository.memory import MemoryStore
    from crosswalk.data.repository.repository import Repository
    from crosswalk.data.repository.rest import RestStore
    from crosswalk.data.repository.sql import SqlStore
    from crosswalk.data.repository.table import Table

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
    "Journal",
    "MappedStore",
    "MemoryStore",
    "Misconfigured",
    "Modes",
    "NoMatchingKey",
    "NotSupported",
    "NullViolated",
    "Repository",
    "RestStore",
    "Rules",
    "ShadowLog",
    "SingleAPIResponse",
    "SqlStore",
    "Switch",
    "Table",
    "TableMissing",
    "Unavailable",
    "acreate_client",
    "blocking",
    "create_async_client",
    "create_client",
]

_PLACES = {
    "client": (
        "APIError", "APIResponse", "AsyncClient", "Client", "ClientOptions", "SingleAPIResponse",
        "acreate_client", "create_async_client", "create_client",
    ),
    "modes.compare": ("Rules",), "modes.journal": ("Journal",), "modes.log": ("ShadowLog",), "modes.modes": ("Modes",),
    "modes.switch": ("Switch",),
    "repository.blocking": ("blocking",), "repository.mapped": ("MappedStore",), "repository.memory": ("MemoryStore",),
    "repository.repository": ("Repository",), "repository.rest": ("RestStore",), "repository.sql": ("SqlStore",),
    "repository.table": ("Table",),
}  # fmt: skip
"""By module; what is not here is of `failures`."""
_OF_THE_EXTRA = {"psycopg", "psycopg_pool", "prometheus_client"}
_HOME = {name: place for place, names in _PLACES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        return getattr(import_module(f"crosswalk.data.{_HOME.get(name, 'failures')}"), name)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] in _OF_THE_EXTRA:
            error.add_note("Install the extra: pip install 'pgcrosswalk[data]'.")
        raise

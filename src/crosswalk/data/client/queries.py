"""The clients' faces: where tables, schemas and functions are asked for, and which of supabase's services are not here. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Generic, NoReturn, Self

from crosswalk.data.client import fluent
from crosswalk.data.client.fluent import M, R, Sender
from crosswalk.data.failures import NotSupported
from crosswalk.data.request import Count, Method


class Queries(Generic[R, M]):
    """What can be asked of one schema."""

    def __init__(self, sender: Sender[R, M], schema: str) -> None:
        self._sender = sender
        self._schema = schema

    def from_(self, table: str) -> fluent.RequestBuilder[R, M]:
        """A table or view by its name, without its schema."""
        return fluent.RequestBuilder(self._sender, table, self._schema)

    def table(self, table: str) -> fluent.RequestBuilder[R, M]:
        """The same as from_()."""
        return self.from_(table)

    def from_table(self, table: str) -> fluent.RequestBuilder[R, M]:
        """The same as from_()."""
        return self.from_(table)

    def schema(self, schema: str) -> Queries[R, M]:
        """The same connections, asked for another schema."""
        return Queries(self._sender, schema)

    def rpc(
        self,
        func: str,
        params: Mapping[str, Any] | None = None,
        count: Count | None = None,
        head: bool = False,
        get: bool = False,
    ) -> fluent.RPCFilterRequestBuilder[R, M]:
        """Call a function: `get` in a read-only transaction, `head` for the count only."""
        method: Method = "HEAD" if head else "GET" if get else "POST"
        return fluent.call(self._sender, self._schema, func, params, count=count, method=method)


class PostgrestClient(Queries[R, M]):
    """What supabase-py calls client.postgrest."""

    def auth(self, token: str) -> Self:
        """From now on the client's requests are those of the token's role: of all who share this client object."""
        self._sender.become(token)
        return self


class SupabaseClient(Queries[R, M]):
    """A client as supabase-py has it; its services besides tables and functions say that they are not here."""

    @property
    def postgrest(self) -> PostgrestClient[R, M]:
        return PostgrestClient(self._sender, self._schema)

    @property
    def auth(self) -> NoReturn:
        raise _missing("auth", "who asks is told by create_client(role=…, claims=…) or acting_as()")

    @property
    def storage(self) -> NoReturn:
        raise _missing("storage", "files are no part of the database")

    @property
    def functions(self) -> NoReturn:
        raise _missing("functions", "edge functions are no part of the database")

    @property
    def realtime(self) -> NoReturn:
        raise _missing("realtime", "changes are not sent")

    def channel(self, *_: Any, **__: Any) -> NoReturn:
        raise _missing("channel()", "changes are not sent")

    def get_channels(self) -> NoReturn:
        raise _missing("get_channels()", "changes are not sent")

    def remove_channel(self, *_: Any) -> NoReturn:
        raise _missing("remove_channel()", "changes are not sent")

    def remove_all_channels(self) -> NoReturn:
        raise _missing("remove_all_channels()", "changes are not sent")


def _missing(name: str, why: str) -> NotSupported:
    return NotSupported(f"client.{name} is not supported: {why}")

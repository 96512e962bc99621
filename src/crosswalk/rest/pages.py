"""The rows of one table, page after page.

Pages follow the primary key (`after`), so that a row that comes or goes elsewhere shifts none. A table without a key
is read in the order in which its rows lie (`tableoid`, `ctid`), and what has no such place, a view, by counting rows off
in the order of all columns, which is weaker: rows that come or go meanwhile shift the rest.

Reading goes on until a page is empty: a server that caps the rows of an answer below what was asked loses none. A page
that the server cannot give in time, or that is very large, is followed by smaller ones.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal
from urllib.parse import quote as percent

from crosswalk.errors import NoRestApi, RestFailed
from crosswalk.names import Name
from crosswalk.rest.client import Answer, Client, TimedOutThere
from crosswalk.rest.filters import PLACE, after, ordered, selected, since
from crosswalk.rest.openapi import StagedTable

Order = Literal["key", "place", "count"]
Row = tuple[str | None, ...]
PAGE_BYTES: Final = 8 * 1024 * 1024
"""Pages are cut so that an answer stays near this size."""
_NO_COLUMN: Final = "42703"


@dataclass(slots=True, kw_only=True)
class Pages:
    """Reads one table, from its beginning each time that `rows` is called."""

    client: Client
    table: StagedTable
    page: int
    """Rows asked for; grows smaller."""
    order: Order = field(init=False)
    cap: int = 0
    """The most rows that an answer held while there were more; 0 where none was cut."""

    def __post_init__(self) -> None:
        self.order = "key" if self.table.key else "place"

    @property
    def name(self) -> Name:
        return self.table.name

    async def count(self) -> int:
        """The exact number of rows, by the server's own count."""
        params = {"select": ",".join(selected(self.table.columns)[:1]), "limit": "1"}
        answer = await self._get(params, what=f"the number of rows of {self.name}", exact=True)
        total = answer.headers.get("content-range", "").rpartition("/")[2]
        if not total.isdecimal():
            raise NoRestApi(url=self.client.source.url, reason=f"it does not count the rows of {self.name}")
        return int(total)

    async def rows(self) -> AsyncIterator[list[Row]]:
        """Pages, none of them empty; values in the order of the table's columns."""
        if self.order == "place" and not await self._has_place():
            self.order = "count"
        params = {"select": ",".join([*selected(self.table.columns), *self._extra])}
        params |= {"order": ordered(self._by)} if self._by else {}
        names = [column.name for column in self.table.columns]
        done = short = 0
        while True:
            asked = self.page
            answer = await self._page(params)
            if not isinstance(answer.body, list):
                raise NoRestApi(url=self.client.source.url, reason=f"it answers with no list of rows of {self.name}")
            if not answer.body:
                return
            asked = min(asked, self.page)
            found: list[Mapping[str, Any]] = answer.body
            self._require(names, found[0])
            yield [tuple(_text(row[name]) for name in names) for row in found]
            done += len(found)
            # A page that is cut short and not the last one was cut by the server.
            self.cap = max(self.cap, short)
            short = len(found) if len(found) < asked else 0
            params |= self._next(found[-1], done)
            if answer.size > PAGE_BYTES:
                self.page = max(1, len(found) * PAGE_BYTES // answer.size)

    def _require(self, names: Sequence[str], row: Mapping[str, Any]) -> None:
        """Raises NoRestApi for a column that cannot be asked for by its name: one called `*` means all of them."""
        if lacking := [name for name in names if name not in row]:
            raise NoRestApi(url=self.client.source.url, reason=f"it does not give the column {lacking[0]} of {self.name} by its name")

    @property
    def _extra(self) -> list[str]:
        return [f'"{name}"::text' for name in PLACE] if self.order == "place" else []

    @property
    def _by(self) -> Sequence[str]:
        if self.order == "place":
            return PLACE
        columns = self.table.key or [column for column in self.table.columns if column.ordered]
        return [column.name for column in columns]

    def _next(self, last: Mapping[str, Any], done: int) -> dict[str, str]:
        if self.order == "count":
            return {"offset": str(done)}
        values = [str(last[name]) for name in self._by]
        begin = {"and": since(self._by, values)} if len(values) > 1 else {}
        return {"or": after(self._by, values), **begin}

    async def _has_place(self) -> bool:
        """False for a view, which has no system columns."""
        try:
            await self._get({"select": f'"{PLACE[1]}"::text', "limit": "1"}, what=f"a row of {self.name}")
        except RestFailed as error:
            if error.fields.get("code") == _NO_COLUMN:
                return False
            raise
        return True

    async def _page(self, params: Mapping[str, str]) -> Answer:
        """One page, a list; halved for as long as the server does not give it in time."""
        while True:
            try:
                return await self._get({**params, "limit": str(self.page)}, what=f"rows of {self.name}")
            except TimedOutThere as error:
                if self.page == 1:
                    raise self._late(f"rows of {self.name}") from error
                self.page = max(1, self.page // 2)

    async def _get(self, params: Mapping[str, str], *, what: str, exact: bool = False) -> Answer:
        headers = {"Accept-Profile": self.name.schema} | ({"Prefer": "count=exact"} if exact else {})
        try:
            return await self.client.get(percent(self.name.relation, safe=""), params, what=what, headers=headers)
        except TimedOutThere as error:
            if exact:
                raise self._late(what) from error
            raise

    def _late(self, what: str) -> RestFailed:
        return RestFailed(
            url=self.client.source.url, what=what, status=500, reason="57014 the server's statement time-out", tries=1, code="57014"
        )


def _text(value: Any) -> str | None:
    """What was asked for as text is text already; a number came as the text that stood in the answer."""
    return value if value is None or isinstance(value, str) else str(value)

"""The store upon a PostgREST (Supabase's REST API): every request its own, so what it cannot do, this store cannot.

    no transaction         `transaction()` is NotSupported; a batch whose rows differ in their columns, or with more than
                           500 rows, is several requests, and an error tells in its hint how many rows had landed before
    the server's cap       an answer may be cut (1,000 rows at Supabase) without a word: `find_many` goes on by the order's
                           columns and the primary key, and refuses where there is no key to go on by
    unique keys            the API shows primary keys only: others are named at `open(keys=…)`, and each is tried there with
                           an upsert of no row

Several pages are several snapshots: a row that changes its place in the order meanwhile may be missed, or come twice.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, Final, Self

import httpx

from crosswalk.data.conditions import Order, asc
from crosswalk.data.failures import DataError, Misconfigured, NoMatchingKey, NotSupported
from crosswalk.data.repository import openapi, params, sending, values
from crosswalk.data.repository.api import Api
from crosswalk.data.repository.batch import Batch, Group, all_of, identity
from crosswalk.data.repository.question import Question
from crosswalk.data.repository.repository import Row
from crosswalk.data.repository.store import BackedStore
from crosswalk.data.repository.table import Key, Table
from crosswalk.names import parse
from crosswalk.numerals import plural

CHUNK: Final = 500
"""Rows in one request."""
SECONDS: Final = 30.0
_LEAST_CAP: Final = 2
"""No server cuts its answers shorter than this: `find_one` asks for two rows."""
Keys = Mapping[str, Sequence[Sequence[str]]]


class RestStore(BackedStore):
    """A store upon a PostgREST: `async with await RestStore.open(url, key) as store`."""

    _backend: RestBackend

    @classmethod
    async def open(
        cls,
        url: str,
        key: str | None = None,
        *,
        keys: Keys | None = None,
        schemas: Sequence[str] = ("public",),
        tables: Iterable[Table] | None = None,
        timeout: float = SECONDS,
    ) -> Self:
        """Read what tables there are; `keys` are unique keys by table besides the primary ones.

        `tables` stands in for the OpenAPI document, where the API gives none. Raises Unavailable, Misconfigured,
        TableMissing, ColumnMissing, NoMatchingKey.
        """
        api = Api(url, key, timeout)
        try:
            backend = RestBackend(api)
            known = {each.name: each for each in (tables or await _described(api, schemas))}
            opened = cls(backend, known, schemas[0])
            for table, wanted in (keys or {}).items():
                known[parse(table, default_schema=schemas[0])] = await backend.tried(opened.described(table), wanted)
        except BaseException:
            await api.close()
            raise
        return opened

    async def close(self) -> None:
        await self._backend.api.close()


async def _described(api: Api, schemas: Sequence[str]) -> list[Table]:
    found = []
    for schema in schemas:
        answer = await api.read("", [], schema=schema, about="the API", accept="application/openapi+json")
        found += openapi.tables(_json(answer), schema)
    return found


def _json(answer: httpx.Response) -> Any:
    try:
        return values.loads(answer.content)
    except ValueError:
        raise Misconfigured("what answers there is no PostgREST: its answer is no JSON") from None


class RestBackend:
    """Requests to one API."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self._uncut = _LEAST_CAP
        """Rows that the server has been seen to give in one answer: a smaller one was not cut."""

    async def tried(self, table: Table, keys: Iterable[Sequence[str]]) -> Table:
        """The table with these keys, each tried by an upsert of no row. Raises NoMatchingKey."""
        known = openapi.with_keys(table, keys)
        for key in known.keys:
            if not key.primary:
                await self._try(known, key)
        return known

    async def _try(self, table: Table, key: Key) -> None:
        names = [table.by_name[name] for name in key.columns]
        try:
            await self._post(table, Group(columns=tuple(names), rows=(), places=()), key)
        except NoMatchingKey:
            bare = replace(table, keys=tuple(each for each in table.keys if each.primary))
            bare.arbiter(key.columns)
        except DataError as error:
            # Who may not write needs no key; the first upsert would say so.
            if error.code != "42501":
                raise

    # --- reading

    async def read(self, table: Table, question: Question) -> list[Row]:
        whole: Question | None = _completed(table, question)
        found: list[Row] = []
        while whole is not None:
            left = None if question.limit is None else question.limit - len(found)
            page = await self._page(table, replace(whole, limit=left))
            found += page
            if len(page) < self._uncut or len(page) == left:
                break
            self._uncut = max(self._uncut, len(page))
            whole = await self._further(table, question, whole, found)
        names = [column.name for column in question.columns]
        return [{name: row[name] for name in names} for row in found]

    async def _page(self, table: Table, question: Question) -> list[Row]:
        asked = [("select", params.fields([each.name for each in question.columns])), *params.tests(question)]
        asked += params.order(question.order)
        if question.after is not None:
            asked += params.after(table, question.order, question.after)
        asked += [("limit", str(question.limit))] if question.limit is not None else []
        asked += [("offset", str(question.offset))] if question.offset else []
        answer = await self._get(table, asked)
        return [values.row(question.columns, each) for each in _json(answer)]

    async def _further(self, table: Table, asked: Question, question: Question, found: list[Row]) -> Question | None:
        """The question for the rows after those that were found; None where there are no more."""
        if not found:
            return None
        if table.key is None:
            total = await self.count(table, asked) - asked.offset
            if total > len(found):
                told = f"the server cut its answer at {plural(len(found), 'row')} of {total:,}, and there is no key to go on by"
                raise NotSupported(f"{table.name}: {told}", table=str(table.name))
            return None
        last = found[-1]
        reached = tuple(
            sending.encode(table.by_name[each.column], last[each.column], table=str(table.name)) for each in question.order
        )
        return replace(question, after=reached, offset=0)

    async def count(self, table: Table, question: Question) -> int:
        some = params.fields([column.name for column in table.columns[:1]])
        asked = [("select", some), *params.tests(question), ("limit", "0")]
        return _total(await self._get(table, asked, prefer="count=exact"))

    async def _get(self, table: Table, asked: params.Params, prefer: str = "") -> httpx.Response:
        return await self.api.read(table.name.relation, asked, schema=table.name.schema, about=str(table.name), prefer=prefer)

    # --- writing

    async def delete(self, table: Table, question: Question) -> int:
        answer = await self.api.write(
            "DELETE", table.name.relation, params.tests(question), schema=table.name.schema, about=str(table.name),
            prefer="count=exact,return=minimal",
        )  # fmt: skip
        return _total(answer)

    async def write(self, table: Table, batch: Batch) -> list[Row]:
        stored: dict[int, Row] = {}
        for group in batch.groups(table):
            for chunk in group.chunks(CHUNK):
                try:
                    stored.update(zip(chunk.places, await self._upsert(table, chunk, batch.key), strict=True))
                except DataError as error:
                    if stored:
                        error.hint = f"{plural(len(stored), 'row')} of the batch had landed before. {error.hint}".strip()
                    raise
        return [stored[place] for place in range(len(batch.distinct))]

    async def _upsert(self, table: Table, group: Group, key: Key) -> list[Row]:
        found = [values.row(table.columns, each) for each in _json(await self._post(table, group, key))]
        return _in_order(table, group, key, all_of(group, found, table))

    async def _post(self, table: Table, group: Group, key: Key) -> httpx.Response:
        asked = [("on_conflict", params.fields(key.columns)), ("columns", params.fields([c.name for c in group.columns]))]
        return await self.api.write(
            "POST", table.name.relation, asked, schema=table.name.schema, about=str(table.name),
            prefer="resolution=merge-duplicates,return=representation", body=values.dumps(list(group.rows)),
        )  # fmt: skip

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Self]:
        raise NotSupported("a REST API has no transaction around several requests")
        yield self


def _completed(table: Table, question: Question) -> Question:
    """In an order that no two rows share, and with the columns that it is made of."""
    named = {each.column for each in question.order}
    tail: list[Order] = [asc(name) for name in table.key.columns if name not in named] if table.key else []
    order = (*question.order, *tail)
    wanted = dict.fromkeys([*question.columns, *table.columns_of(each.column for each in order)])
    return replace(question, order=order, columns=tuple(wanted))


def _total(answer: httpx.Response) -> int:
    total = answer.headers.get("content-range", "").rpartition("/")[2]
    if not total.isdigit():
        raise Misconfigured("what answers there is no PostgREST: it does not count")
    return int(total)


def _in_order(table: Table, group: Group, key: Key, found: list[Row]) -> list[Row]:
    """The answer's rows in the order of those that were sent; it has no other word for which is which than the key."""
    sent = [identity(table, key, row) for row in group.rows]
    came = [identity(table, key, _sendable(table, key, row)) for row in found]
    if all(one is None or one == other for one, other in zip(sent, came, strict=True)):
        return found
    by_key = {each: row for each, row in zip(came, found, strict=True) if each is not None}
    if any(each not in by_key for each in sent):
        raise DataError(f"{table.name}: the answer does not say which row is which", table=str(table.name))
    return [by_key[each] for each in sent if each is not None]


def _sendable(table: Table, key: Key, row: Row) -> dict[str, Any]:
    return {name: sending.encode(table.by_name[name], row[name], table=str(table.name)) for name in key.columns}



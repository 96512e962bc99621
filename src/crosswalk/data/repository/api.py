"""Requests to a PostgREST: keys in headers, errors by name, and no address in a log.

A read whose connection broke is sent once more, a write never. httpx logs each request with its address, and an
address holds the values of its conditions: a filter cuts the query off.
"""

from __future__ import annotations

import logging
from typing import Any, Final
from urllib.parse import quote, urlencode

import httpx

from crosswalk.data.failures import DataError, Misconfigured, NotSupported, Unavailable
from crosswalk.data.repository.params import Params
from crosswalk.data.repository.refusal import lost, refusal

LONGEST: Final = 30_000
"""Characters of a query: servers and the proxies before them take about 32,000."""
_AWAY: Final = frozenset({502, 503, 504})
_STARTING: Final = frozenset({"PGRST000", "PGRST001", "PGRST002", "PGRST003"})
"""PostgREST has no connection to its database, or does not know its tables yet."""


class Api:
    """One API and the key to it."""

    def __init__(self, url: str, key: str | None, timeout: float) -> None:
        try:
            base = httpx.URL(url.rstrip("/") + "/")
        except (httpx.InvalidURL, ValueError):
            raise Misconfigured("the API's address cannot be read") from None
        if base.scheme not in {"http", "https"} or not base.host:
            raise Misconfigured("the API's address must begin with http:// or https://")
        given = {"apikey": key, "Authorization": f"Bearer {key}"} if key else {}
        _quiet(base.host)
        self._client = httpx.AsyncClient(base_url=base, headers=given, timeout=timeout)

    def __repr__(self) -> str:
        return "<api>"

    async def close(self) -> None:
        await self._client.aclose()

    async def read(
        self, path: str, asked: Params, *, schema: str, about: str, prefer: str = "", accept: str = "application/json"
    ) -> httpx.Response:
        headers = {"Accept": accept, "Accept-Profile": schema} | ({"Prefer": prefer} if prefer else {})
        try:
            return await self._send("GET", path, asked, headers, about)
        except Unavailable as error:
            if not isinstance(error.__cause__, httpx.TransportError):
                raise
            return await self._send("GET", path, asked, headers, about)

    async def write(
        self, method: str, path: str, asked: Params, *, schema: str, about: str, prefer: str, body: str | None = None
    ) -> httpx.Response:
        headers = {"Prefer": prefer, "Content-Profile": schema, "Content-Type": "application/json"}
        return await self._send(method, path, asked, headers, about, body)

    async def _send(
        self, method: str, path: str, asked: Params, headers: dict[str, str], about: str, body: str | None = None
    ) -> httpx.Response:
        query = urlencode(asked)
        if len(query) > LONGEST:
            raise NotSupported(f"{about}: the conditions are too long for an address ({len(query):,} characters)", table=about)
        request = self._client.build_request(method, httpx.URL(_segment(path), query=query.encode()), headers=headers, content=body)
        try:
            answer = await self._client.send(request)
        except httpx.TransportError as error:
            raise lost(about, type(error).__name__) from error
        if not answer.is_success:
            raise _refused(answer, about)
        return answer


def _segment(relation: str) -> str:
    return "./" + quote(relation, safe="") if relation else ""


def _refused(answer: httpx.Response, about: str) -> DataError:
    try:
        told: Any = answer.json()
    except ValueError:
        told = None
    if not isinstance(told, dict) or not told.get("code"):
        if answer.status_code in _AWAY:
            return lost(about, f"HTTP {answer.status_code}")
        return DataError(f"{about}: the API answered with HTTP {answer.status_code}", code=str(answer.status_code), table=about)
    if told["code"] in _STARTING:
        return lost(about, str(told["code"]))
    said = {name: str(told.get(name) or "") for name in ("message", "details", "hint")}
    return refusal(str(told["code"]), said["message"], table=about, details=said["details"], hint=said["hint"])


class _NoQuery(logging.Filter):
    """Cuts the query off the addresses that go to our hosts."""

    hosts: Final[set[str]] = set()

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(self._bare(each) for each in record.args)
        return True

    def _bare(self, told: object) -> object:
        return told.copy_with(query=None) if isinstance(told, httpx.URL) and told.host in self.hosts else told


_FILTER: Final = _NoQuery()


def _quiet(host: str) -> None:
    _FILTER.hosts.add(host)
    logging.getLogger("httpx").addFilter(_FILTER)

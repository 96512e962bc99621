"""One GET after another to an API that may be busy: headers, retries, and errors that carry no secret.

A GET changes nothing, so that repeating it is always safe: 429 (after as long as Retry-After says), 5xx and a lost
connection are tried again, a few times, with growing pauses. Redirects are not followed: the key would go along. What
the API says is shown only where it cannot quote a value of a row.
"""

from __future__ import annotations

import asyncio
import email.utils
import json
import logging
import random
import ssl
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import httpx

from crosswalk import __version__
from crosswalk.errors import NoRestApi, RestFailed, RestKeyRefused, RestUnreachable
from crosswalk.rest.address import Key, RestSource

CONNECTIONS: Final = 8
_BUSY: Final = frozenset({408, 425, 429, *range(500, 600)})
_TIMED_OUT: Final = "57014"
_QUIET: Final = ("42", "57", "53", "28", "3F", "PGRST")
"""Codes whose messages name objects and roles, never values."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How often and how long something is tried."""

    tries: int = 7
    pause: float = 0.5
    """Seconds before the second try; twice as many before each further one."""
    longest: float = 90.0
    """Seconds that a pause lasts at most, whatever Retry-After says."""
    rereads: int = 4
    """How often a table is pulled that does not hold still."""
    wait: float = 10.0
    """Seconds for whoever still reads what was staged before."""

    def before(self, attempt: int, answer: httpx.Response | None) -> float:
        """Seconds before the next try; `attempt` counts from 1."""
        asked = _retry_after(answer)
        backoff = self.pause * 2 ** (attempt - 1) * random.uniform(0.75, 1.25)
        return min(self.longest, backoff if asked is None else max(asked, self.pause))


def _retry_after(answer: httpx.Response | None) -> float | None:
    said = answer.headers.get("retry-after", "") if answer is not None else ""
    if said.isdecimal():
        return float(said)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(said).timestamp() - time.time())
    except ValueError:
        return None


class TimedOutThere(Exception):
    """The API's server gave a query up: a smaller page may pass."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    body: Any
    """A fraction is the text that came."""
    size: int
    """Bytes."""
    headers: Mapping[str, str]
    status: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """Asks one API."""

    source: RestSource
    patience: Patience
    raw: httpx.AsyncClient

    async def get(
        self,
        path: str,
        params: Mapping[str, str] | None = None,
        *,
        what: str,
        headers: Mapping[str, str] | None = None,
        tolerated: int = 0,
    ) -> Answer:
        """The answer; `tolerated` is a further status that is none of our errors.

        Raises TimedOutThere (at once), RestUnreachable, RestFailed, RestKeyRefused, NoRestApi.
        """
        answer: httpx.Response | None = None
        for attempt in range(1, self.patience.tries + 1):
            last = attempt == self.patience.tries
            try:
                answer = await self.raw.get(path, params=params, headers=headers)
            except httpx.ReadTimeout as error:
                raise TimedOutThere(what) from error
            except (httpx.RequestError, httpx.InvalidURL) as error:
                if last or _hopeless(error):
                    raise self._unreachable(what, error) from error
                answer = None
            else:
                if answer.status_code not in _BUSY:
                    return self._judged(answer, what, tolerated)
                if _said(answer).get("code") == _TIMED_OUT:
                    raise TimedOutThere(what)
                if last:
                    raise self._failed(answer, what)
            await asyncio.sleep(self.patience.before(attempt, answer))
        raise AssertionError("unreachable")

    def _judged(self, answer: httpx.Response, what: str, tolerated: int) -> Answer:
        status = answer.status_code
        if status in {200, 206} or status == tolerated:
            return self._read(answer, what)
        if status in {401, 403}:
            raise RestKeyRefused(url=self.source.url, what=what, status=status, reason=_reason(answer))
        if 300 <= status < 400:
            host = httpx.URL(answer.headers.get("location", "")).host or "another place"
            raise NoRestApi(url=self.source.url, reason=f"it redirects to {host}, where the key must not go")
        if status == 404 and "code" not in _said(answer):
            raise NoRestApi(url=self.source.url, reason=f"HTTP 404 for {what}")
        raise self._failed(answer, what)

    def _read(self, answer: httpx.Response, what: str) -> Answer:
        kind = answer.headers.get("content-type", "")
        if "json" not in kind:
            raise NoRestApi(url=self.source.url, reason=f"it answers {what} with {kind.partition(';')[0][:40] or 'nothing'}")
        try:
            body = json.loads(answer.content, parse_float=str) if answer.content else None
        except ValueError as error:
            raise NoRestApi(url=self.source.url, reason=f"its answer to {what} is no JSON") from error
        return Answer(body=body, size=len(answer.content), headers=answer.headers, status=answer.status_code)

    def _failed(self, answer: httpx.Response, what: str) -> RestFailed:
        tries = self.patience.tries if answer.status_code in _BUSY else 1
        return RestFailed(
            url=self.source.url, what=what, status=answer.status_code, reason=_reason(answer), tries=tries,
            code=str(_said(answer).get("code", "")),
        )

    def _unreachable(self, what: str, error: Exception) -> RestUnreachable:
        return RestUnreachable(url=self.source.url, what=what, reason=str(error) or type(error).__name__)


def _hopeless(error: BaseException) -> bool:
    """What no second try heals: a certificate, a name that no server knows."""
    seen: BaseException | None = error
    if isinstance(error, httpx.InvalidURL | httpx.UnsupportedProtocol):
        return True
    while seen is not None:
        if isinstance(seen, ssl.SSLCertVerificationError) or "Name or service not known" in str(seen):
            return True
        seen = seen.__cause__ or seen.__context__
    return False


def _said(answer: httpx.Response) -> Mapping[str, Any]:
    try:
        said = answer.json()
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _reason(answer: httpx.Response) -> str:
    said = _said(answer)
    code = str(said.get("code") or "")
    if code.startswith(_QUIET) and isinstance(said.get("message"), str):
        return f"{code} {said['message'].splitlines()[0][:200]}" if said["message"] else code
    return code or answer.reason_phrase or "without a reason"


@asynccontextmanager
async def open_client(source: RestSource, key: Key, patience: Patience) -> AsyncIterator[Client]:
    """A client that is closed at the end."""
    # Both would write URLs, which hold keys of rows, or headers, which hold the key, for whoever turns logging on.
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)
    async with httpx.AsyncClient(
        base_url=source.root + "/",
        headers={**key.headers, "User-Agent": f"crosswalk/{__version__}", "Accept": "application/json"},
        timeout=httpx.Timeout(connect=15, read=150, write=30, pool=None),
        limits=httpx.Limits(max_connections=CONNECTIONS),
        follow_redirects=False,
        trust_env=not source.loopback,
    ) as raw:
        yield Client(source=source, patience=patience, raw=raw)

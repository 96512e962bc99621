"""What `--source https://…` means: where the API is, how it shall be read, and with which key.

    https://PROJECT.supabase.co?key_file=~/shop.key&schemas=public,shop

The settings stand in the URL as they do for PostgreSQL (`?sslmode=…`), so that one text names a source wherever it
is given. The key never stands there: it is read from `key_file` or CROSSWALK_SOURCE_KEY, and goes nowhere but into
a header. Plain http is taken from this machine only.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from crosswalk.connect import MASK
from crosswalk.errors import BadRestAddress, RestKeyMissing, RestKeyUnusable

KEY_VARIABLE: Final = "CROSSWALK_SOURCE_KEY"
PAGE: Final = 1000
"""Rows asked for at a time; it is also the cap that Supabase sets."""
_HOSTED: Final = (".supabase.co", ".supabase.in", ".supabase.red")
_PARAMETERS: Final = ("key_file", "allow_anon", "schemas", "views", "page")
_KEY: Final = re.compile(r"[\x21-\x7e]+")
_YES: Final = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """What opens the API, and whom it lets us be."""

    secret: str = field(default="", repr=False)
    role: str
    """As the key itself says; the API judges."""
    sees_all: bool
    """True for the roles that row-level security does not bind."""

    @property
    def headers(self) -> dict[str, str]:
        """Only a JWT may stand in Authorization: a gateway refuses the newer forms there."""
        if not self.secret:
            return {}
        bearer = {} if self.secret.startswith("sb_") else {"Authorization": f"Bearer {self.secret}"}
        return {"apikey": self.secret, **bearer}


@dataclass(frozen=True, slots=True, kw_only=True)
class RestSource:
    """An API and how it shall be read."""

    url: str
    """What is shown and what names the project: scheme, host, port, path; no secret, no parameter."""
    root: str
    """Where the API answers, without a slash at the end."""
    hosted: bool
    """True for a host of Supabase, which lets nobody in without a key."""
    loopback: bool
    key_file: Path | None = None
    allow_anon: bool = False
    """Somebody says that no policy hides rows from the key's role."""
    schemas: tuple[str, ...] = ()
    """Empty: all that are exposed."""
    views: bool = False
    page: int = PAGE

    def key(self, environment: Mapping[str, str] | None = None) -> Key:
        """The key from its file, else from the environment; raises RestKeyMissing, RestKeyUnusable."""
        given = os.environ if environment is None else environment
        origin = str(self.key_file) if self.key_file else KEY_VARIABLE
        secret = _read(self.key_file) if self.key_file else given.get(KEY_VARIABLE, "").strip()
        if not secret and self.hosted:
            raise RestKeyMissing(url=self.url)
        if secret and not _KEY.fullmatch(secret):
            raise RestKeyUnusable(origin=origin, reason="it is more than one word, or no ASCII")
        return key_of(secret)


def is_rest(url: str) -> bool:
    """True for what names a REST source."""
    return url.lower().startswith(("https://", "http://"))


def mask_address(url: str) -> str:
    """Scheme, host and path; whatever else stands in the text may be a secret."""
    scheme, _, rest = url.partition("://")
    place = re.split(r"[?#]", rest.rpartition("@")[2], maxsplit=1)[0]
    return f"{scheme}://{MASK}@{place}" if "@" in rest else f"{scheme}://{place}"


def read_address(text: str) -> RestSource:
    """The source that a URL names; raises BadRestAddress."""
    shown = mask_address(text)
    try:
        parts = urlsplit(text)
        host, port = (parts.hostname or "").lower(), parts.port
        options = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query)))
    except ValueError as error:
        raise BadRestAddress(url=shown, reason="it cannot be split into host, path and parameters") from error
    _allowed(shown, text, host, options, scheme=parts.scheme)
    hosted = host.endswith(_HOSTED)
    path = parts.path.rstrip("/")
    shown_host = f"[{host}]" if ":" in host else host
    place = f"{parts.scheme}://{shown_host}" + (f":{port}" if port else "")
    if hosted:
        path = path.removesuffix("/rest/v1")
    return RestSource(
        url=place + path, root=place + path + ("/rest/v1" if hosted else ""), hosted=hosted, loopback=_is_loopback(host),
        **_options(shown, options),
    )


def _allowed(shown: str, text: str, host: str, options: Mapping[str, str], *, scheme: str) -> None:
    def refuse(reason: str) -> None:
        raise BadRestAddress(url=shown, reason=reason)

    if not re.fullmatch(r"[\w.:-]+", host):
        refuse("it names no host")
    if "@" in text.partition("?")[0]:
        refuse("a user or a key stands in it")
    if unknown := [name for name in options if name not in _PARAMETERS]:
        refuse(f"it has the parameter {unknown[0][:20]!r}; known are {', '.join(_PARAMETERS)}")
    if scheme == "http" and not _is_loopback(host):
        refuse("a key would cross the network in clear: use https://, or a tunnel to this machine")


def _options(shown: str, options: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in ("allow_anon", "views"):
        if name in options:
            if options[name].lower() not in _YES:
                raise BadRestAddress(url=shown, reason=f"{name} is neither true nor false")
            found[name] = _YES[options[name].lower()]
    if "page" in options:
        if not options["page"].isdecimal() or not 1 <= int(options["page"]) <= 100_000:
            raise BadRestAddress(url=shown, reason="page is not a number of rows from 1 to 100000")
        found["page"] = int(options["page"])
    if options.get("key_file"):
        found["key_file"] = Path(options["key_file"]).expanduser()
    if options.get("schemas"):
        found["schemas"] = tuple(part for part in options["schemas"].split(",") if part)
    return found


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _read(path: Path) -> str:
    try:
        secret = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or "it is no ASCII text"
        raise RestKeyUnusable(origin=str(path), reason=reason) from error
    if not secret:
        raise RestKeyUnusable(origin=str(path), reason="it is empty")
    return secret


def key_of(secret: str) -> Key:
    """The key with the role that it speaks for; nothing is verified here, the API does that."""
    if secret.startswith("sb_secret_"):
        return Key(secret=secret, role="service_role", sees_all=True)
    if secret.startswith("sb_") or not secret:
        return Key(secret=secret, role="anon", sees_all=False)
    role = _claimed(secret)
    return Key(secret=secret, role=role or "an unknown role", sees_all=role == "service_role")


def _claimed(token: str) -> str:
    """The claim `role` of a JWT; empty where it is none."""
    part = token.split(".")[1] if token.count(".") == 2 else ""
    try:
        claims = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (binascii.Error, ValueError):
        return ""
    role = claims.get("role") if isinstance(claims, dict) else None
    return role if isinstance(role, str) and re.fullmatch(r"[\w-]{1,63}", role) else ""

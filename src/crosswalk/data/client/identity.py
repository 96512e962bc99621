"""Who asks: the role that a transaction takes and the claims that its policies read. Pure.

A key is a token (JWT, HS256), checked with a secret before each request as PostgREST does, or the plain name of a role.
Without key and role the requests run as the user who is connected. Secrets and tokens are in no repr and no error.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from crosswalk.data.failures import DataError, Misconfigured

SKEW_SECONDS = 30
"""By how much clocks may differ, as PostgREST has it."""
_KINDS = {str: "String", bool: "Boolean", type(None): "Null", list: "Array"}
_NO_ROLES = ("", "none")
"""To become one of these would be to stay who is connected."""
ANONYMOUS = "anon"
"""The role of a token that names none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Acting:
    """What a transaction is told."""

    role: str | None
    claims: str
    """As JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """A role with claims, or a token that has both."""

    role: str | None = None
    claims: Mapping[str, Any] = field(default_factory=dict, repr=False)
    token: str | None = field(default=None, repr=False)
    secret: str | None = field(default=None, repr=False)

    def now(self) -> Acting:
        """Raises PGRST301 where the token does not hold, or holds no longer."""
        claims = _verified(self.token, self.secret or "", time.time()) if self.token else self.claims
        role = _named(claims) or self.role or (ANONYMOUS if self.token else None)
        if role in _NO_ROLES:
            raise DataError(f'role "{role}" does not exist', code="22023")
        return Acting(role=role, claims=json.dumps({**claims, "role": role} if role else dict(claims)))

    def instead(self, other: Identity) -> Identity:
        """The other one, who has this one's role where nothing names another; never more than this one may."""
        if other.token or _named(other.claims) or other.role:
            return other
        if self.token:
            raise Misconfigured("nothing names a role: give role=, a key, or claims with a role")
        return replace(other, role=_named(self.claims) or self.role)


def identity(
    key: str | None, role: str | None, claims: Mapping[str, Any] | None, secret: str | None
) -> Identity:
    """Raises Misconfigured where they contradict each other, or name a role that none can be."""
    if key is None:
        return _plain(role, claims)
    if key.count(".") != 2:
        if role is not None and role != key:
            raise Misconfigured("the key is no token, so it names a role, and role= names another: give one of them")
        return _plain(key, claims)
    if secret is None:
        raise Misconfigured("the key is a token: give jwt_secret (or CROSSWALK_JWT_SECRET) to check it, or role= instead of it")
    if claims is not None:
        raise Misconfigured("the key is a token and has its own claims: claims= cannot be given besides")
    return Identity(role=role, token=key, secret=secret)


def become(token: str | None, secret: str | None) -> Identity:
    """Of auth(): somebody has to be named. Raises Misconfigured."""
    if token is None:
        raise Misconfigured("auth() needs a token or a role's name")
    return identity(token, None, None, secret)


def _plain(role: str | None, claims: Mapping[str, Any] | None) -> Identity:
    own = dict(claims or {})
    said = role if own.get("role") is None else own["role"]
    if role is not None and said != role:
        raise Misconfigured("the claims name another role than role= does")
    if said is not None and (not isinstance(said, str) or said in _NO_ROLES):
        raise Misconfigured("the key or role is no role's name; without one, the user of the URL asks")
    try:
        json.dumps(own, allow_nan=False)
    except (TypeError, ValueError):
        raise Misconfigured("the claims have no form in JSON") from None
    return Identity(role=role, claims=own)


def _named(claims: Mapping[str, Any]) -> str | None:
    """The role that claims name, which a token may do by what is no text."""
    said = claims.get("role")
    return said if said is None or isinstance(said, str) else json.dumps(said)


def _verified(token: str, secret: str, now: float) -> Mapping[str, Any]:
    """The claims of a token that is signed by the secret and holds now."""
    head, _, signature = token.rpartition(".")
    if not signature:
        raise _refused("JWSError JWSNoSignatures")
    given = _decoded(signature)
    if not hmac.compare_digest(hmac.digest(secret.encode(), head.encode(errors="surrogatepass"), hashlib.sha256), given):
        raise _refused("JWSError JWSInvalidSignature")
    header, claims = (_object(each) for each in head.split("."))
    if header.get("alg") != "HS256":
        raise _refused("JWSError JWSInvalidSignature")
    _in_time(claims, now)
    return claims


def _in_time(claims: Mapping[str, Any], now: float) -> None:
    if "exp" in claims and now - SKEW_SECONDS > _seconds(claims, "exp"):
        raise _refused("JWT expired")
    if "nbf" in claims and now + SKEW_SECONDS < _seconds(claims, "nbf"):
        raise _refused("JWTNotYetValid")
    if "iat" in claims and now + SKEW_SECONDS < _seconds(claims, "iat"):
        raise _refused("JWTIssuedAtFuture")


def _seconds(claims: Mapping[str, Any], name: str) -> float:
    value = claims[name]
    if isinstance(value, bool) or not isinstance(value, int | float):
        kind = _KINDS.get(type(value), "Object")
        what = f"Error in $.{name}: parsing NumericDate failed, expected Number, but encountered {kind}"
        raise _refused(f'JWTClaimsSetDecodeError "{what}"')
    return value


def _object(part: str) -> Mapping[str, Any]:
    try:
        value = json.loads(_decoded(part))
    except ValueError:
        raise _refused("JWSError (JSONDecodeError)") from None
    if not isinstance(value, dict):
        raise _refused("JWSError (JSONDecodeError)")
    return value


def _decoded(part: str) -> bytes:
    try:
        return base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise _refused("JWSError (CompactDecodeError)") from None


def _refused(message: str) -> DataError:
    return DataError(message, code="PGRST301")

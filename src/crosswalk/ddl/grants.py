"""Grants: what the source's roles may do, said again on the target, as far as the roles exist there.

The connected role owns what it makes. What ALTER DEFAULT PRIVILEGES would give away of it beyond
the source's own grants is taken back at once. Grant texts are aclitems: `grantee=rw*/grantor`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from crosswalk.names import quote, quote_list
from crosswalk.schema import Schema

Sort = Literal["r", "S", "f", "T", "n"]
"""pg_default_acl.defaclobjtype: relations, sequences, functions, types, schemas."""
Acl = Mapping[str, frozenset[str]]
"""By grantee ("" is everybody): letters, those with grant option as `r*`."""
PUBLIC: Final = ""
_ITEM: Final = re.compile(r'("(?:[^"]|"")*"|[^=]*)=([a-zA-Z*]*)/.*\Z', re.DOTALL)
_LETTER: Final = re.compile(r"[a-zA-Z]\*?")
_PLAIN: Final = re.compile(r"[A-Za-z0-9_]+\Z")
_ORDER: Final = "arwdDxtXUCTcsAm"
_MAINTAIN: Final = 17
_WORDS: Final = {
    "a": "INSERT", "r": "SELECT", "w": "UPDATE", "d": "DELETE", "D": "TRUNCATE", "x": "REFERENCES", "t": "TRIGGER",
    "m": "MAINTAIN", "X": "EXECUTE", "U": "USAGE", "C": "CREATE",
}
_OWNERS: Final[Mapping[Sort, str]] = {"r": "arwdDxtm", "S": "rwU", "f": "X", "T": "U", "n": "UC"}
_BORN: Final[Mapping[Sort, str]] = {"r": "", "S": "", "f": "X", "T": "U", "n": ""}
"""What everybody has of a new object."""


def parsed(items: Iterable[str]) -> dict[str, frozenset[str]]:
    """Aclitems by grantee."""
    found: dict[str, frozenset[str]] = {}
    for item in items:
        if match := _ITEM.match(item):
            name = match[1]
            if name.startswith('"'):
                name = name[1:-1].replace('""', '"')
            found[name] = found.get(name, frozenset()) | frozenset(_LETTER.findall(match[2]))
    return found


def _text(grantee: str, letters: Iterable[str], grantor: str) -> str:
    def name(role: str) -> str:
        return role if not role or _PLAIN.match(role) else quote(role)

    listed = sorted(letters, key=lambda letter: _ORDER.index(letter[0]))
    return f"{name(grantee)}={''.join(listed)}/{name(grantor)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """What is said about one object's grants."""

    at_once: tuple[str, ...] = ()
    """REVOKE of what the object's birth gave away and the source does not."""
    later: tuple[str, ...] = ()
    """GRANT of what the source gives."""
    undo: tuple[str, ...] = ()
    """REVOKE of the latter."""
    acl: tuple[str, ...] = ()
    """The object's aclitems afterwards."""
    absent: frozenset[str] = field(default_factory=frozenset)
    """Roles that the target does not have."""


@dataclass(frozen=True, slots=True)
class Grants:
    """The grants of objects of one source on one target."""

    target: Schema

    def of(self, sort: Sort, on: str, schema: str | None, *, acl: Iterable[str], owner: str) -> Granted:
        """`on` is the object as GRANT … ON names it; `acl` and `owner` are the source's."""
        wanted, absent = self._wanted(sort, acl, owner)
        given, told = self._born(sort, schema)
        taken = {g: given[g] - wanted.get(g, frozenset()) for g in given}
        more = {g: wanted[g] - given.get(g, frozenset()) for g in wanted}
        at_once = tuple(f"REVOKE {_words(letters)} ON {on} FROM {_role(g)}" for g, letters in taken.items() if letters)
        later = tuple(text for g, letters in more.items() for text in _granting(letters, on, g))
        undo = tuple(f"REVOKE {_words(letters)} ON {on} FROM {_role(g)}" for g, letters in more.items() if letters)
        after: tuple[str, ...] = ()
        if told or at_once or later:
            after = self._told(sort, wanted)
        return Granted(at_once=at_once, later=later, undo=undo, acl=after, absent=absent)

    def of_column(self, on: str, column: str, *, acl: Iterable[str], owner: str) -> Granted:
        """Grants on one column of the relation `on`."""
        present = {g: letters for g, letters in parsed(acl).items() if g not in {owner, self.target.role}}
        wanted = {g: letters for g, letters in present.items() if self._exists(g)}
        name = quote(column)
        return Granted(
            later=tuple(t for g, letters in wanted.items() for t in _granting(letters, on, g, column=name)),
            undo=tuple(f"REVOKE {_words(ls, name)} ON {on} FROM {_role(g)}" for g, ls in wanted.items()),
            acl=tuple(sorted(_text(g, letters, self.target.role) for g, letters in wanted.items())),
            absent=frozenset(present) - frozenset(wanted),
        )

    def _exists(self, grantee: str) -> bool:
        return grantee == PUBLIC or grantee in self.target.roles

    def _wanted(self, sort: Sort, acl: Iterable[str], owner: str) -> tuple[Acl, frozenset[str]]:
        items = parsed(acl)
        if not items:
            return ({PUBLIC: frozenset(_BORN[sort])} if _BORN[sort] else {}), frozenset()
        known = "".join(_ORDER) if self.target.major >= _MAINTAIN else _ORDER.replace("m", "")
        others = {g: letters for g, letters in items.items() if g not in {owner, self.target.role}}
        wanted = {g: frozenset(x for x in letters if x[0] in known) for g, letters in others.items() if self._exists(g)}
        return {g: letters for g, letters in wanted.items() if letters}, frozenset(g for g in others if not self._exists(g))

    def _born(self, sort: Sort, schema: str | None) -> tuple[Acl, bool]:
        """What others have of a new object, and whether that differs from the server's own default."""
        everywhere = [g for g in self.target.given if g.kind == sort and g.schema is None]
        here = [g for g in self.target.given if g.kind == sort and g.schema is not None and g.schema == schema]
        found: dict[str, frozenset[str]] = {}
        if everywhere:
            found.update(parsed(everywhere[0].acl))
        elif _BORN[sort]:
            found[PUBLIC] = frozenset(_BORN[sort])
        for each in here:
            for grantee, letters in parsed(each.acl).items():
                found[grantee] = found.get(grantee, frozenset()) | letters
        found.pop(self.target.role, None)
        return found, bool(everywhere or here)

    def _told(self, sort: Sort, wanted: Acl) -> tuple[str, ...]:
        letters = _OWNERS[sort] if self.target.major >= _MAINTAIN else _OWNERS[sort].replace("m", "")
        role = self.target.role
        return tuple(sorted([_text(role, letters, role), *(_text(g, each, role) for g, each in wanted.items())]))


def _role(grantee: str) -> str:
    return quote(grantee) if grantee else "PUBLIC"


def _words(letters: Iterable[str], column: str | None = None) -> str:
    words = sorted({_WORDS[letter[0]] for letter in letters if letter[0] in _WORDS})
    return ", ".join(f"{word} ({column})" if column else word for word in words)


def _granting(letters: frozenset[str], on: str, grantee: str, *, column: str | None = None) -> Iterable[str]:
    plain = {letter for letter in letters if not letter.endswith("*")}
    for some, ending in ((plain, ""), (letters - plain, " WITH GRANT OPTION")):
        if some:
            yield f"GRANT {_words(some, column)} ON {on} TO {_role(grantee)}{ending}"


def policy_roles(names: Iterable[str]) -> str:
    """Roles as CREATE POLICY … TO names them."""
    found = tuple(names)
    return "PUBLIC" if "public" in found else quote_list(found)

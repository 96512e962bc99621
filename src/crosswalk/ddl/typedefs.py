"""Schemas, extensions, types, collations, sequences and functions as statements that make them."""

from __future__ import annotations

from collections.abc import Iterable

from crosswalk.ddl.grants import Granted
from crosswalk.ddl.standing import Type
from crosswalk.ddl.steps import Key, Step, key_of, schema_key, step
from crosswalk.ddl.wanted import function_thing
from crosswalk.names import Name, literal, parse, quote
from crosswalk.schema import Collation, Composite, Domain, Enum, Function, Namespace, Sequence, Thing

_UNLOGGED_SEQUENCES = 15


def comment(on: str, text: str | None) -> list[str]:
    """COMMENT ON, where there is something to say."""
    return [f"COMMENT ON {on} IS {literal(text)}"] if text else []


def collate(collation: str | None) -> str:
    """COLLATE with a qualified collation as the catalog tells it, or nothing."""
    return f" COLLATE {parse(collation).sql}" if collation else ""


def schema(name: str, there: Namespace | None, granted: Granted) -> Step:
    sql = [f"CREATE SCHEMA {quote(name)}", *granted.at_once, *granted.later]
    sql += comment(f"SCHEMA {quote(name)}", there.comment if there else None)
    return step(("schema", name), sql, undo=f"DROP SCHEMA {quote(name)}")


def extension(name: str, where: str, requires: Iterable[str]) -> Step:
    return step(
        ("extension", name), f"CREATE EXTENSION {quote(name)} SCHEMA {quote(where)}",
        undo=f"DROP EXTENSION {quote(name)}", after=[("schema", where), *(("extension", other) for other in requires)],
    )


def type_text(found: Type) -> str:
    """CREATE TYPE or CREATE DOMAIN."""
    name = found.name.sql
    if isinstance(found, Enum):
        return f"CREATE TYPE {name} AS ENUM ({', '.join(map(literal, found.labels))})"
    if isinstance(found, Composite):
        collations = found.collations or (None,) * len(found.attributes)
        parts = zip(found.attributes, collations, strict=True)
        return f"CREATE TYPE {name} AS ({', '.join(f'{quote(n)} {t}{collate(c)}' for (n, t), c in parts)})"
    if isinstance(found, Domain):
        return f"CREATE DOMAIN {name} AS {found.base}{_domain(found)}"
    return found.definition


def _domain(domain: Domain) -> str:
    default = f" DEFAULT {domain.default}" if domain.default is not None else ""
    not_null = " NOT NULL" if domain.not_null else ""
    checks = "".join(f" CONSTRAINT {quote(name)} CHECK ({text})" for name, text in domain.checks)
    return collate(domain.collation) + default + not_null + checks


def free_type(found: Type, after: Iterable[Key], granted: Granted) -> Step:
    """An enum, domain, composite or range."""
    word = "DOMAIN" if isinstance(found, Domain) else "TYPE"
    sql = [type_text(found), *granted.at_once, *comment(f"{word} {found.name.sql}", found.comment)]
    makes = key_of(Thing(kind="type", name=found.name))
    return step(makes, sql, undo=f"DROP {word} {found.name.sql}", after=[schema_key(found.name), *after])


def collation(found: Collation) -> Step:
    sql = [found.definition, *comment(f"COLLATION {found.name.sql}", found.comment)]
    makes = key_of(Thing(kind="collation", name=found.name))
    return step(makes, sql, undo=f"DROP COLLATION {found.name.sql}", after=[schema_key(found.name)])


def sequence_options(found: Sequence) -> str:
    """All options but the type, the name and the owner."""
    return (
        f"START WITH {found.start} INCREMENT BY {found.increment} MINVALUE {found.minimum} MAXVALUE {found.maximum} "
        f"CACHE {found.cache} {'CYCLE' if found.cycle else 'NO CYCLE'}"
    )


def sequence(found: Sequence, granted: Granted, *, major: int) -> Step:
    unlogged = "UNLOGGED " if found.persistence == "unlogged" and major >= _UNLOGGED_SEQUENCES else ""
    sql = [f"CREATE {unlogged}SEQUENCE {found.name.sql} AS {found.type} {sequence_options(found)}", *granted.at_once]
    sql += comment(f"SEQUENCE {found.name.sql}", found.comment)
    makes = key_of(Thing(kind="sequence", name=found.name))
    return step(makes, sql, undo=f"DROP SEQUENCE {found.name.sql}", after=[schema_key(found.name)])


def ownership(found: Sequence, owner: Name, column: str) -> Step:
    """The sequence goes with its column from now on."""
    alter = f"ALTER SEQUENCE {found.name.sql} OWNED BY"
    return step(
        ("owned", str(found.name)), f"{alter} {owner.sql}.{quote(column)}", undo=f"{alter} NONE", table=owner,
        after=[key_of(Thing(kind="sequence", name=found.name)), ("relation", str(owner))],
    )


def function(found: Function, after: Iterable[Key], granted: Granted) -> Step:
    """Bodies are not looked at: what they name may come later, or was never there."""
    on = f"ROUTINE {found.name.sql}({found.arguments})"
    sql = ["SET LOCAL check_function_bodies = off", found.definition.rstrip(), *granted.at_once]
    sql += comment(on, found.comment)
    makes = key_of(function_thing(found))
    return step(makes, sql, undo=f"DROP {on}", after=[schema_key(found.name), *after])



"""Small schemas for tests that need no server: built-in types, a table by its columns, a foreign key.

A column is written as its type by pg_type's name; `!` behind it says NOT NULL, `[]` makes an array.
"""

from __future__ import annotations

from typing import Any

from crosswalk.names import Name
from crosswalk.schema import (
    Column,
    Constraint,
    ConstraintKind,
    Index,
    RelationKind,
    Schema,
    Table,
    TypeKind,
    TypeRef,
)

OIDS = {
    "int4": 23,
    "int8": 20,
    "text": 25,
    "timestamp": 1114,
    "timestamptz": 1184,
    "bool": 16,
    "jsonb": 3802,
    "date": 1082,
}
ARRAYS = {"int4": 1007, "text": 1009}


def kind(name: str) -> TypeRef:
    """A built-in type by pg_type's name, or an array of one (`int4[]`)."""
    element = kind(name.removesuffix("[]")) if name.endswith("[]") else None
    return TypeRef(
        schema="pg_catalog",
        name=f"_{element.name}" if element else name,
        kind=TypeKind.ARRAY if element else TypeKind.BASE,
        modifier=-1,
        display=name,
        plain=name,
        oid=ARRAYS[element.name] if element else OIDS[name],
        category="A" if element else "X",
        element=element,
    )


def table(name: str, /, *constraints: Constraint, key: str = "id", **columns: str) -> Table:
    found = tuple(
        Column(name=c, position=i, type=kind(k.removesuffix("!")), not_null=k.endswith("!"))
        for i, (c, k) in enumerate({"id": "int4!", **columns}.items())
    )
    primary = Constraint(name=f"{name}_pkey", kind=ConstraintKind.PRIMARY, columns=(key,), definition="")
    index = Index(
        name=f"{name}_pkey", definition=f"CREATE UNIQUE INDEX {name}_pkey", columns=(key,), unique=True, partial=False,
        predicate=None, expressions=False, immediate=True, valid=True, method="btree",
    )  # fmt: skip
    return Table(
        name=Name("public", name),
        kind=RelationKind.TABLE,
        columns=found,
        constraints=(primary, *constraints),
        indexes=(index,),
    )


def refers(column: str, to: str) -> Constraint:
    return Constraint(
        name=f"{column}_fkey", kind=ConstraintKind.FOREIGN, columns=(column,), definition=f"FOREIGN KEY ({column}) …",
        references=Name("public", to), referenced_columns=("id",),
    )  # fmt: skip


def schema(*tables: Table, **more: Any) -> Schema:
    return Schema(
        server_version=160000, database="d", role="r", tables={t.name: t for t in tables}, sequences={}, domains={},
        **{"enums": {}, **more},
    )  # fmt: skip

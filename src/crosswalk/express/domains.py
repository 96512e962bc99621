"""The checks of a column's domains, word for word, as SQL over the mapped row.

A domain may stand on another one, whose checks hold too; a column may be an array of a domain, whose checks hold
for each element. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from crosswalk.express.casts import type_sql, wire_type
from crosswalk.names import Name, quote
from crosswalk.pg_types import UNLIMITED
from crosswalk.schema import Column, Domain, Schema, TypeKind, TypeRef


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainCheck:
    """One check that a column's value has to pass."""

    domain: Name
    name: str
    column: Column
    expression: str
    """With VALUE."""
    of_elements: bool
    """Each element has to pass it."""

    @property
    def handle(self) -> str:
        """How `Facts.checks` names it."""
        return f"domain:{self.column.name}:{self.domain}.{self.name}"

    @property
    def condition(self) -> str:
        """True for a row whose value is refused, at the level `mapped`."""
        value = quote(self.column.name)
        if not self.of_elements:
            held = self.column.type.storage
            stored = f"{value}::{held.display}" if held.name == "numeric" and held.modifier != UNLIMITED else value
            return f"(SELECT NOT ({self.expression}) FROM (SELECT {stored} AS value) AS domain_value)"
        held = _held(self.column.type)
        # An array of a domain travels as text.
        rows = f"pg_catalog.unnest(({value})::{type_sql(held)}[]) AS domain_value (value)"
        return f"(SELECT pg_catalog.bool_or(NOT ({self.expression})) FROM {rows})"


def domains_of(schema: Schema, ref: TypeRef) -> Iterator[Domain]:
    """The domain that a type is, and those that it stands on."""
    found = schema.domains.get(Name(ref.schema, ref.name)) if ref.kind is TypeKind.DOMAIN else None
    while found is not None:
        yield found
        below = found.base
        found = schema.domains.get(Name(below.schema, below.name)) if below.kind is TypeKind.DOMAIN else None


def element_of(ref: TypeRef) -> TypeRef | None:
    """The domain that an array's elements are of."""
    element = ref.storage.element
    return element if element is not None and element.kind is TypeKind.DOMAIN else None


def domain_checks(schema: Schema, column: Column) -> Iterator[DomainCheck]:
    """Every check of a column's domains, and of its elements'."""
    element = element_of(column.type)
    for of_elements, ref in ((False, column.type), *(((True, element),) if element is not None else ())):
        for domain in domains_of(schema, ref):
            for name, expression in domain.checks:
                yield DomainCheck(
                    domain=domain.name, name=name, column=column, expression=expression, of_elements=of_elements
                )


def means_the_same(schema: Schema, column: Column, *, element: bool = False) -> bool:
    """Whether a value (or an element) compares on the source as in the target: it is what it is, under no own collation."""
    ref = element_of(column.type) if element else column.type
    if ref is None or column.collation is not None or any(d.collation is not None for d in domains_of(schema, ref)):
        return False
    return ref.storage.builtin and wire_type(ref).oid == ref.storage.oid


def _held(ref: TypeRef) -> TypeRef:
    element = element_of(ref)
    assert element is not None
    return element.storage

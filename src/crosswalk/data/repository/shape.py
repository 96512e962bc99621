"""Rows as instances of a model: a pydantic model or a dataclass, read and written by its fields. Pure.

A field's column is its alias, or its own name. A typed repository reads only these columns; a model that is written
gives only the fields that were set (of a dataclass: all). What does not fit names table and column, never the value.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Generic, TypeVar, cast

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.errors import PydanticSchemaGenerationError, PydanticUserError

from crosswalk.data.failures import BadValue, Misconfigured
from crosswalk.data.repository.table import Table

R = TypeVar("R")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Shape(Generic[R]):
    """How a repository's rows look to who asks for them."""

    table: Table
    model: type[R] | None
    """None: dicts."""
    adapter: TypeAdapter[R] | None = None
    fields: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Field by column."""

    @property
    def columns(self) -> Sequence[str] | None:
        """What is read when nobody says which; None: all."""
        return None if self.model is None else tuple(self.fields)

    def rows(self, found: Sequence[Mapping[str, Any]]) -> list[R]:
        """Raises BadValue."""
        return [self.row(each) for each in found]

    def row(self, found: Mapping[str, Any]) -> R:
        """Raises BadValue."""
        if self.adapter is None:
            return cast(R, found)
        try:
            return self.adapter.validate_python({name: found[name] for name in self.fields if name in found})
        except ValidationError as error:
            raise self._misfit(error) from None

    def given(self, row: Mapping[str, Any] | R) -> Mapping[str, Any]:
        """What a row gives, by column. Raises BadValue."""
        if isinstance(row, Mapping):
            return row
        if isinstance(row, BaseModel):
            said = row.__class__.model_fields
            return {said[name].alias or name: getattr(row, name) for name in said if name in row.model_fields_set}
        if dataclasses.is_dataclass(row) and not isinstance(row, type):
            return {column: getattr(row, name) for column, name in (self.fields or _own(type(row))).items()}
        raise BadValue(f"{self.table.name}: a row is a mapping or an instance of its model, and this is a {type(row).__name__}")

    def _misfit(self, error: ValidationError) -> BadValue:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        column = str(first["loc"][0]) if first["loc"] else ""
        name = getattr(self.model, "__name__", "the model")
        said = f"{self.table.name}.{column}: what is stored does not fit {name} ({first['type']})"
        return BadValue(said, table=str(self.table.name), column=column)


def shape_of(table: Table, model: type[R] | None) -> Shape[R]:
    """Raises ColumnMissing for a field without a column, Misconfigured for what is no model."""
    if model is None:
        return Shape(table=table, model=None)
    fields = _own(model)
    table.read_of(fields)
    try:
        adapter = TypeAdapter(model)
    except (PydanticSchemaGenerationError, PydanticUserError) as error:
        raise Misconfigured(f"{model.__name__} cannot be read as a model of rows: {type(error).__name__}") from error
    return Shape(table=table, model=model, adapter=adapter, fields=fields)


def _own(model: type[Any]) -> dict[str, str]:
    """Field by column."""
    if isinstance(model, type) and issubclass(model, BaseModel):
        return {field.alias or name: name for name, field in model.model_fields.items()}
    if isinstance(model, type) and dataclasses.is_dataclass(model):
        return {field.name: field.name for field in dataclasses.fields(model) if field.init}
    raise Misconfigured(f"{getattr(model, '__name__', 'that')} is neither a pydantic model nor a dataclass")

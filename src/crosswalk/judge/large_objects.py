"""Columns that hold the numbers of large objects: their content is not carried, and the numbers would name nothing.

Asked of the source, and only where it has large objects at all. A column that a rule takes as it is, or folds, is a
problem; one that is dropped with a reason is not, nor one that an sql rule reads: that is the author's own word.
"""

from __future__ import annotations

from collections.abc import Iterator

from crosswalk.catalog.large_objects import holds_numbers, naming
from crosswalk.connect import Session
from crosswalk.express.facts import Facts
from crosswalk.judge.problem import Problem
from crosswalk.mapping import Fold, MappingFile, Take
from crosswalk.names import Name, quote
from crosswalk.schema import Table


async def large_objects(file: MappingFile, facts: Facts, session: Session) -> list[Problem]:
    """A problem for each column whose numbers would come without what they stand for."""
    found: list[Problem] = []
    if not facts.source.large_objects:
        return found
    for text, name in zip(file.document.tables, file.document.by_target, strict=True):
        for target_column, table, column in _taken(facts, name):
            rows = await session.fetchval(naming(table.name, column), what=f"the large objects of {table.name}")
            if rows:
                place = ("tables", text, "columns", target_column)
                found.append(
                    Problem(
                        code="large_object",
                        place=place,
                        line=file.line(*place),
                        message=f"{table.name}.{column} names large objects in {rows} rows: they are not carried, and"
                        " their numbers would name nothing in the target",
                        remedy=f'Carry the content into a bytea column (`{{sql: "lo_get({quote(column)})"}}`), drop the'
                        f" column with a reason, or, where you move large objects yourself, write `{{sql: {column}}}`.",
                    )
                )
    return found


def _taken(facts: Facts, name: Name) -> Iterator[tuple[str, Table, str]]:
    """(target column, source table, source column) of what is taken as it is from a column of such a type."""
    mapping = facts.mapping(name)
    table = facts.source.tables.get(mapping.source)
    for target_column, rule in mapping.columns.items() if table is not None else ():
        for read in rule.reads() if isinstance(rule, Take | Fold) else ():
            column = table.column(read) if table is not None else None
            if table is not None and column is not None and holds_numbers(column):
                yield target_column, table, read

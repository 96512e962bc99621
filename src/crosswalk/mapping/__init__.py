"""The mapping document: the one contract that says what becomes of each table and column.

`rules` and `document` are the nouns, `reading` turns YAML text into them (strictly, with line
numbers) and keeps the text's comments for writing back. Nothing here talks to a server.
"""

from crosswalk.mapping.amend import amended, difference
from crosswalk.mapping.document import (
    Back,
    Document,
    Drop,
    Duplicates,
    Existing,
    Filter,
    Newest,
    Rejects,
    TableMapping,
)
from crosswalk.mapping.reading import MappingFile, json_schema, read_json, read_mapping, read_text
from crosswalk.mapping.rules import (
    Agree,
    Default,
    First,
    Fold,
    Lookup,
    LookupTo,
    MapLabels,
    Operand,
    Rule,
    Split,
    Sql,
    Status,
    Take,
    Unnest,
    Value,
    Zone,
)

__all__ = [
    "Agree",
    "Back",
    "Default",
    "Document",
    "Drop",
    "Duplicates",
    "Existing",
    "Filter",
    "First",
    "Fold",
    "Lookup",
    "LookupTo",
    "MapLabels",
    "MappingFile",
    "Newest",
    "Operand",
    "Rejects",
    "Rule",
    "Split",
    "Sql",
    "Status",
    "TableMapping",
    "Take",
    "Unnest",
    "Value",
    "Zone",
    "amended",
    "difference",
    "json_schema",
    "read_json",
    "read_mapping",
    "read_text",
]

"""The compiled mapping: what `crosswalk compile` writes, as this layer reads it, and the SQL that it stands for. Pure.

`document` is the form of the file, `statements` the two texts that are made from it: legacy rows read from the new
schema, and legacy rows turned into rows of the new schema.
"""

from crosswalk.data.compiled.document import (
    VERSION,
    Comparison,
    CompiledMapping,
    CompiledTable,
    Join,
    Key,
    LegacyColumn,
    Refusal,
    TargetColumn,
    Unwritten,
    Write,
    read_compiled,
)
from crosswalk.data.compiled.statements import mapped, reading

__all__ = [
    "VERSION",
    "Comparison",
    "CompiledMapping",
    "CompiledTable",
    "Join",
    "Key",
    "LegacyColumn",
    "Refusal",
    "TargetColumn",
    "Unwritten",
    "Write",
    "mapped",
    "read_compiled",
    "reading",
]

"""Two schemas side by side: `compare` gives a `Comparison`, `as_json` its plain form. Pure."""

from crosswalk.diff.compare import compare
from crosswalk.diff.values import (
    Attribute,
    ColumnDiff,
    ColumnVerdict,
    Comparison,
    ObjectDiff,
    Size,
    TableDiff,
    Verdict,
    as_json,
)

__all__ = [
    "Attribute",
    "ColumnDiff",
    "ColumnVerdict",
    "Comparison",
    "ObjectDiff",
    "Size",
    "TableDiff",
    "Verdict",
    "as_json",
    "compare",
]

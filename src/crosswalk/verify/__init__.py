"""Proves row by row that the target is the mapped source, and says what it covered.

`compare` hashes both sides bucket by bucket and drills down to keys, `columns` names the columns
that differ, `preserved` watches the tables that nobody may touch. Writes nothing but temporary
tables that are rolled back.
"""

from crosswalk.verify.compare import Known, TableResult, compare_table
from crosswalk.verify.difference import Difference
from crosswalk.verify.preserved import PreservedResult, image_of
from crosswalk.verify.proof import masked, preserved_proof, table_proof
from crosswalk.verify.stale import changed_in_quarantine

__all__ = [
    "Difference",
    "Known",
    "PreservedResult",
    "TableResult",
    "changed_in_quarantine",
    "compare_table",
    "image_of",
    "masked",
    "preserved_proof",
    "table_proof",
]

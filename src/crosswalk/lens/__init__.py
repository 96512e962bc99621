"""The mapping seen from the other side: legacy rows read from the target and written into it. Pure.

`express` turns source rows into target rows where the source is asked. Here the same rules are turned so that the target
alone is asked: each rule's inverse reads a source column back (`reading`), and each rule itself, its lookups now on the
target, makes a target row of a source row (`writing`). `document` says both as the JSON that the data layer reads; what
no server has proved yet is asked by the texts of `proofs`.
"""

from crosswalk.lens.document import SETTINGS, compiled_table, proofs, refused
from crosswalk.lens.parts import Absent, Failed, Proof, Reading, Unwritten, Written
from crosswalk.lens.table import Lens, lens, why_not

__all__ = [
    "SETTINGS",
    "Absent",
    "Failed",
    "Lens",
    "Proof",
    "Reading",
    "Unwritten",
    "Written",
    "compiled_table",
    "lens",
    "proofs",
    "refused",
    "why_not",
]

"""The mapping compiled to SQL: `Motion` for the source's side, `Landing` for the target's.

Pure: values in, SQL texts out. Everything that the product does with rows runs these texts.
"""

from crosswalk.express.facts import EVERYTHING, Barred, Facts, Key, Moment, Selection
from crosswalk.express.handover import HandOver, groups
from crosswalk.express.load import Landing
from crosswalk.express.motion import BUCKETS, Motion
from crosswalk.express.parts import Condition, Fed, Reference, Wire
from crosswalk.express.removal import SEED, Doomed, Edge, delete, foreign_edges, reference_edges

__all__ = [
    "BUCKETS",
    "EVERYTHING",
    "SEED",
    "Barred",
    "Condition",
    "Doomed",
    "Edge",
    "Facts",
    "Fed",
    "HandOver",
    "Key",
    "Landing",
    "Moment",
    "Motion",
    "Reference",
    "Selection",
    "Wire",
    "delete",
    "foreign_edges",
    "groups",
    "reference_edges",
]

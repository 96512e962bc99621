"""The mapping compiled to SQL: `Motion` for the source's side, `Landing` for the target's.

Pure: values in, SQL texts out. Everything that the product does with rows runs these texts.
"""

from crosswalk.express.facts import EVERYTHING, Facts, Key, Moment, Selection
from crosswalk.express.handover import HandOver, groups
from crosswalk.express.load import Landing
from crosswalk.express.motion import BUCKETS, Motion
from crosswalk.express.parts import Condition, Fed, Reference, Wire
from crosswalk.express.removal import delete

__all__ = [
    "BUCKETS",
    "EVERYTHING",
    "Condition",
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
    "groups",
]

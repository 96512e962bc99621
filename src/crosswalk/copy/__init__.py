"""Copies one table by the keyed motion: cuts it into chunks, moves each in one target transaction.

`chunks` cuts, `land` moves one chunk (`fill` the twin, `merge` it) and isolates the rows that are refused,
`quarantine` writes rejected rows to the ledger, `sequences` advances what feeds default keys.
"""

from crosswalk.copy.chunks import CHUNK_BYTES, Pace, cut, is_small, pace_of, selection
from crosswalk.copy.hands import Hands, Moved
from crosswalk.copy.insist import insist
from crosswalk.copy.land import CLASHES, move_chunks, move_keys, settle_clashes, wait_for_batch
from crosswalk.copy.merge import remove_keys
from crosswalk.copy.quarantine import forget_older, forget_rejected, quarantine_again, quarantine_static
from crosswalk.copy.sequences import advance_sequences
from crosswalk.copy.statistics import analyze

__all__ = [
    "CHUNK_BYTES",
    "CLASHES",
    "Hands",
    "Moved",
    "Pace",
    "advance_sequences",
    "analyze",
    "cut",
    "forget_older",
    "forget_rejected",
    "insist",
    "is_small",
    "move_chunks",
    "move_keys",
    "pace_of",
    "quarantine_again",
    "quarantine_static",
    "remove_keys",
    "selection",
    "settle_clashes",
    "wait_for_batch",
]

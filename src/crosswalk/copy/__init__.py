"""Copies one table by the keyed motion: cuts it into chunks, moves each in one target transaction.

`chunks` cuts, `land` moves one chunk and isolates the rows that are refused, `quarantine` writes
rejected rows to the ledger, `sequences` advances what feeds default keys.
"""

from crosswalk.copy.chunks import CHUNK_BYTES, cut
from crosswalk.copy.land import Hands, Moved, move_chunk, move_keys
from crosswalk.copy.quarantine import forget_older, forget_rejected, quarantine_static
from crosswalk.copy.sequences import advance_sequences

__all__ = [
    "CHUNK_BYTES",
    "Hands",
    "Moved",
    "advance_sequences",
    "cut",
    "forget_older",
    "forget_rejected",
    "move_chunk",
    "move_keys",
    "quarantine_static",
]

"""Takes runs back: the target as it was before them, catalog and rows. Needs no source.

    scope    which runs: the newest, and every other that filled or shaped one of its tables
    losses   what of others would be lost by it: refused, unless allowed by name
    rows     ours go, overwritten ones become what they were, sequences stand where they stood
    proof    the catalog and the rows, held against what the first run noted before it began

All of it is one transaction: either the target is proven to be what it was, or nothing has changed.
Only the ledger's history stays.
"""

from crosswalk.rollback.conduct import TakenBack, rollback
from crosswalk.rollback.losses import Loss
from crosswalk.rollback.rows import TableBack

__all__ = ["Loss", "TableBack", "TakenBack", "rollback"]

"""Rows in quarantine after a run: looked at, given up, or moved again after a fix.

`stock` counts and shows them, `giving_up` is a person's word that they stay behind, `retrial` moves them again
(`passages`: in which order; `batch`: some of them in one transaction, with their accounting). Part of the conductor.
"""

from crosswalk.quarantined.giving_up import Dropped, drop
from crosswalk.quarantined.passages import Outcome
from crosswalk.quarantined.retrial import Retried, retry
from crosswalk.quarantined.stock import Stock, TableStock, show, stock

__all__ = ["Dropped", "Outcome", "Retried", "Stock", "TableStock", "drop", "retry", "show", "stock"]

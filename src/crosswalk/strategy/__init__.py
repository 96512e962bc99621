"""Strategies: from facts and a reviewed document to plans that can be compared. Pure.

What stands where:

    fates, derive   what becomes of each column; the documents of hybrid and recreate
    order, hold     which table is filled first; what is off meanwhile
    compose         the plan of one strategy
    coming          keys and indexes that a plan has yet to make, as if they stood
    lost, cost      what is left behind, and what each strategy costs
    recommend       which one the figures speak for
"""

from crosswalk.strategy.coming import with_dropped_keys, with_keys_to_come
from crosswalk.strategy.compose import Between, Shaping, as_rows_come, compose
from crosswalk.strategy.cost import Candidate, cost
from crosswalk.strategy.derive import (
    Derived,
    as_it_stands,
    derive_hybrid,
    derive_recreate,
    parents_with_rows,
    to_create,
)
from crosswalk.strategy.fates import Dropped, dropped, fates
from crosswalk.strategy.hold import unplanned, unplanned_triggers
from crosswalk.strategy.lost import Held, asked, held, held_query
from crosswalk.strategy.order import Ordered, fill_order, needs
from crosswalk.strategy.recommend import recommend

__all__ = [
    "Between",
    "Candidate",
    "Derived",
    "Dropped",
    "Held",
    "Ordered",
    "Shaping",
    "as_it_stands",
    "as_rows_come",
    "asked",
    "compose",
    "cost",
    "derive_hybrid",
    "derive_recreate",
    "dropped",
    "fates",
    "fill_order",
    "held",
    "held_query",
    "needs",
    "parents_with_rows",
    "recommend",
    "to_create",
    "unplanned",
    "unplanned_triggers",
    "with_dropped_keys",
    "with_keys_to_come",
]

"""Strategies: from facts to a plan. Pure.

`order` says which table is filled first, `transform` keeps the target's schema and moves through
the mapping.
"""

from crosswalk.strategy.order import Ordered, fill_order
from crosswalk.strategy.transform import plan_transform, unplanned_triggers

__all__ = ["Ordered", "fill_order", "plan_transform", "unplanned_triggers"]

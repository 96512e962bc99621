"""Of the log of comparisons."""

from __future__ import annotations

from crosswalk.errors.base import CrosswalkError


class ShadowLogUnreadable(CrosswalkError):
    """The log {path} cannot be read: {reason}."""

    remedy = "Name the file that the application's ShadowLog writes."

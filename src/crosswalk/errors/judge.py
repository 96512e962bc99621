"""Of verdicts and the ways out of them."""

from __future__ import annotations

from crosswalk.errors.base import EXIT_USAGE, CrosswalkError


class WayUnknown(CrosswalkError):
    """`{asked}` names no verdict of this document and none of its ways out."""

    remedy = "Say RULE=WAY as `crosswalk check` prints them; possible now: {possible}"
    exit_code = EXIT_USAGE


class WayNeedsValue(CrosswalkError):
    """{way} of {rule} wants a value of yours."""

    remedy = "Write {rule}={way}: and the value behind it, in place of the word VALUE."
    exit_code = EXIT_USAGE


class WaysCollide(CrosswalkError):
    """{first} and {second} change the same place of the document: {place}."""

    remedy = "Apply one of them, check again, and apply what is still offered."
    exit_code = EXIT_USAGE


class WayUnfit(CrosswalkError):
    """{asked} would make a document that does not fit: {reason}."""

    remedy = "Nothing was written. Give a value of the column's type, or change the document by hand."
    exit_code = EXIT_USAGE

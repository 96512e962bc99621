"""Phone numbers in the one spelling by which a client is found. Pure."""

from __future__ import annotations

import re

SHORTEST, LONGEST = 7, 15


def normalise(phone: str | None) -> str | None:
    """Digits only: 10 that begin with 9 get a 7, of 11 that begin with 8 the 8 becomes a 7; None unless 7 to 15 are left.

    Only ASCII digits count, as they do in the mapping's rule (`\\D` of PostgreSQL).
    """
    digits = re.sub(r"[^0-9]", "", phone or "")
    if len(digits) == 10 and digits.startswith("9"):
        digits = f"7{digits}"
    elif len(digits) == 11 and digits.startswith("8"):
        digits = f"7{digits[1:]}"
    return digits if SHORTEST <= len(digits) <= LONGEST else None

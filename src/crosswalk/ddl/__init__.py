"""A catalog as statements that make it again, and the target's catalog as it will be after them. Pure.

`recreate` gives a target the source's tables with all that belongs to them and puts what is in the
way into an archive; `add_columns` gives its tables further columns; `difference` proves the result.
Nothing here drops anything but in an `undo`, and nothing here cascades.
"""

from crosswalk.ddl.additions import add_columns
from crosswalk.ddl.lacking import difference
from crosswalk.ddl.late_keys import KEYS
from crosswalk.ddl.made import Addition, Made
from crosswalk.ddl.making import recreate

__all__ = ["KEYS", "Addition", "Made", "add_columns", "difference", "recreate"]

"""Of rights that a role lacks, told before anything is begun."""

from __future__ import annotations

from crosswalk.errors.servers import MissingPrivilege


class ColumnsUnreadable(MissingPrivilege):
    """The {side} role {role} may read some columns of {table} only: permission denied for {columns}."""

    remedy = (
        "GRANT SELECT ON {sql} TO the role, for whole tables are locked and counted; or let its owner make a view of the"
        " other columns and move that. Nothing was begun."
    )


class RightsMissing(MissingPrivilege):
    """The {side} role {role} may not do all that this run needs: {what}."""

    remedy = "Let the owner say: {fix} `crosswalk doctor` looks at all of it. Nothing was begun."

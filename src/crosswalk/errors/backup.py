"""Of dumping preserved tables and proving the dump."""

from __future__ import annotations

from crosswalk.errors.base import EXIT_REFUSED, CrosswalkError


class BackupImpossible(CrosswalkError):
    """The preserved tables cannot be dumped: {reason}."""

    remedy = "Mend what the message names and run the same command again; nothing was changed."
    exit_code = EXIT_REFUSED


class NoDumpProgram(BackupImpossible):
    """The preserved tables cannot be dumped: no pg_dump for PostgreSQL {version} was found ({places})."""

    remedy = "Put the client programs of PostgreSQL {version} or newer on the PATH, then run the same command; nothing was changed."


class BackupUnproven(CrosswalkError):
    """The preserved tables were dumped, but the dump could not be restored to prove it: {reason}."""

    remedy = (
        "Nothing was changed and no dump was kept. Mend what the message names; or back these tables up yourself, then"
        " add --allow unproven-backup: the dump is kept as it is."
    )
    exit_code = EXIT_REFUSED


class BackupWrong(CrosswalkError):
    """The dump of the preserved tables does not give back what stands in the target: {reason}."""

    remedy = "Nothing was changed and no dump was kept. Look at the disk's health, and run the same command again."
    exit_code = EXIT_REFUSED

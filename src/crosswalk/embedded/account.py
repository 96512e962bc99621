"""The account that servers run as, and the one way a server program is run.

PostgreSQL refuses to run as root, so root hands its servers to `nobody`; everybody else runs them
as himself. Programs get a bare environment: no PG* variable of the caller reaches a server, and
nothing that the caller keeps in his environment becomes readable to the other account.
"""

from __future__ import annotations

import os
import pwd
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

UNPRIVILEGED: Final = "nobody"
KEPT_VARIABLES: Final = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """The operating-system account of all servers that this process starts."""

    uid: int
    gid: int
    foreign: bool
    """True where it is not the caller's own account, that is under root."""

    def give(self, path: Path) -> None:
        """Make the account the owner of a file or directory that the caller has just made."""
        if self.foreign:
            os.chown(path, self.uid, self.gid)

    def can_enter(self, directory: Path) -> bool:
        """Whether the mode bits let the account walk to and into the directory."""
        return all(self._passes(part) for part in (directory, *directory.parents))

    def _passes(self, directory: Path) -> bool:
        if not self.foreign:
            return os.access(directory, os.X_OK)
        status = directory.stat()
        if status.st_uid == self.uid:
            return bool(status.st_mode & 0o100)
        return bool(status.st_mode & (0o010 if status.st_gid == self.gid else 0o001))

    def run(
        self, program: Path | str, *arguments: str | Path, text: str | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a program as the account to its end; its output is caught, its failure is not raised.

        It gets no controlling terminal, so that Ctrl-C reaches the caller and not a half-done initdb,
        and writes to files: a pipe whose reader was killed would end it in the middle.
        """
        with (
            tempfile.TemporaryFile("w+", errors="replace") as out,
            tempfile.TemporaryFile("w+", errors="replace") as err,
        ):
            done = subprocess.run(
                [str(program), *map(str, arguments)],
                cwd="/",
                input=text,
                stdin=subprocess.DEVNULL if text is None else None,
                stdout=out,
                stderr=err,
                text=True,
                check=False,
                env=_environment(),
                user=self.uid if self.foreign else None,
                group=self.gid if self.foreign else None,
                extra_groups=[] if self.foreign else None,
                start_new_session=True,
            )
            out.seek(0)
            err.seek(0)
            return subprocess.CompletedProcess(done.args, done.returncode, out.read(), err.read())


def _environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
    return {"PATH": os.defpath, "LC_ALL": "C", **kept}


def account() -> Account:
    """`nobody` for root, the caller's own account for everybody else."""
    if os.geteuid() != 0:
        return Account(uid=os.geteuid(), gid=os.getegid(), foreign=False)
    entry = pwd.getpwnam(UNPRIVILEGED)
    return Account(uid=entry.pw_uid, gid=entry.pw_gid, foreign=True)

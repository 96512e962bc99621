"""Dumps preserved tables with pg_dump and proves the dump by restoring it.

    back_up(session, tables, directory=…)  ->  Backup

`image` reads rows and hash of each table under the snapshot that pg_dump is given, so that tables in
use are proven exactly; `dump` runs pg_dump, logged in as the session is (`login`, also through TLS);
`proof` restores the dump on a server of its own and reads everything again. A backup is a directory
that appears under its name only when all of that has succeeded. On the target nothing is written.
"""

from crosswalk.backup.image import TableImage
from crosswalk.backup.take import Backup, back_up

__all__ = ["Backup", "TableImage", "back_up"]

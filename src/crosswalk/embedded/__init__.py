"""Embedded PostgreSQL servers: named, without Docker, as root or as a user.

    with embedded.ephemeral(version=18) as server:
        connect(server.url("postgres"))

`start`, `stop`, `list_servers`, `get`, `wipe` for servers that stay; `ephemeral` for those that do not.
The package stands beside the floors: it imports the ground (errors) and the standard library, nothing else.
"""

from __future__ import annotations

from crosswalk.embedded.cluster import ephemeral, get, list_servers, start, stop, wipe
from crosswalk.embedded.registry import Server

__all__ = ["Server", "ephemeral", "get", "list_servers", "start", "stop", "wipe"]

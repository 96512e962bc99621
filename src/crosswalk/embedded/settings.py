"""The configuration of an embedded server: postgresql.conf and pg_hba.conf, written at each start.

Only 127.0.0.1, only scram passwords, no Unix socket (its path would be limited to 107 bytes, and a
file that anybody may connect to is not needed). The log never holds statements or row values.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from crosswalk.embedded.errors import EmbeddedSettingRefused
from crosswalk.embedded.home import Place, write_file
from crosswalk.embedded.postmaster import label
from crosswalk.embedded.registry import LOOPBACK, State

DEFAULTS: Final = {
    "wal_level": "logical",
    "max_connections": "60",
    "shared_buffers": "128MB",
    "max_wal_senders": "10",
    "max_replication_slots": "10",
    "password_encryption": "scram-sha-256",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "lc_messages": "C",
    "default_text_search_config": "pg_catalog.english",
    # A failed statement may hold a password, the detail of an error the values of a row.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}
FAST: Final = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
"""For tests: what a crash of the machine (not of the server) would cost does not matter there."""

OURS: Final = frozenset(
    {
        "cluster_name",
        "config_file",
        "data_directory",
        "external_pid_file",
        "hba_file",
        "ident_file",
        "listen_addresses",
        "log_destination",
        "logging_collector",
        "port",
        "unix_socket_directories",
        "update_process_title",
    }
)
HBA: Final = f"""\
host all         all {LOOPBACK}/32 scram-sha-256
host replication all {LOOPBACK}/32 scram-sha-256
"""


def check_settings(name: str, settings: Mapping[str, str]) -> None:
    """Raise EmbeddedSettingRefused for a setting that is malformed or decides how the server is found."""
    for setting, value in settings.items():
        if setting.lower() in OURS:
            raise EmbeddedSettingRefused(name=name, setting=setting, reason="Crosswalk sets it")
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.]*", setting) or re.search(r"[\n\r\0]", value):
            raise EmbeddedSettingRefused(name=name, setting=setting, reason="it is malformed")


def write_configuration(place: Place, state: State) -> None:
    """Write both files beside the data directory, readable by the servers' account."""
    ours = {
        "port": str(state.port),
        "listen_addresses": LOOPBACK,
        "unix_socket_directories": "",
        "cluster_name": label(place),
        "hba_file": str(place.directory / "pg_hba.conf"),
    }
    values = {**DEFAULTS, **(FAST if state.fast else {}), **state.settings, **ours}
    lines = [f"{setting} = '{_quoted(value)}'\n" for setting, value in values.items()]
    write_file(place.directory / "postgresql.conf", "".join(lines), mode=0o644)
    write_file(place.directory / "pg_hba.conf", HBA, mode=0o644)


def _quoted(value: str) -> str:
    return value.replace("\\", "\\\\").replace("'", "''")

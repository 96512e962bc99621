"""Checks of the servers and of the way to them: versions, settings, poolers, encryption, old transactions."""

from __future__ import annotations

import ipaddress
import secrets
from collections.abc import AsyncIterator
from typing import Final
from urllib.parse import urlsplit

from crosswalk.doctor.finding import Finding, Severity
from crosswalk.doctor.scene import Both, Scene
from crosswalk.names import quote

_TRANSACTION_POOLER_PORT: Final = 6543
_PROBES: Final = 4
_EXPECTED: Final = {
    "row_security": "off", "statement_timeout": "0", "idle_in_transaction_session_timeout": "0",
    "TimeZone": "UTC", "client_encoding": "UTF8", "DateStyle": "ISO, YMD", "IntervalStyle": "postgres",
    "extra_float_digits": "1", "bytea_output": "hex", "standard_conforming_strings": "on",
}
"""What the session settings must still be after the login, by name."""
_OVERRIDDEN: Final = ("statement_timeout", "idle_in_transaction_session_timeout")
_NOT_OVERRIDDEN: Final = ("transaction_timeout", "idle_session_timeout")


async def versions(both: Both) -> AsyncIterator[Finding]:
    """Both versions, and which pg_dump can read the source."""
    source, target = both.source.schema.major, both.target.schema.major
    older = target < source
    yield Finding(
        id="servers.versions", severity=Severity.WARNING if older else Severity.NOTE, side="both",
        title="The target is older than the source" if older else f"PostgreSQL {source} → {target}",
        evidence=(
            f"source {both.source.schema.server_version}, target {both.target.schema.server_version}",
            f"pg_dump must be of version {source} or newer to dump the source"
            + (f"; what it writes may use features that {target} lacks" if older else ""),
        ),
    )


async def same_database(both: Both) -> AsyncIterator[Finding]:
    """Two URLs that lead to one database."""
    one, two = [[tuple(r.values()) for r in await scene.ask("identity")] for scene in (both.source, both.target)]
    if one == two:
        yield Finding(
            id="servers.same", severity=Severity.WARNING, side="both",
            title="Source and target are the same database",
            evidence=(both.source.session.url, both.target.session.url),
            fix="Give another --target, unless you move from schema to schema.",
        )


async def encodings(both: Both) -> AsyncIterator[Finding]:
    """Text of one encoding may not fit into another; order may differ by collation."""
    source, target = both.source.schema, both.target.schema
    if source.encoding != target.encoding or "SQL_ASCII" in {source.encoding, target.encoding}:
        yield Finding(
            id="servers.encodings", severity=Severity.WARNING, side="both",
            title="The encodings differ, or one is SQL_ASCII: text may not fit",
            evidence=(f"source {source.encoding}, target {target.encoding}",),
            fix="Create the target database with ENCODING 'UTF8'.",
        )
    if source.collate != target.collate:
        yield Finding(
            id="servers.collations", severity=Severity.NOTE, side="both",
            title="The databases sort differently; a unique index over text may judge differently",
            evidence=(f"source {source.collate}, target {target.collate}",),
        )


async def pooler(scene: Scene) -> AsyncIterator[Finding]:
    """A pooler in transaction mode gives each statement any server session: settings get lost."""
    token = secrets.token_hex(8)
    await scene.session.set([("crosswalk.probe", token)])
    seen = [(await scene.ask("probe"))[0] for _ in range(_PROBES)]
    pids, port = {row["pid"] for row in seen}, _port(scene.session.url)
    fix = "Connect directly or through the pooler's session mode (on Supabase: port 5432)."
    if len(pids) > 1 or any(row["probe"] != token for row in seen):
        yield scene.found(
            "pooler.transaction", Severity.BLOCKER, "A pooler in transaction mode stands between us and the server",
            (f"{_PROBES} statements ran in {len(pids)} server sessions",
             f"a setting survived in {sum(row['probe'] == token for row in seen)} of them"), fix=fix,
        )
    elif port == _TRANSACTION_POOLER_PORT:
        yield scene.found(
            "pooler.port", Severity.WARNING, "The port is the customary one of a pooler in transaction mode",
            (f"port {port}",), fix=fix,
        )
    elif port and seen[0]["port"] and port != seen[0]["port"]:
        yield scene.found(
            "pooler.proxy", Severity.NOTE, "A pooler or proxy stands between us and the server",
            (f"we call port {port}, the server listens on {seen[0]['port']}",),
        )


def _port(url: str) -> int | None:
    try:
        return urlsplit(url).port
    except ValueError:
        return None


async def settings(scene: Scene) -> AsyncIterator[Finding]:
    """Our settings took effect; time-outs of the role, database or server that we override, and those we don't."""
    rows = {row["name"]: row for row in await scene.ask("settings", [*_EXPECTED, *_OVERRIDDEN, *_NOT_OVERRIDDEN])}
    lost = [
        f"{name} = {rows[name]['setting']}, not {wanted}"
        for name, wanted in _EXPECTED.items() if rows[name]["setting"] != wanted
    ]
    if lost:
        yield scene.found(
            "settings.lost", Severity.BLOCKER, "Settings of our session did not take effect", lost,
            fix="Connect directly or through the pooler's session mode.",
        )
    default = {name: _milliseconds(row["reset_val"]) for name, row in rows.items() if "timeout" in name}
    overridden = [f"{name} = {default[name]} ms" for name in _OVERRIDDEN if default[name]]
    if overridden:
        yield scene.found(
            "timeouts.overridden", Severity.NOTE, "Time-outs that we switch off for our own sessions", overridden
        )
    kept = [name for name in _NOT_OVERRIDDEN if default.get(name)]
    if kept:
        yield scene.found(
            "timeouts.kept", Severity.WARNING, "Time-outs that would end our sessions",
            (f"{name} = {default[name]} ms" for name in kept),
            fix="\n".join(f"ALTER ROLE {quote(scene.session.role)} SET {name} = 0;" for name in kept),
        )


def _milliseconds(value: str | None) -> int:
    return int(value) if value and value.lstrip("-").isdigit() else 0


async def read_only(scene: Scene) -> AsyncIterator[Finding]:
    """A standby, or a database that its host has switched to read-only, takes no rows."""
    [row] = await scene.ask("read_only")
    if row["recovery"]:
        yield scene.found(
            "read_only.standby", Severity.BLOCKER, "The target is a standby", fix="Connect to the primary server."
        )
    elif row["default"] == "on":
        yield scene.found(
            "read_only.default", Severity.WARNING, "The target's transactions are read-only by default",
            ("hosts set this where the disk is nearly full",),
            fix="Make room, then: ALTER DATABASE "
            f"{quote(scene.session.database)} SET default_transaction_read_only = off;",
        )


async def encryption(scene: Scene) -> AsyncIterator[Finding]:
    """Passwords and rows over a network without TLS."""
    [row] = await scene.ask("encryption")
    client = row["client"]
    if client and not row["ssl"] and not ipaddress.ip_interface(client).ip.is_loopback:
        yield scene.found(
            "ssl.off", Severity.WARNING, "The connection crosses a network without encryption",
            (f"from {client}",), fix="Add ?sslmode=verify-full (or require) to the URL.",
        )


async def wal_level(scene: Scene) -> AsyncIterator[Finding]:
    """Live sync reads the write-ahead log; a copy does not need it."""
    [row] = await scene.ask("wal")
    if row["level"] != "logical":
        yield scene.found(
            "wal_level", Severity.NOTE, "Live sync would need wal_level = logical", (f"wal_level = {row['level']}",),
            fix="ALTER SYSTEM SET wal_level = 'logical';  -- and restart the server",
        )


async def old_transactions(scene: Scene) -> AsyncIterator[Finding]:
    """Whoever holds the horizon back: dead rows stay, and live sync reads the same log again and again."""
    rows = await scene.ask("old_transactions")
    if rows:
        backends = [row["pid"] for row in rows if row["pid"]]
        yield scene.found(
            "transactions.long", Severity.WARNING, "Old open transactions hold dead rows back",
            (f"{row['kind']} {row['holder']}: open for {row['age']}" for row in rows),
            fix="\n".join(f"SELECT pg_terminate_backend({pid});" for pid in backends),
        )


async def idle_slots(scene: Scene) -> AsyncIterator[Finding]:
    """A replication slot that nobody reads fills the disk."""
    rows = await scene.ask("idle_slots")
    if rows:
        yield scene.found(
            "slots.idle", Severity.WARNING, "Replication slots that nobody reads keep the log on disk",
            (f"{row['name']}: {row['kept']} kept" for row in rows),
            fix="SELECT pg_drop_replication_slot('NAME');  -- if its reader is gone for good",
        )

"""The register of checks, in the order in which they run, each with the ids that it may give.

An id is `side.name`; `docs/doctor.md` explains every one, which a test sees to.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from crosswalk.connect import Side
from crosswalk.doctor import access, dependencies, rest, sequences, servers, tables
from crosswalk.doctor.scene import OneSided, TwoSided


@dataclass(frozen=True, slots=True, kw_only=True)
class SideCheck:
    """Runs on each of its sides."""

    run: OneSided
    names: tuple[str, ...]
    sides: tuple[Side, ...] = ("source", "target")

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(f"{side}.{name}" for side in self.sides for name in self.names)


@dataclass(frozen=True, slots=True, kw_only=True)
class PairCheck:
    """Runs once and sees both sides."""

    run: TwoSided
    ids: tuple[str, ...]


FAILED: Final = "check.failed"
"""The name under which a check that could not run is told."""

CHECKS: Final[tuple[SideCheck | PairCheck, ...]] = (
    PairCheck(run=servers.versions, ids=("servers.versions",)),
    PairCheck(run=servers.same_database, ids=("servers.same",)),
    PairCheck(run=servers.encodings, ids=("servers.encodings", "servers.collations")),
    SideCheck(run=servers.pooler, names=("pooler.transaction", "pooler.port", "pooler.proxy")),
    SideCheck(run=servers.settings, names=("settings.lost", "timeouts.overridden", "timeouts.kept")),
    SideCheck(run=servers.encryption, names=("ssl.off",)),
    SideCheck(run=servers.read_only, names=("read_only.standby", "read_only.default"), sides=("target",)),
    SideCheck(run=access.schema_usage, names=("privileges.schema",)),
    SideCheck(run=access.readable, names=("privileges.select",), sides=("source",)),
    SideCheck(run=access.writable, names=("privileges.write",), sides=("target",)),
    SideCheck(run=access.owned, names=("privileges.owner",), sides=("target",)),
    SideCheck(run=access.database_privileges, names=("privileges.ledger", "privileges.temp"), sides=("target",)),
    SideCheck(run=access.sequences, names=("privileges.sequences",)),
    SideCheck(run=access.row_security, names=("rls.hides", "rls.partitions")),
    SideCheck(
        run=tables.triggers, names=("triggers.rewrite", "triggers.effects", "triggers.always"), sides=("target",)
    ),
    SideCheck(run=tables.identities, names=("identity.always",), sides=("target",)),
    SideCheck(run=tables.generated, names=("columns.generated",), sides=("target",)),
    SideCheck(run=tables.default_partition, names=("partitions.no_default",), sides=("target",)),
    SideCheck(run=tables.deferrable_keys, names=("keys.deferrable",)),
    SideCheck(run=tables.large_objects, names=("large_objects",), sides=("source",)),
    SideCheck(run=tables.invalid_indexes, names=("indexes.invalid",)),
    SideCheck(run=tables.not_validated, names=("constraints.not_validated",)),
    PairCheck(run=dependencies.extensions, ids=("target.extensions.missing", "target.extensions.unused")),
    PairCheck(run=dependencies.functions, ids=("target.functions.missing",)),
    PairCheck(run=sequences.free_sequences, ids=("target.sequences.free",)),
    SideCheck(run=sequences.sequences_behind, names=("sequences.behind",)),
    SideCheck(
        run=tables.replica_identity, names=("replica_identity.published", "replica_identity.missing"),
        sides=("source",),
    ),
    SideCheck(run=servers.wal_level, names=("wal_level",), sides=("source",)),
    SideCheck(run=servers.old_transactions, names=("transactions.long",), sides=("source",)),
    SideCheck(run=rest.unseen, names=("rest",), sides=("source",)),
    SideCheck(run=servers.idle_slots, names=("slots.idle",), sides=("source",)),
)

IDS: Final = (*(id_ for check in CHECKS for id_ in check.ids), FAILED)
"""Every id that a finding may carry."""

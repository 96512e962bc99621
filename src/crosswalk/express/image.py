"""The rows that stand in the target, as what the source sent for them: what verify, repair and removal compare.

A column that was resolved on the target (a parent's id) is joined back to the parent's key, so that both
sides speak of the same values; see `casts.canonical` for their form.
"""

from __future__ import annotations

from collections.abc import Iterable

from crosswalk.express.casts import canonical, row_hash
from crosswalk.express.motion import BUCKETS, Motion
from crosswalk.express.parts import Fed, Reference, Wire
from crosswalk.names import literal, quote


class Standing:
    """SQL over one motion's target table; its rows go by the alias `cw$t`."""

    def __init__(self, motion: Motion) -> None:
        self.motion = motion
        self.table = motion.target

    def _back(self, fed: Fed, number: int) -> list[str]:
        """A column of the target as what the source sent for it: itself, or the parent's key joined back."""
        if isinstance(fed.via, Wire):
            return [canonical(f'"cw$t".{quote(fed.column.name)}', fed.column.type)]
        return self._back_parts(fed.via, f"cw$p{number}")

    def _back_parts(self, ref: Reference, prefix: str) -> list[str]:
        values = []
        for i, (column, part) in enumerate(ref.parts):
            if isinstance(part, Wire):
                values.append(canonical(f"{quote(prefix)}.{quote(column)}", part.type))
            else:
                values += self._back_parts(part, f"{prefix}_{i}")
        return values

    def joined_back(self) -> str:
        joins = []
        for number, fed in enumerate(self.motion.fed):
            if isinstance(fed.via, Reference):
                joins += self._back_joins(fed.via, f"cw$p{number}", f'"cw$t".{quote(fed.column.name)}')
        return " ".join(joins)

    def _back_joins(self, ref: Reference, prefix: str, value: str) -> list[str]:
        joins = [f"LEFT JOIN {ref.parent.sql} AS {quote(prefix)} ON {quote(prefix)}.{quote(ref.take)} = {value}"]
        for i, (column, part) in enumerate(ref.parts):
            if isinstance(part, Reference):
                joins += self._back_joins(part, f"{prefix}_{i}", f"{quote(prefix)}.{quote(column)}")
        return joins

    def _numbered(self) -> dict[str, int]:
        return {fed.column.name: number for number, fed in enumerate(self.motion.fed)}

    def image(self) -> list[str]:
        """The row's canonical values in the order of `Motion.image`."""
        numbers = self._numbered()
        key = [v for f in self.motion.key_fed() for v in self._back(f, numbers[f.column.name])]
        rest = [
            v
            for f in self.motion.fed
            if f.column.name not in self.motion.mapping.key
            for v in self._back(f, numbers[f.column.name])
        ]
        return [*key, *rest]

    def key_image(self) -> list[str]:
        numbers = self._numbered()
        return [v for f in self.motion.key_fed() for v in self._back(f, numbers[f.column.name])] or self.image()

    def target_key(self) -> str:
        """The target key as a jsonb array of canonical texts; without a key the row's hash stands for it."""
        if not self.motion.mapping.key:
            return f"jsonb_build_array(({row_hash(self.image())})::text)"
        return f"jsonb_build_array({', '.join(f'({v})::text' for v in self.key_image())})"

    def standing(self, *, kept: bool) -> str:
        without = ""
        if kept:
            without = (
                f" WHERE NOT EXISTS (SELECT FROM crosswalk.kept AS k WHERE k.target_table = {literal(str(self.motion.name))}"
                f" AND k.target_key = {self.target_key()})"
            )
        return f'FROM {self.table.name.sql} AS "cw$t" {self.joined_back()}{without}'

    def hashed(self, *, kept: bool) -> str:
        """(bucket, rows, sum of hashes) of the table's rows, without those that were `kept`."""
        bucket = f"({row_hash(self.key_image())} & {BUCKETS - 1})::int"
        return (
            f"SELECT bucket, count(*) AS rows, sum(hash) AS total FROM (SELECT {bucket} AS bucket,"
            f" {row_hash(self.image())} AS hash {self.standing(kept=kept)}) AS hashed GROUP BY bucket"
        )

    def hashed_keys(self, buckets: Iterable[int], *, kept: bool) -> str:
        """(target key, row hash) of each row in the buckets."""
        chosen = ", ".join(str(b) for b in buckets)
        bucket = f"({row_hash(self.key_image())} & {BUCKETS - 1})"
        return (
            f"SELECT target_key::text, hash FROM (SELECT {self.target_key()} AS target_key, {row_hash(self.image())} AS hash,"
            f" {bucket} AS bucket {self.standing(kept=kept)}) AS hashed WHERE bucket IN ({chosen})"
        )

    def kept_and_standing(self) -> str:
        """Keys (jsonb texts) of the rows that stood in the table before us and stand there still."""
        return (
            f"SELECT k.target_key::text AS k FROM crosswalk.kept AS k JOIN ({self.existing_keys()}) AS e"
            f" ON e.target_key = k.target_key WHERE k.target_table = {literal(str(self.motion.name))}"
        )

    def forget_gone(self) -> str:
        """Take rows that have left the table out of the ledger's list of kept ones: nothing yields to them any more."""
        return (
            f"DELETE FROM crosswalk.kept AS k WHERE k.target_table = {literal(str(self.motion.name))}"
            f" AND NOT EXISTS (SELECT FROM ({self.existing_keys()}) AS e WHERE e.target_key = k.target_key)"
        )

    def existing_keys(self) -> str:
        """Target keys (canonical jsonb texts) of the rows that stand in the table now."""
        return f'SELECT {self.target_key()} AS target_key FROM {self.table.name.sql} AS "cw$t" {self.joined_back()}'

    def places(self) -> str:
        """(part, place, key) of each row that stands in the table now: tableoid, ctid and target key."""
        return (
            f'SELECT "cw$t".tableoid AS part, "cw$t".ctid AS place, {self.target_key()} AS key'
            f" {self.standing(kept=False)}"
        )

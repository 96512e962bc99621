"""What SQL sees of a request: role, claims, settings of the role, read-only transactions, search path, clock and isolation."""

from __future__ import annotations

from tests.oracle.asked import ANN, BOB, Build, asks, changes

SEEN: list[Build] = [
    lambda c: c.rpc("claim", {"named": "role"}),
    lambda c: c.rpc("claim", {"named": "nothing"}),
    lambda c: c.rpc("seen", {}),
    lambda c: c.rpc("seen", {}, get=True),
    lambda c: c.rpc("asked_by", {}),
    lambda c: c.rpc("asked_by", {}, get=True),
    lambda c: c.table("sights").select("*"),
    lambda c: c.schema("archive").rpc("path", {}),
    lambda c: c.table("kinds").select("moment", "zoned", "lasts", "photo", "double").eq("id", 1),
    lambda c: c.table("kinds").select("id").eq("moment", "2024-01-01T10:00:00"),
]
WRITTEN: list[Build] = [
    lambda c: c.rpc("seen_writing", {}),
    lambda c: c.table("items").insert({"name": "n", "made": "2024-05-05T00:00:00"}),
]
CASES = [
    *asks(*SEEN),
    *asks(*SEEN, who=ANN),
    *asks(*SEEN[:3], who=BOB),
    *changes(*WRITTEN),
    *changes(*WRITTEN, who=ANN),
]

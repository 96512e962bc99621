"""Who asks: policies on the token's claims, rights on tables, columns and functions, and what a role may write."""

from __future__ import annotations

from tests.oracle.asked import ANN, ANON, BOB, Build, Who, asks, changes

SEEN: list[Build] = [
    lambda c: c.table("diaries").select("*").order("id"),
    lambda c: c.table("diaries").select("body", "pages(text)", count="exact").order("id"),
    lambda c: c.table("pages").select("text", "diaries(body)").order("id"),
    lambda c: c.table("pages").select("text", "diaries!inner(body)", count="exact").order("id"),
    lambda c: c.rpc("me", {}),
    lambda c: c.rpc("claim", {"named": "sub"}),
    lambda c: c.rpc("only_member", {}),
    lambda c: c.table("vault").select("*"),
    lambda c: c.table("staff").select("*"),
    lambda c: c.table("staff").select("id", "name").order("id"),
]
ONLY_ANN: list[Build] = [
    lambda c: c.table("staff").select("salary"),
    lambda c: c.table("staff").select("name").gt("salary", 5),
    lambda c: c.table("staff").select("name").order("salary"),
    lambda c: c.table("diaries").select("id").eq("id", 3).single(),
    lambda c: c.table("diaries").select("id").eq("id", 3).maybe_single(),
    lambda c: c.table("diaries").select("count()"),
    lambda c: c.table("diaries").select("*", count="exact", head=True),
    lambda c: c.rpc("me", {}, get=True),
]
CHANGED: list[Build] = [
    lambda c: c.table("diaries").insert({"id": 9, "owner": "ann", "body": "new"}),
    lambda c: c.table("diaries").insert({"id": 9, "owner": "bob", "body": "new"}),
    lambda c: c.table("diaries").insert({"id": 9, "body": "default owner"}),
    lambda c: c.table("diaries").update({"body": "changed"}).gt("id", 0).order("id"),
    lambda c: c.table("diaries").update({"body": "changed"}, count="exact").eq("id", 3),
    lambda c: c.table("diaries").update({"owner": "bob"}).eq("id", 1),
    lambda c: c.table("diaries").delete(count="exact").eq("id", 5),
    lambda c: c.table("diaries").upsert({"id": 1, "owner": "ann", "body": "up"}),
    lambda c: c.table("vault").insert({"id": 2, "gold": 1}),
]
ANN_CHANGES: list[Build] = [
    lambda c: c.table("diaries").delete().eq("owner", "ann").order("id"),
    lambda c: c.table("diaries").upsert({"id": 3, "owner": "ann", "body": "taken"}),
    lambda c: c.table("diaries").insert({"id": 9, "owner": "ann", "body": "silent"}, returning="minimal"),
    lambda c: c.table("staff").update({"name": "Ivy"}).eq("id", 1).select("id", "name"),
    lambda c: c.table("staff").update({"name": "Ivy"}, returning="minimal").eq("id", 1),
    lambda c: c.table("staff").update({"name": "Ivy"}).eq("id", 1),
    lambda c: c.table("staff").update({"salary": 100}, returning="minimal").eq("id", 1),
    lambda c: c.table("staff").delete().eq("id", 1),
    lambda c: c.table("staff").insert({"id": 3, "name": "x"}, returning="minimal"),
    lambda c: c.rpc("store", {"named": "by ann"}),
]
UNKNOWN = Who(role="service_role")
"""A role that has no rights here."""
CASES = [
    *asks(*SEEN, who=ANON), *asks(*SEEN, who=ANN), *asks(*SEEN[:6], who=BOB), *asks(*ONLY_ANN, who=ANN),
    *changes(*CHANGED, who=ANON), *changes(*CHANGED, who=ANN), *changes(*ANN_CHANGES, who=ANN),
    *asks(lambda c: c.table("albums").select("id"), lambda c: c.rpc("me", {}), who=UNKNOWN),
]  # fmt: skip

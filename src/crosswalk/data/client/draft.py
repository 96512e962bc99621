"""A request in the making: what the fluent methods change, and `request()` freezes. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from crosswalk.data.client.params import Params
from crosswalk.data.request import Count, Method, Request


@dataclass(slots=True, kw_only=True)
class Draft:
    """The fields of a Request, still open."""

    method: Method
    name: str
    schema: str
    rpc: bool = False
    params: Params = field(default_factory=Params)
    body: Any = None
    count: Count | None = None
    returning: Literal["representation", "minimal"] = "minimal"
    resolution: Literal["merge-duplicates", "ignore-duplicates"] | None = None
    missing: Literal["default", "null"] = "null"
    shape: Literal["array", "object", "csv"] = "array"
    strip_nulls: bool = False
    max_affected: int | None = None
    repeats: bool = True
    """A read may be sent once more after a broken connection."""

    def request(self) -> Request:
        return Request(
            method=self.method, name=self.name, schema=self.schema, rpc=self.rpc, params=self.params.pairs(),
            body=self.body, count=self.count, returning=self.returning, resolution=self.resolution,
            missing=self.missing, shape=self.shape, strip_nulls=self.strip_nulls, max_affected=self.max_affected,
        )  # fmt: skip

"""The catalog reader: a server's schema, exactly and in full, as frozen values of `crosswalk.schema`."""

from crosswalk.catalog.read import read_schema, read_under_locks

__all__ = ["read_schema", "read_under_locks"]

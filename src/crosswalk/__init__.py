"""Crosswalk moves a live PostgreSQL database onto a PostgreSQL whose schema does not match.

The packages stand on floors (see docs/architecture.md); imports go only down. This top module
holds nothing but the version.
"""

__version__ = "0.1.0"

"""The command line: one file a verb. No SQL, no decisions."""

from crosswalk.cli.app import main

__all__ = ["main"]

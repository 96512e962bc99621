"""Of drafting the mapping document."""

from __future__ import annotations

from crosswalk.errors.base import EXIT_DIFFERENT, CrosswalkError


class DraftInTheWay(CrosswalkError):
    """{path} exists, and a draft would overwrite it."""

    remedy = "Add to it with --update {path}, give the draft another name with -o, or overwrite the file with --force."


class NothingMatches(CrosswalkError):
    """No table of the source was found that might go into a table of the target ({sources} and {targets} were compared)."""

    remedy = "Check --source and --target with `crosswalk diff`; else write the document by hand: docs/mapping.md."
    exit_code = EXIT_DIFFERENT

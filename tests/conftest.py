"""Makes the fixtures of `tests/servers.py` known to every test; nothing else lives here."""

from __future__ import annotations

import sys
from pathlib import Path

# `pytest` on its own does not put the repository on the path, `python -m pytest` does.
_REPOSITORY = str(Path(__file__).resolve().parents[1])
if _REPOSITORY not in sys.path:
    sys.path.insert(0, _REPOSITORY)

pytest_plugins = ["tests.servers"]

"""Makes the fixtures of `tests/servers.py` known to every test; nothing else lives here."""

from __future__ import annotations

import sys
from pathlib import Path

# `pytest` on its own does not put the repository on the path, `python -m pytest` does.
_REPOSITORY = str(Path(__file__).resolve().parents[1])
if _REPOSITORY not in sys.path:
    sys.path.insert(0, _REPOSITORY)
# pytest puts this folder on the path too, where our `postgrest.py` would hide the public package of that name.
sys.path[:] = [place for place in sys.path if Path(place).resolve() != Path(__file__).resolve().parent]

pytest_plugins = ["tests.servers"]

"""How far a run is, and when it will be through: counted from what it tells. Pure, but for a clock that is handed in."""

from __future__ import annotations

from crosswalk.reckoning.counting import Reckoning
from crosswalk.reckoning.figures import WINDOW, Figures, Job

__all__ = ["WINDOW", "Figures", "Job", "Reckoning"]

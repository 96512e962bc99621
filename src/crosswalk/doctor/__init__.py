"""The doctor: a read-only preflight of both servers, told as findings with ids, evidence and fixing SQL."""

from crosswalk.doctor.checks import CHECKS, IDS
from crosswalk.doctor.examine import examine
from crosswalk.doctor.finding import Finding, Severity
from crosswalk.doctor.scene import Moves

__all__ = ["CHECKS", "IDS", "Finding", "Moves", "Severity", "examine"]

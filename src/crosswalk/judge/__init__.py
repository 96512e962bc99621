"""Will every row fit? The document against both catalogs, and the rows against the rules.

`document` needs no server, `probe` asks the source what it makes of the rules' SQL, `rows` counts
under one snapshot. Nothing here writes.
"""

from crosswalk.judge.broken import raising, steadily
from crosswalk.judge.document import UNDECIDED, examine, undecided
from crosswalk.judge.forecast import Forecast, follow, foresee
from crosswalk.judge.probe import gather_facts
from crosswalk.judge.problem import Problem
from crosswalk.judge.rows import Fates, find_moment, judge_rows, tally_rows
from crosswalk.judge.standing import kept_keys
from crosswalk.judge.uncovered import silenced, uncovered
from crosswalk.judge.verdict import Edit, Verdict, Way

__all__ = [
    "UNDECIDED",
    "Edit",
    "Fates",
    "Forecast",
    "Problem",
    "Verdict",
    "Way",
    "examine",
    "find_moment",
    "follow",
    "foresee",
    "gather_facts",
    "judge_rows",
    "kept_keys",
    "raising",
    "silenced",
    "steadily",
    "tally_rows",
    "uncovered",
    "undecided",
]

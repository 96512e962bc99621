"""Will every row fit? The document against both catalogs, and the rows against the rules.

`document` needs no server, `probe` asks the source what it makes of the rules' SQL, `rows` counts
under one snapshot. Nothing here writes.
"""

from crosswalk.judge.broken import steadily
from crosswalk.judge.document import examine
from crosswalk.judge.probe import gather_facts
from crosswalk.judge.problem import Problem
from crosswalk.judge.rows import Fates, Verdict, find_moment, judge_rows, tally_rows

__all__ = [
    "Fates",
    "Problem",
    "Verdict",
    "examine",
    "find_moment",
    "gather_facts",
    "judge_rows",
    "steadily",
    "tally_rows",
]

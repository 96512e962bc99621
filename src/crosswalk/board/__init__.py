"""Where a project stands: phases, gates, decision, blockers, and the one next step.

`look` gathers what is there (the target's ledger, the document and the plan in their files, both
catalogs where the servers are named) and `weigh` makes a `Board` of it. Reads only; what cannot be
known is said, never guessed.
"""

from crosswalk.board.facts import Facts, History, Trouble
from crosswalk.board.look import look
from crosswalk.board.values import Blocker, Board, Gate, GateState, Phase, PhaseState
from crosswalk.board.weigh import weigh

__all__ = [
    "Blocker",
    "Board",
    "Facts",
    "Gate",
    "GateState",
    "History",
    "Phase",
    "PhaseState",
    "Trouble",
    "look",
    "weigh",
]

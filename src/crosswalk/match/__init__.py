"""Proposes the mapping document: from names, types, constraints, comments and bounded looks at values.

`draft` makes values of it, `writing` text. Values of rows stay on their servers: what is asked for are
counts, but for labels that become keys of a `map` and names of time zones.
"""

from crosswalk.match.draft import draft
from crosswalk.match.explain import Explained, explain
from crosswalk.match.looking import Looker
from crosswalk.match.proposal import ACCEPTED, Draft, Proposal, Question, TableDraft, heading
from crosswalk.match.writing import fresh, stripped, updated

__all__ = [
    "ACCEPTED",
    "Draft",
    "Explained",
    "Looker",
    "Proposal",
    "Question",
    "TableDraft",
    "draft",
    "explain",
    "fresh",
    "heading",
    "stripped",
    "updated",
]

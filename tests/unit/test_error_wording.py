"""What every error does with its template."""

from __future__ import annotations

from crosswalk.errors import DocumentRefused, LaterChangesLost, RunUnfinished, SchemaMoved


def test_one_is_not_many_and_a_sentence_ends_once() -> None:
    refused = DocumentRefused(path="m", problems=1, line=3, first="the source has no table columns.")
    assert str(refused).endswith("schemas: 1 problem, the first in line 3: the source has no table columns.")
    assert "2 problems" in str(DocumentRefused(path="m", problems=2, line=3, first="x"))
    assert str(RunUnfinished(run=1)).startswith("Run 1 of this plan was stopped")
    assert str(SchemaMoved(run=1, what="cut…")).endswith("planned: cut….")
    assert str(LaterChangesLost(what="it")) == "it, and that would be lost."

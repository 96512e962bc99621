"""Questions about whole tables, and what is left over in them. Nothing is decided here. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from crosswalk.match import unfed
from crosswalk.match.proposal import Question, TableDraft
from crosswalk.match.tables import Pair
from crosswalk.match.yamltext import flow
from crosswalk.names import Name
from crosswalk.schema import Table


def of_table(table: TableDraft, *, occupied: bool) -> list[Question]:
    """Everything that is asked about a mapped table and its columns."""
    found = list(table.questions)
    if table.of_list and not table.settled:
        text = f"one row for each element of {table.of_list} of {table.source}: is that what it holds?"
        found.append(Question(code="table.list", place=str(table.target), text=text, rank=2))
    elif not table.sure and not table.settled:
        text = f"is {table.source} the same thing? name {table.pair.name:.2f}, columns {table.pair.overlap:.2f}"
        found.append(Question(code="table.unsure", place=str(table.target), text=text, rank=1))
    if occupied and "table.occupied" not in table.answered:
        text = "it holds rows already: refuse, keep or update them?"
        found.append(
            Question(
                code="table.occupied", place=str(table.target), text=text, offer="existing: keep", rank=2,
                theme="these hold rows already: refuse, keep or update them?",
            )
        )
    found += [q for p in table.columns.values() for q in p.questions]
    return found + unfed.left_over(table)


def of_target(table: Table, near: Mapping[Name, Pair], *, occupied: bool, unseen: bool) -> Question:
    """What becomes of a target table that nothing feeds."""
    place = str(table.name)
    like = near.get(table.name)
    said = f"{like.source.name} shares its name and little else; " if like is not None else ""
    if occupied or unseen:
        rows = "it holds rows" if occupied else "it may hold rows"
        text = f"{said}{rows} and nothing of the source feeds it: preserve it?"
        entry = flow({place: "…"})
        return Question(
            code="table.preserve", place=place, text=text, offer=f"preserve: {entry}", rank=1, entry=entry[1:-1],
            theme="nothing of the source feeds these, and they hold rows or may hold some: preserve them?", detail=said.rstrip("; "),
        )
    text = f"{said}nothing of the source feeds it: leave it empty?"
    offer, entry = f"ignore: {flow({'target': {place: '…'}})}", flow({place: "…"})[1:-1]
    return Question(
        code="table.unfed", place=place, text=text, offer=offer, rank=5, entry=entry, detail=said.rstrip("; "),
        theme="nothing of the source feeds these tables: leave them empty?",
    )


def of_source(name: Name) -> Question:
    """What becomes of a source table that nothing takes."""
    text = "nothing of the target takes its rows: leave them behind?"
    return Question(
        code="table.left", place=str(name), text=text, offer=f"ignore: {flow({'source': {str(name): '…'}})}", rank=5,
        theme="nothing of the target takes the rows of these tables: leave them behind?", entry=flow({str(name): "…"})[1:-1],
    )

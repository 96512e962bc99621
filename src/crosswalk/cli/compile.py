"""`crosswalk compile`: the mapping document as the JSON by which the data layer reads and writes the new schema."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from crosswalk.cli import options, voice
from crosswalk.cli.accounting import heading, line
from crosswalk.compiling import CompiledDocument, compile_document
from crosswalk.errors import EXIT_CLEAN, CannotWrite
from crosswalk.mapping import MappingFile, read_mapping
from crosswalk.planfile import read_plans

EXAMPLES: Final = (
    "crosswalk compile crosswalk.yaml -o compiled.json",
    "crosswalk compile crosswalk-plan.json            # after a move by hybrid or recreate",
    "crosswalk compile crosswalk.yaml --json | jq '.tables[].columns | map_values(.absent // empty)'",
)
EXITS: Final = {
    0: "written", 1: "the document is wrong (a `back` too), or a server",
    2: "the document does not fit the schemas, or leaves something open", 3: "a rule is only proposed",
}
_STANDARD: Final = Path("compiled.json")


def compile(
    mapping: Annotated[Path, typer.Argument(metavar="MAPPING", help="The mapping document, or a plan that was decided on (.json).")],
    source: options.Source = None, target: options.Target = None,
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FILE", help="Where it goes.")] = _STANDARD,
    as_json: options.Json = False,
) -> int:
    """Compile a mapping document for the data layer, which then speaks to the new schema in legacy names.

    Reads both catalogs and no row. Each rule is turned round: its inverse reads a legacy column from the target, the rule
    itself, its lookups on the target, writes one. What has no way back is named with its reason; the document's `back`
    can declare one. Every statement is proved by the target's own parser. The file holds no password and no value.

    After a move by hybrid or recreate give the plan: the document that it carried out is derived from the reviewed one.
    """
    made = asyncio.run(compile_document(_document(mapping), options.servers(source, target)))
    _write(output, made)
    answer = voice.Answer(
        data={"path": str(output), **made.content}, view=_view(made), exit_code=EXIT_CLEAN,
        notes=(f"written to {output}",),
    )
    return voice.give(answer, as_json=as_json)


def _document(path: Path) -> MappingFile:
    """The reviewed document, or the one that a plan carries out; raises what reading either raises."""
    return read_plans(path).chosen(path).mapping() if path.suffix == ".json" else read_mapping(path)


def _write(path: Path, made: CompiledDocument) -> None:
    """The whole file or nothing of it; raises CannotWrite."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        beside.write_text(json.dumps(made.content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise CannotWrite(path=path, reason=error.strerror or str(error)) from error


def _view(made: CompiledDocument) -> Iterator[RenderableType]:
    yield _summary(made)
    for name, table in made.tables.items():
        said = [*_absent(table), *_inexact(table), *_left(table), *_unwritten(table), *_keys(table)]
        if said:
            yield heading(name)
            yield from (line(text, indent=2, style=style) for text, style in said)
    if made.refused:
        yield heading("not compiled")
        yield from (line(f"{name}: {why}", indent=2, style="dim") for name, why in made.refused.items())


def _summary(made: CompiledDocument) -> Table:
    shown = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("legacy table", "target"):
        shown.add_column(title, overflow="fold")
    for title in ("columns", "exact", "else read", "written", "absent"):
        shown.add_column(title, justify="right")
    for name, table in made.tables.items():
        columns = table["columns"]
        read = [c for c in columns.values() if "read" in c]
        exact = sum("exact" in c for c in read)
        written = {c for w in table["writes"].values() for c in w.get("reads", ())}
        counts = (len(columns), exact, len(read) - exact, len(written), len(columns) - len(read))
        shown.add_row(Text(voice.clean(name)), Text(voice.clean(table["target"])), *(str(count) for count in counts))
    return shown


def _absent(table: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for name, column in table["columns"].items():
        if "absent" in column:
            yield f"{name} is absent: {column['absent']}", "dim"


def _inexact(table: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for name, column in table["columns"].items():
        if "read" in column and not column.get("exact"):
            yield f"{name} is not always what it was: {column.get('note', '')}", ""


def _left(table: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for name, column in table["columns"].items():
        if "lost_default" in column:
            made = f"the target cannot compute {column['lost_default']}"
            yield f"{name} of a new row that leaves it out is what the target's own default makes of it: {made}", "yellow"


def _unwritten(table: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for name, found in table["unwritten"].items():
        given = ", ".join(found["reads"])
        yield f"{name} of the target is not written, and whoever gives {given} is refused: {found['why']}", "yellow"
    for name, write in table["writes"].items():
        if write.get("blind"):
            yield f"{name} of the target needs {', '.join(write['blind'])} with every change: not read back", "yellow"


def _keys(table: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for key in table["keys"]:
        named = ", ".join(key["columns"])
        if key.get("unusable"):
            yield f"key ({named}) finds no row: {key['unusable']}", "yellow"
        elif not key.get("arbiter"):
            yield f"key ({named}) has no unique index of the target: rows are found by {', '.join(key['matched']) or 'reading'}", ""

"""`crosswalk repair`: moves the rows again that verification finds to differ."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Annotated, Any, Final

import typer
from rich.console import RenderableType
from rich.text import Text

from crosswalk.cli import options, voice
from crosswalk.cli.accounting import heading, line
from crosswalk.cli.interrupt import endable
from crosswalk.cli.progress import watch
from crosswalk.cli.verdicts import render_verified, verified_json
from crosswalk.errors import EXIT_CLEAN, EXIT_DIFFERENT
from crosswalk.mapping import MappingFile
from crosswalk.numerals import plural
from crosswalk.repair import Repaired
from crosswalk.survey import Servers
from crosswalk.verification import Mended
from crosswalk.verification import repair as conduct
from crosswalk.verify import masked

DeleteExtra = Annotated[
    bool, typer.Option("--delete-extra", help="Delete rows too many (see below).")
]
EXAMPLES: Final = ("crosswalk repair", "crosswalk repair --delete-extra")
EXITS: Final = {
    0: "all is as it should be afterwards", 1: "an error; what was committed stays", 2: "something still differs",
    3: "nothing was migrated, another run holds the target, or rights are missing",
}


def repair(
    source: options.Source = None, target: options.Target = None, mapping: options.MaybeMapping = None,
    delete_extra: DeleteExtra = False, exact: options.Exact = False, as_json: options.Json = False,
) -> int:
    """Verify, move the rows again that differ or are missing, and verify once more.

    The same motion as the copy, by key. Rows too many stay unless --delete-extra is given: then they
    go from tables that were empty before the first run, rows that the application wrote since included;
    from other tables go only rows that the key map knows as ours. Rows that others refer to always stay.
    """
    file = options.document(mapping)
    done = asyncio.run(_repair(options.servers(source, target), file, delete_extra=delete_extra, exact=exact))
    clean = (done.after or done.before).clean
    left = any(r.left for r in done.tables.values())
    follow = "crosswalk status" if clean else "crosswalk verify"
    if left and not clean and not delete_extra:
        follow = "crosswalk repair --delete-extra"
    answer = voice.Answer(
        data=_json(done, clean=clean), view=_view(done), exit_code=EXIT_CLEAN if clean else EXIT_DIFFERENT,
        next=(options.again(follow, source=None if clean else source, target=target),),
    )
    return voice.give(answer, as_json=as_json)


async def _repair(servers: Servers, file: MappingFile | None, *, delete_extra: bool, exact: bool) -> Mended:
    with watch("different") as observer:
        work = conduct(servers, file=file, delete_extra=delete_extra, exact=exact, observer=observer)
        return await endable(work)


def _json(done: Mended, *, clean: bool) -> dict[str, Any]:
    return {
        "clean": clean, "before": verified_json(done.before),
        "repaired": [
            {
                "target": str(name), "moved": r.moved, "deleted": r.deleted, "refused": r.refused, "left": len(r.left),
                "left_foreign": r.foreign, "left_referred": r.referred,
                "left_keys": [masked(d) for d in r.left[:100]],
            }
            for name, r in done.tables.items()
        ],
        "after": verified_json(done.after) if done.after else None,
    }


def _why(repaired: Repaired) -> str:
    """Why rows were left; without --delete-extra nobody asked."""
    why = [f"{repaired.foreign:,} not known as ours: delete by hand what nobody needs"] if repaired.foreign else []
    why += [f"{repaired.referred:,} that other rows refer to: delete those first"] if repaired.referred else []
    return f" ({'; '.join(why)})" if why else " (--delete-extra deletes them)"


def _view(done: Mended) -> Iterator[RenderableType]:
    if done.after is None:
        yield Text("no row to move again")
        yield from render_verified(done.before)
        return
    yield heading("found")
    yield from render_verified(done.before)
    yield heading("repaired")
    for name, r in done.tables.items():
        said = f"{name}: {plural(r.moved, 'row')} moved again, {r.deleted:,} deleted"
        said += f", {r.refused:,} refused (in quarantine)" if r.refused else ""
        yield line(said, indent=2)
        if r.left:
            yield line(f"{plural(len(r.left), 'row')} too many left alone{_why(r)}", indent=4, style="yellow")
    if done.after:
        yield heading("afterwards")
        yield from render_verified(done.after)

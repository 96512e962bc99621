"""The command `crosswalk`: its verbs, and how an end is told.

Each verb is a module of this package with a function of the same name that returns the exit code;
it is imported when it is called, so that `crosswalk --help` is quick. Whatever a verb raises ends
here, as one message with a remedy (or as one JSON object under `--json`) and an exit code; a
traceback is shown only under CROSSWALK_DEBUG=1.
"""

from __future__ import annotations

import gc
import importlib
import importlib.util
import inspect
import os
import re
import sys
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import setproctitle
import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from crosswalk import __version__
from crosswalk.connect import mask
from crosswalk.errors import EXIT_ERROR, EXIT_INTERRUPTED, EXIT_USAGE, CrosswalkError, Stopped

VERBS: Final[Mapping[str, str]] = {
    "demo": "The whole story on two embedded servers, in a minute",
    "doctor": "Look at both servers before anything happens",
    "diff": "Compare the two schemas, table by table",
    "match": "Draft the mapping document from both databases",
    "check": "Hold the mapping document against schemas and rows",
    "plan": "Cost the strategies side by side, write down what each does",
    "decide": "Record which strategy is carried out, who says so, and why",
    "migrate": "Carry a plan out",
    "resume": "Go on with a move that was stopped",
    "rollback": "Bring the target back to what it was before the move",
    "status": "Show what was moved, what is left, what is off",
    "verify": "Prove row by row that the target is the mapped source",
    "repair": "Move the rows again that verify finds to differ",
    "quarantine": "Rows that did not fit: list, show, retry, drop",
    "compile": "Compile the mapping document for the data layer",
    "report": "Tell the story so far, as a page that opens offline",
    "shadow": "Add up what an application saw of both databases",
    "pg": "Embedded PostgreSQL servers: start, stop, list, url, wipe",
    "schema": "Print the JSON schema of the mapping document",
}
"""Every verb in the order of `--help`, with what is said of it there."""
DEBUG: Final = "CROSSWALK_DEBUG"
_URL: Final = re.compile(r"(?:postgres(?:ql)?|https?)://\S+")
UsageError: Final[Any] = typer.BadParameter.__mro__[1]


class _Lazy(TyperCommand):
    """A verb of which only name and summary are known until it is called."""

    def make_context(self, info_name: Any, args: Any, parent: Any = None, **extra: Any) -> Any:
        return _load(str(self.name)).make_context(info_name, args, parent=parent, **extra)


class Verbs(TyperGroup):
    """The verbs that exist, in the order of VERBS."""

    def list_commands(self, ctx: Any) -> list[str]:
        return [name for name in VERBS if importlib.util.find_spec(f"crosswalk.cli.{name}")]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        return _Lazy(cmd_name, help=VERBS[cmd_name]) if cmd_name in self.list_commands(ctx) else None


def _load(name: str) -> Any:
    """The verb itself; its module may say EXAMPLES (lines) and EXITS (meaning by exit code).

    What its import leaves stays for good: the collector neither looks at it meanwhile nor later.
    """
    gc.disable()
    module = importlib.import_module(f"crosswalk.cli.{name}")
    gc.freeze()
    gc.enable()
    found = getattr(module, name)
    if not isinstance(found, typer.Typer):
        verb, found = found, typer.Typer(rich_markup_mode="rich", add_completion=False)
        end = epilog(getattr(module, "EXAMPLES", ()), getattr(module, "EXITS", {}))
        found.command(name, help=_prose(inspect.getdoc(verb) or ""), epilog=end)(verb)
    return get_command(found)


def _prose(text: str) -> str:
    """Paragraphs of one line each, for the terminal to break."""
    return "\n\n".join(" ".join(part.split()) for part in text.split("\n\n"))


def epilog(examples: Sequence[str], exits: Mapping[int, str]) -> str:
    """The end of a help text, as markup: examples, then exit codes."""
    lines = ["[bold]Examples[/bold]", *(f"  {line}" for line in examples)]
    if exits:
        lines += ["", "[bold]Exit codes[/bold]", *(f"  {code:<3} {meaning}" for code, meaning in exits.items())]
    return "\n".join(lines).replace("[-", "\\[-")


_EXITS: Final = {
    0: "clean, also where quarantine followed the document's word", 1: "an error, also in the document",
    2: "a difference or a violation was found", 3: "refused: preflight, drift, hazard, proposed rule",
    64: "the command was not understood", 130: "interrupted; `crosswalk resume` goes on",
}
_EXAMPLES: Final = (
    "export CROSSWALK_SOURCE=postgresql://me@old.example/shop",
    "export CROSSWALK_TARGET=postgresql://me@new.example/shop",
    "crosswalk doctor && crosswalk diff",
    "crosswalk check crosswalk.yaml && crosswalk plan crosswalk.yaml",
    "crosswalk migrate crosswalk-plan.json && crosswalk verify",
)
app = typer.Typer(
    cls=Verbs, name="crosswalk", rich_markup_mode="rich", add_completion=False, invoke_without_command=True,
    epilog=epilog(_EXAMPLES, _EXITS),
)


def _tell_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"crosswalk {__version__}")
        raise typer.Exit()


@app.callback()
def _roof(
    ctx: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_tell_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> int:
    """Move a live PostgreSQL database onto a PostgreSQL whose schema does not match.

    Passwords are read from the URL, PGPASSWORD or ~/.pgpass, and never printed.
    """
    if ctx.invoked_subcommand is None:
        typer.echo(ctx.get_help(), err=True)
        return EXIT_USAGE
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code and never raises what a verb raises."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    _hide(given)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        code = _run(given)
        sys.stdout.flush()
    except BrokenPipeError:
        return _gone()
    return code


def _hide(given: Sequence[str]) -> None:
    """Passwords of URLs on the command line leave the process title, where every user of the machine reads them."""
    shown = [_URL.sub(lambda found: mask(found.group()), word) for word in given]
    if shown != list(given):
        setproctitle.setproctitle(" ".join(["crosswalk", *shown]))


def _run(given: list[str]) -> int:
    from crosswalk.cli import voice

    as_json = "--json" in given
    try:
        code = app(args=given, prog_name="crosswalk", standalone_mode=False)
    except CrosswalkError as error:
        voice.complain(error.as_json(), as_json=as_json)
        return error.exit_code
    except UsageError as error:
        voice.complain(_usage(error), as_json=as_json)
        return EXIT_USAGE
    except (KeyboardInterrupt, typer.Abort):
        code = EXIT_INTERRUPTED
    except BrokenPipeError:
        raise
    except Exception as error:  # noqa: BLE001 - the roof: whatever is left is a bug, told in one line
        voice.complain(_bug(error), as_json=as_json)
        if os.environ.get(DEBUG) == "1":
            traceback.print_exc()
        return EXIT_ERROR
    if code == EXIT_INTERRUPTED:
        voice.complain(Stopped().as_json(), as_json=as_json)
    return code if isinstance(code, int) else 0


def _usage(error: Any) -> dict[str, Any]:
    place = getattr(getattr(error, "ctx", None), "command_path", "crosswalk")
    remedy = f"`{place} --help` shows how it is used."
    return {"code": "Usage", "message": str(error.format_message()) or "A command is missing.", "remedy": remedy}


def _bug(error: Exception) -> dict[str, Any]:
    """Kind and place only: the text of an unforeseen error may hold values of rows."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [f for f in frames if f"{os.sep}crosswalk{os.sep}" in f.filename] or list(frames)
    place = f" at {Path(ours[-1].filename).name}:{ours[-1].lineno}" if ours else ""
    return {
        "code": "Bug", "message": f"unforeseen {type(error).__name__}{place}; this is a bug.",
        "remedy": f"Run it again with {DEBUG}=1 for the traceback, and report it.",
    }


def _gone() -> int:
    """The reader of our output has left: say nothing more, not even at the interpreter's end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return EXIT_ERROR

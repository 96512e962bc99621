"""`crosswalk pg`: embedded PostgreSQL servers by name."""

from __future__ import annotations

from typing import Annotated, Any, Final

import typer
from rich.text import Text

from crosswalk import embedded
from crosswalk.cli import options, voice
from crosswalk.cli.accounting import grid
from crosswalk.cli.app import epilog
from crosswalk.embedded import Server

Name = Annotated[str, typer.Argument(metavar="NAME", help="The server's name.")]
_DONE: Final = {0: "done", 1: "it failed, or there is no such server", 64: "the command was not understood"}
pg = typer.Typer(
    rich_markup_mode="rich", add_completion=False, no_args_is_help=True,
    help="Embedded PostgreSQL servers, without Docker, as root or as a user.",
    epilog=epilog(
        ("crosswalk pg start old --version 16", "crosswalk pg start new --version 18", "crosswalk pg list",
         'export CROSSWALK_SOURCE="$(crosswalk pg url old)"', "crosswalk pg wipe old"), _DONE,
    ),
)


def _json(server: Server) -> dict[str, Any]:
    return {
        "name": server.name, "version": server.version, "running": server.running, "port": server.port,
        "pid": server.pid, "url": server.masked_url(), "log": str(server.log),
    }


def _text(server: Server) -> Text:
    state = Text("running", style="green") if server.running else Text("stopped", style="dim")
    return Text(f"{server.name}  PostgreSQL {server.version}  ").append(state).append(f"  {server.masked_url()}", "dim")


@pg.command(epilog=epilog(("crosswalk pg start old --version 16", "crosswalk pg start new"), _DONE))
def start(
    name: Name,
    version: Annotated[
        int | None, typer.Option("--version", metavar="16|18", help="PostgreSQL's major version.", show_default="18")
    ] = None,
    as_json: options.Json = False,
) -> int:
    """Make sure that a server runs; a new one is made where there is none."""
    server = embedded.start(name, version=version)
    answer = voice.Answer(data={"server": _json(server)}, view=[_text(server)], next=(f"crosswalk pg url {name}",))
    return voice.give(answer, as_json=as_json)


@pg.command(epilog=epilog(("crosswalk pg stop old",), _DONE))
def stop(name: Name, as_json: options.Json = False) -> int:
    """Stop a server and keep its data."""
    embedded.stop(name)
    server = embedded.get(name)
    answer = voice.Answer(data={"server": _json(server)}, view=[_text(server)], next=(f"crosswalk pg start {name}",))
    return voice.give(answer, as_json=as_json)


@pg.command("list", epilog=epilog(("crosswalk pg list", "crosswalk pg list --json"), _DONE))
def list_(as_json: options.Json = False) -> int:
    """Show every embedded server."""
    servers = embedded.list_servers()
    made = grid("name", "version", "port", "state", "pid")
    for s in servers:
        made.add_row(s.name, str(s.version), str(s.port), "running" if s.running else "stopped", str(s.pid or "–"))
    answer = voice.Answer(
        data={"servers": [_json(s) for s in servers]}, view=[made if servers else Text("no embedded servers")],
        next=() if servers else ("crosswalk pg start NAME",),
    )
    return voice.give(answer, as_json=as_json)


@pg.command(epilog=epilog(('psql "$(crosswalk pg url old)"', "crosswalk pg url old --database shop"), _DONE))
def url(
    name: Name,
    database: Annotated[str, typer.Option("--database", "-d", metavar="NAME", help="A database of it.")] = "postgres",
    as_json: options.Json = False,
) -> int:
    """Print a server's URL, password included, and nothing else."""
    found = embedded.get(name).url(database)
    if as_json:
        voice.dump({"ok": True, "exit_code": 0, "url": found, "next": []})
    else:
        print(found)  # noqa: T201
    return 0


@pg.command(epilog=epilog(("crosswalk pg wipe old",), _DONE))
def wipe(name: Name, as_json: options.Json = False) -> int:
    """Stop a server and remove all that belongs to it, its data first of all."""
    embedded.wipe(name)
    answer = voice.Answer(data={"wiped": name}, view=[Text(f"{name} is gone")], next=("crosswalk pg list",))
    return voice.give(answer, as_json=as_json)

"""`crosswalk compile`: what it writes is read by the island and works; what cannot be is told with its line and its reason."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from crosswalk.cli import main
from crosswalk.cli.compile import EXITS
from crosswalk.data.compiled import read_compiled, reading
from crosswalk.embedded import Server
from tests.road import connected, road, rows, run
from tests.servers import sql

PAGE = Path(__file__).resolve().parents[2] / "docs" / "mapping.md"
NULL = "∅"


@dataclass(frozen=True, kw_only=True)
class Example:
    """The part `back` of docs/mapping.md, moved."""

    source: str
    target: str
    document: str
    read: list[list[str]]
    """The header and the rows that the page shows."""


def _blocks() -> dict[str, str]:
    part = PAGE.read_text(encoding="utf-8").split("\n### back\n", 1)[1].split("\n## ", 1)[0]
    return dict(re.findall(r"^```([\w ]+)\n(.*?)^```$", part, re.MULTILINE | re.DOTALL))


async def _move(source: str, target: str, document: str, statements: tuple[str, str]) -> None:
    await run(source, statements[0])
    await run(target, statements[1])
    await road(source, target, document).migrate()


@pytest.fixture(scope="module")
def example(pg16: Server, pg18: Server) -> Iterator[Example]:
    blocks = _blocks()
    before, _, after = blocks["sql"].partition("-- target\n")
    document = "version: 1\ntables:\n" + re.sub("^", "  ", blocks["yaml"], flags=re.MULTILINE)
    sql(pg16, "CREATE DATABASE compile_command")
    sql(pg18, "CREATE DATABASE compile_command")
    urls = pg16.url("compile_command"), pg18.url("compile_command")
    with ThreadPoolExecutor(max_workers=1) as pool:
        pool.submit(lambda: asyncio.run(_move(*urls, document, (before, after)))).result()
    lines = blocks["text read"].splitlines()[1:]
    read = [[cell.strip() for cell in line.split("|")] for line in lines]
    yield Example(source=urls[0], target=urls[1], document=document, read=read)
    for server in (pg16, pg18):
        sql(server, "DROP DATABASE compile_command WITH (FORCE)")


def compile_it(example: Example, place: Path, text: str | None = None, *more: str) -> int:
    (place / "crosswalk.yaml").write_text(text or example.document, encoding="utf-8")
    servers = ["--source", example.source, "--target", example.target]
    return main(["compile", str(place / "crosswalk.yaml"), *servers, "-o", str(place / "compiled.json"), *more])


async def test_the_page_shows_what_is_read(example: Example, tmp_path: Path) -> None:
    with ThreadPoolExecutor(max_workers=1) as pool:
        assert pool.submit(compile_it, example, tmp_path).result() == 0
    table = read_compiled(tmp_path / "compiled.json").table("courses")
    header, *expected = example.read
    assert table.readable == tuple(header)
    texts = ", ".join(f'"{name}"::text' for name in header)
    found = await rows(example.target, f'SELECT {texts} FROM ({reading(table)}) AS "read" ORDER BY 1')
    assert [[NULL if cell is None else cell for cell in row] for row in found] == expected


def test_it_tells_what_is_absent_inexact_and_why(
    example: Example, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    assert compile_it(example, tmp_path) == 0
    said = capsys.readouterr()
    assert re.search(r"public\.courses +public\.lessons +7 +5 +1 +5 +1\n", said.out), said.out
    assert "note is absent: dropped: nobody reads it" in said.out
    assert "teacher_name is not always what it was: the name that the tutor has now" in said.out
    assert str(tmp_path / "compiled.json") in said.err.replace("\n", "")


def test_as_json_it_is_the_file(example: Example, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert compile_it(example, tmp_path, None, "--json") == 0
    said = json.loads(capsys.readouterr().out)
    written = json.loads((tmp_path / "compiled.json").read_text(encoding="utf-8"))
    assert said["ok"]
    assert said["path"] == str(tmp_path / "compiled.json")
    assert {key: said[key] for key in written} == written


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("minutes * 60", "minuets * 60", 'column "minuets" does not exist'),
        ("seconds: {sql: minutes", "second: {sql: minutes", "public.courses has no column second"),
        ("seconds: {sql: minutes * 60,", "booked: {sql: booked_at,", "it gives a moment"),
        ("minutes * 60", "sum(minutes)", "aggregate functions are not allowed in WHERE"),
        ("minutes * 60", '"generate_series(1, 2)"', "set-returning"),
    ],
    ids=["a name", "a column", "a zone", "an aggregate", "several rows"],
)  # fmt: skip
def test_a_way_back_that_is_none_is_an_error_with_its_line(
    example: Example, tmp_path: Path, capsys: pytest.CaptureFixture[str], before: str, after: str, said: str
) -> None:
    text = example.document.replace(before, after)
    line = next(n for n, each in enumerate(text.splitlines(), 1) if after in each)
    assert compile_it(example, tmp_path, text) == 1
    error = capsys.readouterr().err.replace("\n", " ")
    assert f"line {line}:" in error
    assert said in error
    assert not (tmp_path / "compiled.json").exists()


def test_a_file_that_cannot_be_written_is_told(example: Example, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "compiled.json").mkdir()
    assert compile_it(example, tmp_path) == 1
    assert "cannot be written" in capsys.readouterr().err


async def test_a_rule_that_the_target_does_not_understand_is_left_out_with_its_word(example: Example, tmp_path: Path) -> None:
    async with connected(example.source) as conn:
        await conn.execute("CREATE FUNCTION public.halved(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1 / 2'")
    text = example.document.replace("seconds / 60.0", "public.halved(seconds)")
    with ThreadPoolExecutor(max_workers=1) as pool:
        assert pool.submit(compile_it, example, tmp_path, text).result() == 0
    table = read_compiled(tmp_path / "compiled.json").table("courses")
    assert "public.halved(integer) does not exist" in table.unwritten["minutes"].why
    assert table.unwritten["minutes"].reads == ("seconds",)
    assert "minutes" not in table.writes
    assert table.columns["seconds"].read


def test_a_document_that_leaves_something_open_ends_with_a_code_of_its_help(example: Example, tmp_path: Path) -> None:
    assert compile_it(example, tmp_path, re.sub(r"(?m)^ *booked_at:.*\n", "", example.document)) == 2
    assert 2 in EXITS
    assert not (tmp_path / "compiled.json").exists()

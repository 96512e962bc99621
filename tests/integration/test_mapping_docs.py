"""The examples of docs/mapping.md, run: all tables on one pair of servers, moved by one document."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from textwrap import indent

import pytest
import pytest_asyncio

from crosswalk.embedded import Server
from crosswalk.mapping import read_text
from crosswalk.mapping.rules import KINDS
from tests.road import Connection, connected, findings, road
from tests.servers import MakeTemplate, sql

PAGE = Path(__file__).resolve().parents[2] / "docs" / "mapping.md"
NULL = "∅"
_FENCE = re.compile(r"^```(\w+)( \w+)?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
Rows = list[tuple[str, ...]]


@dataclass(frozen=True, kw_only=True)
class Example:
    """One `sql`, `yaml` and `text` block in a row."""

    title: str
    source: str
    target: str
    tables: str
    expected: dict[str, Rows]
    """By table (or `quarantine`): the header and the rows."""


def blocks() -> Iterator[tuple[str, str, str]]:
    """(heading, kind, text) of every fenced block."""
    page = PAGE.read_text(encoding="utf-8")
    for found in _FENCE.finditer(page):
        heading = re.findall(r"^#+ (.*)$", page[: found.start()], re.MULTILINE)[-1]
        yield heading, found.group(1) + (found.group(2) or ""), found.group(3)


def examples() -> Iterator[Example]:
    here = [block for block in blocks() if block[1] in {"sql", "yaml", "text"}]
    assert [kind for _, kind, _ in here] == ["sql", "yaml", "text"] * (len(here) // 3)
    for (title, _, statements), (_, _, tables), (_, _, text) in zip(here[::3], here[1::3], here[2::3], strict=True):
        source, _, target = statements.removeprefix("-- source\n").partition("-- target\n")
        parts = [part.splitlines() for part in text.strip().split("\n\n")]
        expected = {lines[0]: [cells(line) for line in lines[1:]] for lines in parts}
        yield Example(title=title, source=source, target=target, tables=tables, expected=expected)


def cells(line: str) -> tuple[str, ...]:
    return tuple(cell.strip() for cell in line.split("|"))


EXAMPLES = list(examples())
DOCUMENT = (
    "version: 1\nignore: {source: {sales: stands below a view}}\ntables:\n"
    + "".join(indent(e.tables, "  ") for e in EXAMPLES)
)  # fmt: skip


@pytest.fixture(scope="module")
def moved(pg16: Server, pg18: Server, template: MakeTemplate) -> str:
    """The superuser's URL of the target after the move."""

    async def fill(url: str) -> None:
        async with connected(url) as conn:
            for example in EXAMPLES:
                await conn.execute(example.source if url == source else example.target)

    async def move(url: str) -> None:
        await fill(url)
        way = road(source, url, DOCUMENT)
        checked = await way.check()
        assert checked.problems == ()
        await way.migrate()
        assert findings(await way.verify()) == []

    sql(pg16, "CREATE DATABASE mapping_docs")
    source = pg16.url("mapping_docs")
    asyncio.run(fill(source))
    filled = template(pg18, "mapping_docs_target", move)
    sql(pg18, f"CREATE DATABASE mapping_docs TEMPLATE {filled}")
    return pg18.url("mapping_docs")


@pytest_asyncio.fixture
async def target(moved: str) -> AsyncIterator[Connection]:
    async with connected(moved) as conn:
        yield conn


@pytest.mark.parametrize("example", EXAMPLES, ids=[f"{n} {e.title}" for n, e in enumerate(EXAMPLES)])
async def test_an_example_gives_what_it_shows(target: Connection, example: Example) -> None:
    expected = {name: rows for name, rows in example.expected.items() if name != "quarantine"}
    for name, rows in expected.items():
        found = await target.fetch(f"SELECT * FROM {name} ORDER BY 1, 2")
        assert rows[0] == tuple(found[0].keys())
        texts = await target.fetch(
            f"SELECT ARRAY[{', '.join(f'{c}::text' for c in rows[0])}] FROM {name} ORDER BY {', '.join(rows[0][:2])}"
        )
        assert [tuple(NULL if v is None else v for v in row[0]) for row in texts] == rows[1:]
    aside = await target.fetch(
        "SELECT source_key->>0, code, column_name FROM crosswalk.quarantine WHERE target_table = ANY ($1) ORDER BY 1",
        [f"public.{name}" for name in expected],
    )
    shown = example.expected.get("quarantine", [("key", "code", "column")])
    assert [tuple(NULL if v is None else v for v in row) for row in aside] == shown[1:]


def test_every_kind_of_rule_has_an_example() -> None:
    kinds = {rule.kind for table in read_text(DOCUMENT).document.tables.values() for rule in table.columns.values()}
    assert kinds == set(KINDS)
    titles = {e.title for e in EXAMPLES}
    assert {kind if kind != "column" else "A column" for kind in KINDS} <= titles
    assert {"key", "where", "on_duplicate", "existing", "rejects", "source_key"} <= titles


def test_whole_documents_on_the_page_are_read() -> None:
    whole = [text for _, kind, text in blocks() if kind == "yaml document"]
    assert len(whole) == 3
    for text in whole:
        read_text(text)


def test_links_inside_the_page_lead_somewhere() -> None:
    page = PAGE.read_text(encoding="utf-8")
    headings = {
        re.sub(r"[^\w -]", "", h.lower()).replace(" ", "-") for h in re.findall(r"^#+ (.*)$", page, re.MULTILINE)
    }
    assert set(re.findall(r"\(#([^)]+)\)", page)) <= headings

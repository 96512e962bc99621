"""The report at every stage of a road between two databases whose names are hostile.

One walk goes from "nothing decided" to "rolled back" and keeps each stage's report; the tests read them.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pytest

from crosswalk.embedded import Server
from crosswalk.mapping import read_text
from crosswalk.names import quote
from crosswalk.planning import make_plans
from crosswalk.report import Report, gather
from crosswalk.rollback import rollback
from crosswalk.verification import repair, verify
from tests.road import Road, run
from tests.servers import Role, sql

SCRIPT = "<script>document.title='owned'</script>"
IMAGE = "\"><img src=x onerror=document.title='owned'>"
PIPES = "a|b`c`*d*[e](http://f.example)"
TURNED = "left\u202eright\u2066"
LINES = "one\ntwo"
LONG = "x" * 63
HOSTILE = (SCRIPT, IMAGE, PIPES, TURNED, LINES, LONG)
VALUE = "v4lue-of-a-row"
HIDDEN = "s3cret-default"
PASSWORD = "p4ss-w0rd-of-the-owner"

SOURCE = f"""
CREATE TABLE {quote(SCRIPT)} (id int PRIMARY KEY, {quote(IMAGE)} text, {quote(PIPES)} text, {quote(TURNED)} text,
                              {quote(LINES)} text, {quote(LONG)} text, token text DEFAULT '{HIDDEN}');
INSERT INTO {quote(SCRIPT)} SELECT n, '{VALUE}', 'b', 'c', 'd', 'e' || n FROM generate_series(1, 40) AS n;
INSERT INTO {quote(SCRIPT)} VALUES (4100, NULL, 'b', 'c', 'd', 'e'), (4200, NULL, 'b', 'c', 'd', 'e');
CREATE TABLE plain (id int PRIMARY KEY, note varchar(9) NOT NULL);
INSERT INTO plain SELECT n, 'note ' || n FROM generate_series(1, 2000) AS n;
"""
TARGET = f"""
CREATE TABLE {quote(SCRIPT)} (id int PRIMARY KEY, {quote(IMAGE)} text NOT NULL, {quote(PIPES)} text, {quote(TURNED)} text,
                              {quote(LINES)} varchar(9), {quote(LONG)} text);
CREATE TABLE plain (id int PRIMARY KEY, note text NOT NULL);
CREATE TABLE live (id int PRIMARY KEY, note text);
INSERT INTO live VALUES (1, '{VALUE}');
"""


def _key(name: str) -> str:
    return json.dumps(name)


DOCUMENT = f"""\
version: 1
tables:
  {_key(quote(SCRIPT))}:
    from: {_key(quote(SCRIPT))}
    key: [id]
    rejects: quarantine
    columns:
      id: {{column: id, why: {_key(IMAGE)}}}
      {_key(IMAGE)}: {_key(IMAGE)}
      {_key(PIPES)}: {_key(PIPES)}
      {_key(TURNED)}: {_key(TURNED)}
      {_key(LINES)}: {_key(LINES)}
      {_key(LONG)}: {{sql: "'{HIDDEN}' || {LONG}", secret: true, confidence: 0.97, evidence: [{_key(PIPES)}]}}
    drop:
      token: {{why: it opens doors, final: true, secret: true}}
  plain:
    from: plain
    key: [id]
    columns:
      id: id
      note: note
preserve:
  live: {_key(SCRIPT)}
"""


@dataclass(slots=True)
class Story:
    """The reports of one walk by stage, and the road."""

    road: Road
    told: dict[str, Report] = field(default_factory=dict)
    again: Report | None = None
    """Of the same state as `verified`."""

    @property
    def urls(self) -> tuple[str, str]:
        return self.road.source, self.road.target


async def _walk(story: Story) -> None:
    servers, file = story.road.servers, story.road.file

    async def tell(name: str, **given: Any) -> None:
        story.told[name] = await gather(*story.urls, **given)

    await tell("compared")
    await tell("mapped", draft=file)
    plans = (await make_plans(file, servers, strategies=("transform",))).file
    await tell("planned", draft=file, plans=plans)
    decided = plans.decide("transform", who=IMAGE, why=SCRIPT)
    await tell("decided", draft=file, plans=decided)
    await story.road.migrate(decided.chosen())
    await tell("moved")
    await verify(servers)
    await tell("verified")
    story.again = await gather(*story.urls)
    await run(story.road.target, "UPDATE plain SET note = 'spoilt' WHERE id = 1077; DELETE FROM plain WHERE id = 1078")
    await verify(servers)
    await tell("different")
    await repair(servers)
    await tell("repaired")
    await run(story.road.target, "UPDATE live SET note = 'written by its own application'")
    await verify(servers)
    await tell("live")
    await rollback(servers)
    await tell("rolled back")


@pytest.fixture(scope="module")
def story(pg16: Server, pg18: Server) -> Iterator[Story]:
    """Both databases belong to a plain owner with a password that must not be seen again."""
    urls = []
    for server, text in ((pg16, SOURCE), (pg18, TARGET)):
        sql(server, f"CREATE ROLE reported LOGIN PASSWORD '{PASSWORD}'", "CREATE DATABASE reported OWNER reported")
        urls.append(Role(name="reported", password=PASSWORD).url(server, "reported"))
        asyncio_run(run(urls[-1], text))
    made = Story(road=Road(source=urls[0], target=urls[1], file=read_text(DOCUMENT)))
    asyncio_run(_walk(made))
    yield made
    for server in (pg16, pg18):
        sql(server, "DROP DATABASE reported WITH (FORCE)", "DROP ROLE reported")


def asyncio_run(work: Any) -> Any:
    """In a thread of its own, for the test may have a loop."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        return pool.submit(asyncio.run, work).result()

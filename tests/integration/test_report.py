"""The report at every stage of a road between two databases whose names are hostile.

One walk goes from "nothing decided" to "rolled back" and keeps each stage's report; the tests read them.
"""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, cast

import pytest

from crosswalk.cli import main
from crosswalk.connect import session
from crosswalk.embedded import Server
from crosswalk.ledger import Ledger
from crosswalk.ledger.proof import read_proofs
from crosswalk.mapping import read_text
from crosswalk.names import quote
from crosswalk.planning import make_plans
from crosswalk.report import Report, as_html, as_json, as_markdown, gather
from crosswalk.report.values import Absent, Moved, Proven, Rejected
from crosswalk.rollback import rollback
from crosswalk.survey import Servers
from crosswalk.verification import repair, verify
from tests.road import ALL_HAZARDS, Road, connected, run
from tests.servers import Role, database_of, sql

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
    await rollback(servers.target)
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


class Page(HTMLParser):
    """What a page holds: tags with their attributes, tables as rows of texts by id, ids and links."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.tables: dict[str, list[list[str]]] = {}
        self._rows: list[list[str]] | None = None
        self._cell = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags.append((tag, given))
        if tag == "table":
            self._rows = self.tables.setdefault(given.get("id") or f"table {len(self.tables)}", [])
        elif tag == "tr" and self._rows is not None:
            self._rows.append([])
        elif tag in {"td", "th"} and self._rows:
            self._rows[-1].append("")
            self._cell = True

    def handle_endtag(self, tag: str) -> None:
        if tag in {"td", "th"}:
            self._cell = False
        elif tag == "table":
            self._rows = None

    def handle_data(self, data: str) -> None:
        if self._cell and self._rows and self._rows[-1]:
            self._rows[-1][-1] += data


def _all(story: Story) -> dict[str, tuple[str, str, str]]:
    """Each stage's HTML, JSON and Markdown."""
    return {name: (as_html(r), as_json(r), as_markdown(r)) for name, r in story.told.items()}


def test_each_stage_says_where_it_stands(story: Story) -> None:
    assert {name: report.stage for name, report in story.told.items()} == {
        "compared": "compared", "mapped": "mapped", "planned": "planned", "decided": "decided", "moved": "moved",
        "verified": "verified", "different": "different", "repaired": "verified", "live": "verified",
        "rolled back": "rolled back",
    }
    assert {name: r.verdict for name, r in story.told.items() if r.verdict not in {"open", "note"}} == {
        "verified": "good", "different": "failure", "repaired": "good", "live": "warning"
    }


def test_what_is_not_known_is_said_in_its_place(story: Story) -> None:
    compared, moved = story.told["compared"], story.told["moved"]
    assert isinstance(compared.mapping, Absent)
    assert "match" in compared.mapping.command
    assert isinstance(moved.proof, Absent)
    assert moved.proof.command == "crosswalk verify"
    assert "not verified yet" in as_html(moved)
    assert [f.title for f in moved.findings if f.weight == "open"] == ["What was moved has not been verified yet"]


def test_failures_come_first(story: Story) -> None:
    report = story.told["different"]
    assert [(f.weight, f.title, f.detail) for f in report.findings][:1] == [
        ("failure", "public.plain is not the mapped source", "1 row missing, 1 row different")
    ]
    assert isinstance(report.proof, Proven)
    assert [t.clean for t in report.proof.tables] == [False, True]
    html = as_html(report)
    assert html.index('id="findings"') < html.index('id="proof"') < html.index('id="moved"')


def test_the_accounting_and_what_was_rejected(story: Story) -> None:
    for name, forecast in (("mapped", True), ("decided", True), ("moved", False), ("verified", False)):
        moved, rejected = story.told[name].moved, story.told[name].rejected
        assert isinstance(moved, Moved)
        assert isinstance(rejected, Rejected)
        assert moved.forecast is rejected.forecast is forecast
        total = moved.total
        assert (total.extracted, total.loaded, total.merged, total.quarantined, total.filtered) == (2042, 2040, 0, 2, 0)
        (reason,) = rejected.reasons
        assert (reason.rows, reason.place, reason.code, reason.declared) == (2, IMAGE, "not_null", True)
        assert reason.keys == ("4••0", "4••0")
    done = cast(Moved, story.told["moved"].moved)
    assert done.total.written == 2040
    assert all(t.bytes and t.seconds and t.rate for t in done.tables)


def test_what_was_decided_by_whom_and_why(story: Story) -> None:
    for name in ("decided", "moved", "verified"):
        decided = story.told[name].decided
        assert not isinstance(decided, Absent)
        assert decided.choice is not None
        assert (decided.choice.strategy, decided.choice.who, decided.choice.why) == ("transform", IMAGE, SCRIPT)
        assert [s.strategy for s in decided.strategies] == ["transform"]


def test_field_mapping_names_secrets_and_shows_nothing_of_them(story: Story) -> None:
    mapping = story.told["verified"].mapping
    assert not isinstance(mapping, Absent)
    rules = {rule.column: rule for rule in mapping.tables[0].rules}
    assert rules[LONG].secret
    assert (rules[LONG].decided, rules[LONG].confidence) == ("inferred, accepted", 0.97)
    assert (rules["id"].decided, rules["id"].why) == ("by hand", IMAGE)
    assert [(c.column, c.final, c.secret) for c in mapping.tables[0].left] == [("token", True, True)]


def test_no_value_and_no_password_is_in_any_of_them(story: Story) -> None:
    for name, texts in _all(story).items():
        for text in texts:
            for word in (VALUE, PASSWORD, "spoilt", "written by its own"):
                assert word not in text, name
            if name != "compared":  # nobody has said yet that the column is secret
                assert HIDDEN not in text, name


def test_a_later_report_of_the_same_state_is_byte_equal(story: Story) -> None:
    again, before = story.again, story.told["verified"]
    assert again is not None
    same = again.model_copy(update={"made_at": before.made_at})
    assert [as_html(same), as_json(same), as_markdown(same)] == [as_html(before), as_json(before), as_markdown(before)]


def test_the_twin_validates_and_equals_the_figures_of_the_page(story: Story) -> None:
    for report in story.told.values():
        twin = Report.model_validate_json(as_json(report))
        assert twin == report
        page = Page(as_html(report))
        if isinstance(twin.moved, Absent):
            assert "t-moved" not in page.tables
            continue
        rows = [[cell.replace(",", "") for cell in row[1:6]] for row in page.tables["t-moved"][1:]]
        lines = [*twin.moved.tables, twin.moved.total]
        assert rows == [[str(x) for x in (t.extracted, t.loaded, t.merged, t.quarantined, t.filtered)] for t in lines]
        if isinstance(twin.proof, Proven):
            rows = [[cell.replace(",", "") for cell in row[1:6]] for row in page.tables["t-proof"][1:]]
            assert rows == [[str(x) for x in (t.expected, t.found, t.missing, t.different, t.extra)] for t in twin.proof.tables]


def test_the_page_runs_nothing_and_refers_to_nothing(story: Story) -> None:
    for name, (html, _, _) in _all(story).items():
        page = Page(html)
        assert {tag for tag, _ in page.tags} & {"script", "img", "link", "iframe", "object", "base", "form"} == set(), name
        given = [(key, value or "") for _, attributes in page.tags for key, value in attributes.items()]
        assert [key for key, _ in given if key.startswith("on") or key in {"src", "style", "srcset", "xlink:href"}] == []
        targets = {value for key, value in given if key == "href"}
        assert all(target.startswith("#") for target in targets)
        assert {t[1:] for t in targets} <= {value for key, value in given if key == "id"}
        assert "url(" not in html
        assert "@import" not in html
        policies = [a["content"] for tag, a in page.tags if a.get("http-equiv") == "Content-Security-Policy"]
        assert [str(policy).startswith("default-src 'none'; style-src 'sha256-") for policy in policies] == [True]


def test_hostile_names_are_shown_and_stay_in_their_cells(story: Story) -> None:
    for name, (html, _, markdown) in _all(story).items():
        for text in (html, markdown):
            assert "\u202e" not in text, name
            assert "\u2066" not in text, name
        tables = re.findall(r"(?:^\|.*\n)+", markdown, re.MULTILINE)
        assert tables
        for table in tables:
            widths = {len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}
            assert len(widths) == 1, table
    page = Page(as_html(story.told["verified"]))
    rows = {row[0] for table in page.tables.values() for row in table}
    assert any(SCRIPT in cell for cell in rows)
    assert any(r"one\ntwo" in cell for cell in rows)
    assert any(r"left\u202eright\u2066" in cell for cell in rows)
    markdown = as_markdown(story.told["verified"])
    assert re.search(r"(?<!\\)<(?!!--)", markdown) is None, "no tag opens"
    assert r"a\|b\`c\`\*d\*\[e\]\(http\://f.example\)" in markdown


def test_preserved_tables_are_told_before_and_after(story: Story) -> None:
    found = {}
    for name in ("planned", "moved", "verified", "live"):
        lines = story.told[name].preserved
        assert not isinstance(lines, Absent)
        found[name] = [(x.table, x.rows_before, x.rows, x.unchanged) for x in lines]
    assert found == {
        "planned": [("public.live", None, None, None)], "moved": [("public.live", 1, None, None)],
        "verified": [("public.live", 1, 1, True)], "live": [("public.live", 1, 1, False)],
    }


def test_phases_tell_what_each_did_to_either_side(story: Story) -> None:
    states = {name: {x.phase: x.state for x in r.phases.lines} for name, r in story.told.items()}
    assert states["mapped"] == {
        "check": "done", "plan": "to come", "shape": "to come", "copy": "to come", "complete": "to come", "verify": "to come"
    }
    assert states["decided"]["plan"] == "done"
    assert states["decided"]["copy"] == "to come"
    assert states["verified"] == {
        "check": "not recorded", "plan": "done", "shape": "nothing to do", "copy": "done", "complete": "nothing to do",
        "verify": "done",
    }
    assert states["repaired"]["repair"] == "done"
    assert states["rolled back"]["copy"] == "undone"
    assert states["rolled back"]["rollback"] == "done"
    spans = story.told["verified"].phases.spans
    assert [s.label for s in spans if s.kind == "table"] == [t.target for t in cast(Moved, story.told["verified"].moved).tables]


def test_one_side_alone_is_enough(story: Story) -> None:
    report = asyncio_run(gather(None, story.road.target))
    assert report.stage == "rolled back"
    assert isinstance(report.differences, Absent)
    assert "the source was not named" in report.differences.why
    nobody = story.road.source.replace("reported:", "nobody:")
    report = asyncio_run(gather(nobody, story.road.target))
    assert [f.title for f in report.findings if f.weight == "warning"] == ["The source could not be read"]
    assert PASSWORD not in as_html(report)


async def test_the_ledger_keeps_what_was_verified_and_when(story: Story) -> None:
    async with session("target", story.road.target, purpose="test") as opened:
        runs = await Ledger(opened).runs()
        proofs = await read_proofs(opened, runs[0].id)
    assert [(p.word, p.clean, p.rows, p.differences) for p in proofs] == [
        ("verified", True, 2040, 0), ("verified", False, 2040, 2), ("repaired", True, 2040, 0), ("verified", True, 2040, 0)
    ]
    spoilt = {t.target: t for t in proofs[1].tables}["public.plain"]
    assert (spoilt.missing, spoilt.different, spoilt.by_column) == (1, 1, {"note": 1})
    assert [(s.kind, s.key, s.columns) for s in spoilt.samples] == [("missing", "1••8", ()), ("different", "1••7", ("note",))]
    assert [(m.target, m.moved) for m in proofs[2].mended] == [("public.plain", 2)]


# --- in a browser --------------------------------------------------------------------------------

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--enable-logging=stderr", "--dump-dom",
)


def _browse(page: Path, place: Path) -> tuple[str, list[str]]:
    """The document after it was loaded, and what the browser's console said."""
    done = subprocess.run(
        [str(BROWSER), *FLAGS, f"--user-data-dir={place}", page.as_uri()],
        capture_output=True, text=True, check=False, timeout=120,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout, [line for line in done.stderr.splitlines() if "CONSOLE" in line]


@pytest.mark.skipif(BROWSER is None, reason="no chromium on PATH: the page was not looked at in a browser")
def test_a_browser_finds_nothing_to_run_and_nothing_to_fetch(story: Story, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    html = as_html(story.told["different"])
    page.write_text(html, encoding="utf-8")
    shown, console = _browse(page, tmp_path / "one")
    assert console == []
    assert "<title>Migration report: The target is not the mapped source</title>" in shown
    assert "alert" not in Page(shown).tables
    assert [tag for tag, _ in Page(shown).tags] == [tag for tag, _ in Page(html).tags]

    # The same page with a script and a picture in it: the browser says so, and runs neither.
    page.write_text(html.replace("</main>", f"{SCRIPT}<img src='http://127.0.0.1:9/x.png'></main>"), encoding="utf-8")
    shown, console = _browse(page, tmp_path / "two")
    assert len(console) >= 2
    assert "<title>owned</title>" not in shown


async def test_verify_works_where_the_ledger_may_not_be_written(
    pg16: Server, pg18: Server, make_database: Any, make_role: Any
) -> None:
    source, target = make_database(pg16, owner=make_role(pg16)), make_database(pg18, owner=make_role(pg18))
    await run(source, "CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t VALUES (1, 'a'), (2, 'b')")
    await run(target, "CREATE TABLE t (id int PRIMARY KEY, v text)")
    file = read_text("version: 1\ntables:\n  t:\n    from: t\n    key: [id]\n    columns: {id: id, v: v}\n")
    road = Road(source=source, target=target, file=file)
    await road.migrate(await road.plan(), allow=ALL_HAZARDS)
    reader = make_role(pg18)
    database = database_of(target)
    sql(
        pg18, f"GRANT USAGE ON SCHEMA public, crosswalk TO {reader.name}",
        f"GRANT SELECT ON ALL TABLES IN SCHEMA public, crosswalk TO {reader.name}",
        f"GRANT TEMPORARY ON DATABASE {database} TO {reader.name}", database=database,
    )
    found = await verify(Servers(source=source, target=reader.url(pg18, database)))
    assert found.clean
    assert "permission denied" in found.unrecorded

    stranger = make_role(pg18)
    sql(pg18, f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {stranger.name}", database=database)
    blind = await gather(source, stranger.url(pg18, database), draft=file)
    assert blind.headline == "What was moved is not known"
    assert [f.title for f in blind.findings if f.weight == "warning"] == ["The ledger could not be read"]
    assert isinstance(blind.moved, Absent)
    assert "permission denied" in blind.moved.why
    async with connected(target) as conn:
        assert await conn.fetchval("SELECT count(*) FROM crosswalk.event WHERE kind = 'proof'") == 0
    assert (await verify(road.servers)).unrecorded == ""


# --- the command ----------------------------------------------------------------------------------


def _report(*arguments: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    code = main(["report", *arguments])
    told = capsys.readouterr()
    return code, told.out, told.err


def test_the_command_writes_page_and_twin_and_refuses_what_is_not_its_own(
    story: Story, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("CROSSWALK_SOURCE", "CROSSWALK_TARGET"):
        monkeypatch.delenv(name, raising=False)
    assert _report(capsys=capsys)[0] == 3, "nothing is known"
    assert list(tmp_path.iterdir()) == []

    source, target = story.urls
    code, out, err = _report("--source", source, "--target", target, "--md", capsys=capsys)
    assert code == 0, err
    assert sorted(f.name for f in tmp_path.iterdir()) == [f"crosswalk-report.{end}" for end in ("html", "json", "md")]
    assert PASSWORD not in out + err + "".join(f.read_text() for f in tmp_path.iterdir())
    assert Report.model_validate_json((tmp_path / "crosswalk-report.json").read_text()).stage == "rolled back"

    (tmp_path / "crosswalk.yaml").write_text(DOCUMENT, encoding="utf-8")
    code, out, err = _report("--target", target, "--json", capsys=capsys)
    told = json.loads(out)
    assert (code, told["paths"]) == (0, ["crosswalk-report.html", "crosswalk-report.json"]), "its own may be written over"
    assert told["report"]["mapping"]["path"] == "crosswalk.yaml", "the document beside it is the one that counts now"

    (tmp_path / "mine.json").write_text("{}")
    assert _report("--target", target, "-o", "mine.html", capsys=capsys)[0] == 1
    assert (tmp_path / "mine.json").read_text() == "{}"
    assert not (tmp_path / "mine.html").exists()
    assert _report("--target", target, "-o", "mine.html", "--force", capsys=capsys)[0] == 0
    assert _report("--target", target, "-o", "nowhere/x.html", capsys=capsys)[0] == 1
    assert _report("--target", target, "--plan", "none.json", capsys=capsys)[0] == 1

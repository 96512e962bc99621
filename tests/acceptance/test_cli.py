"""The real command against real servers: what it prints, where, and how it ends."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from crosswalk.cli import main
from crosswalk.cli.app import VERBS
from crosswalk.embedded import Server
from tests.servers import MakeDatabase, MakeRole, MakeTemplate, Role, database_of, sql

SOURCE = """
CREATE TABLE clients (id int PRIMARY KEY, full_name text, email text, shoe_size int);
CREATE TABLE orders (id int PRIMARY KEY, client_id int REFERENCES clients, cents int NOT NULL);
INSERT INTO clients VALUES (1, 'Ann', 'ann@example.org', 40), (2, 'Bob', 'bob@example.org', 41),
                           (3, 'Cid', NULL, 42), (4, 'Dee', 'dee@example.org', 43);
INSERT INTO orders VALUES (10, 1, 500), (11, 2, 700), (12, 4, 900);
"""
TARGET = """
CREATE TABLE customers (id int PRIMARY KEY, name text NOT NULL, email text NOT NULL);
CREATE TABLE purchases (id serial PRIMARY KEY, customer_id int NOT NULL REFERENCES customers, total int NOT NULL,
                        touched timestamptz NOT NULL DEFAULT now());
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN NEW.touched := now(); RETURN NEW; END$$;
CREATE TRIGGER touch BEFORE INSERT OR UPDATE ON purchases FOR EACH ROW EXECUTE FUNCTION touch();
"""
MAPPING = """\
version: 1
tables:
  customers:
    from: clients
    key: [id]
    rejects: quarantine
    columns:
      id: id
      name: full_name
      email: email
    drop:
      shoe_size: nobody needs it
  purchases:
    from: orders
    key: [id]
    columns:
      id: id
      customer_id: {lookup: {table: clients, match: {id: client_id}, take: id}}
      total: {sql: cents / 100}
      touched: {default: true}
    drop:
      cents: kept as total
"""
ALLOW = ("--allow", "disables-triggers")
SECRET = "s3cr3t-w0rd"


def _heed_interrupts() -> None:
    """A shell's background jobs ignore SIGINT, and so would everything that they start."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@dataclass(frozen=True, slots=True)
class Done:
    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.out)
        assert found["schema_version"] == 1
        assert self.out.count("\n") == 1
        return found


@dataclass(slots=True)
class Road:
    """A directory with a document, and two databases."""

    place: Path
    source: str
    target: str
    old: Server
    new: Server
    extra: dict[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("PG", "CROSSWALK", "COLUMNS"))}
        return {
            **kept, "CROSSWALK_SOURCE": self.source, "CROSSWALK_TARGET": self.target, "COLUMNS": "80", **self.extra,
        }

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "crosswalk", *arguments], cwd=self.place, env=self.environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=_heed_interrupts,  # noqa: PLW1509 - no threads here
        )

    def end(self, process: subprocess.Popen[str]) -> Done:
        out, err = process.communicate(timeout=60)
        for text in (out, err):
            assert "Traceback" not in text, text
            assert "this is a bug" not in text, text
            assert "\x1b" not in text, text
            for url in (self.source, self.target):
                password = url.partition("@")[0].rpartition(":")[2]
                assert not password or password not in text, text
        return Done(process.returncode, out, err)

    def run(self, *arguments: str, code: int = 0) -> Done:
        done = self.end(self.start(*arguments))
        assert done.code == code, f"{arguments} ended with {done.code}\n{done.out}\n{done.err}"
        return done

    def write(self, text: str) -> None:
        (self.place / "crosswalk.yaml").write_text(text)

    def plan(self) -> None:
        self.run("plan", "crosswalk.yaml", "--no-count", "--strategy", "transform", "--why", "a test")

    def at_source(self, *statements: str) -> str:
        return sql(self.old, *statements, database=database_of(self.source))

    def at_target(self, *statements: str) -> str:
        return sql(self.new, *statements, database=database_of(self.target))


@pytest.fixture(scope="session")
def owners(pg16: Server, pg18: Server, make_role: MakeRole) -> tuple[Role, Role]:
    return make_role(pg16), make_role(pg18)


@pytest.fixture
def road(
    tmp_path: Path, pg16: Server, pg18: Server, owners: tuple[Role, Role], template: MakeTemplate,
    make_database: MakeDatabase,
) -> Road:
    old = template(pg16, "cli_old", _fill(pg16, SOURCE), owner=owners[0])
    new = template(pg18, "cli_new", _fill(pg18, TARGET), owner=owners[1])
    made = Road(
        tmp_path, make_database(pg16, old, owner=owners[0]), make_database(pg18, new, owner=owners[1]), pg16, pg18
    )
    made.write(MAPPING)
    return made


def _fill(server: Server, statements: str) -> Callable[[str], None]:
    def fill(url: str) -> None:
        subprocess.run([server.bindir / "psql", "-Xqv", "ON_ERROR_STOP=1", "-d", url, "-c", statements], check=True)

    return fill


def test_the_whole_road(road: Road) -> None:
    differs = road.run("diff", "--mapping", "crosswalk.yaml", code=2)
    assert "public.clients → public.customers" in differs.out
    assert "crosswalk check crosswalk.yaml" in differs.err

    checked = road.run("check", "crosswalk.yaml")
    assert "expected by the document" in checked.out
    assert "crosswalk plan crosswalk.yaml" in checked.err
    assert "ann@" not in checked.out

    planned = road.run("plan", "crosswalk.yaml")
    assert re.search(r"^ +recreate +transform +hybrid *$", planned.out, re.MULTILINE)
    assert re.search(r"^  dropped +0 +2 +0 *$", planned.out, re.MULTILINE)
    assert "public.clients: 1 dropped column holds something in 4 of 4 rows" in planned.out
    assert "the figures speak for recreate" in planned.out
    assert "the target's rules refuse 1 of 7 rows, the source's own 0" in planned.out
    assert 'crosswalk decide recreate --why "…"' in planned.err
    undecided = road.run("migrate", "crosswalk-plan.json", *ALLOW, code=3)
    assert "crosswalk decide STRATEGY" in undecided.err
    decided = road.run("decide", "transform", "--why", "nobody asks for shoes", "--who", "Ann")
    assert "hazard disables-triggers" in decided.out
    assert "dropped shoe_size: nobody needs it" in decided.out
    assert "nobody asks for shoes (Ann, " in decided.out
    assert "recommended had been recreate" in decided.out
    assert "crosswalk migrate crosswalk-plan.json --allow disables-triggers" in decided.err
    again = road.run("decide", "transform", "--why", "really")
    assert "before: transform: nobody asks for shoes (Ann, " in again.out

    refused = road.run("migrate", "crosswalk-plan.json", code=3)
    assert "--allow disables-triggers" in refused.err
    assert refused.out == ""

    moved = road.run("migrate", "crosswalk-plan.json", *ALLOW)
    assert "1 row of public.clients → public.customers" in moved.out
    assert "6 rows loaded, every source row accounted for" in moved.out
    assert "crosswalk verify" in moved.err

    status = road.run("status")
    assert re.search(r"run 1\s+finished", status.out)
    assert re.search(r"public\.customers\s+4\s+3\s+0\s+1\s+0", status.out)

    verified = road.run("verify")
    assert "the target is the mapped source" in verified.out
    assert "crosswalk status" in verified.err

    road.at_target("UPDATE customers SET name = 'Eve' WHERE id = 1", "DELETE FROM purchases WHERE id = 11")
    wrong = road.run("verify", code=2)
    assert "column name: 1 row" in wrong.out
    assert "missing 1" in wrong.out
    assert "Eve" not in wrong.out
    assert "crosswalk repair" in wrong.err

    road.run("repair")
    assert road.run("verify", "--json").json["clean"] is True
    for done in (differs, checked, planned, decided, moved, status, verified, wrong):
        assert max(map(len, done.out.splitlines())) <= 80, done.out


def test_every_verb_gives_one_json_object(road: Road) -> None:
    assert road.run("doctor", "--json").json["blocked"] is False
    compared = road.run("diff", "--json", "--source", road.source, code=2).json
    assert compared["equal"] is False
    assert "--source postgresql://role" in compared["next"][0]
    assert "***" not in compared["next"][0], "a masked password cannot be pasted"
    checked = road.run("check", "crosswalk.yaml", "--json").json
    assert [(v["rows"], v["declared"]) for v in checked["verdicts"]] == [(1, True)]
    assert checked["next"] == ["crosswalk plan crosswalk.yaml"]
    planned = road.run("plan", "crosswalk.yaml", "--strategy", "transform", "--json").json
    assert [(c["strategy"], c["hazards"]) for c in planned["costs"]] == [("transform", ["disables-triggers"])]
    assert planned["next"] == ['crosswalk decide transform --why "…"']
    assert "crosswalk decide" in road.run("migrate", "crosswalk-plan.json", "--json", code=3).json["error"]["remedy"]
    assert road.run("decide", "hybrid", "--why", "x", "--json", code=3).json["error"]["code"] == "StrategyImpossible"
    decided = road.run("decide", "transform", "--why", "x", "--json").json
    assert decided["next"] == ["crosswalk migrate crosswalk-plan.json --allow disables-triggers"]
    assert decided["decision"]["recommended"] is None
    assert road.run("status", "--json").json["state"] is None
    refused = road.run("migrate", "crosswalk-plan.json", "--json", code=3).json
    assert refused["ok"] is False
    assert refused["error"]["code"] == "HazardNotAllowed"
    moved = road.run("migrate", "crosswalk-plan.json", *ALLOW, "--json").json
    assert {t["target"]: t["loaded"] for t in moved["accounting"]} == {"public.customers": 3, "public.purchases": 3}
    status = road.run("status", "--json").json
    assert (status["state"], status["held"]) == ("finished", [])
    assert [q["rows"] for q in status["quarantine"]] == [1]
    assert road.run("repair", "--json").json["clean"] is True
    assert road.run("schema", "--json").json["schema"]["title"] == "Crosswalk mapping document"
    usage = road.run("plan", "--json", code=64).json
    assert usage["error"]["code"] == "Usage"
    assert road.run("resume", "--json", code=3).json["error"]["code"] == "NothingToResume"


def test_quarantine_that_the_document_does_not_speak_of_ends_with_2(road: Road) -> None:
    road.write(MAPPING.replace("    rejects: quarantine\n", ""))
    checked = road.run("check", "crosswalk.yaml", code=2)
    assert "not expected by the document" in checked.out
    road.plan()
    moved = road.run("migrate", "crosswalk-plan.json", *ALLOW, code=2)
    assert "public.customers" in moved.err
    assert "crosswalk status" in moved.err
    assert "rejects: quarantine" in moved.err


def test_an_unknown_key_is_told_with_its_line(road: Road) -> None:
    road.write(MAPPING.replace("key: [id]\n    rejects", "kye: [id]\n    rejects"))
    done = road.run("check", "crosswalk.yaml", code=1)
    assert "crosswalk.yaml, line 5" in done.err
    assert "unknown key 'kye'" in done.err
    assert done.out == ""
    assert "No such file" in road.run("check", "other.yaml", code=1).err
    told = road.run("check", "crosswalk.yaml", "--json", code=1).json["error"]
    assert (told["code"], told["fields"]["line"]) == ("BadMapping", "5")


def test_a_table_that_nobody_decided_about_is_told_with_its_line(road: Road) -> None:
    road.at_source("CREATE TABLE forgotten (id int)")
    done = road.run("check", "crosswalk.yaml", code=2)
    assert re.search(r"crosswalk\.yaml:\d+ +the source table public\.forgotten", done.out)
    road.run("plan", "crosswalk.yaml", code=2)


def test_a_wrong_password_and_a_dead_server(road: Road, pg16: Server) -> None:
    good = road.source
    road.source = re.sub(r":[^:@/]+@", f":{SECRET}@", good)
    done = road.run("doctor", code=1)
    assert "refused the login" in done.err
    assert "\n→ " in done.err
    road.source = f"postgresql://me:{SECRET}@127.0.0.1:1/nowhere"
    done = road.run("diff", code=1)
    assert "cannot be reached" in done.err
    road.source = f"postgresql://me:{SECRET}/x@127.0.0.1:1/nowhere"
    done = road.run("diff", code=1)
    assert "percent-encode" in done.err
    assert SECRET not in done.err
    assert SECRET not in road.run("doctor", f"postgresql://me:{SECRET}@h/d", code=64).err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["check"], "crosswalk check --help"), (["diff", "--colour"], "--colour"), (["conquer"], "conquer"), ([], "Usage"),
        (["pg"], "Usage"), (["decide", "hybrid"], "--why"), (["decide", "luck", "--why", "x"], "luck"),
        (["plan", "absent.yaml", "--why", "x"], "--strategy"), (["migrate", "plan.json", "--jobs", "0"], "--jobs"),
        (["doctor"], "CROSSWALK_SOURCE"),
    ],
)
def test_a_command_that_is_not_understood(
    arguments: list[str], said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("CROSSWALK_SOURCE", raising=False)
    assert main(arguments) == 64
    told = capsys.readouterr()
    assert said in told.out + told.err


def test_a_column_that_vanished_since_the_plan(road: Road) -> None:
    road.plan()
    road.at_source("ALTER TABLE clients DROP COLUMN full_name")
    done = road.run("migrate", "crosswalk-plan.json", *ALLOW, code=3)
    assert "source" in done.err
    assert "crosswalk plan" in done.err


def test_a_missing_privilege(road: Road, make_role: MakeRole, pg16: Server) -> None:
    guest = make_role(pg16)
    road.source = guest.url(pg16, database_of(road.source))
    done = road.run("check", "crosswalk.yaml", code=3)
    assert "no SELECT on public.clients" in done.err
    assert "GRANT" in done.err
    assert "SELECT" in road.run("doctor", code=3).out


def test_a_missing_privilege_on_the_target(road: Road, make_role: MakeRole, pg18: Server) -> None:
    road.plan()
    guest = make_role(pg18)
    road.target = guest.url(pg18, database_of(road.target))
    done = road.run("migrate", "crosswalk-plan.json", *ALLOW, code=3)
    assert "The target server refused" in done.err
    assert "permission denied" in done.err


def test_nothing_to_verify_before_a_move(road: Road) -> None:
    for verb in ("verify", "repair"):
        assert "crosswalk plan" in road.run(verb, code=3).err
    assert "nothing was migrated" in road.run("status").out


def test_row_security_that_would_hide_rows(road: Road, make_role: MakeRole, pg16: Server) -> None:
    guest = make_role(pg16)
    road.at_source(
        f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {guest.name}",
        "ALTER TABLE clients ENABLE ROW LEVEL SECURITY", "CREATE POLICY part ON clients USING (id < 3)",
    )
    road.source = guest.url(pg16, database_of(road.source))
    done = road.run("check", "crosswalk.yaml", code=3)
    assert "Row-level security would hide rows of public.clients" in done.err
    assert "BYPASSRLS" in done.err
    assert road.run("doctor", "--json", code=3).json["blocked"] is True


def test_a_file_that_is_no_plan_is_not_overwritten(road: Road) -> None:
    road.run("plan", "crosswalk.yaml", "-o", "crosswalk.yaml", code=1)
    assert (road.place / "crosswalk.yaml").read_text() == MAPPING
    assert "cannot be used" in road.run("migrate", "crosswalk.yaml", code=1).err


def _interrupted(road: Road, failpoint: str, *sent: signal.Signals) -> Done:
    road.extra = {"CROSSWALK_FAILPOINTS": failpoint}
    process = road.start("migrate", "crosswalk-plan.json", *ALLOW)
    for _ in range(200):
        time.sleep(0.05)
        if road.at_target("SELECT to_regclass('crosswalk.chunk_plan') IS NOT NULL") == "t" and road.at_target(
            "SELECT count(*) > 0 FROM crosswalk.chunk_plan"
        ) == "t":
            break
    for each in sent:
        process.send_signal(each)
        time.sleep(0.1)
    done = road.end(process)
    road.extra = {}
    return done


@pytest.mark.parametrize("sent", [(signal.SIGINT,), (signal.SIGINT, signal.SIGINT), (signal.SIGTERM,)])
def test_an_interrupted_move_can_go_on(road: Road, sent: tuple[signal.Signals, ...]) -> None:
    road.plan()
    done = _interrupted(road, "chunk.loaded=sleep:0.7", *sent)
    assert done.code == 130, done.err
    assert "crosswalk resume" in done.err
    if signal.SIGINT in sent:
        assert "press again to stop at once" in done.err
    stopped = road.run("status", "--json").json
    assert (stopped["state"], stopped["held"], stopped["next"]) == ("stopped", [], ["crosswalk resume"])
    if len(sent) == 2:
        road.run("resume")
        road.run("verify")


def test_a_check_that_waits_can_be_stopped(road: Road, pg16: Server) -> None:
    held = "BEGIN; LOCK TABLE clients; SELECT pg_sleep(20)"
    holder = subprocess.Popen([pg16.bindir / "psql", "-Xqc", held, "-d", road.source], stdout=subprocess.DEVNULL)
    try:
        while road.at_source("SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock'") == "0":
            time.sleep(0.05)
        process = road.start("check", "crosswalk.yaml")
        while road.at_source("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                             " AND application_name LIKE 'crosswalk%'") == "0":
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        done = road.end(process)
        assert done.code == 130
        assert "error: Stopped by the user." in done.err
    finally:
        road.at_source("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(20)%'"
                       " AND pid <> pg_backend_pid()")
        holder.wait(timeout=10)


def test_hostile_names_do_not_reach_the_terminal(road: Road) -> None:
    road.at_source('CREATE TABLE "[bold]x[/bold]\x1b[31m\nred" (id int)')
    done = road.run("diff", code=2)
    assert "[bold]x[/bold]\\x1b[31m" in done.out.replace("\n", "")


def test_a_reader_that_leaves_is_no_error(road: Road) -> None:
    process = road.start("schema")
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    assert process.stderr.read() == ""
    process.stderr.close()
    process.wait(timeout=30)


def test_an_unforeseen_error_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken() -> dict[str, Any]:
        raise RuntimeError("a value of a row")

    monkeypatch.setattr("crosswalk.cli.schema.json_schema", broken)
    assert main(["schema"]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert "this is a bug" in said.err
    assert "a value of a row" not in said.err
    assert "Traceback" not in said.err


HELPS = [
    [], *([verb] for verb in VERBS), *(["pg", verb] for verb in ("start", "stop", "list", "url", "wipe")),
    *(["quarantine", verb] for verb in ("list", "show", "retry", "drop")),
    ["shadow", "report"],
]


@pytest.mark.parametrize("verb", HELPS, ids=" ".join)
def test_help_shows_examples_and_exit_codes_in_80_columns(
    verb: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    if verb == ["demo"]:
        pytest.importorskip("crosswalk.cli.demo")
    assert main([*verb, "--help"]) == 0
    said = capsys.readouterr().out
    assert "Examples" in said
    assert "Exit codes" in said
    assert f"crosswalk {verb[-1]}" in said if len(verb) == 1 else "crosswalk" in said
    assert max(map(len, said.splitlines())) <= 80, said


def test_a_terminal_gets_bars_and_under_no_color_no_colour(road: Road) -> None:
    road.plan()
    road.extra = {"TERM": "xterm", "NO_COLOR": "1"}
    master, slave = os.openpty()
    command = [sys.executable, "-m", "crosswalk", "migrate", "crosswalk-plan.json", *ALLOW]
    process = subprocess.Popen(command, cwd=road.place, env=road.environment, stdout=slave, stderr=slave)
    os.close(slave)
    seen = b""
    with contextlib.suppress(OSError):
        while part := os.read(master, 65536):
            seen += part
    os.close(master)
    assert process.wait(timeout=30) == 0, seen.decode()
    text = seen.decode()
    assert "2 tables" in text
    assert "load" in text
    assert "public.customers" in text
    assert not re.search(r"\x1b\[[0-9;]*m", text), text


def test_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("crosswalk ")


def test_embedded_servers_by_name(tmp_path: Path) -> None:
    name = f"cli-{os.getpid()}"
    command = [sys.executable, "-m", "crosswalk", "pg"]

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*command, *arguments], capture_output=True, text=True, check=False)

    try:
        started = run("start", name, "--version", "18")
        assert started.returncode == 0, started.stderr
        url = run("url", name).stdout.strip()
        password = url.partition("@")[0].rpartition(":")[2]
        assert len(password) > 5
        assert password not in started.stdout + started.stderr
        listed = json.loads(run("list", "--json").stdout)
        assert [s["running"] for s in listed["servers"] if s["name"] == name] == [True]
    finally:
        assert run("wipe", name).returncode == 0
    missing = run("url", name)
    assert (missing.returncode, missing.stdout) == (1, "")
    assert "There is no embedded server" in missing.stderr

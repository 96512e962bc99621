"""The commands with a REST source: a whole road, what is printed, and that no secret is in it."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from crosswalk import embedded
from crosswalk.cli import main
from crosswalk.embedded import Server
from tests.postgrest import Api, grant, serve
from tests.servers import MakeDatabase, sql

SOURCE = """
CREATE TABLE clients (id bigint PRIMARY KEY, full_name text NOT NULL, shoe_size int);
CREATE TABLE orders (id int PRIMARY KEY, client_id bigint REFERENCES clients, cents int NOT NULL);
INSERT INTO clients SELECT i, 'client ' || i, 40 FROM generate_series(1, 30) AS i;
INSERT INTO orders SELECT i, i, i * 100 FROM generate_series(1, 30) AS i;
CREATE TABLE audit (id int PRIMARY KEY);
"""
TARGET = """
CREATE TABLE customers (id bigint PRIMARY KEY, name text NOT NULL);
CREATE TABLE purchases (id int PRIMARY KEY, customer_id bigint NOT NULL REFERENCES customers, total int NOT NULL);
"""
MAPPING = """
version: 1
tables:
  customers:
    from: clients
    key: [id]
    columns: {id: id, name: full_name}
    drop: {shoe_size: nobody needs it}
  purchases:
    from: orders
    key: [id]
    columns: {id: id, customer_id: client_id, total: {sql: cents / 100}}
ignore:
  source: {audit: empty}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A directory, a project behind an API, and a target."""

    place: Path
    home: Path
    api: Api
    patch: pytest.MonkeyPatch
    capture: pytest.CaptureFixture[str]
    source_server: Server
    source_database: str

    @property
    def key(self) -> str:
        return self.api.jwt("service_role")

    @property
    def staging_password(self) -> str:
        return (self.home / "servers" / "rest" / "password").read_text().strip()

    def run(self, *arguments: str, key: str | None = None, source: str = "") -> tuple[int, dict[str, Any], str]:
        """Exit code, the one JSON object, stderr; no secret is in them."""
        self.patch.setenv("CROSSWALK_SOURCE", source or self.api.url)
        self.patch.setenv("CROSSWALK_SOURCE_KEY", self.key if key is None else key)
        code = main([*arguments, "--json"])
        done = self.capture.readouterr()
        for text in (done.out, done.err):
            assert "this is a bug" not in text, text
            assert self.key.rpartition(".")[2] not in text, text
            assert self.staging_password not in text
        return code, json.loads(done.out), done.err


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """A state directory of its own; pytest's are closed to the servers' account under root."""
    memory = Path("/dev/shm")
    path = Path(tempfile.mkdtemp(prefix="crosswalk-rest-", dir=memory if os.access(memory, os.W_OK) else None)).resolve()
    path.chmod(0o755)
    yield path
    for server in embedded.list_servers(root=path):
        embedded.wipe(server.name, root=path)
    shutil.rmtree(path)


@pytest.fixture
def project(
    pg16: Server, home: Path, tmp_path: Path, make_database: MakeDatabase, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[Project]:
    old, target = make_database(pg16), make_database(pg16)
    name = old.rpartition("/")[2]
    sql(pg16, SOURCE, database=name)
    grant(pg16, name)
    sql(pg16, TARGET, database=target.rpartition("/")[2])
    (tmp_path / "crosswalk.yaml").write_text(MAPPING)
    with serve(pg16, name) as api:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("CROSSWALK_TARGET", target)
        monkeypatch.setenv("CROSSWALK_HOME", str(home))
        yield Project(
            place=tmp_path, home=home, api=api, patch=monkeypatch, capture=capsys, source_server=pg16, source_database=name
        )


def test_the_whole_road_by_commands(project: Project) -> None:
    code, data, told = project.run("plan", "crosswalk.yaml")
    assert code == 0, (data, told)
    assert f"pulled 60 rows of 3 tables from {project.api.url}, not in one snapshot" in told
    assert data["plans"]["transform"]["source"]["url"] == project.api.url
    code, data, told = project.run("doctor")
    assert [f["id"] for f in data["findings"] if f["side"] == "source"] == ["source.rest"]
    assert [f for f in data["findings"] if f["side"] == "both"] == []
    assert f"60 rows of 3 tables as they were pulled from {project.api.url}" in told
    assert project.run("decide", "transform", "--why", "a test")[0] == 0
    code, data, told = project.run("migrate", "crosswalk-plan.json")
    assert code == 0, (data, told)
    assert {t["target"]: t["loaded"] for t in data["accounting"]} == {"public.customers": 30, "public.purchases": 30}
    assert project.run("verify")[0] == 0
    # A row that comes later is pulled by the next command, and found.
    sql(project.source_server, "INSERT INTO clients VALUES (31, 'late', 1)", database=project.source_database)
    assert project.run("verify")[0] == 2
    assert project.run("repair")[0] == 0
    code, data, told = project.run("report")
    assert code == 0
    told = json.loads((project.place / "crosswalk-report.json").read_text())
    assert {"url": project.api.url, "rest": True}.items() <= told["sides"][0].items()


def test_a_key_from_a_file_and_refusals_that_name_no_key(project: Project) -> None:
    (project.place / "anon.key").write_text(project.api.jwt("anon") + "\n")
    code, data, _ = project.run("check", "crosswalk.yaml", source=f"{project.api.url}?key_file=anon.key")
    assert (code, data["error"]["code"]) == (3, "RestRowsHidden")
    assert "public.audit" in data["error"]["message"]
    assert "allow_anon=true" in data["error"]["remedy"]
    wide = f"{project.api.url}?key_file=anon.key&allow_anon=true"
    code, data, told = project.run("check", "crosswalk.yaml", source=wide)
    assert code == 0, (data, told)
    assert f"--source '{wide}'" not in told
    code, data, _ = project.run("check", "crosswalk.yaml", key="nonsense.of.mine")
    assert (code, data["error"]["code"]) == (3, "RestKeyRefused")
    code, data, _ = project.run("diff", source=f"{project.api.url}?apikey={project.key}")
    assert (code, data["error"]["code"]) == (64, "BadRestAddress")
    code, data, _ = project.run("status", source="https://project.supabase.co", key="")
    assert code == 0


def test_what_a_weaker_key_does_not_show_is_not_deleted(project: Project) -> None:
    """Rows that a policy hides from the key of a repair look as if the source had none of them any more."""
    assert project.run("plan", "crosswalk.yaml")[0] == 0
    assert project.run("decide", "transform", "--why", "a test")[0] == 0
    assert project.run("migrate", "crosswalk-plan.json")[0] == 0
    hide = ("ALTER TABLE orders ENABLE ROW LEVEL SECURITY", "CREATE POLICY few ON orders TO anon USING (id > 20)")
    sql(project.source_server, *hide, database=project.source_database)
    anon, weak = project.api.jwt("anon"), f"{project.api.url}?allow_anon=true"
    code, data, told = project.run("repair", "--delete-extra", key=anon, source=weak)
    assert (code, data["error"]["code"]) == (3, "RestCannotDelete"), told
    assert "anon" in data["error"]["message"]
    assert "service_role" in data["error"]["remedy"]
    code, data, _ = project.run("repair", key=anon, source=weak)
    assert (code, [(t["deleted"], t["left"]) for t in data["repaired"]]) == (2, [(0, 20)])
    assert any("security hides from anon" in each for each in data["after"]["uncovered"])
    # The staged rows of the one key are not those of the other.
    assert "40 rows of 3 tables as they were pulled" in project.run("doctor", key=anon, source=weak)[2]
    assert "pulled 60 rows of 3 tables" in project.run("doctor")[2]
    assert "for service_role" in project.run("doctor")[2]
    code, data, told = project.run("repair", "--delete-extra")
    assert (code, data["clean"]) == (0, True), told

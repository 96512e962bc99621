"""Each way out that a check offers does away with its verdict, on real rows; and the document keeps its comments."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from crosswalk.checking import Checked, apply_ways
from crosswalk.cli.check import check as cli_check
from crosswalk.embedded import Server
from crosswalk.errors import WayNeedsValue, WaysCollide, WayUnfit, WayUnknown
from crosswalk.mapping import amended, read_text
from tests.road import Road, findings, lay, sums
from tests.servers import MakeDatabase, MakeRole

SOURCE = """
CREATE TYPE label AS ENUM ('ok', 'odd');
CREATE TABLE t_length (id int PRIMARY KEY, v text); INSERT INTO t_length VALUES (1, 'abcdef'), (2, 'ab');
CREATE TABLE t_rounded (id int PRIMARY KEY, v numeric); INSERT INTO t_rounded VALUES (1, 1.4), (2, 1);
CREATE TABLE t_scale (id int PRIMARY KEY, v numeric); INSERT INTO t_scale VALUES (1, 1.234), (2, 1.2);
CREATE TABLE t_moment (id int PRIMARY KEY, v timestamp); INSERT INTO t_moment VALUES (1, '2026-01-01 00:00:00.4');
CREATE TABLE t_range (id int PRIMARY KEY, v bigint); INSERT INTO t_range VALUES (1, 70000), (2, 7);
CREATE TABLE t_label (id int PRIMARY KEY, v label); INSERT INTO t_label VALUES (1, 'odd'), (2, 'ok');
CREATE TABLE t_syntax (id int PRIMARY KEY, v text); INSERT INTO t_syntax VALUES (1, 'x1'), (2, '1');
CREATE TABLE t_null (id int PRIMARY KEY, v int); INSERT INTO t_null VALUES (1, NULL), (2, 2);
CREATE TABLE t_map (id int PRIMARY KEY, v text); INSERT INTO t_map VALUES (1, 'z'), (2, 'a');
CREATE TABLE t_parent (id int PRIMARY KEY, n int); INSERT INTO t_parent VALUES (1, 5), (2, 5), (3, 6);
CREATE TABLE t_missing (id int PRIMARY KEY, v int); INSERT INTO t_missing VALUES (1, 9), (2, 1);
CREATE TABLE t_ambiguous (id int PRIMARY KEY, v int); INSERT INTO t_ambiguous VALUES (1, 5), (2, 6);
CREATE TABLE t_agree (id int PRIMARY KEY, a int, b int); INSERT INTO t_agree VALUES (1, 1, 2), (2, 2, NULL);
CREATE TABLE t_double (id int PRIMARY KEY, k int); INSERT INTO t_double VALUES (1, 1), (2, 1);
CREATE TABLE t_refers (id int PRIMARY KEY, v int); INSERT INTO t_refers VALUES (1, 9), (2, 1);
CREATE TABLE t_unique (id int PRIMARY KEY, v int); INSERT INTO t_unique VALUES (1, 1), (2, 1);
CREATE TABLE t_check (id int PRIMARY KEY, v int); INSERT INTO t_check VALUES (1, -1), (2, 1);
CREATE TABLE t_raises (id int PRIMARY KEY, v int); INSERT INTO t_raises VALUES (1, 0), (2, 1);
CREATE TABLE t_where (id int PRIMARY KEY, v text); INSERT INTO t_where VALUES (1, 'abcdef'), (2, 'ab'), (3, 'gone for good');
"""
TARGET = """
CREATE TYPE label AS ENUM ('ok');
CREATE TABLE t_length (id int PRIMARY KEY, v varchar(3)); CREATE TABLE t_rounded (id int PRIMARY KEY, v int);
CREATE TABLE t_scale (id int PRIMARY KEY, v numeric(6, 2)); CREATE TABLE t_moment (id int PRIMARY KEY, v timestamp(0));
CREATE TABLE t_range (id int PRIMARY KEY, v smallint); CREATE TABLE t_label (id int PRIMARY KEY, v label);
CREATE TABLE t_syntax (id int PRIMARY KEY, v int); CREATE TABLE t_null (id int PRIMARY KEY, v int NOT NULL);
CREATE TABLE t_map (id int PRIMARY KEY, v text); CREATE TABLE t_parent (id int PRIMARY KEY, n int);
CREATE TABLE t_missing (id int PRIMARY KEY, v int); CREATE TABLE t_ambiguous (id int PRIMARY KEY, v int);
CREATE TABLE t_agree (id int PRIMARY KEY, v int); CREATE TABLE t_double (k int PRIMARY KEY, id int);
CREATE TABLE t_refers (id int PRIMARY KEY, v int REFERENCES t_parent); CREATE TABLE t_unique (id int PRIMARY KEY, v int UNIQUE);
CREATE TABLE t_check (id int PRIMARY KEY, v int CHECK (v > 0)); CREATE TABLE t_raises (id int PRIMARY KEY, v int);
CREATE TABLE t_where (id int PRIMARY KEY, v varchar(3));
"""
PLAIN = ("length", "rounded", "scale", "moment", "range", "label", "syntax", "null", "unique", "check", "refers")
DOCUMENT = (
    "version: 1\ntables:\n"
    + "".join(f"  t_{t}:  # about {t}\n    from: t_{t}\n    key: [id]\n    columns: {{id: id, v: v}}\n" for t in PLAIN)
    + """
  t_map: {from: t_map, key: [id], columns: {id: id, v: {map: {a: b}, from: v, else: fail}}}
  t_parent: {from: t_parent, key: [id], columns: {id: id, n: n}}
  t_missing: {from: t_missing, key: [id], columns: {id: id,
    v: {lookup: {table: t_parent, match: {id: v}, take: id, missing: fail}}}}
  t_ambiguous: {from: t_ambiguous, key: [id], columns: {id: id,
    v: {lookup: {table: t_parent, match: {n: v}, take: id, ambiguous: fail}}}}
  t_agree: {from: t_agree, key: [id], columns: {id: id, v: {agree: [a, b]}}}
  t_double: {from: t_double, key: [k], columns: {k: k, id: id}}
  t_raises: {from: t_raises, key: [id], columns: {id: id, v: {sql: 1 / v, why: they asked for it}}}
  t_where: {from: t_where, key: [id], where: {sql: id <> 3, why: gone}, columns: {id: id, v: v}}  # a filter already
"""
)
OFFERED = {
    "public.t_length.v:length": {"truncate", "null", "filter", "quarantine"},
    "public.t_where.v:length": {"truncate", "null", "filter", "quarantine"},
    "public.t_rounded.v:rounded": {"round", "null", "filter", "quarantine"},
    "public.t_scale.v:rounded": {"round", "null", "filter", "quarantine"},
    "public.t_moment.v:precision": {"round", "null", "filter", "quarantine"},
    "public.t_range.v:range": {"null", "filter", "quarantine"},
    "public.t_label.v:label": {"null", "filter", "quarantine"},
    "public.t_syntax.v:syntax": {"null", "filter", "quarantine"},
    "public.t_null.v:not_null": {"value", "filter", "quarantine"},
    "public.t_map.v:map.fail": {"value", "null", "quarantine"},
    "public.t_missing.v:lookup.missing": {"null", "quarantine"},
    "public.t_ambiguous.v:lookup.ambiguous": {"null", "quarantine"},
    "public.t_agree.v:agree": {"first", "quarantine"},
    "public.t_double:duplicate": {"first", "quarantine"},
    "public.t_refers.t_refers_v_fkey:foreign_key": {"null", "quarantine"},
    "public.t_unique.t_unique_v_key:unique": {"quarantine"},
    "public.t_check.t_check_v_check:check": {"quarantine"},
    "public.t_raises:rule.raises": {"quarantine"},
}


async def _lay(pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole) -> Road:
    return await lay(make_database, make_role, (pg16, SOURCE), (pg18, TARGET), DOCUMENT)


def _round(checked: Checked, number: int) -> list[str]:
    """Of each verdict the way of that number, the last one where it has fewer."""
    return [
        f"{v.rule}={way.word}" + (":8" if way.takes_value else "")
        for v in checked.verdicts
        for way in [v.ways[min(number, len(v.ways) - 1)]]
    ]


async def test_each_way_does_away_with_its_verdict(
    pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole
) -> None:
    """Every way of every verdict is taken once, on the rows themselves; after the last the move is made and verified."""
    road = await _lay(pg16, pg18, make_database, make_role)
    checked = await road.check()
    assert {v.rule: {w.word for w in v.ways} for v in checked.verdicts} == OFFERED
    for number in range(max(len(words) for words in OFFERED.values())):
        chosen = _round(checked, number)
        after = Road(source=road.source, target=road.target, file=apply_ways(road.file, checked, chosen))
        again = await after.check()
        assert again.problems == ()
        assert {v.rule for v in again.verdicts if not v.declared} == set(), chosen
        if number == 0:
            await _moved(after, again)
    with pytest.raises(WayUnknown, match="names no verdict"):
        apply_ways(road.file, checked, ["public.t_length.v:length=widen"])
    with pytest.raises(WayNeedsValue):
        apply_ways(road.file, checked, ["public.t_null.v:not_null=value"])
    with pytest.raises(WaysCollide):
        apply_ways(road.file, checked, [f"public.t_length.v:length={w}" for w in ("truncate", "null")])


async def _moved(road: Road, checked: Checked) -> None:
    """The gentlest ways carried out."""
    done = sums(await road.migrate())
    assert done == {t.target.relation: (t.extracted, t.loaded, t.merged, t.quarantined, t.filtered) for t in checked.tallies}
    assert findings(await road.verify()) == []


def test_apply_edits_the_file_and_keeps_its_comments(
    pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    road = asyncio.run(_lay(pg16, pg18, make_database, make_role))
    path = tmp_path / "crosswalk.yaml"
    path.write_text(DOCUMENT)
    chosen = ["public.t_length.v:length=truncate", "public.t_null.v:not_null=value:8", "public.t_where.v:length=filter"]
    code = cli_check(path, source=road.source, target=road.target, apply=chosen, as_json=True)
    told = json.loads(capsys.readouterr().out)
    assert code == 2
    assert {v["rule"] for v in told["verdicts"]} == set(OFFERED) - {c.partition("=")[0] for c in chosen}
    assert """+    columns: {id: id, v: {sql: 'left("v"::text, 3)', why:""" in told["changed"]
    after = path.read_text()
    assert [line for line in DOCUMENT.splitlines() if "#" in line and "t_where" not in line] == [
        line for line in after.splitlines() if "# about" in line
    ]
    assert "# a filter already" in after
    where = read_text(after).document.tables["t_where"].where
    assert where is not None
    assert where.sql.startswith("(id <> 3) AND ")
    assert where.why.startswith("gone; ")


STYLED = """\
version: 1  # the first
tables:
  t:
    from: t
    key: [id]   # its key
    # what becomes of each column
    columns:
      id: id
      v: {map: {a: b,
                c: d},   # one line a label
          from: v,
          else: fail}
      w: # about w
        sql: 1 + 1  # two
        why: |
          a long
          story
      x: &x {map: {a: b}, from: v, else: fail}
      y: *x
      'a "b" c': v
  u: {from: u, key: [id],
      columns: {id: id,
                v: v}}
"""
COLUMN = ("tables", "t", "columns")


@pytest.mark.parametrize(
    ("changes", "lost", "made"),
    [
        ([((*COLUMN, "v", "else"), {"value": "8"})], ["          else: fail}"], ["          else: {value: '8'}}"]),
        ([((*COLUMN, "w", "why"), "short")], ["        why: |", "          a long", "          story"], ["        why: short"]),
        ([((*COLUMN, "y"), {"sql": "1"})], ["      y: *x"], ["      y: {sql: '1'}"]),
        ([((*COLUMN, 'a "b" c'), {"sql": "id"})], ["      'a \"b\" c': v"], ["      'a \"b\" c': {sql: id}"]),
        (
            [(("tables", "t", "rejects"), "quarantine"), (("tables", "u", "where"), {"sql": "id > 1, 2", "why": "x"})],
            ["                v: v}}"],
            ["    rejects: quarantine", "                v: v}, where: {sql: 'id > 1, 2', why: x}}"],
        ),
    ],
)  # fmt: skip
def test_an_edit_leaves_every_other_line_as_it_was(changes: list[Any], lost: list[str], made: list[str]) -> None:
    before, after = STYLED.splitlines(), amended(read_text(STYLED), changes).text.splitlines()
    assert [line for line in before if line not in after] == lost
    assert [line for line in after if line not in before] == made


def test_an_edit_of_an_anchor_leaves_its_alias_alone() -> None:
    for column, other in (("x", "y"), ("y", "x")):
        after = amended(read_text(STYLED), [((*COLUMN, column, "else"), "quarantine")]).document.tables["t"].columns
        rules: list[Any] = [after[name] for name in (column, other)]
        assert [rule.else_ for rule in rules] == ["quarantine", "fail"]


def test_a_value_that_does_not_fit_leaves_the_document_as_it_was(
    pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole, tmp_path: Path
) -> None:
    source = "CREATE TABLE p (id int PRIMARY KEY, v int); INSERT INTO p VALUES (1, NULL);"
    target = "CREATE TABLE p (id int PRIMARY KEY, v int NOT NULL);"
    document = "version: 1\ntables:\n  p: {from: p, key: [id], columns: {id: id, v: v}}\n"
    road = asyncio.run(lay(make_database, make_role, (pg16, source), (pg18, target), document))
    path = tmp_path / "crosswalk.yaml"
    path.write_text(document)
    with pytest.raises(WayUnfit, match="invalid input syntax"):
        cli_check(path, source=road.source, target=road.target, apply=["public.p.v:not_null=value:no"], as_json=True)
    assert [p.read_text() for p in tmp_path.iterdir()] == [document]


def test_a_value_that_the_target_does_not_know_is_refused_and_so_is_the_placeholder(
    pg16: Server, pg18: Server, make_database: MakeDatabase, make_role: MakeRole, tmp_path: Path
) -> None:
    """Also where the document expects rows in quarantine, and would swallow them."""
    source = "CREATE TABLE p (id int PRIMARY KEY, v text, w text); INSERT INTO p VALUES (1, 'z', 'b'), (2, 'a', NULL);"
    target = """CREATE TYPE label AS ENUM ('ok', 'no');
    CREATE TABLE p (id int PRIMARY KEY, v label NOT NULL, w varchar(3) NOT NULL CHECK (w <> 'bad'));"""
    document = (
        "version: 1\ntables:\n  p: {from: p, key: [id], rejects: quarantine,\n"
        "      columns: {id: id, w: w, v: {map: {a: ok}, from: v}}}\n"
    )
    road = asyncio.run(lay(make_database, make_role, (pg16, source), (pg18, target), document))
    path = tmp_path / "crosswalk.yaml"
    path.write_text(document)

    def take(*chosen: str) -> int:
        return cli_check(path, source=road.source, target=road.target, apply=list(chosen), as_json=True)

    for value, said in (("nonsense", "label"), ("VALUE", "wants a value of yours")):
        with pytest.raises((WayUnfit, WayNeedsValue), match=said):
            take(f"public.p.v:map.fail=value:{value}")
    for value, said in (("long", "longer than 3"), ("bad", "the check p_w_check refuses it")):
        with pytest.raises(WayUnfit, match=said):
            take(f"public.p.w:not_null=value:{value}")
    assert [p.read_text() for p in tmp_path.iterdir()] == [document]
    assert take("public.p.v:map.fail=value:no", "public.p.w:not_null=value:x") == 0

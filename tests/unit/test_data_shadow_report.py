"""`crosswalk shadow report`: what a log of comparisons adds up to, and that nothing but equal answers is a pass."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from crosswalk import shadowlog
from crosswalk.cli import main
from crosswalk.shadowlog import line, read

WHERE = {"at": "2026-03-01T12:00:00.000+00:00", "repository": "public.clients", "method": "find_many"}
NOTHING: dict[str, Any] = {
    "since": "2026-03-01T11:00:00.000+00:00", "equal": 0, "different": 0, "again": 0, "failed": 0, "skipped": {},
    "kinds": {}, "columns": {}, "errors": {}, "ignored": {},
}  # fmt: skip


def tally(**more: Any) -> str:
    return line("tally", **{**WHERE, **NOTHING, **more})


def mismatch(**more: Any) -> str:
    said = {"primary": "legacy", "kind": "values", "columns": ["name"], "counts": {}, "keys": ["ab"], "errors": ["", ""]}
    return line("mismatch", **{**WHERE, **said, **more})


EQUAL = tally(equal=5)


def verdict(*lines: str, at_least: int = 1) -> str:
    return read(lines).verdict(at_least)


# --- what it adds up to -------------------------------------------------------------------------


def test_a_column_that_only_one_side_has_is_to_be_declared() -> None:
    said = shadowlog.advice(read([mismatch(kind="columns", columns=["raw"])]))
    assert any("absent=" in each for each in said)
    assert not any("absent=" in each for each in shadowlog.advice(read([mismatch()])))


def test_only_equal_answers_are_a_pass() -> None:
    assert verdict(EQUAL) == "equal"
    assert verdict() == "nothing compared"
    assert verdict("\n", "") == "nothing compared"
    assert verdict(tally(skipped={"overflow": 9})) == "nothing compared"
    assert verdict(EQUAL, mismatch()) == "different"
    assert verdict(EQUAL, tally(different=1)) == "different"
    assert verdict(EQUAL, line("failed", **WHERE, error="Incomparable")) == "failed"
    assert verdict(tally(again=3)) == "too few"
    assert verdict(EQUAL, at_least=6) == "too few"
    assert verdict(line("call", **WHERE, side="legacy", ms=1.5, error="", rows=1)) == "nothing compared"


@pytest.mark.parametrize(
    "broken",
    [
        "rubbish\n", EQUAL[:-20], "[]\n", "null\n", EQUAL.replace('"v":1', '"v":2'), EQUAL.replace("tally", "other"),
        tally(equal=-1), tally(equal="5"), tally(equal=True), tally(skipped=[]), tally(equal=1.5),
        '{"v":1,"event":"tally"}\n', line("missed", **WHERE, id="a", rows="x", error=""),
        "[" * 100_000,
    ],
)  # fmt: skip
def test_a_line_that_cannot_be_read_is_no_pass(broken: str) -> None:
    found = read([EQUAL, broken])
    assert (found.unreadable, found.compared, found.verdict()) == (1, 5, "failed")
    assert any("could not be read" in each for each in shadowlog.advice(found))


def test_a_write_that_one_side_lacks_is_a_difference_until_it_was_replayed() -> None:
    lost = line("missed", **WHERE, id="a", rows=3, error="Unavailable")
    found = read([EQUAL, lost, lost])
    assert (found.methods[0].outstanding, found.verdict()) == (3, "different")
    other = line("replayed", **WHERE, id="b", rows=3)
    assert read([EQUAL, lost, other]).methods[0].outstanding == 3
    assert verdict(EQUAL, line("replayed", **WHERE, id="a", rows=3), lost) == "equal"


def test_methods_are_judged_one_by_one() -> None:
    count = {"method": "count", "at": "2026-03-02T00:00:00.000+00:00"}
    found = read([EQUAL, tally(**count, skipped={"overflow": 2}), mismatch(method="find_one", columns=["a", "b"])])
    assert [(m.method, m.verdict()) for m in found.methods] == [
        ("count", "nothing compared"), ("find_many", "equal"), ("find_one", "different"),
    ]  # fmt: skip
    assert found.last == count["at"]
    assert found.first == NOTHING["since"]
    assert found.methods[2].columns == {"a": 1, "b": 1}


def test_sums_of_several_lines() -> None:
    lines = [
        tally(equal=2, ignored={"raw": "a dump"}), mismatch(), tally(equal=3, different=4, kinds={"values": 4}, columns={"name": 4}),
        mismatch(kind="missing", columns=[]),
    ]  # fmt: skip
    [found] = read(lines).methods
    assert (found.equal, found.different, found.compared) == (5, 6, 11)
    assert (found.kinds, found.columns) == ({"values": 5, "missing": 1}, {"name": 5})
    assert found.ignored == {"raw": "a dump"}


# --- the command --------------------------------------------------------------------------------


def run(capsys: pytest.CaptureFixture[str], *given: str) -> tuple[int, str]:
    code = main(["shadow", "report", *given])
    return code, capsys.readouterr().out


@pytest.mark.parametrize(
    ("lines", "code", "said"),
    [
        ([EQUAL], 0, "equal: 5 comparisons"), ([EQUAL, mismatch()], 2, "different: 6 comparisons"),
        ([], 1, "nothing compared"), (["rubbish\n", EQUAL], 1, "failed: 5 comparisons"),
    ],
)  # fmt: skip
def test_exit_codes(lines: list[str], code: int, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = tmp_path / "shadow.jsonl"
    log.write_text("".join(lines))
    ended, out = run(capsys, str(log))
    assert ended == code, out
    assert said in out
    ended, out = run(capsys, str(log), "--json")
    told = json.loads(out)
    assert (ended, told["exit_code"], told["ok"]) == (code, code, code == 0)
    assert told["verdict"] in said


def test_what_it_says(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    log = tmp_path / "shadow.jsonl"
    log.write_text(
        tally(equal=1200, skipped={"overflow": 7}, ignored={"raw_data": "a dump of the old API"})
        + mismatch() + mismatch(columns=["name", "phone"])
        + line("missed", **{**WHERE, "method": "upsert"}, id="a", rows=2, error="Unavailable")
    )  # fmt: skip
    code, out = run(capsys, str(log))
    assert code == 2
    for said in (
        "public.clients.find_many", "1,202", "columns that differ most: name 2, phone 1", "skipped: overflow 7",
        "not compared: raw_data (a dump of the old API)", "2 rows written to one side only", "Play the journal",
    ):  # fmt: skip
        assert said in out, out
    assert max(map(len, out.splitlines())) <= 80


def test_several_logs_and_a_least_number(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    logs = []
    for n in range(2):
        logs.append(tmp_path / f"{n}.jsonl")
        logs[-1].write_text(EQUAL)
    assert run(capsys, *map(str, logs), "--at-least", "10")[0] == 0
    assert run(capsys, str(logs[0]), "--at-least", "10")[0] == 1


def test_a_log_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["shadow", "report", str(tmp_path / "no.jsonl"), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "ShadowLogUnreadable"
    assert main(["shadow", "report", str(tmp_path)]) == 1
    assert "cannot be read" in capsys.readouterr().err


def test_what_a_stranger_wrote_into_a_log_is_shown_as_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = tmp_path / "shadow.jsonl"
    log.write_text(mismatch(columns=["\x1b[31mred", "[bold]x"]))
    _, out = run(capsys, str(log))
    assert "\x1b" not in out
    assert "[bold]x" in out

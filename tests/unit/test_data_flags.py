"""The flags: what each set means, what is refused, and a file that changes under a running application."""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path
from typing import Any

import pytest

from crosswalk.data.failures import Misconfigured
from crosswalk.data.modes.flags import Flags, Settings, combinations, flags
from crosswalk.data.modes.switch import Switch, from_environment

DOCS = Path(__file__).parents[2] / "docs" / "shadow.md"


def made(**said: Any) -> Flags:
    return flags(Settings.read(said, origin="test"))


def refused(**said: Any) -> Misconfigured:
    with pytest.raises(Misconfigured) as caught:
        made(**said)
    return caught.value


# --- what they mean -----------------------------------------------------------------------------


def test_without_a_word_the_old_database_does_everything() -> None:
    route = made().route("public.clients", "find_many")
    assert (route.mode, route.primary, route.compare, route.written) == ("legacy", "legacy", False, ("legacy",))


@pytest.mark.parametrize(
    ("pattern", "legacy", "dual", "compare", "meaning"),
    [
        (False, True, False, False, ("legacy", "legacy", False)),
        (True, True, False, False, ("legacy", "legacy", False)),
        (True, False, False, False, ("new", "new", False)),
        (True, True, False, True, ("shadow", "legacy", True)),
        (True, False, False, True, ("shadow", "new", True)),
        (True, True, True, False, ("dual-write", "legacy", False)),
        (True, True, True, True, ("dual-write", "legacy", True)),
        (True, False, True, True, ("dual-write", "new", True)),
    ],
)
def test_the_switches(pattern: bool, legacy: bool, dual: bool, compare: bool, meaning: tuple[Any, ...]) -> None:
    said = made(
        USE_REPOSITORY_PATTERN=pattern, USE_LEGACY_SUPABASE=legacy, ENABLE_DUAL_WRITE=dual, COMPARE_DUAL_RESULTS=compare
    ).base
    assert (said.mode, said.primary, said.compare) == meaning


def test_dual_write_writes_the_primary_first() -> None:
    assert made(mode="dual-write").base.written == ("legacy", "new")
    assert made(mode="dual-write", primary="new").base.written == ("new", "legacy")
    assert made(mode="dual-write", USE_LEGACY_SUPABASE=False).base.written == ("new", "legacy")


def test_per_repository_and_per_method() -> None:
    said = made(
        mode="legacy",
        repositories={
            "clients": {"mode": "shadow", "methods": {"count": "new", "iterate": "legacy"}},
            "shop.staff": {"mode": "dual-write", "primary": "new", "compare": True},
        },
    )
    assert said.route("public.clients", "find_one").mode == "shadow"
    assert said.route("public.clients", "count").mode == "new"
    assert said.route("public.clients", "iterate").compare is False
    assert said.route("shop.staff", "upsert").written == ("new", "legacy")
    assert said.route("shop.staff", "find_one").compare is True
    assert said.route("public.services", "find_one").mode == "legacy"
    assert said.writes_both("shop.staff")
    assert not said.writes_both("public.clients")


def test_a_flag_that_switches_nothing_is_noted() -> None:
    assert "nothing asks the new database" in made(USE_REPOSITORY_PATTERN=True).notes[0]
    assert made(USE_REPOSITORY_PATTERN=True, USE_LEGACY_SUPABASE=False).notes == ()


def test_the_page_lists_every_combination() -> None:
    words = {True: "true", False: "false"}
    page = DOCS.read_text(encoding="utf-8")
    for said, meaning in combinations():
        line = f"| {' | '.join(words[s] for s in said)} | {meaning} |"
        assert line in page, f"docs/shadow.md lacks: {line}"


# --- what is refused ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "named"),
    [
        ({"USE_LEGACY_SUPABASE": False}, ("USE_LEGACY_SUPABASE=false", "USE_REPOSITORY_PATTERN=false")),
        ({"ENABLE_DUAL_WRITE": True}, ("ENABLE_DUAL_WRITE=true", "USE_REPOSITORY_PATTERN=false")),
        ({"COMPARE_DUAL_RESULTS": True}, ("COMPARE_DUAL_RESULTS=true", "USE_REPOSITORY_PATTERN=false")),
        ({"mode": "new", "USE_LEGACY_SUPABASE": True}, ("mode=new", "USE_LEGACY_SUPABASE=true")),
        ({"mode": "new", "USE_REPOSITORY_PATTERN": False}, ("mode=new", "USE_REPOSITORY_PATTERN=false")),
        ({"mode": "legacy", "ENABLE_DUAL_WRITE": True}, ("mode=legacy", "ENABLE_DUAL_WRITE=true")),
        ({"mode": "legacy", "USE_LEGACY_SUPABASE": False}, ("mode=legacy", "USE_LEGACY_SUPABASE=false")),
        ({"mode": "shadow", "COMPARE_DUAL_RESULTS": False}, ("mode=shadow", "COMPARE_DUAL_RESULTS=false")),
        ({"mode": "shadow", "ENABLE_DUAL_WRITE": True}, ("mode=shadow", "ENABLE_DUAL_WRITE=true")),
        ({"mode": "dual-write", "ENABLE_DUAL_WRITE": False}, ("mode=dual-write", "ENABLE_DUAL_WRITE=false")),
        ({"mode": "legacy", "primary": "new"}, ("mode=legacy", "primary=new")),
        ({"primary": "legacy", "USE_LEGACY_SUPABASE": False}, ("primary=legacy", "USE_LEGACY_SUPABASE=false")),
        (
            {"USE_REPOSITORY_PATTERN": False, "repositories": {"clients": {"mode": "new"}}},
            ("public.clients", "USE_REPOSITORY_PATTERN=false"),
        ),
        ({"repositories": {"clients": {"mode": "new", "primary": "legacy"}}}, ("primary=legacy", "mode=new")),
        ({"repositories": {"clients": {"mode": "shadow", "compare": False}}}, ("compare=false", "mode=shadow")),
        ({"repositories": {"clients": {"methods": {"delete": "new"}}}}, ("upsert=legacy", "delete=new")),
        ({"mode": "dual-write", "repositories": {"clients": {"methods": {"delete": "legacy"}}}}, ("upsert=", "delete=")),
        ({"repositories": {"clients": {"methods": {"upsert": "shadow"}}}}, ("upsert=shadow", "writes")),
        ({"repositories": {"clients": {"methods": {"count": "dual-write"}}}}, ("count=dual-write", "writes nothing")),
        ({"repositories": {"clients": {"methods": {"fetch": "new"}}}}, ("fetch", "method")),
        ({"repositories": {"clients": {}, "public.clients": {}}}, ("with and without",)),
        ({"calls": {"get_staff": "dual-write"}}, ("get_staff=dual-write",)),
    ],
)
def test_contradictions_name_both_settings_and_a_way_out(said: dict[str, Any], named: tuple[str, ...]) -> None:
    error = refused(**said)
    assert all(each in error.message for each in named), error.message
    assert error.hint


@pytest.mark.parametrize(
    "said",
    [
        {"mode": "both"}, {"mode": "Legacy"}, {"modus": "new"}, {"USE_LEGACY_SUPABASE": "false"}, {"USE_LEGACY_SUPABASE": 1},
        {"shadow": {"sample": 1.5}}, {"shadow": {"timeout": 0}}, {"shadow": {"waiting": 0}}, {"version": 2},
        {"repositories": {"clients": {"mode": "old"}}}, {"repositories": {"clients": {"method": {}}}},
    ],
)  # fmt: skip
def test_unknown_settings_and_values_are_refused(said: dict[str, Any]) -> None:
    assert "test: " in refused(**said).message


# --- the environment ----------------------------------------------------------------------------


def test_the_environment() -> None:
    said = {
        "USE_REPOSITORY_PATTERN": "TRUE", "USE_LEGACY_SUPABASE": "no", "LOG_DATABASE_CALLS": "1",
        "CROSSWALK_MODES": "clients=shadow, clients:count=new, shop.staff=new", "CROSSWALK_SHADOW_SAMPLE": "0.25",
        "CROSSWALK_SYNC_OWNS": "bookings, shop.staff", "PATH": "/bin",
    }  # fmt: skip
    found = Switch.from_environment(said).current
    assert found.base.mode == "new"
    assert (found.log_calls, found.shadow.sample) == (True, 0.25)
    assert found.route("public.clients", "find_one").mode == "shadow"
    assert found.route("public.clients", "count").mode == "new"
    assert found.sync_owns == {"public.bookings", "shop.staff"}
    assert Switch.from_environment(said).poll() is None


def test_an_empty_variable_says_nothing() -> None:
    assert from_environment({"USE_LEGACY_SUPABASE": "", "CROSSWALK_MODE": ""}) == Settings()


@pytest.mark.parametrize(
    "said",
    [
        {"USE_LEGACY_SUPABASE": "perhaps"}, {"CROSSWALK_MODE": "both"}, {"CROSSWALK_PRIMARY": "old"},
        {"CROSSWALK_MODES": "clients"}, {"CROSSWALK_MODES": "clients:=new"}, {"CROSSWALK_MODES": "a=new, a=legacy"},
        {"CROSSWALK_SHADOW_SAMPLE": "half"}, {"CROSSWALK_SHADOW_SAMPLE": "nan"},
    ],
)  # fmt: skip
def test_the_environment_is_read_strictly(said: dict[str, str]) -> None:
    with pytest.raises(Misconfigured):
        Switch.from_environment(said)


def test_a_file_and_a_variable_at_once_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "flags.toml"
    file.write_text("version = 1\n")
    with pytest.raises(Misconfigured, match="CROSSWALK_FLAGS and ENABLE_DUAL_WRITE"):
        Switch.from_environment({"CROSSWALK_FLAGS": str(file), "ENABLE_DUAL_WRITE": "false"})
    assert Switch.from_environment({"CROSSWALK_FLAGS": str(file)}).current.base.mode == "legacy"


# --- a file that changes ------------------------------------------------------------------------


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def look(switch: Switch) -> str:
    """As an application does at each call."""
    found = switch.poll()
    if found is not None:
        switch.take(found)
    return switch.current.base.mode


def test_toml_and_json(tmp_path: Path) -> None:
    toml, plain = tmp_path / "f.toml", tmp_path / "f.json"
    toml.write_text('version = 1\nmode = "legacy"\n[repositories.clients.methods]\ncount = "new"\n')
    plain.write_text(
        json.dumps({"version": 1, "mode": "legacy", "repositories": {"clients": {"methods": {"count": "new"}}}})
    )
    assert Switch.from_file(toml).current == Switch.from_file(plain).current


def test_a_changed_file_counts_from_the_next_call(tmp_path: Path) -> None:
    file = tmp_path / "flags.toml"
    file.write_text('version = 1\nmode = "legacy"\n')
    switch = Switch.from_file(file, settle=0)
    assert look(switch) == "legacy"
    file.write_text('version = 1\nmode = "shadow"\n')
    assert look(switch) == "shadow"


def test_a_change_of_equal_size_and_time_is_seen(tmp_path: Path) -> None:
    file = tmp_path / "flags.toml"
    file.write_text('version = 1\nmode = "legacy"\n')
    old = file.stat()
    switch = Switch.from_file(file, settle=0)
    file.write_text('version = 1\nmode = "shadow"\n')
    os.utime(file, ns=(old.st_atime_ns, old.st_mtime_ns))
    assert file.stat().st_size == old.st_size
    assert look(switch) == "shadow"


def test_an_unchanged_file_is_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "flags.toml"
    file.write_text("version = 1\n")
    os.utime(file, (1_700_000_000, 1_700_000_000))
    switch = Switch.from_file(file, settle=0)
    monkeypatch.setattr(Path, "read_bytes", lambda _: pytest.fail("read again"))
    assert switch.poll() is None


def test_a_file_that_is_being_written_is_not_taken_for_a_finished_one(tmp_path: Path) -> None:
    clock = Clock()
    file = tmp_path / "flags.toml"
    file.write_text('version = 1\nmode = "shadow"\n[repositories.clients]\nmode = "legacy"\n')
    switch = Switch.from_file(file, settle=0.2, clock=clock)
    file.write_text("version = 1\n")  # valid, and half of it
    assert look(switch) == "shadow"
    clock.now = 0.1
    file.write_text('version = 1\nmode = "new"\n')
    assert look(switch) == "shadow"
    clock.now = 0.25
    assert look(switch) == "shadow", "the new content has been there for 0.15 s only"
    clock.now = 0.4
    assert look(switch) == "new"


@pytest.mark.parametrize(
    "broken",
    ["", "mode = ", 'version = 1\nmode = "both"\n', "version = 1\nENABLE_DUAL_WRITE = true\n", 'mode = "new"\n', "\xff"],
)
def test_a_broken_file_keeps_the_old_flags_and_is_told_once(
    broken: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "flags.toml"
    file.write_text('version = 1\nmode = "shadow"\n')
    switch = Switch.from_file(file, settle=0)
    file.write_bytes(broken.encode("latin-1"))
    with caplog.at_level(logging.ERROR, logger="crosswalk.data"):
        assert [look(switch) for _ in range(5)] == ["shadow"] * 5
    assert len(caplog.records) == 1
    assert switch.refused == 1
    file.write_text('version = 1\nmode = "new"\n')
    assert look(switch) == "new"


def test_a_file_that_vanishes_keeps_the_old_flags(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = tmp_path / "flags.toml"
    file.write_text('version = 1\nmode = "shadow"\n')
    switch = Switch.from_file(file, settle=0)
    file.unlink()
    with caplog.at_level(logging.ERROR, logger="crosswalk.data"):
        assert [look(switch) for _ in range(3)] == ["shadow"] * 3
    assert len(caplog.records) == 1
    file.write_text('version = 1\nmode = "new"\n')
    assert look(switch) == "new"


def test_at_the_start_a_broken_file_is_an_error(tmp_path: Path) -> None:
    file = tmp_path / "flags.toml"
    with pytest.raises(Misconfigured, match="cannot be read"):
        Switch.from_file(file)
    file.write_text("")
    with pytest.raises(Misconfigured, match="version"):
        Switch.from_file(file)

"""What would make the journal of dual-write forget a write, and flags that say two things at once."""

from __future__ import annotations

import asyncio
import errno
import os
from pathlib import Path

import pytest

from crosswalk.data.failures import Misconfigured
from crosswalk.data.modes.journal import Journal, JournalBroken
from crosswalk.data.modes.switch import Switch

TABLE = "public.clients"


async def note(journal: Journal, number: int) -> None:
    await journal.intend(TABLE, "upsert", "legacy", ("id",), [(number,)])


async def test_who_waited_for_a_disk_that_failed_does_not_trust_it_either(tmp_path: Path) -> None:
    """After a failed fsync the next one may report success for what was lost."""
    calls: list[int] = []

    def sync(file: int) -> None:
        calls.append(file)
        if len(calls) == 1:
            raise OSError(errno.EIO, "input/output error")

    journal = Journal.open(tmp_path / "j", sync=lambda file: None)
    journal._sync = sync
    told = await asyncio.gather(*(note(journal, n) for n in range(3)), return_exceptions=True)
    assert [type(each) for each in told] == [JournalBroken] * 3
    assert len(calls) == 1
    journal.close()


async def test_a_line_that_could_not_be_taken_back_ends_the_journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Journal.open(tmp_path / "j")

    def fails(*_: object) -> int:
        raise OSError(errno.EROFS, "read-only file system")

    write = os.write
    with monkeypatch.context() as patched:
        patched.setattr("crosswalk.data.modes.journal.os.write", lambda file, data: write(file, data[:20]))
        patched.setattr("crosswalk.data.modes.journal.os.ftruncate", fails)
        with pytest.raises(JournalBroken, match="nothing was written"):
            await note(journal, 1)
    with pytest.raises(JournalBroken, match="nothing was written"):
        await note(journal, 2)
    journal.close()
    Journal.open(tmp_path / "j").close()


@pytest.mark.parametrize("becomes", ["deleted", "renamed", "replaced"])
async def test_a_journal_that_was_taken_away_is_noticed_before_the_write(becomes: str, tmp_path: Path) -> None:
    """A write that is noted in a file which nobody will find again is not noted."""
    place = tmp_path / "j"
    journal = Journal.open(place)
    await note(journal, 1)
    if becomes == "deleted":
        place.unlink()
    else:
        place.rename(tmp_path / "old")
    if becomes == "replaced":
        place.touch()
    with pytest.raises(JournalBroken, match="not where it was"):
        await note(journal, 2)
    assert len(journal.pending) == 1
    journal.close()


@pytest.mark.parametrize(
    "text",
    [
        '{"version": 1, "mode": "new", "mode": "legacy"}',
        '{"version": 1, "repositories": {"a": {"mode": "new"}, "a": {"mode": "legacy"}}}',
    ],
)
def test_a_flag_that_is_said_twice_is_refused(text: str, tmp_path: Path) -> None:
    file = tmp_path / "flags.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(Misconfigured, match="twice"):
        Switch.from_file(file)


def test_flags_nested_without_end_are_refused_and_the_old_ones_hold(tmp_path: Path) -> None:
    file = tmp_path / "flags.json"
    file.write_text('{"version": 1}', encoding="utf-8")
    switch = Switch.from_file(file, settle=0)
    file.write_text("[" * 200_000, encoding="utf-8")
    assert switch.poll() is None
    assert switch.poll() is None
    assert switch.refused == 1

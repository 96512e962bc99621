"""The package's names: all are there, and what needs no database does not import the driver."""

from __future__ import annotations

import subprocess
import sys

import pytest

import crosswalk.data


@pytest.mark.parametrize("name", crosswalk.data.__all__)
def test_a_name_is_there(name: str) -> None:
    assert getattr(crosswalk.data, name).__module__.startswith("crosswalk.data")


def test_stores_and_modes_are_names_of_the_package() -> None:
    stores = {"SqlStore", "RestStore", "MappedStore", "MemoryStore", "Table", "Repository", "blocking"}
    modes = {"Modes", "Switch", "ShadowLog", "Journal", "Rules"}
    assert stores | modes <= set(crosswalk.data.__all__)


def test_what_is_wrong_with_the_settings_is_printed_with_its_remedy() -> None:
    code = "from crosswalk.data import Misconfigured; raise Misconfigured('flags contradict', hint='Take one out.')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr.splitlines()[-2:] == ["crosswalk.data.failures.Misconfigured: flags contradict", "Take one out."]


def test_without_the_extra_it_is_said_what_to_install() -> None:
    code = "import sys; sys.modules['psycopg'] = None; from crosswalk.data import SqlStore"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr.splitlines()[-1] == "Install the extra: pip install 'pgcrosswalk[data]'."


def test_another_name_is_not() -> None:
    with pytest.raises(AttributeError, match="nope"):
        crosswalk.data.nope  # noqa: B018


def test_failures_do_not_import_the_driver() -> None:
    code = "import sys; from crosswalk.data import DuplicateKey; print(any('psycopg' in name for name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"

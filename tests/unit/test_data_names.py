"""The package's names: all are there, and what needs no database does not import the driver."""

from __future__ import annotations

import subprocess
import sys

import pytest

import crosswalk.data


@pytest.mark.parametrize("name", crosswalk.data.__all__)
def test_a_name_is_there(name: str) -> None:
    assert getattr(crosswalk.data, name).__module__.startswith("crosswalk.data")


def test_another_name_is_not() -> None:
    with pytest.raises(AttributeError, match="nope"):
        crosswalk.data.nope  # noqa: B018


def test_failures_do_not_import_the_driver() -> None:
    code = "import sys; from crosswalk.data import DuplicateKey; print(any('psycopg' in name for name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"

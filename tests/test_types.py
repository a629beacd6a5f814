"""The types hold: strict mypy over the package and over uses that must be seen as plain values."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.skipif(find_spec("mypy") is None, reason="mypy is not installed")
def test_the_package_and_its_uses_pass_strict_mypy() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "dumbo", "tests/typing"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout

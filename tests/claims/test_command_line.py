"""The command line: questions about a store, and its upkeep, without importing anybody's code."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

WORK = """
    import helpers
    from dumbo import dumbo

    RATE = 3

    @dumbo(keep="always")
    def low(x):
        return helpers.scale(x) * RATE

    @dumbo(keep="always")
    def high(y):
        return [y, abs(y)]
"""
Command = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def dumbo_command(project: Any) -> Command:
    project.write(work=WORK, helpers="def scale(x):\n    return x + 1\n")
    project.run("import dumbo, work\ndumbo.tag('high', work.high(work.low(1)))\nvalue = 0")

    def command(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-W", "error", "-m", "dumbo", "--store", "store", *arguments],
            cwd=project.folder,
            env={**os.environ, "PYTHONPATH": "", "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return command


def test_a_change_is_named_without_importing_the_code(project: Any, dumbo_command: Command) -> None:
    (project.folder / "work.py").write_text(
        "raise SystemExit('imported')\n" + (project.folder / "work.py").read_text()
    )
    project.edit("helpers", "x + 1", "x + 2")
    told = dumbo_command("stale").stdout
    assert "helpers.scale changed (called by low)" in told
    assert dumbo_command("why", "high").stdout.startswith("high(y=low#")


def test_results_are_listed_by_the_end_of_their_functions_name(dumbo_command: Command) -> None:
    assert "low(x=1)" in dumbo_command("ls", "low").stdout
    assert "high(" not in dumbo_command("ls", "low").stdout
    assert "low(x=1)" in dumbo_command("ls", "work:low").stdout
    assert dumbo_command("ls", "owl").stdout.startswith("no results")


def test_short_names_of_results_are_enough(dumbo_command: Command) -> None:
    short = next(w for w in dumbo_command("ls", "low").stdout.split() if "#" in w)
    short = short.partition(":")[2][:12]
    assert dumbo_command("why", short).stdout.startswith("low(x=1) ")
    gone = dumbo_command("forget", short)
    assert gone.stdout.startswith("forgotten: work:low#")
    assert dumbo_command("why", short).returncode == 1


def test_a_result_goes_from_store_to_store_in_one_file(
    project: Any, dumbo_command: Command
) -> None:
    assert dumbo_command("export", "out.dumbo", "high", "--cone").returncode == 0
    other = project.run(
        """
    import dumbo
    with dumbo.open("other") as session, dumbo.using(session):
        told = str(dumbo.import_("out.dumbo"))
        value = [list(dumbo.tagged("high")), dumbo.verify_store().is_sound, told]
    """
    )
    assert other.value[:2] == [[6, 6], True]
    again = dumbo_command("export", "out.dumbo", "high")
    assert again.returncode == 1
    assert "dumbo export: " in again.stderr


def test_damage_is_found_and_mended(project: Any, dumbo_command: Command) -> None:
    project.run(
        """
    import dumbo, numpy as np
    from dumbo import dumbo as memo

    @memo(keep="always", name="work:big")
    def big(n):
        return np.arange(n)

    big(100_000)
    value = 0
    """
    )
    assert "all is well" in dumbo_command("verify").stdout
    chunks = [p for p in (project.folder / "store" / "objects").rglob("*") if p.is_file()]
    largest = max(chunks, key=lambda p: p.stat().st_size)
    os.chmod(largest, 0o600)
    with largest.open("r+b") as file:
        file.seek(1000)
        file.write(b"spoilt")
    assert "big#" in dumbo_command("verify").stdout
    assert dumbo_command("repair").returncode == 0
    assert "all is well" in dumbo_command("verify").stdout


def test_a_catalog_that_cannot_be_read_is_moved_aside(project: Any, dumbo_command: Command) -> None:
    (project.folder / "store" / "catalog.sqlite").write_bytes(b"no database" * 1000)
    assert dumbo_command("ls").returncode == 1
    assert dumbo_command("repair").returncode == 0
    assert dumbo_command("ls").returncode == 0
    assert list((project.folder / "store").glob("catalog.sqlite.broken-*"))

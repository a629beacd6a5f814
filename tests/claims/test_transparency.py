"""Carriers behave like the values they are: the table of uses, in processes of their own.

Each kind of carrier runs the whole table in a subprocess, so that a use that crashes the
interpreter is seen and named. The bare value runs it too, as control. ``docs/transparency.md`` is
generated from the table by ``python tests/claims/test_transparency.py`` and checked here.
"""

from __future__ import annotations

import functools
import json
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
from transparency_expected import EXPECTED, Expected  # noqa: E402 - beside this file
from transparency_uses import USES, Use  # noqa: E402 - beside this file

DOCS = HERE.parents[1] / "docs" / "transparency.md"
KINDS = ("fresh", "lazy", "native")
WORKS = Expected("works", "works", "")


@functools.cache
def outcomes(kind: str) -> dict[int, tuple[str, str]]:
    """Run every use with one kind of carrier; go on behind a use that crashes."""
    found: dict[int, tuple[str, str]] = {}
    start = 0
    while start < len(USES):
        command = [sys.executable, str(HERE / "transparency_run.py"), kind, str(start)]
        run = subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)
        begun = start - 1
        for line in run.stdout.splitlines():
            if line.startswith('{"begin"'):
                begun = json.loads(line)["begin"]
            elif line.startswith('{"end"'):
                end = json.loads(line)
                found[end["end"]] = (end["outcome"], end["detail"])
        if begun not in found:
            assert begun >= start, run.stderr
            found[begun] = ("crashes", f"exit status {run.returncode}: {run.stderr[-300:]}")
        start = begun + 1
    return found


def expected(use: Use, kind: str) -> str:
    row = EXPECTED.get(use.title, WORKS)
    if kind == "native":
        return row.native
    return "works" if row.buffer and sys.version_info >= (3, 12) else row.proxy


def wrong(kind: str) -> dict[str, tuple[str, str]]:
    """List the uses whose outcome is not the expected one; an absent library says nothing."""
    found = outcomes(kind)
    return {
        use.title: found[number]
        for number, use in enumerate(USES)
        if found[number][0] not in (expected(use, kind), "absent")
    }


def test_the_table_has_two_hundred_uses_with_different_titles() -> None:
    assert len(USES) >= 200
    assert len({use.title for use in USES}) == len(USES)


def test_every_expectation_names_a_use() -> None:
    assert set(EXPECTED) <= {use.title for use in USES}


def test_the_bare_value_passes_its_own_table() -> None:
    found = outcomes("control")
    failed = {
        use.title: found[number]
        for number, use in enumerate(USES)
        if use.has_control and found[number][0] not in ("works", "absent")
    }
    assert failed == {}


def test_claims_about_carriers_fail_for_bare_values_somewhere() -> None:
    """Guard against a table that would pass whatever it is given."""
    found = outcomes("control")
    other = [n for n, use in enumerate(USES) if not use.has_control]
    assert sum(found[n][0] != "works" for n in other) > len(other) // 2


@pytest.mark.parametrize("kind", KINDS)
def test_no_use_crashes_the_interpreter(kind: str) -> None:
    assert [t for t, found in wrong(kind).items() if found[0] == "crashes"] == []


@pytest.mark.parametrize("kind", KINDS)
def test_every_use_has_its_expected_outcome(kind: str) -> None:
    assert wrong(kind) == {}


def test_one_use_of_a_proxy_gives_another_answer_in_silence() -> None:
    """All others raise: a loud error beats a wrong dtype."""
    silent = {title for title, row in EXPECTED.items() if row.proxy == "differs"}
    assert silent == {"type(p) is the value's type", "pandas: df['c'] = float result"}


def page() -> str:
    """Write the page of documentation."""
    lines = [
        "# What works with a result",
        "",
        "Generated from `tests/claims/transparency_uses.txt`; every row is a test, and the bare",
        "value passes each of them too. `p` is a result of a memoized function.",
        "",
        "**proxy** is what a call returns by default, opened or not yet opened; **native** is what",
        '`returns="native"` gives. *refuses* is an exception, *differs* another answer than the',
        "value's own. `dumbo.unwrap(p)` always gives the bare value, and with `deep=True` also "
        "that",
        "of results inside lists, tuples, dicts and sets.",
        "",
        *_counts(),
    ]
    for area in dict.fromkeys(use.area for use in USES):
        lines += ["", f"## {area}", "", "| use | proxy | native | instead |", "|---|---|---|---|"]
        lines += [_row(use) for use in USES if use.area == area]
    return "\n".join(lines) + "\n"


def _counts() -> list[str]:
    rows = [EXPECTED.get(use.title, WORKS) for use in USES]
    proxy, native = (sum(getattr(r, k) == "works" for r in rows) for k in ("proxy", "native"))
    return [f"Of {len(rows)} uses, {proxy} work with a proxy and {native} with a native carrier."]


def _row(use: Use) -> str:
    row = EXPECTED.get(use.title, WORKS)
    proxy = f"{row.proxy}; works from Python 3.12" if row.buffer else row.proxy
    title = use.title.replace("|", "\\|")
    return f"| {title} | {proxy} | {row.native} | {row.instead} |"


def test_the_page_of_documentation_is_current() -> None:
    assert DOCS.read_text(encoding="utf-8") == page(), f"run: python {Path(__file__).name}"


if __name__ == "__main__":
    DOCS.write_text(page(), encoding="utf-8")

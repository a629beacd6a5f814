"""README and docs run as written."""

from __future__ import annotations

import doctest
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted((ROOT / "docs").glob("*.md"))


def test_the_taste_in_the_readme_runs_twice(tmp_path: Path) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    script = tmp_path / "taste.py"
    script.write_text(code)
    for last in ("report(model=train#", "no call of this process had to run"):
        done = subprocess.run(
            [sys.executable, "-W", "error", str(script)],
            cwd=tmp_path,
            env={**os.environ, "DUMBO_DIR": str(tmp_path / "store")},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        lines = done.stdout.splitlines()
        assert re.match(r"weight \S+ taste:report#[0-9a-f]{32}$", lines[0])
        assert lines[1].startswith("report(model=train#")
        assert "train(start=8.0, steps=300000)" in lines[2]
        assert lines[-1].startswith(last)
    script.write_text(code.replace("RATE = 1e-6", "RATE = 2e-6"))
    done = subprocess.run(
        [sys.executable, str(script)],
        env={**os.environ, "DUMBO_DIR": str(tmp_path / "store")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "taste.RATE has another value (used by step)" in done.stdout
    assert len(code.splitlines()) <= 20


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_examples_in_the_docs_give_what_they_show(page: Path) -> None:
    found = doctest.DocTestParser().get_doctest(
        page.read_text(), {"__name__": "docs"}, page.name, str(page), 0
    )
    results = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(found)
    assert results.failed == 0


@pytest.mark.parametrize("page", [ROOT / "README.md", *PAGES], ids=lambda p: p.name)
def test_links_lead_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
        if "://" not in link:
            assert (page.parent / link).exists(), link


def test_every_dependency_has_its_reason() -> None:
    import configparser

    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    lines = config["options"]["install_requires"]
    lines += "".join(config["options.extras_require"].values())
    text = (ROOT / "docs" / "dependencies.md").read_text()
    for name in re.findall(r"^\s*([a-z0-9-]+)[><=]", lines, re.MULTILINE):
        assert name in text, name

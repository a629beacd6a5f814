"""The house: imports go down only, heavy libraries stay in their packages, files stay small."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "dumbo"
FILES = sorted(PACKAGE.rglob("*.py"))
HOMES = {
    "networkx": {"graph"},
    "zarr": {"storage", "testing"},
    "h5py": {"storage"},
    "wrapt": {"proxy"},
    "IPython": {"notebook"},
    "polars": {"identity", "storage", "proxy"},
    "pandas": {"identity", "storage", "proxy"},
    "pytest": {"testing"},
}


def test_imports_go_down_only() -> None:
    program = Path(sys.executable).with_name("lint-imports")
    if not program.exists():
        pytest.skip("import-linter is not installed")
    done = subprocess.run(
        [str(program), "--no-cache"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return found


@pytest.mark.parametrize("library", HOMES)
def test_each_heavy_library_is_imported_in_its_home_only(library: str) -> None:
    users = {p.relative_to(PACKAGE).parts[0] for p in FILES if library in imports(p)}
    assert users <= HOMES[library]


def test_nothing_prints() -> None:
    for path in FILES:
        calls = [n for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Call)]
        names = {c.func.id for c in calls if isinstance(c.func, ast.Name)}
        assert "print" not in names, path


def test_every_module_states_its_law() -> None:
    for path in FILES:
        doc = ast.get_docstring(ast.parse(path.read_text())) or ""
        assert len(doc) > 20, path


def test_engine_reads_on_a_few_screens() -> None:
    assert len((PACKAGE / "engine.py").read_text().splitlines()) < 400

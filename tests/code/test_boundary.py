"""Where the project ends: editable installs, folders named by the user, packages by version."""

from __future__ import annotations

import importlib
import json
import os
import site
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from dumbo.code import Project, Tracker
from dumbo.records import DependencyKind, Depset, State

# What setuptools puts beside the finder's name, cut down to what finds one package.
FINDER = """
from importlib.machinery import PathFinder
from importlib.util import spec_from_file_location
from pathlib import Path
import sys
MAPPING = {mapping!r}
class _EditableFinder:
    @classmethod
    def find_spec(cls, fullname, path=None, target=None):
        if fullname in MAPPING:
            init = Path(MAPPING[fullname], "__init__.py")
            return spec_from_file_location(fullname, init)
        return None
def install():
    sys.meta_path.append(_EditableFinder)
"""


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that is a site-packages folder, and the state of imports put back."""
    folder = tmp_path / "lib" / "site-packages"
    folder.mkdir(parents=True)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    before = set(sys.modules)
    yield folder
    for name in set(sys.modules) - before:
        if str(tmp_path) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


def distribution(site_packages: Path, name: str, files: list[str], editable: Path) -> None:
    info = site_packages / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "RECORD").write_text("".join(f"{file},,\n" for file in files))
    origin = {"url": editable.as_uri(), "dir_info": {"editable": True}}
    (info / "direct_url.json").write_text(json.dumps(origin))


def package(folder: Path, name: str, text: str) -> None:
    (folder / name).mkdir(parents=True)
    (folder / name / "__init__.py").write_text(text)


def loaded(name: str) -> ModuleType:
    importlib.invalidate_caches()
    time.sleep(0.03)
    return importlib.import_module(name)


def record(tracker: Tracker, function: Any, *args: Any) -> Depset:
    with tracker.recording(function) as recording:
        function(*args)
    return tracker.depset(function, recording)


def kinds(depset: Depset, name: str) -> set[DependencyKind]:
    return {
        d.kind for d in depset.members if d.module.partition(".")[0] == name and d.kind != "bound"
    }


@pytest.mark.parametrize("how", ["pth", "finder"])
def test_an_editable_install_is_project_code(tmp_path: Path, installed: Path, how: str) -> None:
    name = f"edit_{how}"
    package(tmp_path / "src", name, "def g(a): return a + 1\n")
    if how == "pth":
        text, files = f"{tmp_path / 'src'}\n", [f"__editable__.{name}-1.0.pth"]
    else:
        finder = f"__editable___{name}_1_0_finder"
        mapping = {name: str(tmp_path / "src" / name)}
        (installed / f"{finder}.py").write_text(FINDER.format(mapping=mapping))
        text, files = f"import {finder}; {finder}.install()\n", [f"{finder}.py"]
    (installed / f"__editable__.{name}-1.0.pth").write_text(text)
    distribution(installed, name, files, tmp_path / "src")
    package(tmp_path / "work", f"use_{name}", f"import {name}\ndef f(x): return {name}.g(x)\n")
    site.addsitedir(str(installed))
    sys.path.insert(0, str(tmp_path / "work"))
    work = loaded(f"use_{name}")
    tracker = Tracker(Project())
    depset = record(tracker, work.f, 1)
    assert kinds(depset, name) == {DependencyKind.CODE}
    (tmp_path / "src" / name / "__init__.py").write_text("def g(a): return a + 2\n")
    del sys.modules[name], sys.modules[f"use_{name}"]
    work = loaded(f"use_{name}")
    verdict = Tracker(Project()).verify(depset, work.f)
    assert [reason.subject for reason in verdict.reasons] == [f"{name}.g"]


def test_an_installed_package_counts_by_its_version(tmp_path: Path, installed: Path) -> None:
    package(installed, "bnd_pkg", "def g(a): return a + 1\n")
    distribution(installed, "bnd_pkg", ["bnd_pkg/__init__.py"], tmp_path)
    package(tmp_path / "work", "bnd_use", "import bnd_pkg\ndef f(x): return bnd_pkg.g(x)\n")
    sys.path[:0] = [str(tmp_path / "work"), str(installed)]
    work = loaded("bnd_use")
    by_version = record(Tracker(Project()), work.f, 1)
    assert kinds(by_version, "bnd_pkg") == {DependencyKind.PACKAGE}
    also = Tracker(Project(also=[installed / "bnd_pkg"]))
    assert kinds(record(also, work.f, 1), "bnd_pkg") == {DependencyKind.CODE}


def test_a_folder_can_be_left_out_and_roots_can_be_named(tmp_path: Path) -> None:
    inside, outside = str(tmp_path / "a" / "m.py"), str(tmp_path / "b" / "m.py")
    left_out = Project(excluding=[tmp_path / "b"])
    assert (left_out.owns_file(inside), left_out.owns_file(outside)) == (True, False)
    named = Project(roots=[tmp_path / "a"])
    assert (named.owns_file(inside), named.owns_file(outside)) == (True, False)
    both = Project(roots=[tmp_path], excluding=[tmp_path / "b"])
    assert (both.owns_file(inside), both.owns_file(outside)) == (True, False)


def test_a_package_left_out_counts_by_its_bytes(tmp_path: Path, installed: Path) -> None:
    package(tmp_path / "vendored", "bnd_out", "def g(a): return a + 1\n")
    package(tmp_path / "work", "bnd_out_use", "import bnd_out\ndef f(x): return bnd_out.g(x)\n")
    sys.path[:0] = [str(tmp_path / "work"), str(tmp_path / "vendored")]
    work = loaded("bnd_out_use")
    project = Project(excluding=[tmp_path / "vendored"])
    depset = record(Tracker(project), work.f, 1)
    assert kinds(depset, "bnd_out") == {DependencyKind.PACKAGE}
    assert Tracker(project).verify(depset, work.f).state is State.FRESH
    (tmp_path / "vendored" / "bnd_out" / "__init__.py").write_text("def g(a): return a + 2\n")
    assert Tracker(project).verify(depset, work.f).state is State.STALE


def test_the_project_s_own_folder_is_found_from_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pyproject.toml").write_text("")
    (tmp_path / "deep" / "er").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "deep" / "er")
    project = Project(also=[tmp_path.parent / "more"])
    assert project.inside(str(tmp_path / "data" / "a.txt")) == ("data", "a.txt")
    assert project.inside(str(tmp_path.parent / "more" / "b.txt")) == ("b.txt",)
    assert project.inside(os.devnull) is None

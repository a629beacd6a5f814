"""Projects written to a folder and imported, for tests of code tracking."""

from __future__ import annotations

import importlib
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from dumbo.code import Project, Tracker

Writer = Callable[..., ModuleType]


class MemoryStore:
    """Source indexes in a dict, with a count of what was put."""

    def __init__(self) -> None:
        self.rows: dict[str, Any] = {}
        self.puts = 0

    def get_source(self, path: str) -> Any:
        return self.rows.get(path)

    def put_source(self, path: str, stamp: Any, blob: bytes) -> None:
        self.puts += 1
        self.rows[path] = (stamp, blob)


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def tracker() -> Tracker:
    return Tracker(Project())


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Writer]:
    """Write modules by name and import the last one."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    before = set(sys.modules)

    def writer(**files: str) -> ModuleType:
        for name, text in files.items():
            place = tmp_path.joinpath(*name.split("__"))
            place.parent.mkdir(parents=True, exist_ok=True)
            place.with_suffix(".py").write_text(textwrap.dedent(text))
        importlib.invalidate_caches()
        # A file imported in the tick it was written in might have been edited since.
        time.sleep(0.03)
        return importlib.import_module(name.replace("__", "."))

    yield writer
    for name in set(sys.modules) - before:
        file = getattr(sys.modules[name], "__file__", None) or ""
        if file.startswith(str(tmp_path)):
            del sys.modules[name]

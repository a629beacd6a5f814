"""Fixtures for all tests: no test touches the user's own store, and projects run in processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(autouse=True)
def own_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A default session of its own for every test."""
    monkeypatch.setenv("DUMBO_DIR", str(tmp_path / "default-store"))
    monkeypatch.setenv("DUMBO_KEY_DIR", str(tmp_path / "keys"))
    yield
    sessions = sys.modules.get("dumbo.session")
    if sessions is not None:
        sessions.close_default()


DRIVER = """
import json, sys
import dumbo as _package
from dumbo import dumbo
_log = []
from dumbo import session as _sessions
_sessions.current().events.subscribe(_log.append)
{body}
_events = [[str(e.kind), e.call, e.reason] for e in _log]
print("RESULT " + json.dumps({{"value": value, "events": _events}}, default=repr))
"""


@dataclass
class Outcome:
    """What one fresh process did."""

    value: Any
    events: list[list[str]]
    stderr: str = ""

    def of(self, kind: str) -> list[str]:
        return [call for found, call, _ in self.events if found == kind]

    @property
    def executed(self) -> list[str]:
        return self.of("executed")

    @property
    def hits(self) -> list[str]:
        return self.of("hit")


@dataclass
class Project:
    """A small project in a folder, run in fresh processes."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)

    def write(self, **modules: str) -> Project:
        for name, text in modules.items():
            (self.folder / f"{name}.py").write_text(textwrap.dedent(text))
        return self

    def edit(self, module: str, before: str, after: str) -> None:
        path = self.folder / f"{module}.py"
        text = path.read_text()
        assert before in text, f"{before!r} is not in {module}.py"
        path.write_text(text.replace(before, after))

    def run(self, body: str, *, warnings: str = "error") -> Outcome:
        """Run `body`, which sets ``value``, in a fresh process."""
        code = DRIVER.format(body=textwrap.dedent(body))
        done = subprocess.run(
            [sys.executable, "-W", warnings, "-c", code],
            cwd=self.folder,
            env={
                **os.environ,
                "PYTHONDONTWRITEBYTECODE": "1",
                "DUMBO_DIR": str(self.folder / "store"),
                "PYTHONPATH": str(self.folder),
                **self.environment,
            },
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        lines = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")]
        assert done.returncode == 0, done.stderr[-4000:]
        found = json.loads(lines[-1].removeprefix("RESULT "))
        return Outcome(found["value"], found["events"], done.stderr)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """An empty project."""
    folder = tmp_path / "project"
    folder.mkdir()
    return Project(folder)

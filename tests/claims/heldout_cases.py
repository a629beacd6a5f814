"""Small projects and what an edit of each must make stale, read from the texts in ``heldout/``.

Law: a case says what a person expects of the documentation alone; nothing here knows how dumbo
finds out. Expected values are not written down: the same files run with a `dumbo` that remembers
nothing.

A text holds cases; each has a head of ``key: value`` lines, then its files, ``--- name``::

    [case] name
    executes: train eval     what runs after the edit ("-": nothing)
    hits: other              what must be answered besides, after the edit
    why: RATE                a word of `dumbo.why()` after the edit
    same: yes                the edit changes no value in the end
    needs: torch             a library without which the case is skipped
    edit: conf.py | RATE = 2 | RATE = 3
    then: conf.py | RATE = 2 | RATE = 4      another edit, of the first version
    env: PKG_LEVEL=1 | 2

``PKG`` stands for the case's package. ``main.py`` has ``run()``. In ``live.txt`` the edit is
``edit()`` of ``edits.py``, made in the process that recorded; ``undo()`` takes it back.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass, field
from pathlib import Path

TEXTS = Path(__file__).parent / "heldout"

Edit = tuple[str, str, str]


@dataclass
class Case:
    """One small project, its edits, and what is expected of them."""

    name: str
    head: dict[str, str] = field(default_factory=dict)
    edits: list[Edit] = field(default_factory=list)
    then: list[Edit] = field(default_factory=list)
    files: dict[str, str] = field(default_factory=dict)

    def words(self, key: str) -> list[str]:
        return [word for word in self._named(self.head.get(key, "")).split() if word != "-"]

    @property
    def executes(self) -> list[str]:
        return sorted(self.words("executes"))

    @property
    def changes_value(self) -> bool:
        return bool(self.executes) and "same" not in self.head

    @property
    def undoes(self) -> bool:
        return "def undo" in self.files.get("edits.py", "")

    @property
    def missing(self) -> str | None:
        """A library the case needs and that is not installed."""
        return next((n for n in self.words("needs") if importlib.util.find_spec(n) is None), None)

    def environment(self, version: int) -> dict[str, str]:
        if "env" not in self.head:
            return {}
        name, _, values = self._named(self.head["env"]).partition("=")
        return {name: values.split("|")[min(version, 1)].strip()}

    def tree(self, version: int) -> dict[str, str]:
        """Every file of a version: 0 as recorded, 1 edited, 2 edited otherwise."""
        files = {"__init__.py": "", **self.files}
        for name, before, after in ([], self.edits, self.then)[version]:
            text = files.get(name, "")
            assert before in text, f"{self.name}: {before!r} is not in {name}"
            files[name] = text.replace(before, after) if before else after
        return {name: self._named(text) for name, text in files.items()}

    def write(self, root: Path, version: int) -> None:
        """Write a version, touching only files that differ and removing those it has not."""
        folder = root / self.name
        files = self.tree(version)
        for name, text in files.items():
            path = folder / name
            if not path.exists() or path.read_text() != text:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
        for path in folder.rglob("*.py"):
            if path.relative_to(folder).as_posix() not in files:
                path.unlink()

    def _named(self, text: str) -> str:
        return text.replace("PKG", self.name)


def read(text: str) -> list[Case]:
    """Read the cases of a text."""
    cases: list[Case] = []
    body: list[str] | None = None
    for line in text.splitlines():
        if line.startswith("[case] "):
            cases.append(Case(line.removeprefix("[case] ")))
            body = None
        elif line.startswith("--- "):
            body = []
            cases[-1].files[line.removeprefix("--- ")] = ""
        elif body is not None:
            body.append(line)
            cases[-1].files[list(cases[-1].files)[-1]] = "\n".join(body).rstrip() + "\n"
        elif line:
            _head(cases[-1], line)
    return cases


def _head(case: Case, line: str) -> None:
    key, _, value = line.partition(": ")
    if key not in {"edit", "then"}:
        case.head[key] = value
        return
    name, before, after = (part.strip() for part in value.split("|", 2))
    edits = case.edits if key == "edit" else case.then
    edits.append((name, before.replace("\\n", "\n"), after.replace("\\n", "\n")))


LIVE = read((TEXTS / "live.txt").read_text())
EDITED = [
    case
    for path in sorted(TEXTS.glob("*.txt"))
    if path.name != "live.txt"
    for case in read(path.read_text())
]

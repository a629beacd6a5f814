"""Source files, indexed once and stat-ed ever after.

Law: an unchanged file costs one ``stat`` per epoch, is not read and not parsed; the index is kept
from run to run by a `SourceStore`. What is loaded decides over what is on disk: a file that may
have changed since it was imported says so (`touched`).
"""

from __future__ import annotations

import ast
import linecache
import os
import textwrap
import threading
import time
from dataclasses import dataclass
from importlib.util import cache_from_source
from pathlib import Path
from typing import Protocol

from dumbo.code.bytecode import MINOR
from dumbo.code.imports import TIMES
from dumbo.code.normal_form import mark, readable
from dumbo.code.source_index import Entry, SourceIndex, index_source
from dumbo.forking import renewed

Stamp = tuple[int, int, int, int]
# A file may change again within one tick of its clock and keep its stamp.
_TICK_NS = 50_000_000
_KEPT_VERSIONS = 8


class SourceStore(Protocol):
    """Keeps source indexes from run to run."""

    def get_source(self, path: str) -> tuple[Stamp, bytes] | None:
        """The stamp ``(mtime_ns, ctime_ns, size, inode)`` and index last put for `path`."""
        ...

    def put_source(self, path: str, stamp: Stamp, blob: bytes) -> None:
        """Keep an index."""
        ...


def stamp_of(path: str) -> Stamp | None:
    """What tells that a file changed; None when there is no such file."""
    try:
        stat = os.stat(path)  # noqa: PTH116 - five times the speed of Path.stat
    except OSError:
        return None
    return (stat.st_mtime_ns, stat.st_ctime_ns, stat.st_size, stat.st_ino)


def settled(stamp: Stamp) -> bool:
    """Whether a file with this stamp cannot change any more without changing it."""
    return time.time_ns() - max(stamp[0], stamp[1]) > _TICK_NS


@dataclass(frozen=True, slots=True)
class Source:
    """One file in one version; `touched` when it may be newer than what is loaded from it."""

    path: str
    stamp: Stamp
    index: SourceIndex
    touched: bool


class Sources:
    """Every source file met so far."""

    def __init__(self, store: SourceStore | None = None) -> None:
        self._store = store
        self._lock = threading.RLock()
        renewed(self)
        self._checked: dict[str, Source | None] = {}
        self._versions: dict[str, list[Source]] = {}
        self._texts: dict[tuple[str, Stamp, int, int], str] = {}
        # Definitions of one file are asked for in a row.
        self._last: tuple[tuple[str, Stamp] | None, list[str]] = (None, [])
        self.parsed = 0
        self.stats = 0

    def renew(self) -> None:
        """Begin again in a forked child."""
        self._lock = threading.RLock()

    def refresh(self) -> None:
        """Look at every file again when it is next asked for."""
        with self._lock:
            self._checked.clear()

    def get(self, path: str) -> Source | None:
        """The file as it is now; None when it is missing or is not Python."""
        if path in self._checked:
            return self._checked[path]
        with self._lock:
            source = self._checked[path] = self._look(path)
            return source

    def versions(self, path: str) -> list[Source]:
        """Every version of the file seen by this process, newest first."""
        self.get(path)
        return self._versions.get(path, [])[::-1]

    def text(self, source: Source, entry: Entry) -> str:
        """Normalised source of one definition, for people; empty when it changed meanwhile."""
        key = (source.path, source.stamp, entry.line, entry.end)
        known = self._texts.get(key)
        if known is None:
            place = (source.path, source.stamp)
            if self._last[0] != place:
                self._last = (place, _lines(source.path))
            known = self._texts[key] = _readable(self._last[1][entry.line - 1 : entry.end])
        return known

    def _look(self, path: str) -> Source | None:
        self.stats += 1
        stamp = stamp_of(path)
        if stamp is None:
            return self._from_cell(path)
        seen = self._versions.get(path, [])
        if seen and seen[-1].stamp == stamp and settled(stamp):
            return seen[-1]
        index = self._stored(path, stamp) or self._parse(path, stamp)
        return self._remember(path, stamp, index, _touched(path, stamp)) if index else None

    def _from_cell(self, path: str) -> Source | None:
        """Text that was never in a file: a notebook's cell, an interactive session."""
        lines = linecache.getlines(path)
        if not lines:
            return None
        text = "".join(lines)
        stamp = (0, 0, len(text), int(mark(text)[:15], 16))
        seen = self._versions.get(path, [])
        if seen and seen[-1].stamp == stamp:
            return seen[-1]
        index = self._index(path, text)
        return self._remember(path, stamp, index, touched=True) if index else None

    def _remember(self, path: str, stamp: Stamp, index: SourceIndex, touched: bool) -> Source:
        source = Source(path, stamp, index, touched)
        seen = self._versions.setdefault(path, [])
        if seen:
            # Two versions in one process: which of them is loaded has to be looked up.
            source = Source(path, stamp, index, touched=True)
        seen.append(source)
        del seen[:-_KEPT_VERSIONS]
        return source

    def _stored(self, path: str, stamp: Stamp) -> SourceIndex | None:
        found = self._store.get_source(_key(path)) if self._store is not None else None
        if found is None or tuple(found[0]) != stamp or not settled(stamp):
            return None
        return SourceIndex.from_bytes(found[1])

    def _parse(self, path: str, stamp: Stamp) -> SourceIndex | None:
        try:
            text = Path(path).read_bytes()
        except OSError:
            return None
        index = self._index(path, text)
        if index is not None and self._store is not None and settled(stamp):
            self._store.put_source(_key(path), stamp, index.to_bytes())
        return index

    def _index(self, path: str, text: str | bytes) -> SourceIndex | None:
        self.parsed += 1
        try:
            return index_source(text, path)
        except (SyntaxError, ValueError, RecursionError):
            return None


def _key(path: str) -> str:
    # Bytecode forms differ between minor versions, and two of them may share one store.
    return f"{path}#{MINOR}"


def _touched(path: str, stamp: Stamp) -> bool:
    newest = max(stamp[0], stamp[1])
    if newest >= TIMES.read_at(path):
        return True
    compiled = stamp_of(cache_from_source(path)) if path.endswith(".py") else None
    return compiled is not None and newest > max(compiled[0], compiled[1])


def _readable(lines: list[str]) -> str:
    segment = textwrap.dedent("".join(lines))
    try:
        return "\n".join(readable(node) for node in ast.parse(segment).body)
    except SyntaxError:  # a lambda in the middle of a statement, or an unusual indent
        return segment.strip()


def _lines(path: str) -> list[str]:
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - a path may be a cell's name
            return file.read().decode("utf-8-sig", "replace").splitlines(keepends=True)
    except OSError:
        return linecache.getlines(path)

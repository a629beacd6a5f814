"""Which code of the project starts during a call.

Law: an event goes to the innermost open recording of its context (so that a memoized callee's
code is the callee's, also among interleaved tasks), and, from a thread that has none, to all open
ones. Code seen once by everyone who must see it is not reported again.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from contextvars import ContextVar
from dataclasses import dataclass, field
from inspect import CO_ASYNC_GENERATOR, CO_COROUTINE, CO_GENERATOR, CO_ITERABLE_COROUTINE
from types import CodeType, FrameType, ModuleType
from typing import Any, Protocol, TypeVar

from dumbo.code import opened
from dumbo.code.bytecode import OPTIMIZED, qualified_name
from dumbo.code.modules import Namespace
from dumbo.code.project import Project
from dumbo.forking import renewed

if sys.version_info >= (3, 12):
    from dumbo.code.monitoring import Monitoring
else:
    from dumbo.code.profiling import Profiling

logger = logging.getLogger("dumbo")
_K = TypeVar("_K")
_V = TypeVar("_V")
_CALLERS = 12
_SUSPENDING = CO_COROUTINE | CO_ASYNC_GENERATOR | CO_GENERATOR | CO_ITERABLE_COROUTINE


@dataclass(frozen=True, slots=True)
class Ran:
    """A code object that started, in which namespace, and who called it."""

    code: CodeType
    namespace: Namespace
    by: str


@dataclass(frozen=True, slots=True)
class Before:
    """What a name meant when the first code that names it started."""

    value: Any
    fingerprint: str | None


@dataclass(slots=True, eq=False)
class Recording:
    """What one call ran.

    Attributes
    ----------
    own : code, optional
        Code of the function whose call it is.
    outer : frozenset of frame
        Coroutines that wait for the call: they go on when it does, and are no part of it.
    codes : dict
        Project code that started, by ``id``.
    classes : dict
        Project classes of first arguments, with the code that got them.
    before : dict
        Meaning of every name, by module and name, before the code that names it ran.
    attributes : set of str
        Attributes that code which started reads.
    holders : set of type
        Project classes met so far, with their bases.
    loose : set of str
        Attributes read from something that no name stands for.
    modules : dict
        Project modules that are values: in a local, a container, an object, an argument.
    paths : dict
        Where classes were found that are not in their module under their own name.
    files : set of str
        Files opened for reading, as absolute paths; not all where there are many.
    spelled : set of str
        The same as they were given.
    incomplete : str
        Why not all code was seen; empty when it was.
    """

    parent: Recording | None = None
    own: CodeType | None = None
    outer: frozenset[FrameType] = frozenset()
    codes: dict[int, Ran] = field(default_factory=dict)
    classes: dict[type, str] = field(default_factory=dict)
    before: dict[tuple[str, str], Before] = field(default_factory=dict)
    attributes: set[str] = field(default_factory=set)
    holders: set[type] = field(default_factory=set)
    loose: set[str] = field(default_factory=set)
    modules: dict[str, Namespace] = field(default_factory=dict)
    paths: dict[type, tuple[Namespace, str]] = field(default_factory=dict)
    files: set[str] = field(default_factory=set)
    spelled: set[str] = field(default_factory=set)
    incomplete: str = ""
    children: int = 0
    is_open: bool = True

    def take_over(self, other: Recording) -> None:
        """Add what another recording saw, as if it had not been apart.

        This one may be open, and its own thread adding to it meanwhile: nothing is put in place of
        what is there, so that nothing of it is lost. The other one is closed.
        """
        _add_missing(self.codes, other.codes)
        _add_missing(self.classes, other.classes)
        _add_missing(self.before, other.before)
        _add_missing(self.modules, other.modules)
        _add_missing(self.paths, other.paths)
        self.attributes |= other.attributes
        self.loose |= other.loose
        self.holders |= other.holders
        self.files |= other.files
        self.incomplete = self.incomplete or other.incomplete


class Hook(Protocol):
    """How Python reports that code starts."""

    def opened(self) -> str:
        """A recording opened on this thread; returns why code cannot be seen, or nothing."""
        ...

    def closed(self, remaining: int) -> None:
        """A recording opened on this thread was closed, and so many are still open."""
        ...


Snapshot = Callable[[Recording, Ran], None]


class Recorder:
    """Open recordings and the hook that feeds them."""

    def __init__(
        self, project: Project, snapshot: Snapshot, budget: int, *, watch_files: bool = False
    ) -> None:
        self._project = project
        self._watch_files = watch_files
        self._snapshot = snapshot
        self.open: tuple[Recording, ...] = ()
        self._leaves = 0
        self.lock = threading.RLock()
        renewed(self)
        self.current: ContextVar[Recording | None] = ContextVar("dumbo recording", default=None)
        self.hook = _hook(self, budget)
        self.events = 0

    def renew(self) -> None:
        """Begin again in a forked child: calls of other threads and tasks do not go on in it."""
        self.lock = threading.RLock()
        here: set[Recording] = set()
        current = self.current.get()
        while current is not None:
            here.add(current)
            current = current.parent
        was_open = bool(self.open)
        for recording in self.open:
            recording.is_open = recording in here
            recording.children = 0
        self.open = tuple([recording for recording in self.open if recording.is_open])
        for recording in self.open:
            if recording.parent is not None:
                recording.parent.children += 1
        self._count_leaves()
        if was_open and not self.open:
            self.hook.closed(0)
            if self._watch_files:
                opened.leave(self)

    def _count_leaves(self) -> None:
        self._leaves = sum([not recording.children for recording in self.open])

    def recording(self, own: CodeType | None = None) -> AbstractContextManager[Recording]:
        """Record what runs in the ``with`` block, for a call of the function with code `own`."""
        return _Block(self, own)

    @property
    def is_idle(self) -> bool:
        """Whether nothing is being recorded."""
        return not self.open

    def gave_up(self, reason: str) -> None:
        """The hook stopped watching: what is open is incomplete."""
        for recording in self.open:
            recording.incomplete = recording.incomplete or reason

    def is_foreign(self, code: CodeType) -> bool:
        """Whether this code can never be told of, in this recording or any other."""
        file = code.co_filename
        if not code.co_flags & OPTIMIZED:
            return True
        # Whose code from text is, its file name alone does not tell.
        made = file.startswith("<") and not file.startswith("<frozen")
        return not made and not self._project.owns_file(file)

    def note(self, code: CodeType, frame: FrameType) -> bool:
        """Take one event; returns whether this code need not be reported again."""
        self.events += 1
        if not code.co_flags & OPTIMIZED or not self._owns(code, frame):
            return True
        current = self.current.get()
        mine = current is not None and current.is_open
        for recording in (current,) if current is not None and mine else self.open:
            if frame in recording.outer:
                return False
            if id(code) not in recording.codes:
                self._take(recording, code, frame)
        return not mine or self._leaves == 1

    def opened(self, path: str) -> None:
        """Take one file that is opened for reading; it belongs to whom code would belong to."""
        current = self.current.get()
        mine = current is not None and current.is_open
        for recording in (current,) if current is not None and mine else self.open:
            if len(recording.files) < opened.FEW and path not in recording.spelled:
                recording.spelled.add(path)  # making it absolute costs more than all the rest
                with contextlib.suppress(OSError, ValueError):  # the working folder may be gone
                    recording.files.add(os.path.abspath(path))  # noqa: PTH100 - Path takes ten times as long

    def _owns(self, code: CodeType, frame: FrameType) -> bool:
        """Whether the code is the project's; code made from text belongs to the module it is in."""
        if any(code is recording.own for recording in self.open):
            return True  # a memoized function is watched wherever it was made
        return self._project.owns_code(code, frame.f_globals.get("__name__"))

    def _take(self, recording: Recording, code: CodeType, frame: FrameType) -> None:
        if self._watch_files:
            opened.look_at(code)
        ran = Ran(code, frame.f_globals, self._caller(frame))
        recording.codes[id(code)] = ran
        try:
            for value in _arguments(frame, everything=code is recording.own):
                if issubclass(type(value), ModuleType):
                    recording.modules.setdefault(value.__name__, vars(value))
                    continue
                cls: Any = value if issubclass(type(value), type) else type(value)
                if self._project.owns_module(cls.__module__):
                    recording.classes.setdefault(cls, qualified_name(code))
            self._snapshot(recording, ran)
        except Exception:  # an error here would surface in the middle of the user's code
            logger.exception("could not look at the names of %s", code.co_qualname)
            recording.incomplete = recording.incomplete or "names could not be read"

    def _caller(self, frame: FrameType) -> str:
        caller = frame.f_back
        for _ in range(_CALLERS):
            if caller is None:
                break
            if self._project.owns_file(caller.f_code.co_filename):
                return qualified_name(caller.f_code)
            caller = caller.f_back
        return ""

    def enter(self, recording: Recording) -> None:
        """Open a recording, under the lock; the hook is told by the caller."""
        if recording.parent is not None:
            recording.parent.children += 1
        if self._watch_files and not self.open:
            opened.listen(self)
        self.open = (*self.open, recording)
        self._count_leaves()
        self.current.set(recording)

    def leave(self, recording: Recording) -> None:
        """Close a recording, under the lock; the hook is told by the caller."""
        recording.is_open = False
        known = recording in self.open  # a forked child knows only those of the thread that forked
        if recording.parent is not None and known:
            recording.parent.children -= 1
        self.open = tuple([r for r in self.open if r is not recording])
        if self._watch_files and known and not self.open:
            opened.leave(self)
        self._count_leaves()
        self.current.set(recording.parent)
        recording.outer = frozenset()  # frames hold everything they name alive


class _Block:
    """The ``with`` block of one recording; a class, as a generator would run under the hook."""

    __slots__ = ("_own", "_recorder", "_recording")

    def __init__(self, recorder: Recorder, own: CodeType | None) -> None:
        self._recorder = recorder
        self._own = own

    def __enter__(self) -> Recording:
        recorder = self._recorder
        waiting = _waiting(sys._getframe(1))  # noqa: SLF001 - no public way
        self._recording = recording = Recording(recorder.current.get(), self._own, waiting)
        with recorder.lock:
            recorder.enter(recording)
            # Last, and first below: what comes between is seen, and seeing costs.
            recording.incomplete = recorder.hook.opened()
        return recording

    def __exit__(self, kind: object, *_: object) -> None:
        recorder, recording = self._recorder, self._recording
        with recorder.lock:
            recorder.hook.closed(len([r for r in recorder.open if r is not recording]))
            recorder.leave(recording)
            if kind is not None and recording.parent is not None and recording.parent.is_open:
                # A call that fails leaves nothing behind, so what it hung on is its caller's.
                recording.parent.take_over(recording)


def _add_missing(held: dict[_K, _V], more: dict[_K, _V]) -> None:
    for key, value in list(more.items()):
        held.setdefault(key, value)


def _waiting(frame: FrameType | None) -> frozenset[FrameType]:
    found: list[FrameType] = []
    while frame is not None:
        if frame.f_code.co_flags & _SUSPENDING:
            found.append(frame)
        frame = frame.f_back
    return frozenset(found)


def _arguments(frame: FrameType, *, everything: bool) -> Iterator[Any]:
    """The first argument, which may be ``self``, or all of them."""
    code = frame.f_code
    count = code.co_argcount + code.co_kwonlyargcount if everything else min(code.co_argcount, 1)
    for name in code.co_varnames[:count]:
        yield frame.f_locals.get(name)


def _hook(recorder: Recorder, budget: int) -> Hook:
    if sys.version_info >= (3, 12):
        return Monitoring(recorder.note)
    return Profiling(recorder, budget)

"""The tracker: what a result depends on, whether that is unchanged, and what changed.

Law: wires the parts of this package and keeps verdicts for one epoch; everything else is theirs.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Container, Iterable, Iterator
from contextlib import AbstractContextManager
from threading import get_ident
from types import FunctionType
from typing import Any
from weakref import WeakKeyDictionary

from dumbo.code import guards as guarding
from dumbo.code import modules, moving, opened
from dumbo.code.bindings import Bindings
from dumbo.code.bytecode import qualified_name
from dumbo.code.collect import Collection
from dumbo.code.declarations import Contents
from dumbo.code.depsets import Depsets
from dumbo.code.forms import Forms
from dumbo.code.guards import Guards
from dumbo.code.looking import Looker
from dumbo.code.packages import Packages
from dumbo.code.project import Project
from dumbo.code.recording import Ran, Recorder, Recording
from dumbo.code.resolve import Resolver
from dumbo.code.sources import Sources, SourceStore
from dumbo.code.statics import functions_behind
from dumbo.code.today import Today, joined, key_of
from dumbo.code.verify import Unanswered, Verifier
from dumbo.forking import renewed
from dumbo.identity.cid import FunctionId
from dumbo.records import Dependency, DependencyKind, Depset, Staleness, State

EVENT_BUDGET = 200_000
_HINTS = 4
_ASKED = 3
"""Times a callable is asked while something begins epochs meanwhile."""
logger = logging.getLogger("dumbo")


class Tracker:
    """Code tracking of one session. Safe to use from several threads.

    Parameters
    ----------
    project : Project
        What counts as code of the project.
    sources : SourceStore, optional
        Keeps source indexes from run to run.
    budget : int, optional
        Events without news after which watching stops, on Python 3.11.
    watch_files : bool, optional
        Note files that are read and not declared. It needs an audit hook, which stays until the
        process ends and makes ``id()``, ``f.__code__`` and ``sys._getframe()`` take about 0.3 us
        longer everywhere, so it is for finding out and not for every day.

    Attributes
    ----------
    epoch : int
        Grows with every `refresh`; a verdict holds within one epoch.

    Examples
    --------
    >>> tracker = Tracker(Project())
    >>> def f(x):
    ...     return len(x)
    >>> with tracker.recording(f) as recording:
    ...     f("abc")
    3
    >>> tracker.verify(tracker.depset(f, recording), f).state
    <State.FRESH: 'fresh'>
    """

    def __init__(
        self,
        project: Project,
        sources: SourceStore | None = None,
        *,
        budget: int = EVENT_BUDGET,
        watch_files: bool = False,
    ) -> None:
        self.epoch = 0
        self.sources = Sources(sources)
        forms = Forms(self.sources)
        resolver = Resolver(project, forms)
        bindings = Bindings(self.sources, project)
        self._looker = Looker(project, forms, resolver, Packages(), bindings)
        self._recorder = Recorder(project, self._looker.snapshot, budget, watch_files=watch_files)
        self._verifier = Verifier(self._looker, Contents(sources))
        self._verdicts: dict[tuple[str, int, tuple[str, ...]], Staleness] = {}
        self._depsets = Depsets()
        self._hinted: WeakKeyDictionary[FunctionType, set[str]] = WeakKeyDictionary()
        self._lock = threading.RLock()
        self._asking: set[int] = set()
        renewed(self)

    def renew(self) -> None:
        """Begin again in a forked child."""
        self._lock = threading.RLock()
        self._asking &= {get_ident()}

    @property
    def events(self) -> int:
        """How many events the recorder has taken."""
        return self._recorder.events

    def refresh(self) -> None:
        """Begin a new epoch: everything is verified again when it is next asked for."""
        with self._lock:
            self.epoch += 1
            self._verdicts.clear()
            if get_ident() not in self._asking:
                self._verifier.answers.clear()
            self._depsets.clear()
            self.sources.refresh()
            self._looker.bindings.refresh()
            self._looker.packages.forget()
            modules.forget_searches()

    def recording(self, function: Any) -> AbstractContextManager[Recording]:
        """Record what runs in the ``with`` block; nested ones keep their code to themselves."""
        plain = _plain(function)
        return self._recorder.recording(plain.__code__ if plain is not None else None)

    def depset(
        self,
        function: Any,
        recording: Recording,
        declared: Iterable[Dependency] = (),
        arguments: Iterable[Any] = (),
    ) -> Depset:
        """What the recorded call depended on.

        Parameters
        ----------
        function : callable
            The user's plain function.
        recording : Recording
            Of the call, closed.
        declared : iterable of Dependency, optional
            From `declared`, at the decorator and in the body.
        arguments : iterable, optional
            Further values whose project classes are dependencies; those of the call's own
            arguments are, in any case.
        """
        plain, declared, arguments = _plain(function), tuple(declared), tuple(arguments)
        if plain is None or arguments:
            return self._collected(plain, recording, declared, arguments)
        epoch = self.epoch
        depset = self._depsets.again(plain, recording, declared, epoch)
        if depset is None:
            depset = self._collected(plain, recording, declared, ())
            self._depsets.note(plain, recording, declared, epoch, depset, self._guarded)
        return depset

    def _collected(
        self,
        plain: FunctionType | None,
        recording: Recording,
        declared: tuple[Dependency, ...],
        arguments: tuple[Any, ...],
    ) -> Depset:
        collection = Collection(self._looker, recording, plain)
        if plain is not None and recording.incomplete and not recording.codes:
            collection.follow(plain, "")
        collection.record(arguments)
        return collection.depset((*declared, *self._hints(plain, recording, declared)))

    def _hints(
        self, plain: FunctionType | None, recording: Recording, declared: tuple[Dependency, ...]
    ) -> Iterator[Dependency]:
        """Notes of files that were read and not declared: a few of each function, told of once."""
        if plain is None or not recording.files:
            return
        known = self._hinted.setdefault(plain, set())
        for hint in opened.undeclared(self._looker.project, recording.files, declared):
            if hint.name not in known and len(known) >= _HINTS:
                continue  # a depset for each of a thousand files would tell no more
            if not known:
                logger.info(
                    "%s read %s, which it does not declare: a change of it will not be noticed; "
                    "say dumbo.depends_on(file=...) in its body",
                    plain.__qualname__,
                    hint.name.partition(":")[2],
                )
            known.add(hint.name)
            yield hint

    def _guarded(self, plain: FunctionType, depset: Depset) -> Guards:
        return guarding.build(self._looker.resolver, plain, depset)

    def closure_depset(self, function: Any) -> Depset:
        """What a call could depend on, by reading code alone and running nothing."""
        recording = Recording(is_open=False)
        collection = Collection(self._looker, recording, _plain(function))
        for plain in functions_behind(function):
            collection.follow_code(Ran(plain.__code__, plain.__globals__, ""))
        collection.record(())
        return collection.depset()

    def verify(
        self, depset: Depset, function: Any = None, declared: Iterable[Dependency] = ()
    ) -> Staleness:
        """Whether `depset` still holds; asked once per epoch.

        Declared callables are called, so no lock may be held; see `verify_known`.

        Parameters
        ----------
        depset : Depset
        function : callable, optional
            The user's plain function, if it is loaded.
        declared : iterable of Dependency, optional
            What the decorator declares now: values can only be compared with these.
        """
        declared = tuple(declared)
        while True:
            try:
                return self.verify_known(depset, function, declared)
            except Unanswered as asked:
                self.answer(asked.dependency)

    def answer(self, dependency: Dependency) -> None:
        """Ask a declared callable, holding no lock, and remember what it said for this epoch."""
        me = get_ident()
        for _ in range(_ASKED):
            epoch = self.epoch
            nested = me in self._asking
            self._asking.add(me)
            try:
                answer = self._verifier.ask(dependency)
            finally:
                if not nested:
                    self._asking.discard(me)
            if self.epoch == epoch:
                break
        with self._lock:
            # One that begins an epoch itself, by what it calls, would else be asked for ever.
            self._verifier.answers[dependency.key] = answer

    def verify_known(
        self, depset: Depset, function: Any = None, declared: Iterable[Dependency] = ()
    ) -> Staleness:
        """As `verify`, but no code of the user is called, so it may be asked under a lock.

        Raises
        ------
        Unanswered
            A declared callable has to be asked first: `answer` it without a lock, and ask again.
        """
        declared = tuple(declared)
        plain = _plain(function)
        key = (depset.key, id(plain), tuple(d.fingerprint for d in declared))
        with self._lock:
            known = self._verdicts.get(key)
            if known is None:
                known = self._verifier.verify(depset, plain, declared)
                # Only what holds is guarded against change; the rest may come to hold again.
                if known.state is State.FRESH:
                    self._verdicts[key] = known
            return known

    def guards(
        self, function: Any, depset: Depset, declared: Iterable[Dependency] = ()
    ) -> Guards | None:
        """A fast check that nothing `depset` names was rebound or changed in this process.

        None when `depset` does not hold now, so that there is nothing to guard. When it answers
        False: `refresh`, `verify`, and ask for new guards. Give what was given to `verify`: its
        verdict is then used again.
        """
        plain = _plain(function)
        if self.verify_known(depset, plain, declared).reasons:
            return None
        return guarding.build(self._looker.resolver, plain, depset)

    def moved(self, depset: Depset, old: FunctionId, function: Any) -> Iterator[Depset]:
        """What a depset of `old` is if `function` is what became of `old`; the likeliest first.

        Each is true of today's code if it verifies. Nothing is given where the depset does not
        know the code of `old`.
        """
        plain = _plain(function)
        if plain is not None:
            yield from moving.moved(self._looker, depset, old, plain)

    def as_of_today(
        self,
        depset: Depset,
        function: Any = None,
        declared: Iterable[Dependency] = (),
        only: Container[tuple[str, str, str]] | None = None,
    ) -> tuple[Depset, tuple[Dependency, ...]]:
        """Bring a depset up to date; and what cannot be found now, which stays as it was recorded.

        Parameters
        ----------
        depset : Depset
        function : callable, optional
            The user's plain function, if it is loaded. What edited code may use beyond what was
            recorded is then added.
        declared : iterable of Dependency, optional
            What the decorator declares now.
        only : container of keys, optional
            What to bring up to date; all else stays as it was.
        """
        plain = _plain(function)
        declared = tuple(declared)
        while True:
            try:
                today = Today(self._looker, self._verifier, plain, declared)
                present, lost, moved = today.members(depset, only)
                break
            except Unanswered as asked:
                self.answer(asked.dependency)
        more = self.closure_depset(plain).members if moved and plain is not None else ()
        return joined(present, more), tuple(lost)

    def key_of(self, thing: Any) -> tuple[str, str, str] | None:
        """Key of the dependency a plain function or a class of the project is; None for others."""
        return key_of(self._looker, thing)

    def own_code(self, function: Any) -> Dependency | None:
        """The function's own code as a dependency, as it is loaded."""
        plain = _plain(function)
        if plain is None:
            return None
        code, forms = plain.__code__, self._looker.forms
        return Dependency(
            DependencyKind.CODE,
            modules.real_name(plain.__globals__),
            qualified_name(code),
            forms.of_code(code),
            forms.text_of_code(code),
            code.co_filename,
        )


def _plain(function: Any) -> FunctionType | None:
    found = functions_behind(function)
    return found[0] if found else None

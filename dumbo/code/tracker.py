"""The tracker: what a result depends on, whether that is unchanged, and what changed.

Law: wires the parts of this package and keeps verdicts for one epoch; everything else is theirs.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from contextlib import AbstractContextManager
from types import FunctionType
from typing import Any

from dumbo.code import guards as guarding
from dumbo.code import modules
from dumbo.code.bindings import Bindings
from dumbo.code.collect import Collection
from dumbo.code.declarations import Contents
from dumbo.code.explain import describe
from dumbo.code.forms import Forms
from dumbo.code.guards import Guards
from dumbo.code.looking import Looker
from dumbo.code.packages import Packages
from dumbo.code.project import Project
from dumbo.code.recording import Ran, Recorder, Recording
from dumbo.code.resolve import Resolver
from dumbo.code.sources import Sources, SourceStore
from dumbo.code.statics import functions_behind
from dumbo.code.verify import Verifier
from dumbo.records import Dependency, Depset, Reason, Staleness, State

EVENT_BUDGET = 200_000


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
    ) -> None:
        self.epoch = 0
        self.sources = Sources(sources)
        forms = Forms(self.sources)
        resolver = Resolver(project, forms)
        bindings = Bindings(self.sources, project)
        self._looker = Looker(project, forms, resolver, Packages(), bindings)
        self._recorder = Recorder(project, self._looker.snapshot, budget)
        self._verifier = Verifier(self._looker, Contents(sources))
        self._verdicts: dict[tuple[str, int, tuple[str, ...]], Staleness] = {}
        self._lock = threading.RLock()

    @property
    def events(self) -> int:
        """How many events the recorder has taken."""
        return self._recorder.events

    def refresh(self) -> None:
        """Begin a new epoch: everything is verified again when it is next asked for."""
        with self._lock:
            self.epoch += 1
            self._verdicts.clear()
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
        collection = Collection(self._looker, recording, _plain(function))
        plain = _plain(function)
        if plain is not None and recording.incomplete and not recording.codes:
            collection.follow(plain, "")
        collection.record(arguments)
        return collection.depset(tuple(declared))

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

        Parameters
        ----------
        depset : Depset
        function : callable, optional
            The user's plain function, if it is loaded.
        declared : iterable of Dependency, optional
            What the decorator declares now: values can only be compared with these.
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

    def guards(self, function: Any, depset: Depset) -> Guards | None:
        """A fast check that nothing `depset` names was rebound or changed in this process.

        None when `depset` does not hold now, so that there is nothing to guard. When it answers
        False: `refresh`, `verify`, and ask for new guards.
        """
        plain = _plain(function)
        if self.verify(depset, plain).reasons:
            return None
        return guarding.build(self._looker.resolver, plain, depset)

    def describe(self, reason: Reason) -> str:
        """A reason in words, with a diff or the old and new value."""
        return describe(reason)


def _plain(function: Any) -> FunctionType | None:
    found = functions_behind(function)
    return found[0] if found else None

"""The call path: bind, identify, look up, verify, reuse or run, record, wrap.

Law: one flow, top to bottom. `Engine.call` names the call, asks memory and then the catalog for a
version that holds now, lets the policy decide about one that does not, and otherwise runs the
user's function under a frame and a recorder. Whatever the store does, the call gives its value;
whatever the function raises passes through untouched and leaves nothing behind but an event.

Faster than this is only the warm path of `dumbo.function`, which answers from an `Entry` made here
while its stamp is the current one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final
from weakref import WeakValueDictionary, ref

from dumbo import frames, overrides
from dumbo.adopting import Adopting
from dumbo.claims import Claims
from dumbo.code import Tracker
from dumbo.counting import Counting
from dumbo.entries import Entry
from dumbo.errors import StaleResultError, UncacheableError, ValueLostError
from dumbo.events import Event, EventKind, Events
from dumbo.frames import Frame
from dumbo.graph.explain import Explanation, explain, one_line
from dumbo.growing import Growing
from dumbo.identity import CallIdentity, CallShape
from dumbo.identity.cid import CID, FunctionId
from dumbo.judging import Judge
from dumbo.keeping import STORE_TROUBLE, Keeping
from dumbo.policy import Action, Keep, Place, Policy, decide_reuse
from dumbo.proxy import Returns, protect
from dumbo.recall import Recall
from dumbo.records import FRESH, Dependency, Record, Staleness, State
from dumbo.running import Running
from dumbo.storage import Store
from dumbo.tracing import Run, Tracing, calling_line, refuse_live, returned


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Target:
    """What the engine knows of one decorated function.

    Attributes
    ----------
    plain, shape, keep, returns, policy
        The user's function, how its calls are named, and the options of the decorator.
    declares : callable
        What the decorator declares, looked at when the function runs: files as they are then.
    declared : tuple of Dependency
        Declared values, which only the decorator can say again when a result is judged.
    """

    plain: Callable[..., Any]
    shape: CallShape
    keep: Keep | None = None
    returns: Returns | None = None
    policy: Policy | None = None
    declares: Callable[[], tuple[Dependency, ...]] = tuple
    declared: tuple[Dependency, ...] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """What a look-up gave: an entry that may be used, or the newest version and what is wrong."""

    entry: Entry | None = None
    record: Record | None = None
    verdict: Staleness = FRESH


NOTHING: Final = Found()
TOLD: Final = 1024
"""Explanations kept, so that one can lead to the next."""


class Engine:
    """The call path over the parts of one session."""

    def __init__(  # noqa: PLR0913  # the session hands over each of its parts by name
        self,
        *,
        store: Store,
        tracker: Tracker,
        events: Events,
        policy: Policy,
        keep: Keep,
        returns: Returns,
    ) -> None:
        self.store = store
        self.tracker = tracker
        self.events = events
        self.policy = policy
        self.targets: WeakValueDictionary[FunctionId, Target] = WeakValueDictionary()
        self.recall = Recall(store, events, self.remake)
        self.judge = Judge(self.recall, tracker, self.targets.get)
        self.keeping = Keeping(store, self.judge, self.recall, events)
        self.counting = Counting(store)
        self.last_why: Explanation | None = None
        self._keep = keep
        self._returns = returns
        self._tracing = Tracing(tracker, self.judge, self.recall)
        self._claims = Claims()
        self._told: dict[str, Explanation] = {}
        self.adopting = Adopting(store, tracker, self.judge, self.recall)
        self._growing = Growing(store, tracker, self.judge, self.recall)

    # The two ways in.

    def call(
        self,
        target: Target,
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        *,
        recompute: bool = False,
    ) -> Entry:
        """Give the result of one call, by reuse or by running the function."""
        identity = target.shape.identify(args, kwargs)
        self.know(target)
        with frames.billed(), self._claims.held(identity.cid):
            found = self.find(identity.cid, target)
            entry = None if recompute else self._reuse(target, found)
            if entry is None:
                with self._running(target, identity) as run:
                    run.value = target.plain(*run.args, **run.kwargs)
                entry = self._finish(target, run, again=found.record is not None)
        self.used(entry)
        return entry

    async def call_async(
        self,
        target: Target,
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        *,
        recompute: bool = False,
    ) -> Entry:
        """Give the result of one call of an ``async def``."""
        identity = target.shape.identify(args, kwargs)
        self.know(target)
        with frames.billed():
            found = self.find(identity.cid, target)
            entry = None if recompute else self._reuse(target, found)
            if entry is None:
                with self._running(target, identity) as run:
                    run.value = await target.plain(*run.args, **run.kwargs)
                entry = self._finish(target, run, again=found.record is not None)
        self.used(entry)
        return entry

    # Look up and verify.

    def find(self, cid: CID, target: Target | None = None, *, any_state: bool = False) -> Found:
        """Look `cid` up in memory, then in the catalog; the newest version that holds wins.

        With `any_state` the newest version with a value is good enough, whatever its verdict.
        """
        target = target or self.targets.get(cid.parent.function)
        best = NOTHING
        entry = self.held(cid)
        if entry is not None and self._unspoilt(entry):
            verdict = self.judge.verdict(entry.record)
            if verdict.state is State.FRESH or any_state:
                return Found(entry, entry.record, verdict)
            best = Found(None, entry.record, verdict)
        try:
            for record in self.store.catalog.versions(cid):
                verdict = self.judge.verdict(record)
                if best.record is None:
                    best = Found(None, record, verdict)
                usable = verdict.state is State.FRESH or any_state
                if usable and record.stored is not None and self._present(record):
                    return Found(self._remember(target, record), record, verdict)
        except STORE_TROUBLE as trouble:
            self.keeping.warn(cid.short, trouble)
        return best

    def _reuse(self, target: Target, found: Found) -> Entry | None:
        """Give an entry to reuse, or None when the function has to run."""
        if found.entry is not None:
            found.entry.shortcut.hits += 1
            found.entry.shortcut.counted += 1
            self._tell(EventKind.HIT, found.entry.record, seconds=found.entry.record.total_seconds)
            return found.entry
        if found.record is None:
            self.hint(target)
        if found.record is None or found.verdict.state is State.FRESH:
            return None  # never computed, or its value was not kept
        self.last_why = self._explained(found.record, found.verdict)
        self._tell(EventKind.STALE, found.record, self.last_why.short)
        policy = overrides.policy() or target.policy or self.policy
        chosen = policy.indirect if frames.current() is not None else policy.direct
        decision = decide_reuse(chosen, found.verdict, found.record.total_seconds)
        if decision.action is Action.RAISE:
            raise StaleResultError(
                f"{one_line(found.record.call, found.verdict)}; the policy is Raise(): "
                "call .recompute(...), or accept the result under dumbo.policy(Reuse())"
            )
        if decision.action is Action.RECOMPUTE:
            return None
        old = self.find(found.record.cid, any_state=True).entry
        if old is None:
            return None
        self._tell(EventKind.HIT, old.record, decision.reason, seconds=old.record.total_seconds)
        return self.recall.marked(old, self.returns_of(target), decision.reason)

    def _explained(self, record: Record, verdict: Staleness) -> Explanation:
        """Why `record` does not hold; for an input that changed, why that one was made again."""
        told = explain(record, verdict)
        subjects = dict.fromkeys(reason.subject for reason in verdict.reasons)
        for root in [self._told[subject] for subject in subjects if subject in self._told]:
            text = "\n".join((told, *(f"  {line}" for line in root.splitlines())))
            told = Explanation.of(text, told.short, verdict)
        if len(self._told) >= TOLD:
            self._told.clear()
        self._told[record.cid] = told
        return told

    def _present(self, record: Record) -> bool:
        """Whether the bytes are there and as they were written; a miss with a warning if not."""
        assert record.stored is not None
        try:
            self.store.values.check(record.stored)
        except ValueLostError as lost:
            self.keeping.warn(record.call, lost)
            return False
        return True

    def _unspoilt(self, entry: Entry) -> bool:
        """Whether nobody changed the value in memory behind its carrier's back."""
        if entry.is_unspoilt():
            return True
        self.forget_memory(entry.record.cid)
        self._tell(EventKind.EVICTED, entry.record, "its value was changed in place")
        return False

    # Run and record.

    def _running(self, target: Target, identity: CallIdentity) -> Running:
        return Running(self.tracker, self.events, target.plain, identity, target.declares())

    def _finish(self, target: Target, run: Run, *, again: bool) -> Entry:
        """Turn what ran into a record, a kept value where it pays, and a carrier."""
        refuse_live(run.value, run.identity.text)
        value, inner = returned(run.value)
        run.value = None  # so that an array nobody else holds can be seen to be nobody else's
        shape = target.shape
        trace = self._tracing.trace(run, shape.function_id, target.plain, inner)
        keep = target.keep or self._keep
        try:
            guarded = protect(value, held=1)
        except UncacheableError:  # nothing can hold it: given as it is, to this caller alone
            guarded, keep = value, Keep.NEVER
        entry = self.recall.fresh(trace, guarded, self.returns_of(target))
        self._tell(EventKind.EXECUTED, trace.record, seconds=trace.record.own_seconds)
        place = self.keeping.settle(trace, entry.node, keep)
        stored = trace.record.stored
        if stored is not None and self.store.values.is_lazy(stored):
            # The stored bytes live on, not the object that ran, which others may hold and change.
            entry = self.recall.entry(trace.record, self.returns_of(target), trace=trace)
        elif place is not Place.NOWHERE:
            entry.watch(entry.node.value)
        if again:
            self.judge.versions_moved()
        if place is not Place.NOWHERE:
            self._hold(entry)
        return entry

    def put(
        self, target: Target, value: object, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> Entry:
        """Make `value` the newest result of a call, under today's code as far as it can be read."""
        identity = target.shape.identify(args, kwargs)
        self.know(target)
        again = self.find(identity.cid, target).record is not None
        run = Run(identity, args, dict(kwargs), Frame(identity.cid), calling_line())
        with self.tracker.recording(target.plain) as run.recording:
            run.value = value
        closure = self.tracker.closure_depset(target.plain).members
        run.frame.declared.extend((*target.declares(), *closure))
        putting = replace(target, keep=Keep.ALWAYS)
        return self._finish(putting, run, again=again)

    def remake(self, record: Record, lost: ValueLostError) -> object:
        """Compute a value again whose bytes are gone, where its call can be repeated.

        Raises
        ------
        ValueLostError
            The function is not loaded here, or the arguments are not on the record.
        """
        target = self.targets.get(record.cid.parent.function)
        arguments = None if target is None else self.recall.arguments(record, target.shape)
        if target is None or arguments is None:
            raise ValueLostError(
                f"{record.call}: {lost}. Make the call again to have it computed"
            ) from lost
        self.keeping.warn(record.call, lost)
        whole = self.call(target, arguments.args, arguments.kwargs, recompute=True).node
        for key in self.recall.steps(record.cid):
            whole = whole.child(key)
        return whole.value

    # Memory, events and small things.

    def _remember(self, target: Target | None, record: Record) -> Entry:
        entry = self.recall.entry(record, self.returns_of(target))
        self._hold(entry)
        return entry

    def _hold(self, entry: Entry) -> None:
        record = entry.record
        entry.trace.node = ref(entry.node)
        self.recall.traces[record.cid] = entry.trace
        self.store.memory.put(record.cid, entry, max(record.nbytes, 1))

    def warm(self, entry: Entry) -> None:
        """Stamp the entry and give it guards, so that the warm path may answer from it."""
        shortcut = entry.shortcut
        if shortcut.stamp is self.judge.stamp or not entry.is_shared:
            return
        found = self.judge.warranty(entry.record, entry.is_unspoilt if entry.is_watched else None)
        if found is not None:
            shortcut.carrier = entry.carrier
            shortcut.guard, shortcut.stamp = found

    def used(self, entry: Entry) -> None:
        """Note the result in the frames of the calls that asked for it."""
        for frame in frames.users():
            frame.note(entry.record.cid, entry.trace)

    def held(self, cid: CID) -> Entry | None:
        """The entry of `cid` in the memory tier."""
        entry = self.store.memory.get(cid)
        return entry if isinstance(entry, Entry) else None

    def evicted(self, cid: str, entry: object, nbytes: int) -> None:
        """Take note that an entry had to leave the memory tier; its record stays."""
        if isinstance(entry, Entry):
            self.counting.absorb(entry)
            entry.shortcut.close()
            record = entry.record
            self.events.emit(
                Event(EventKind.EVICTED, cid, record.call, "memory is full", nbytes=nbytes)
            )

    def forget_memory(self, cid: CID) -> None:
        """Drop what memory knows of a CID."""
        entry = self.held(cid)
        if entry is not None:
            entry.shortcut.close()
            self.store.memory.drop(cid)
        self.recall.traces.pop(cid, None)
        self.judge.versions_moved()

    def returns_of(self, target: Target | None) -> Returns:
        """The kind of carrier a function's results come in."""
        return (target.returns if target is not None else None) or self._returns

    def know(self, target: Target) -> None:
        """Remember which function an id stands for, so that its code can be judged."""
        if self.targets.get(target.shape.function_id) is not target:
            self.targets[target.shape.function_id] = target
            self.judge.versions_moved()  # what was judged without the function is judged again
            if target.shape.new_defaults:
                self._asked_of_store(target, lambda: self._growing.accept(target.shape, target))

    def hint(self, target: Target) -> str:
        """Where results of a function that has none may be found; see `Adopting.hint`."""
        found: list[str] = []
        self._asked_of_store(
            target, lambda: found.append(self.adopting.hint(target, self.targets.keys()))
        )
        return "".join(found)

    def _asked_of_store(self, target: Target, ask: Callable[[], None]) -> None:
        """Ask what a call can do without: trouble is told, and the call goes on."""
        try:
            ask()
        except STORE_TROUBLE as trouble:
            self.keeping.warn(target.shape.function_id, trouble)

    def _tell(
        self, kind: EventKind, record: Record, reason: str = "", *, seconds: float = 0.0
    ) -> None:
        event = Event(kind, record.cid, record.call, reason, seconds, record.nbytes)
        self.counting.note(event, record.function)
        self.events.emit(event)

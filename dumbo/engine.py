"""The call path: bind, identify, look up, verify, reuse or run, record, wrap.

Law: one flow, top to bottom. `Engine.call` names the call, asks memory and then the catalog for a
version that holds now, lets the policy decide about one that does not, and otherwise runs the
user's function under a frame and a recorder. Whatever the store does, the call gives its value;
whatever the function raises passes through untouched and leaves nothing behind but an event.

Faster than this is only the warm path of `dumbo.function`, which answers from an `Entry` made here
while its stamp is the current one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from inspect import iscoroutinefunction
from typing import Any
from weakref import WeakValueDictionary

from dumbo import frames, overrides
from dumbo.adopting import Adopting
from dumbo.callers import calling_line
from dumbo.claims import Claims
from dumbo.code import Tracker
from dumbo.counting import Counting
from dumbo.cutoff import Cutoff, Step
from dumbo.entries import Entry
from dumbo.errors import StaleResultError, UncacheableError, ValueLostError
from dumbo.events import EventKind, Events
from dumbo.frames import Frame
from dumbo.graph.explain import one_line
from dumbo.growing import Growing
from dumbo.identity import CallIdentity
from dumbo.identity.cid import FunctionId
from dumbo.judging import Judge
from dumbo.keeping import STORE_TROUBLE, Keeping
from dumbo.lookup import Found, Lookup
from dumbo.policy import Action, Keep, Place, Policy, ReuseDecision, decide_reuse
from dumbo.proxy import Returns, protect
from dumbo.recall import Recall
from dumbo.records import Record, Staleness, State
from dumbo.running import Running
from dumbo.storage import Store
from dumbo.targets import DEFINED, Target
from dumbo.telling import Telling
from dumbo.tracing import MOVED, Run, Tracing, refuse_live, returned


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
        self.judge = Judge(self.recall, tracker, self._loaded)
        self.keeping = Keeping(store, self.judge, self.recall, events)
        self.counting = Counting(store)
        self.telling = Telling(events, self.counting)
        self.lookup = Lookup(
            store, self.judge, self.recall, self.keeping, self.telling, self.targets, returns
        )
        self.cutoff = Cutoff(self.judge, self.recall, DEFINED.get)
        self.adopting = Adopting(store, tracker, self.judge, self.recall)
        self._keep = keep
        self._tracing = Tracing(tracker, self.judge, self.recall)
        self._claims = Claims()
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
            found = self.lookup.find(identity.cid, target)
            if not recompute and self._repeated(self._steps(target, found)):
                found = self.lookup.find(identity.cid, target)
            entry = self._reuse(target, identity, found, recompute=recompute)
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
            found = self.lookup.find(identity.cid, target)
            if not recompute and await self._repeated_async(self._steps(target, found)):
                found = self.lookup.find(identity.cid, target)
            entry = self._reuse(target, identity, found, recompute=recompute)
            if entry is None:
                with self._running(target, identity) as run:
                    run.value = await target.plain(*run.args, **run.kwargs)
                entry = self._finish(target, run, again=found.record is not None)
        self.used(entry)
        return entry

    # Reuse.

    def _reuse(
        self, target: Target, identity: CallIdentity, found: Found, *, recompute: bool
    ) -> Entry | None:
        """Give an entry to reuse, or None when the function has to run."""
        record, verdict = found.record, found.verdict
        fits = found.entry is not None and self.recall.fits(identity.uses, found.entry.record)
        if found.entry is not None and not recompute and fits:
            found.entry.shortcut.hits += 1
            found.entry.shortcut.counted += 1
            self._tell_hit(found.entry)
            return found.entry
        if recompute or record is None or verdict.state is State.FRESH:
            self._tell_miss(target, identity, found, recompute=recompute)
            return None
        self.telling.stale(record, verdict, self.judge.notes(record))
        decision = self._decision(target, record, verdict)
        if decision.action is Action.RAISE:
            for user in frames.users():  # which may catch it, and give what depends on the policy
                user.spoilt = "a stale result that it asked for was refused"
            raise StaleResultError(
                f"{one_line(record.call, verdict)}; the policy is Raise(): "
                "call .recompute(...), or accept the result under dumbo.policy(Reuse())"
            )
        if decision.action is Action.RECOMPUTE:
            return None
        old = self.lookup.find(record.cid, any_state=True).entry
        if old is None:
            return None
        self._tell_hit(old, decision.reason)
        return self.recall.marked(old, self.lookup.returns_of(target), decision.reason)

    def _tell_miss(
        self, target: Target, identity: CallIdentity, found: Found, *, recompute: bool
    ) -> None:
        """Say why a call runs that no staleness makes run."""
        text, record = identity.text, found.record
        if recompute:
            self.telling.missed(text, "was asked to be computed again")
        elif record is None:
            hint = self.hint(target)
            self.telling.missed(text, "was never computed", hint, state=State.UNKNOWN)
        elif found.entry is not None:
            self.telling.missed(text, "was made from another version of an argument")
        else:
            cause = "its value is gone" if record.stored else f"was not kept: {record.reason}"
            self.telling.missed(text, f"is fresh, but {cause}")

    def _tell_hit(self, entry: Entry, reason: str = "") -> None:
        seconds = entry.record.total_seconds
        self.telling.tell(EventKind.HIT, entry.record, reason, seconds=seconds)

    def _decision(
        self, target: Target, record: Record, verdict: Staleness, *, inside: bool = False
    ) -> ReuseDecision:
        """What the policy in force says of a result that does not hold."""
        policy = overrides.policy() or target.policy or self.policy
        is_indirect = inside or frames.current() is not None
        chosen = policy.indirect if is_indirect else policy.direct
        return decide_reuse(chosen, verdict, record.total_seconds)

    # Early cutoff.

    def _steps(self, target: Target, found: Found) -> Iterator[Step]:
        """Calls that may show, made again, that what was found holds after all."""
        record, verdict = found.record, found.verdict
        if found.entry is not None or record is None or verdict.state is State.FRESH:
            return
        kept = record.stored is not None or self.lookup.held(record.cid) is not None
        if kept and self._decision(target, record, verdict).action is Action.RECOMPUTE:
            yield from self.cutoff.steps(record, self._may_repeat)

    def _may_repeat(self, target: Target, record: Record, verdict: Staleness) -> bool:
        if (target.keep or self._keep) is Keep.NEVER:
            return False  # nothing would be left of it for the caller, who would make it again
        decision = self._decision(target, record, verdict, inside=True)
        return decision.action is Action.RECOMPUTE

    def _repeated(self, steps: Iterator[Step]) -> bool:
        """Make calls again until one fails; whether any was made."""
        made = False
        for step in steps:
            if iscoroutinefunction(step.target.plain):
                break
            made = True
            try:
                # A frame of its own: nobody who is running now used this result.
                with frames.running(Frame(step.record.cid)):
                    self.call(step.target, step.args, step.kwargs)
            except Exception:  # noqa: BLE001  # the caller will meet it where it can handle it
                break
        return made

    async def _repeated_async(self, steps: Iterator[Step]) -> bool:
        """As `_repeated`, for the calls of an ``async def``."""
        made = False
        for step in steps:
            made = True
            is_async = iscoroutinefunction(step.target.plain)
            try:
                with frames.running(Frame(step.record.cid)):
                    if is_async:
                        await self.call_async(step.target, step.args, step.kwargs)
                    else:
                        self.call(step.target, step.args, step.kwargs)
            except Exception:  # noqa: BLE001  # as above
                break
        return made

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
        keep = Keep.NEVER if run.frame.spoilt else target.keep or self._keep
        if any(edge.digest == MOVED for edge in trace.record.edges):
            keep = Keep.NEVER
            self.keeping.warn_of_move(trace.record)
        try:
            guarded = protect(value, held=1)
        except UncacheableError:  # nothing can hold it: given as it is, to this caller alone
            guarded, keep = value, Keep.NEVER
        entry = self.recall.fresh(trace, guarded, self.lookup.returns_of(target))
        self.telling.tell(EventKind.EXECUTED, trace.record, seconds=trace.record.own_seconds)
        place = self.keeping.settle(trace, entry.node, keep)
        stored = trace.record.stored
        if stored is not None and self.store.values.is_lazy(stored):
            # The stored bytes live on, not the object that ran, which others may hold and change.
            entry = self.recall.entry(trace.record, self.lookup.returns_of(target), trace=trace)
        elif place is not Place.NOWHERE:
            entry.watch(entry.node.value)
        if place is not Place.NOWHERE:
            self.lookup.hold(entry)
        if again:  # after it is held, or another thread would judge by the version before
            self.judge.versions_moved()
        return entry

    def put(
        self, target: Target, value: object, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> Entry:
        """Make `value` the newest result of a call, under today's code as far as it can be read."""
        identity = target.shape.identify(args, kwargs)
        self.know(target)
        again = self.lookup.find(identity.cid, target).record is not None
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
        target = DEFINED.get(record.cid.parent.function)
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

    def evicted(self, entry: object, nbytes: int) -> None:
        """Take note that an entry had to leave the memory tier; its record stays."""
        if isinstance(entry, Entry):
            self.counting.absorb(entry)
            entry.shortcut.close()
            record = replace(entry.record, nbytes=nbytes)
            self.telling.tell(EventKind.EVICTED, record, "memory is full")

    def _loaded(self, function: FunctionId) -> Target | None:
        """The function as it was called here, else as it is defined."""
        return self.targets.get(function) or DEFINED.get(function)

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

"""Edits the user calls immaterial.

Law: what is accepted is that today's code gives what the newest version of each result holds; not
what older versions hold, nor what a later edit will give. The next edit makes the results stale
again, and undoing the accepted one is a hit as ever. Declared files and values are not code, and an
input that changed is another question; neither is accepted along.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from dumbo.code import Tracker
from dumbo.errors import ConfigurationError
from dumbo.identity.cid import FunctionId
from dumbo.judging import Judge
from dumbo.recall import Recall
from dumbo.records import DependencyKind, Depset, Staleness, State
from dumbo.storage import Store
from dumbo.targets import DEFINED, Target

Key = tuple[str, str, str]
EDITS: Final = frozenset(
    {
        DependencyKind.CODE,
        DependencyKind.CLASS,
        DependencyKind.BOUND,
        DependencyKind.GLOBAL,
        DependencyKind.PACKAGE,
    }
)


@dataclass(frozen=True, slots=True)
class Accepted:
    """What ``dumbo.accept`` did.

    Attributes
    ----------
    changes : tuple of str
        What had changed and is accepted as it is today.
    depsets : int
        Sets of dependencies that hold again; results share them.
    refused : tuple of str
        What keeps results from holding and was not accepted: declared files, what cannot be found.
    """

    changes: tuple[str, ...]
    depsets: int
    refused: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.depsets)

    def __str__(self) -> str:
        what = ", ".join(self.changes) or "nothing had changed"
        text = f"accepted: {what}"
        return f"{text}; not accepted: {', '.join(self.refused)}" if self.refused else text


class Accepting:
    """Accepts edits for one session."""

    def __init__(self, store: Store, tracker: Tracker, judge: Judge, recall: Recall) -> None:
        self._catalog = store.catalog
        self._tracker = tracker
        self._judge = judge
        self._recall = recall

    def function(self, target: Target) -> Accepted:
        """Accept all edits of what the results of a memoized function hang on."""
        keys = self._newest(target.shape.function_id)
        return self._accept(((key, target) for key in keys), _is_edit)

    def result(self, depset: str, function: FunctionId) -> Accepted:
        """Accept the edits since one result was computed."""
        return self._accept([(depset, DEFINED.get(function))], _is_edit)

    def code(self, thing: Any) -> Accepted:
        """Accept the edit of one function or class, for every result that hangs on it.

        Raises
        ------
        ConfigurationError
            It is no function and no class of the project.
        """
        wanted = self._tracker.key_of(thing)
        if wanted is None:
            raise ConfigurationError(
                f"dumbo.accept({thing!r}): it is no memoized function, no function or class of "
                "your project, and no result; pass what was edited, or a function that uses it"
            )
        everywhere = (
            (key, DEFINED.get(FunctionId(function)))
            for function in self._catalog.functions()
            for key in self._newest(function)
        )
        return self._accept(everywhere, lambda key: key == wanted)

    def _newest(self, function: str) -> tuple[str, ...]:
        """Depsets of the newest version of each result: older ones were given up before."""
        return tuple(dict.fromkeys(record.depset for record in self._catalog.nodes(function)))

    def _accept(
        self, keys: Iterable[tuple[str, Target | None]], chosen: Callable[[Key], bool]
    ) -> Accepted:
        changes: dict[str, None] = {}
        refused: dict[str, None] = {}
        accepted = 0
        for key, target in keys:
            today = self._today(key, target, chosen)
            if today is None:
                continue
            depset, before = today
            verdict = self._verified(depset, target)
            holds = verdict.state is State.FRESH
            if not holds:
                refused.update(dict.fromkeys(reason.subject for reason in verdict.reasons))
            changes.update(dict.fromkeys(_moved(before, depset)))
            self._catalog.accept(key, depset)
            accepted += holds
        self._judge.versions_moved()
        return Accepted(tuple(changes), accepted, tuple(refused))

    def _today(
        self, key: str, target: Target | None, chosen: Callable[[Key], bool]
    ) -> tuple[Depset, Depset] | None:
        """The depset with what was chosen in today's version, and as it was; None if it holds."""
        depset = self._judge.depset(key)
        if depset is None:
            return None
        known = [depset, *self._recall.accepted(key)]
        if any(self._verified(each, target).state is State.FRESH for each in known):
            return None
        only = frozenset(member.key for member in depset.members if chosen(member.key))
        if not only:
            return None
        plain = None if target is None else target.plain
        declared = () if target is None else target.declared
        today, _ = self._tracker.as_of_today(depset, plain, declared, only)
        return None if today.key == depset.key else (today, depset)

    def _verified(self, depset: Depset, target: Target | None) -> Staleness:
        if target is None:
            return self._tracker.verify(depset)
        return self._tracker.verify(depset, target.plain, target.declared)


def _is_edit(key: Key) -> bool:
    return key[0] in EDITS


def _moved(before: Depset, today: Depset) -> Iterator[str]:
    was = {member.key: member.fingerprint for member in before.members}
    for member in today.members:
        if was.get(member.key, member.fingerprint) != member.fingerprint:
            yield member.label

"""Depsets given a second time, where collecting them anew could not give another.

Law: in doubt a depset is collected. It is given again only to the same function, when the same
code ran in the same namespaces in the same epoch, every name meant the same object before the
call, none of these objects can change in itself, and guards say that no name was rebound since.
Whatever involves classes, imports, caches, cells, defaults or assignments is always collected.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Final, TypeAlias
from weakref import WeakKeyDictionary

from dumbo._typing import MISSING
from dumbo.code.guards import Guards
from dumbo.code.names import names_of
from dumbo.code.recording import Ran, Recording
from dumbo.code.statics import is_memoized
from dumbo.code.values import is_scalar
from dumbo.records import Dependency, DependencyKind, Depset

_NAMES: Final = frozenset({DependencyKind.BOUND, DependencyKind.GLOBAL})
_TRUSTED: Final = _NAMES | {
    DependencyKind.CODE,
    DependencyKind.PACKAGE,
    DependencyKind.DECLARED,
}
_VARIANTS: Final = 8
"""Ways through one function that are remembered."""

BuildGuards: TypeAlias = Callable[[FunctionType, Depset], Guards]


@dataclass(frozen=True, slots=True)
class _Known:
    """A depset with all that it was collected from."""

    depset: Depset
    epoch: int
    codes: dict[int, Ran]
    meanings: dict[tuple[str, str], object]
    declared: tuple[Dependency, ...]
    modules: tuple[tuple[str, ModuleType | None], ...]
    files: frozenset[str]
    guards: Guards | None

    def fits(self, recording: Recording, declared: tuple[Dependency, ...], epoch: int) -> bool:
        """Whether a call ran the same code, among the same meanings of names."""
        if epoch != self.epoch or declared != self.declared or recording.files != self.files:
            return False
        codes, before, meanings = recording.codes, recording.before, self.meanings
        if len(codes) != len(self.codes) or len(before) != len(meanings):
            return False
        for key, ran in codes.items():
            known = self.codes.get(key)  # holds the code, so that nothing else has its id
            if known is None or known.namespace is not ran.namespace:
                return False
        # `self` stands for a name that was not there: None and MISSING are meanings.
        return all(meanings.get(name, self) is meant.value for name, meant in before.items())

    def holds(self) -> bool:
        """Whether nothing was rebound since it was collected."""
        if self.guards is None or not self.guards.check():
            return False
        loaded = sys.modules
        return all(loaded.get(name) is module for name, module in self.modules)


class Depsets:
    """Depsets of one tracker, by function and the code that ran."""

    def __init__(self) -> None:
        self._known: WeakKeyDictionary[FunctionType, dict[tuple[int, ...], _Known]] = (
            WeakKeyDictionary()
        )

    def clear(self) -> None:
        """Collect everything anew."""
        self._known = WeakKeyDictionary()

    def again(
        self,
        function: FunctionType,
        recording: Recording,
        declared: tuple[Dependency, ...],
        epoch: int,
    ) -> Depset | None:
        """The depset of an earlier call just like this one; None if it has to be collected."""
        known = self._known.get(function, {}).get(tuple(recording.codes))
        if known is None or known.guards is None or recording.incomplete or recording.classes:
            return None
        return known.depset if known.fits(recording, declared, epoch) and known.holds() else None

    def note(  # noqa: PLR0913, PLR0917 - all that a depset was collected from
        self,
        function: FunctionType,
        recording: Recording,
        declared: tuple[Dependency, ...],
        epoch: int,
        depset: Depset,
        build: BuildGuards,
    ) -> None:
        """Remember a depset just collected; when the next one is the same it gets guards."""
        variants = self._known.setdefault(function, {})
        last = variants.pop(tuple(recording.codes), None)
        if not _may_serve(recording, depset):
            return
        if len(variants) >= _VARIANTS:
            variants.clear()
        again = last is not None and last.depset.key == depset.key
        variants[tuple(recording.codes)] = _Known(
            depset,
            epoch,
            recording.codes,
            {name: meant.value for name, meant in recording.before.items()},
            declared,
            tuple((name, sys.modules.get(name)) for name in {d.module for d in depset.members}),
            frozenset(recording.files),
            build(function, depset) if again else None,
        )


def _may_serve(recording: Recording, depset: Depset) -> bool:
    """Whether identity of what names mean says all there is to know of a call."""
    if recording.incomplete or recording.classes:
        return False
    if any(member.kind not in _TRUSTED for member in depset.members):
        return False
    # A name that is only on one side was never looked at before the call, or is not guarded.
    named = {(member.module, member.name) for member in depset.members if member.kind in _NAMES}
    if named != set(recording.before):
        return False
    for (_, name), meant in recording.before.items():
        if "=" in name or "#" in name or meant.fingerprint is not None or not _stays(meant.value):
            return False
    return not any(_reaches_out(ran) for ran in recording.codes.values())


def _stays(value: object) -> bool:
    """Whether a value is the same as long as it is the same object, but for a function's parts.

    Those, code and defaults, are guarded; attributes of a function may hold overloads.
    """
    if type(value) is FunctionType:
        return not vars(value)
    if value is MISSING or is_scalar(value) or is_memoized(value):
        return True
    return issubclass(type(value), BuiltinFunctionType | ModuleType | type)


def _reaches_out(ran: Ran) -> bool:
    names = names_of(ran.code)
    return bool(names.imports or names.stores or names.rebinds or names.assigned)

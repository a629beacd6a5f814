"""What the names of a code object lead to, hop by hop through modules of the project.

Law: takes every look through one resolver; a snapshot before a call and the collection after it
see the same names.
"""

from __future__ import annotations

from collections.abc import Iterator, Set
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Final

from dumbo._typing import MISSING
from dumbo.code import modules
from dumbo.code.bindings import Bindings
from dumbo.code.forms import Forms
from dumbo.code.modules import Namespace
from dumbo.code.names import Chain, Imported, Names, names_of
from dumbo.code.packages import Packages
from dumbo.code.project import Project
from dumbo.code.recording import Before, Ran, Recording
from dumbo.code.resolve import Found, Resolver
from dumbo.code.values import HEAP_TYPE, is_data, is_member_state, is_scalar

_CONTAINERS: Final = frozenset({dict, list, tuple, set, frozenset})
_FEW: Final = 64
"""Items up to which a container is looked through."""


@dataclass(frozen=True, slots=True)
class Use:
    """A name as a code object uses it: where it lives, and what it means now."""

    module: str
    name: str
    found: Found
    namespace: Namespace


@dataclass(frozen=True, slots=True)
class Looker:
    """What collecting and taking snapshots look through."""

    project: Project
    forms: Forms
    resolver: Resolver
    packages: Packages
    bindings: Bindings

    def uses(self, namespace: Namespace, names: Names) -> Iterator[Use]:
        """Everything a code object in `namespace` names, hop by hop through modules."""
        for chain in names.chains:
            yield from self.hops(namespace, chain)
        for imported in names.imports:
            yield from self._imports(namespace, imported)

    def hops(self, namespace: Namespace, chain: Chain) -> Iterator[Use]:
        """What each module on the way of a chain holds of it."""
        while True:
            found = self.resolver.look(namespace, chain)
            name = ".".join(chain[: found.taken])
            yield Use(modules.real_name(namespace), name, found, namespace)
            chain = chain[found.taken :]
            value = found.value
            if not chain or not issubclass(type(value), ModuleType):
                return
            if not self.project.owns_module(value.__name__):
                return
            namespace = vars(value)

    def _imports(self, namespace: Namespace, imported: Imported) -> Iterator[Use]:
        name = modules.absolute_name(imported.name, imported.level, namespace)
        module = modules.loaded(name)
        if module is None:
            return
        if not self.project.owns_module(module.__name__):
            holder = {"__name__": module.__name__}
            yield Use("", "", Found(module, 1, ()), holder)
        elif imported.chain:
            yield from self.hops(vars(module), imported.chain)

    def details(self, use: Use) -> Iterator[Use]:
        """Cells and defaults of what a name means."""
        for key, value in self.resolver.details(use.found.value):
            found = Found(value, use.found.taken, use.found.steps)
            yield Use(use.module, use.name + key, found, use.namespace)

    def snapshot(self, recording: Recording, ran: Ran) -> None:
        """Note what the names of a code object mean before it runs."""
        names, met = names_of(ran.code), set(recording.classes)
        for use in self.uses(ran.namespace, names):
            met.add(_class_of(use.found.value))
            met |= self._held(recording, use)
            for part in (use, *self.details(use)):
                key = (part.module, part.name)
                if key in recording.before or not part.name:
                    continue
                value = part.found.value
                if issubclass(type(value), type) and self.project.owns_module(value.__module__):
                    self.forms.of_class(value)  # once found it stays: a call may change the class
                volatile = value is not MISSING and is_data(value) and not is_scalar(value)
                known = self.resolver.meaning(part.found).fingerprint if volatile else ""
                recording.before[key] = Before(value, known or None)
        self._snapshot_members(recording, names.attributes, met)
        self._snapshot_modules(recording, names.loose)

    def _held(self, recording: Recording, use: Use) -> set[type]:
        """Classes that a value holds; and note its modules, and where odd classes are found."""
        found: set[type] = set()
        value = use.found.value
        if issubclass(type(value), type) and use.name and self._is_odd(value):
            recording.paths.setdefault(value, (use.namespace, use.name))
        for item in held_in(value):
            if issubclass(type(item), type) and self.project.owns_module(item.__module__):
                found.add(item)
            elif issubclass(type(item), ModuleType) and self.project.owns_module(item.__name__):
                recording.modules.setdefault(item.__name__, vars(item))
        return found

    def _is_odd(self, cls: type) -> bool:
        """Whether a class of the project is not in its module under its own name."""
        if not self.project.owns_module(cls.__module__):
            return False
        module = modules.loaded(cls.__module__)
        if module is None or "<" in cls.__qualname__:
            return True
        return self.resolver.find(vars(module), cls.__qualname__).value is not cls

    def module_members(self, recording: Recording) -> Iterator[Use]:
        """What modules that are values hold under names that were read from something."""
        for namespace in list(recording.modules.values()):
            for name in sorted(recording.loose & namespace.keys()):
                yield from self.hops(namespace, (name,))

    def _snapshot_modules(self, recording: Recording, loose: frozenset[str]) -> None:
        recording.loose |= loose
        for use in self.module_members(recording) if recording.modules else ():
            value, key = use.found.value, (use.module, use.name)
            if key not in recording.before:
                volatile = is_data(value) and not is_scalar(value)
                known = self.resolver.meaning(use.found).fingerprint if volatile else ""
                recording.before[key] = Before(value, known or None)

    def _snapshot_members(
        self, recording: Recording, attributes: frozenset[str], met: set[type]
    ) -> None:
        """Note what classes met so far hold under names that code met so far reads."""
        fresh = attributes - recording.attributes
        recording.attributes |= fresh
        owned = {
            owner
            for cls in met
            for owner in cls.__mro__
            if self.project.owns_module(owner.__module__)
        }
        new = owned - recording.holders
        if fresh:
            for cls in tuple(
                recording.holders
            ):  # another thread's call may be taken over meanwhile
                self._note_members(recording, cls, fresh)
        recording.holders |= new
        for cls in new:
            self._note_members(recording, cls, recording.attributes)

    def _note_members(self, recording: Recording, cls: type, wanted: Set[str]) -> None:
        for owner in cls.__mro__:
            for name in vars(owner).keys() & wanted:
                use = self.member(recording, cls, name)
                if use is None or not is_member_state(use.found.value):
                    continue
                value = use.found.value
                known = "" if is_scalar(value) else self.resolver.meaning(use.found).fingerprint
                recording.before.setdefault((use.module, use.name), Before(value, known or None))

    def member(self, recording: Recording, cls: type, name: str) -> Use | None:
        """What a class of a loaded module holds, or inherits, under `name`."""
        place = recording.paths.get(cls)
        if place is None:
            module = modules.loaded(cls.__module__)
            if module is None or "<" in cls.__qualname__:
                return None
            place = (vars(module), cls.__qualname__)
        namespace, path = place
        found = self.resolver.find(namespace, f"{path}.{name}")
        real = modules.real_name(namespace)
        return None if found.value is MISSING else Use(real, f"{path}.{name}", found, namespace)


def held_in(value: Any) -> Iterator[Any]:
    """A module itself, and what a small container or a plain object directly holds."""
    kind = type(value)
    if issubclass(kind, ModuleType):
        yield value
    elif kind in _CONTAINERS:
        if len(value) <= _FEW:
            yield from value.values() if kind is dict else value
    elif kind.__flags__ & HEAP_TYPE and not issubclass(kind, type):
        state = getattr(value, "__dict__", None)
        if type(state) is dict and len(state) <= _FEW:
            yield from state.values()


def _class_of(value: Any) -> type:
    kind = type(value)
    return value if issubclass(kind, type) else kind

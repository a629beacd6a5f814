"""What the names of a code object lead to, hop by hop through modules of the project.

Law: takes every look through one resolver; a snapshot before a call and the collection after it
see the same names.
"""

from __future__ import annotations

from collections.abc import Iterator, Set
from dataclasses import dataclass
from types import ModuleType
from typing import Any

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
from dumbo.code.values import is_data, is_member_state, is_scalar


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
            for cls in recording.holders:
                self._note_members(recording, cls, fresh)
        recording.holders |= new
        for cls in new:
            self._note_members(recording, cls, recording.attributes)

    def _note_members(self, recording: Recording, cls: type, wanted: Set[str]) -> None:
        for owner in cls.__mro__:
            for name in vars(owner).keys() & wanted:
                use = self.member(cls, name)
                if use is None or not is_member_state(use.found.value):
                    continue
                value = use.found.value
                known = "" if is_scalar(value) else self.resolver.meaning(use.found).fingerprint
                recording.before.setdefault((use.module, use.name), Before(value, known or None))

    def member(self, cls: type, name: str) -> Use | None:
        """What a class of a loaded module holds, or inherits, under `name`."""
        module = modules.loaded(cls.__module__)
        if module is None or "<" in cls.__qualname__:
            return None
        path = f"{cls.__qualname__}.{name}"
        found = self.resolver.find(vars(module), path)
        real = modules.real_name(vars(module))
        return None if found.value is MISSING else Use(real, path, found, vars(module))


def _class_of(value: Any) -> type:
    kind = type(value)
    return value if issubclass(kind, type) else kind

"""What the names of a code object lead to, hop by hop through modules of the project.

Law: takes every look through one resolver; a snapshot before a call and the collection after it
see the same names.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType

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
from dumbo.code.values import fingerprint_of, is_data, is_scalar


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
        for use in self.uses(ran.namespace, names_of(ran.code)):
            for part in (use, *self.details(use)):
                key = (part.module, part.name)
                if key in recording.before or not part.name:
                    continue
                value = part.found.value
                if issubclass(type(value), type) and self.project.owns_module(value.__module__):
                    self.forms.of_class(value)  # once found it stays: a call may change the class
                volatile = value is not MISSING and is_data(value) and not is_scalar(value)
                before = Before(value, fingerprint_of(value) if volatile else None)
                recording.before[key] = before

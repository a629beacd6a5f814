"""Guards: whether anything a depset resolved was rebound or changed in this process.

Law: a guard that fails means "verify again", so it may fail too often and never too seldom.
Names are compared by identity, functions by the identity of their code and defaults, small
mutable values by their bytes, large ones by identity.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import FunctionType
from typing import Any

from dumbo._typing import MISSING
from dumbo.code import declarations, modules
from dumbo.code.guard_code import Body, Content, Name, compile_guards
from dumbo.code.guard_contents import contents_of
from dumbo.code.resolve import Resolver
from dumbo.code.statics import functions_behind, given_arguments
from dumbo.code.values import is_scalar
from dumbo.records import Dependency, DependencyKind, Depset


@dataclass(frozen=True, slots=True)
class Guards:
    """What must still hold; called, it says whether it does.

    Attributes
    ----------
    names : tuple of (namespace, name, expected)
        ``namespace[name] is expected``, or the name is absent where `expected` is MISSING.
    bodies : tuple of (function, code, defaults, keyword defaults)
    contents : tuple of (ask, expected)
        ``ask() == expected``.
    """

    names: tuple[Name, ...]
    bodies: tuple[Body, ...] = ()
    contents: tuple[Content, ...] = ()
    check: Callable[[], bool] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "check", compile_guards(self.names, self.bodies, self.contents))

    def __call__(self) -> bool:
        """Whether everything still holds."""
        return self.check()


def merged(parts: Iterable[Guards], contents: tuple[Content, ...] = ()) -> Guards:
    """Join several guards, and `contents`, into one that asks each thing once."""
    names: dict[tuple[int, str], Name] = {}
    bodies: dict[int, Body] = {}
    asked: list[Content] = []
    for part in parts:
        names |= {(id(name[0]), name[1]): name for name in part.names}
        bodies |= {id(body[0]): body for body in part.bodies}
        asked += part.contents
    return Guards(tuple(names.values()), tuple(bodies.values()), (*asked, *contents))


def build(resolver: Resolver, function: FunctionType | None, depset: Depset) -> Guards:
    """Guards for everything `depset` names that is loaded now."""
    builder = _Builder(resolver)
    if function is not None:
        builder.body(function)
    for dependency in depset.members:
        builder.add(dependency, function)
    return builder.guards()


class _Builder:
    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._names: dict[tuple[int, str], Name] = {}
        self._bodies: dict[int, Body] = {}
        self._contents: dict[int, Content] = {}
        # Callables made here must live as long as their keys, which are ids.
        self._held: list[object] = []

    def guards(self) -> Guards:
        return Guards(
            tuple(self._names.values()),
            tuple(self._bodies.values()),
            tuple(self._contents.values()),
        )

    def add(self, dependency: Dependency, function: FunctionType | None) -> None:
        if dependency.kind is DependencyKind.DECLARED:
            ask = declarations.quick_state(dependency)
            if ask is not None:
                self._contents[id(ask)] = (ask, ask())
            return
        if dependency.kind in {DependencyKind.OPAQUE, DependencyKind.PACKAGE}:
            return
        namespace = _namespace(dependency.module, function)
        if namespace is None:
            self.name(sys.modules, dependency.module, MISSING)
            return
        self._named(dependency, namespace)

    def _named(self, dependency: Dependency, namespace: Mapping[str, Any]) -> None:
        if "<" in dependency.name:
            return
        found = self._resolver.find(namespace, dependency.name)
        for space, name, value in found.steps:
            self.name(space, name, value)
        for behind in functions_behind(found.value):
            self.body(behind)
        if dependency.kind is DependencyKind.CLASS and isinstance(found.value, type):
            self._class(found.value)
        elif dependency.kind is DependencyKind.GLOBAL:
            self._value(found.value)
        else:
            for given in given_arguments(found.value):
                self._value(given)

    def name(self, space: Mapping[str, Any], name: str, value: Any) -> None:
        self._names[id(space), name] = (space, name, value)

    def body(self, function: FunctionType) -> None:
        state = (function, function.__code__, function.__defaults__, function.__kwdefaults__)
        self._bodies[id(function)] = state
        for cell in function.__closure__ or ():
            self._cell(cell)

    def _cell(self, cell: Any) -> None:
        try:
            value = cell.cell_contents
        except ValueError:  # empty: it is filled only by the function that owns it
            return
        if is_scalar(value) or type(value) is FunctionType:
            # A value that cannot change is compared by what it is, whichever object holds it.
            self._content(id(cell), lambda: id(cell.cell_contents), id(value), value)

    def _class(self, cls: type) -> None:
        members = cls.__dict__
        self._content(id(cls), lambda: len(members), len(members), cls)
        for name, member in members.items():
            if not name.startswith("__") and not functions_behind(member):
                self.name(members, name, member)

    def _value(self, value: Any) -> None:
        ask = contents_of(value)
        if ask is not None:
            self._content(id(value), ask, ask(), value)

    def _content(self, key: int, ask: Callable[[], object], now: object, held: object) -> None:
        self._held.append(held)
        self._contents[key] = (ask, now)


def _namespace(module: str, function: FunctionType | None) -> Mapping[str, Any] | None:
    if function is not None and modules.real_name(function.__globals__) == module:
        return function.__globals__
    found = modules.loaded(module)
    return None if found is None else vars(found)

"""From code that ran to the dependencies of its result.

Law: only the names of code that ran are looked up. What the call itself changes is no dependency,
and is noted; what has no fingerprint is noted too; neither ever makes a result stale by itself.
One class beyond 300 lines: everything it does adds to the one set it holds.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import replace
from enum import Enum
from types import FunctionType, ModuleType
from typing import Any

from dumbo._typing import MISSING
from dumbo.code import modules
from dumbo.code.bytecode import is_comprehension, qualified_name
from dumbo.code.forms import SOURCE
from dumbo.code.looking import Looker, Use, held_in
from dumbo.code.membership import is_lent, place_of_class, reads_from
from dumbo.code.names import Names, names_of, names_of_all
from dumbo.code.packages import PYTHON
from dumbo.code.recording import Ran, Recording
from dumbo.code.resolve import Meaning
from dumbo.code.statics import (
    functions_behind,
    given_arguments,
    is_cache,
    is_memoized,
    overloads_of,
)
from dumbo.code.subclasses import NAME as SUBCLASSES
from dumbo.code.values import is_member_state, is_scalar
from dumbo.code.writes import TORN, WRITTEN, is_bound_elsewhere, is_written
from dumbo.identity.function_id import LRU_WRAPPER
from dumbo.records import Dependency, DependencyKind, Depset

_LOCALS = ".<locals>."
_ITEMS = 2000
_CONTAINERS = frozenset({list, tuple, dict, set, frozenset})


class Collection:
    """Dependencies of one call as they come together."""

    def __init__(self, looker: Looker, recording: Recording, own: FunctionType | None) -> None:
        self._looker = looker
        self._recording = recording
        self._own = own
        self._members: dict[tuple[str, str, str], Dependency] = {}
        self._classes: dict[type, str] = {}
        self._followed: set[int] = set()
        self._attributes: set[str] = set()
        self._assigned: set[str] = set()
        self._stored: dict[tuple[str, str], list[Ran]] = {}

    def record(self, arguments: Iterable[Any]) -> None:
        """Add everything a recording saw, and what stands behind caches."""
        codes = list(self._recording.codes.values())
        for ran in codes:
            self._note_stores(ran)
        for ran in codes:
            self.add_code(ran, names_of(ran.code))
        for cls, by in self._recording.classes.items():
            self.add_class(cls, by)
        for argument in arguments:
            kind = argument if issubclass(type(argument), type) else type(argument)
            if self._owns(kind):
                self.add_class(kind, "")
        if self._recording.incomplete:
            self._add(DependencyKind.OPAQUE, "recorder", "", "static", self._recording.incomplete)
            for ran in codes:
                self.follow_code(ran)
        for use in self._looker.module_members(self._recording):
            if use.name.partition(".")[0] not in self._assigned:
                self._add_use(use, "")
        self._behind_class_caches()
        self._class_members()

    def depset(self, declared: tuple[Dependency, ...] = ()) -> Depset:
        """Everything collected, interned."""
        for dependency in declared:
            self._members.setdefault(dependency.key, dependency)
        kept = [d for d in self._members.values() if not self._is_covered(d)]
        return Depset.of(tuple(kept))

    def add_code(self, ran: Ran, names: Names) -> None:
        """Add a code object and what it names."""
        code, name = ran.code, qualified_name(ran.code)
        module = modules.real_name(ran.namespace)
        self._attributes |= names.attributes
        self._assigned |= names.assigned
        if is_comprehension(code):
            self._add_enclosing(ran, module, name)
        elif name:
            self._add_function(ran, module, name)
        for use in self._looker.uses(ran.namespace, names):
            self._add_use(use, name)

    def _add_function(self, ran: Ran, module: str, name: str) -> None:
        forms = self._looker.forms
        fingerprint = forms.of_code(ran.code)
        if not fingerprint.startswith(SOURCE):
            self.add_package(PYTHON, name)
        text = forms.text_of_code(ran.code)
        self._add(
            DependencyKind.CODE, module, name, fingerprint, text, ran.code.co_filename, ran.by
        )
        self._add_bound(ran, module, name)

    def _add_enclosing(self, ran: Ran, module: str, name: str) -> None:
        """A generator expression begun before the call: its text is that of its function."""
        running = self._recording.codes.values()
        if name and not any(
            qualified_name(r.code) == name and r.code is not ran.code for r in running
        ):
            forms = self._looker.forms
            fingerprint, text = forms.of_enclosing(ran.code)
            file = ran.code.co_filename
            self._add(DependencyKind.CODE, module, name, fingerprint, text, file, ran.by)

    def add_class(self, cls: type, by: str) -> None:
        """Add the shells of a class and its bases, and the packages of foreign bases."""
        if cls in self._classes:
            return
        for owner in cls.__mro__:
            if self._owns(owner):
                self._classes.setdefault(owner, by)
            if not self._looker.project.owns_module(owner.__module__):
                self._add_package_of(owner.__module__, by, standard=False)
                continue
            forms = self._looker.forms
            source, form = forms.source_of_class(owner), forms.of_class(owner)
            kind, module, name = place_of_class(self._looker, self._recording, owner, form)
            self._add(
                kind,
                module,
                name,
                form,
                forms.text_of_class(owner),
                source.path if source else "",
                by,
            )

    def add_package(self, top: str, by: str) -> None:
        """Add the version of a package, or of Python."""
        version = self._looker.packages.version(top)
        self._add(DependencyKind.PACKAGE, top, "", version, version, by=by)

    def follow(self, value: Any, by: str) -> None:
        """Add the code behind a value that may have answered without running, and all it names.

        A memoized function is no such code: its result is an edge. Behind a cache it is, since a
        result that the cache remembers came from a call that somebody else made.
        """
        behind_cache = type(value) is LRU_WRAPPER
        todo = [value]
        while todo:
            value = todo.pop()
            kind = type(value)
            if id(value) in self._followed:
                continue
            if is_memoized(value):
                if behind_cache:
                    self._followed.add(id(value))
                    todo.append(value.__wrapped__)
                continue
            self._followed.add(id(value))
            functions = functions_behind(value)
            if kind in _CONTAINERS and len(value) < _ITEMS:
                todo += value.values() if kind is dict else value
            elif issubclass(kind, type) and self._owns(value):
                self.add_class(value, by)
                todo += [f for o in value.__mro__ if self._owns(o) for f in vars(o).values()]
            elif not functions and self._owns(kind):
                todo.append(kind)
            for function in functions:
                todo += self._follow_function(function, by)

    def follow_code(self, ran: Ran) -> None:
        """Add the code behind everything a code object names."""
        names = names_of_all(ran.code)
        self.add_code(ran, names)
        for use in list(self._looker.uses(ran.namespace, names)):
            self.follow(use.found.value, qualified_name(ran.code))

    def _follow_function(self, function: FunctionType, by: str) -> list[Any]:
        if not self._looker.project.owns_function(function):
            return []
        ran = Ran(function.__code__, function.__globals__, by)
        names = names_of_all(ran.code)
        self.add_code(ran, names)
        values = [use.found.value for use in self._looker.uses(ran.namespace, names)]
        values += [value for _, value in self._looker.resolver.details(function)]
        return [*values, vars(function).get("__wrapped__")]

    def _owns(self, cls: type) -> bool:
        return self._looker.project.owns_module(cls.__module__)

    def _note_stores(self, ran: Ran) -> None:
        for chain in names_of(ran.code).stores:
            *_, last = self._looker.hops(ran.namespace, chain)
            self._stored.setdefault((last.module, last.name), []).append(ran)

    def _add_bound(self, ran: Ran, module: str, name: str) -> None:
        """What the code's own name means: another function put in its place is noticed."""
        if "<" in name or (self._own is not None and ran.code is self._own.__code__):
            return
        found = self._looker.resolver.find(ran.namespace, name)
        meaning = self._looker.resolver.meaning(found)
        if meaning.kind is DependencyKind.BOUND:
            self._add_meaning(Use(module, name, found, ran.namespace), meaning, ran.by)

    def _add_use(self, use: Use, by: str) -> None:
        value = use.found.value
        if use.name and not self._is_submodule(use):
            for part in (use, *self._looker.details(use)):
                self._add_value(part, by)
        if use.found.builtin:
            return
        if is_cache(value):
            self.follow(value, by)
        self._add_origin(value, by)
        for item in held_in(value):
            if (
                issubclass(type(item), type)
                and self._owns(item)
                and reads_from(self._looker, self._recording, item)
            ):
                self.add_class(item, by)

    def _is_submodule(self, use: Use) -> bool:
        """A submodule is an attribute of its package once anyone imported it, and not before."""
        value = use.found.value
        return (
            issubclass(type(value), ModuleType)
            and modules.real_name(vars(value)) == f"{use.module}.{use.name}"
        )

    def _add_origin(self, value: Any, by: str) -> None:
        """The class of an object, or the package that a foreign thing is from."""
        kind = type(value)
        if value is MISSING or is_memoized(value) or hasattr(kind, "__dumbo_carrier__"):
            return
        if issubclass(kind, ModuleType):
            if not self._looker.project.owns_module(value.__name__):
                self._add_package_of(value.__name__, by)
        elif functions := functions_behind(value):
            for function in functions:
                if not self._looker.project.owns_function(function):
                    self._add_package_of(function.__globals__.get("__name__"), by)
        elif issubclass(kind, type):
            self._add_type(value, by)
        elif issubclass(kind, type(len)):
            self._add_package_of(value.__module__, by)
        else:
            self._add_type(kind, by)

    def _add_type(self, cls: type, by: str) -> None:
        if self._owns(cls):
            self.add_class(cls, by)
        else:
            self._add_package_of(cls.__module__, by)

    def _add_package_of(self, module: object, by: str, *, standard: bool = True) -> None:
        top = module.partition(".")[0] if isinstance(module, str) else ""
        if not top or top in {"builtins", "__main__"}:
            return
        if top not in sys.stdlib_module_names:
            self.add_package(top, by)
        elif standard:
            self.add_package(PYTHON, by)

    def _add_value(self, use: Use, by: str) -> None:
        key = (use.module, use.name)
        meaning = self._looker.resolver.meaning(use.found)
        value = use.found.value
        written = is_written(self._looker.resolver, self._recording, key, value, meaning)
        elsewhere = written and key not in self._stored
        if elsewhere and is_bound_elsewhere(self._recording, key, value, self._assigned):
            # Whether the call read what was there or what came, nobody knows: it never holds.
            self._add(DependencyKind.GLOBAL, *key, f"{TORN}~", TORN, by=by)
            return
        if written or key in self._stored:
            self._add(DependencyKind.OPAQUE, *key, WRITTEN, meaning.text, by=by)
            if not written:
                # It was made by an earlier run of this very code, whose callees did not run now.
                for ran in self._stored[key]:
                    if id(ran.code) not in self._followed:
                        self._followed.add(id(ran.code))
                        self.follow_code(ran)
            return
        self._add_meaning(use, meaning, by)

    def _add_meaning(self, use: Use, meaning: Meaning, by: str) -> None:
        module = modules.loaded(use.module)
        own = self._own.__globals__ if self._own is not None else None
        reachable = use.namespace is own or (module is not None and vars(module) is use.namespace)
        if meaning.kind is DependencyKind.OPAQUE or not reachable:
            self._add(DependencyKind.OPAQUE, use.module, use.name, "opaque", meaning.text, by=by)
            return
        bindings = self._looker.bindings
        form = bindings.form_now(use.module, use.name, meaning.fingerprint)
        fingerprint = f"{meaning.fingerprint}~{form}"
        file = modules.file_of(use.namespace)
        self._add(meaning.kind, use.module, use.name, fingerprint, meaning.text, file, by)

    def _behind_class_caches(self) -> None:
        """Methods and properties that answer from memory, if code that ran reads their name."""
        for cls, by in list(self._classes.items()):
            for owner in cls.__mro__:
                for name, member in list(vars(owner).items()):
                    if name in self._attributes and is_cache(member):
                        self.follow(member, by)

    def _class_members(self) -> None:
        """What classes hold under names that were read, as it may have been assigned later."""
        ran = {id(ran.code) for ran in self._recording.codes.values()}
        for cls, by in self._classes.items():
            names = {
                name
                for owner in cls.__mro__
                if self._owns(owner)
                for name, member in vars(owner).items()
                if name in self._attributes or (owner is cls and functions_behind(member))
            }
            if SUBCLASSES in self._attributes:
                names.add(SUBCLASSES)
            for name in sorted(names):
                use = self._looker.member(self._recording, cls, name)
                if use is not None:
                    self._add_member(cls, use, by, ran)
            if issubclass(cls, Enum):
                for name in cls._member_map_:
                    self._add_member_value(cls, f"{name}._value_", by)

    def _add_member(self, cls: type, use: Use, by: str, ran: set[int]) -> None:
        name, member = use.name.rpartition(".")[2], use.found.value
        if name == SUBCLASSES:
            self._add_value(use, by)
            return
        read, functions = name in self._attributes, functions_behind(member)
        if functions:
            own = name in vars(cls)
            if read and not own:  # it may come to be overridden
                self._add_value(use, by)
            elif own and (read or any(id(f.__code__) in ran for f in functions)):
                odd = given_arguments(member) or overloads_of(member) or is_lent(member, use)
                parts = (use,) if odd else ()
                for part in (*parts, *self._looker.details(use)):
                    self._add_value(part, by)
        elif (
            read
            and name not in self._assigned
            and is_member_state(member)
            # What no look before the call saw may be what the call made of it.
            and (is_scalar(member) or (use.module, use.name) in self._recording.before)
        ):
            self._add_value(use, by)

    def _add_member_value(self, cls: type, name: str, by: str) -> None:
        use = self._looker.member(self._recording, cls, name)
        if use is not None:
            self._add_value(use, by)

    def _is_covered(self, dependency: Dependency) -> bool:
        """Whether the code is part of other code that is a dependency itself."""
        head, inner, _ = dependency.name.partition(_LOCALS)
        if not inner or not dependency.fingerprint.startswith(SOURCE):
            return False
        outer = self._members.get((dependency.kind.value, dependency.module, head))
        return (
            outer is not None
            and outer.kind is DependencyKind.CODE
            and outer.file == dependency.file
            and outer.fingerprint.startswith(SOURCE)
        )

    def _add(  # noqa: PLR0913, PLR0917 - the fields of a Dependency
        self,
        kind: DependencyKind,
        module: str,
        name: str,
        fingerprint: str,
        text: str,
        file: str = "",
        by: str = "",
    ) -> None:
        key = (kind.value, module, name)
        known = self._members.get(key)
        if known is not None and known.fingerprint != fingerprint and kind is DependencyKind.CODE:
            # Two loaded versions of one name ran; a later check must find both, so it never can.
            fingerprint = "|".join(sorted({*known.fingerprint.split("|"), fingerprint}))
            self._members[key] = replace(known, fingerprint=fingerprint)
        elif known is None:
            self._members[key] = Dependency(kind, module, name, fingerprint, text, file, by)

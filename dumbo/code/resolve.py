"""The one resolver: what a name in a module means now, and the fingerprint of that.

Law: recording and verifying ask here and nowhere else, so that nothing edited gives nothing
changed. Looking a name up runs no code: attributes of modules and classes are read from their
dictionaries, of instances only when they are plain data.

Names of dependencies: ``helpers`` + ``K.go`` is an attribute chain that begins in the module;
``g#n`` is the closure cell ``n`` of what ``g`` means, ``g=b`` its default for ``b``.
"""

from __future__ import annotations

import builtins
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import FunctionType, MethodType, ModuleType
from typing import Any

from dumbo._typing import MISSING
from dumbo.code import modules, subclasses
from dumbo.code.bytecode import qualified_name
from dumbo.code.forms import Forms, cell_value
from dumbo.code.names import Chain, names_of_all
from dumbo.code.project import Project
from dumbo.code.statics import (
    functions_behind,
    given_arguments,
    is_cache,
    is_memoized,
    overloads_of,
    static_member,
)
from dumbo.code.values import HEAP_TYPE, SCALARS, fingerprint_of, is_data, short_text, type_label
from dumbo.records import DependencyKind

ABSENT = "absent"
BUILTIN = "builtin"
Step = tuple[Mapping[str, Any], str, Any]


@dataclass(frozen=True, slots=True)
class Found:
    """Where a name led: the value, how many parts of the chain it took, and the look-ups."""

    value: Any
    taken: int
    steps: tuple[Step, ...]
    builtin: bool = False


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a value is as a dependency; an empty fingerprint means it has none."""

    kind: DependencyKind
    fingerprint: str
    value: Any = MISSING

    @property
    def text(self) -> str:
        """The value in a few words."""
        if self.kind is DependencyKind.BOUND:
            return self.fingerprint.partition(" ")[2] or self.fingerprint
        return ABSENT if self.value is MISSING else short_text(self.value)


class Resolver:
    """Looks names up and says what they mean."""

    def __init__(self, project: Project, forms: Forms) -> None:
        self._project = project
        self._forms = forms

    def look(self, namespace: Mapping[str, Any], chain: Chain) -> Found:
        """Follow a chain as far as it can be without running anything; never beyond a module."""
        value = namespace.get(chain[0], MISSING)
        steps: list[Step] = [(namespace, chain[0], value)]
        if value is MISSING and chain[0] in vars(builtins):
            return Found(vars(builtins)[chain[0]], 1, tuple(steps), builtin=True)
        taken = 1
        for name in chain[1:]:
            step = self._next(value, name)
            if step is None:
                break
            steps += step
            value = step[-1][2]
            taken += 1
        return Found(value, taken, tuple(steps))

    def find(self, namespace: Mapping[str, Any], name: str) -> Found:
        """Follow the name of a dependency, which leads to its end or to MISSING."""
        if name in namespace:
            value = namespace[name]
            return Found(value, 1, ((namespace, name, value),))
        base, mark, inner = _parts(name)
        chain = tuple(base.split("."))
        found = self.look(namespace, chain)
        if found.taken < len(chain):
            return Found(MISSING, found.taken, found.steps)
        if not mark:
            return found
        inside = _cells if mark == "#" else _defaults
        for function in functions_behind(found.value)[:1]:
            value = dict(inside(function)).get(inner, MISSING)
            return Found(value, found.taken, found.steps)
        return Found(MISSING, found.taken, found.steps)

    def meaning(self, found: Found) -> Meaning:
        """Kind and fingerprint of what was found."""
        value = found.value
        if found.builtin:
            return Meaning(DependencyKind.BOUND, BUILTIN)
        if value is MISSING:
            return Meaning(DependencyKind.GLOBAL, ABSENT)
        label = "" if type(value) in SCALARS else self._label(value)
        if label:
            return Meaning(DependencyKind.BOUND, label)
        fingerprint = fingerprint_of(value)
        if fingerprint is None:
            return Meaning(DependencyKind.OPAQUE, "", value)
        return Meaning(DependencyKind.GLOBAL, fingerprint, value)

    def details(self, value: Any) -> Iterator[tuple[str, Any]]:
        """Cells and defaults of the project function a value stands for."""
        for function in functions_behind(value)[:1]:
            if not self._project.owns_function(function):
                continue
            yield from (("#" + name, content) for name, content in _cells(function))
            yield from (("=" + name, default) for name, default in _defaults(function))

    def _next(self, value: Any, name: str) -> list[Step] | None:
        kind = type(value)
        if kind is FunctionType:
            state = vars(value)
            return [(state, name, state[name])] if name in state and is_data(state[name]) else None
        if issubclass(kind, ModuleType):
            return None
        if issubclass(kind, type):
            if not self._project.owns_module(value.__module__):
                return None
            return self._in_class(value, name)
        if self._project.owns_module(kind.__module__) and "__getattribute__" not in vars(kind):
            state = getattr(value, "__dict__", None)
            if is_cache(static_member(kind, name)):
                return None  # what is remembered is no state
            if type(state) is dict and name in state and is_data(state[name]):
                return [(state, name, state[name])]
        return None

    def _in_class(self, cls: type, name: str) -> list[Step] | None:
        steps: list[Step] = []
        if name == subclasses.NAME:
            held = subclasses.subclasses_of(cls)
            return [(held, name, held[name])]
        for owner in cls.__mro__:
            member = owner.__dict__.get(name, MISSING)
            # The misses are steps too: an override put in front of them must be noticed.
            steps.append((owner.__dict__, name, member))
            if member is not MISSING:
                return steps
        return None

    def _label(self, value: Any) -> str:
        kind = type(value)
        if kind is FunctionType and not vars(value):
            return "function " + self._function_label(value)
        if is_memoized(value):
            return f"memoized {kind.__dumbo_function__(value)}"
        if hasattr(kind, "__dumbo_carrier__"):
            return ""
        if issubclass(kind, ModuleType):
            return f"module {modules.real_name(vars(value))}"
        if issubclass(kind, type):
            return f"class {type_label(value)}{self._held_by(value)}"
        functions = functions_behind(value)
        if functions and (kind is not MethodType or isinstance(value.__self__, type)):
            how = "cached " if is_cache(value) else "function "
            label = how + ", ".join(self._function_label(f) for f in functions)
            return label + _overloads(value) + _given(value)
        if issubclass(kind, type(len) | type(str.upper)):
            return f"function {value.__module__ or 'builtins'}:{value.__qualname__}"
        return ""

    def _held_by(self, cls: type) -> str:
        """What is in a class that only this name leads to, as ``make_dataclass`` makes it."""
        if not cls.__flags__ & HEAP_TYPE or self._project.owns_module(cls.__module__):
            return ""
        module = modules.loaded(cls.__module__)
        if module is None or cls.__qualname__.partition(".")[0] in vars(module):
            return ""
        return f" with {self._forms.live_class(cls)}"

    def _function_label(self, function: FunctionType) -> str:
        code = function.__code__
        label = f"{modules.real_name(function.__globals__)}:{qualified_name(code)}"
        owned = self._project.owns_function(function)
        # What is made from text is in no file; what is frozen into Python is the version's.
        made = not owned and code.co_filename.startswith("<")
        made = made and not code.co_filename.startswith("<frozen")
        if made or (owned and self._forms.has_variants(code)):
            return f"{label} {self._forms.of_code(code)}"
        return label


def _cells(function: FunctionType) -> Iterator[tuple[str, Any]]:
    """Closure cells, without those the code assigns itself, and those that lead back to it."""
    code = function.__code__
    if not code.co_freevars:
        return
    rebound = names_of_all(code).rebinds
    for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=True):
        content = cell_value(cell)
        if name not in rebound and name != "__class__" and content is not function:
            yield name, content


def _defaults(function: FunctionType) -> Iterator[tuple[str, Any]]:
    code = function.__code__
    defaults = function.__defaults__ or ()
    last = code.co_varnames[code.co_argcount - len(defaults) : code.co_argcount]
    yield from zip(last, defaults, strict=True)
    yield from (function.__kwdefaults__ or {}).items()


def _overloads(value: Any) -> str:
    """Registered overloads of a ``singledispatch`` function: a new one can take over."""
    registry = overloads_of(value)
    if not registry:
        return ""
    pairs = [
        f"{type_label(kind)}={','.join(_plain_label(f) for f in functions_behind(overload))}"
        for kind, overload in registry.items()
        if isinstance(kind, type)
    ]
    return " for " + ", ".join(sorted(pairs))


def _given(value: Any) -> str:
    """What a ``partial`` gives its function; nothing where that has no fingerprint."""
    given = given_arguments(value)
    fingerprint = fingerprint_of(given) if given else None
    return "" if fingerprint is None else f" with {fingerprint}"


def _plain_label(function: FunctionType) -> str:
    return f"{modules.real_name(function.__globals__)}:{qualified_name(function.__code__)}"


def _parts(name: str) -> tuple[str, str, str]:
    for mark in "#=":
        base, found, inner = name.partition(mark)
        if found:
            return base, found, inner
    return name, "", ""

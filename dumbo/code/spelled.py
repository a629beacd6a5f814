"""Names that code spells as string literals: ``getattr(mod, "K")``, ``import_module("m")``.

Law: reads one code object and runs nothing. Follows values along straight lines of bytecode by a
stack of its own, on which only globals, modules and literals have a meaning; where it loses track
it says less, and never anything wrong of the code it follows.
"""

from __future__ import annotations

import dis
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from types import CodeType
from typing import Final, TypeAlias

Chain: TypeAlias = tuple[str, ...]

TRIGGERS: Final = frozenset(
    {"getattr", "hasattr", "vars", "globals", "__dict__", "attrgetter", "import_module"}
    | {"__import__", "modules"}
)
"""Names without which code spells nothing."""

_GLOBAL_LOADS: Final = frozenset({"LOAD_GLOBAL", "LOAD_NAME"})
_LOCAL_LOADS: Final = frozenset({"LOAD_FAST", "LOAD_DEREF", "LOAD_FAST_CHECK", "LOAD_FAST_BORROW"})
_LOCAL_STORES: Final = frozenset({"STORE_FAST", "STORE_DEREF"})
# Placeholders and hints for calls, which this stack does without.
_NOTHING: Final = frozenset(
    {"PUSH_NULL", "PRECALL", "KW_NAMES", "CACHE", "EXTENDED_ARG", "NOP", "RESUME"}
)
_ONLY_POPS: Final = ("POP_", "STORE_", "DELETE_", "RETURN_", "RAISE_")


@dataclass(frozen=True, slots=True)
class Place:
    """A global, or what a module holds; `module` is empty for the module the code is in."""

    module: str
    chain: Chain

    def then(self, name: str) -> Place:
        """What is found there under a name, which may have dots."""
        return replace(self, chain=(*self.chain, *name.split(".")))


@dataclass(frozen=True, slots=True)
class _Text:
    text: str


@dataclass(frozen=True, slots=True)
class _Names:
    """The dictionary of what is at a place, or a `method` of it that is about to be called."""

    of: Place | None
    method: str = ""


@dataclass(frozen=True, slots=True)
class _Getter:
    names: tuple[str, ...]


_Value: TypeAlias = Place | _Text | _Names | _Getter | None


@dataclass(slots=True)
class Spelled:
    """What is spelled in one code object."""

    places: set[Place] = field(default_factory=set)
    attributes: set[str] = field(default_factory=set)


def spelled_in(code: CodeType) -> Spelled:
    """Names that `code` spells as literals.

    Examples
    --------
    >>> def f(): return getattr(mod, "K"), globals()["N"]
    >>> sorted(place.chain for place in spelled_in(f.__code__).places)
    [('N',), ('mod', 'K')]
    """
    found = Spelled()
    if not TRIGGERS.isdisjoint(code.co_names):
        _Walk(found).run(code)
    return found


class _Walk:
    def __init__(self, found: Spelled) -> None:
        self._found = found
        self._stack: list[_Value] = []
        self._locals: dict[str, _Value] = {}
        self._calls: dict[str, Callable[[list[_Value]], _Value]] = {
            "getattr": self._getattr,
            "hasattr": self._getattr,
            "globals": lambda args: None if args else _Names(Place("", ())),
            "vars": lambda args: _names(args[0]) if len(args) == 1 else None,
            "attrgetter": self._attrgetter,
            "import_module": lambda args: self._import(args, whole=True),
            "__import__": lambda args: self._import(args, whole=False),
        }

    def run(self, code: CodeType) -> None:
        for item in dis.get_instructions(code):
            name, value = item.opname, item.argval
            if name in _NOTHING:
                continue
            if isinstance(value, tuple) and name.startswith(("LOAD_FAST_", "STORE_FAST_")):
                self._two(name, value)
            elif not self._step(name, value, item.arg or 0):
                arg = item.arg if item.opcode >= dis.HAVE_ARGUMENT else None
                self._skip(name, item.arg or 0, dis.stack_effect(item.opcode, arg, jump=False))

    def _step(self, name: str, value: object, arg: int) -> bool:
        if name in _GLOBAL_LOADS:
            self._stack.append(Place("", (str(value),)))
        elif name == "LOAD_CONST":
            self._stack.append(_Text(value) if type(value) is str else None)
        elif name in _LOCAL_LOADS:
            self._stack.append(self._locals.get(str(value)))
        elif name in _LOCAL_STORES:
            self._locals[str(value)] = self._pop()
        elif name in {"LOAD_ATTR", "LOAD_METHOD"}:
            self._stack.append(self._attribute(self._pop(), str(value)))
        elif name == "CALL":
            args = [self._pop() for _ in range(arg)][::-1]
            self._stack.append(self._call(self._pop(), args))
        elif name == "BINARY_SUBSCR" or (name == "BINARY_OP" and arg == 26):  # 3.14
            key = self._pop()
            self._stack.append(self._subscript(self._pop(), key))
        else:
            return False
        return True

    def _two(self, name: str, names: tuple[str, ...]) -> None:
        """3.13 joins two loads or stores of locals in one instruction."""
        first, second = names
        if name.startswith("LOAD"):
            self._stack += [self._locals.get(first), self._locals.get(second)]
            return
        self._locals[first] = self._pop()
        if name.endswith("STORE_FAST"):
            self._locals[second] = self._pop()
        else:
            self._stack.append(self._locals.get(second))

    def _skip(self, name: str, arg: int, effect: int) -> None:
        """Pass over an instruction that makes nothing of interest."""
        if name in {"CALL_KW", "CALL_FUNCTION_EX"}:
            effect = -(arg + 1) if name == "CALL_KW" else -1 - (arg & 1)
        made = max(effect, 0) if effect > 0 or name.startswith(_ONLY_POPS) else 1
        for _ in range(made - effect):
            self._pop()
        self._stack += [None] * made

    def _pop(self) -> _Value:
        return self._stack.pop() if self._stack else None

    def _read(self, value: _Value, name: str) -> _Value:
        """Note that a name is looked up in something."""
        self._found.attributes.update(name.split("."))
        if not isinstance(value, Place):
            return None
        place = value.then(name)
        self._found.places.add(place)
        return place

    def _attribute(self, value: _Value, name: str) -> _Value:
        if isinstance(value, _Names):
            return replace(value, method=name)
        if name == "__dict__":
            return _names(value)
        if not isinstance(value, Place):
            return None
        place = value.then(name)
        if value in self._found.places:
            self._found.places.add(place)  # what follows a spelled name belongs to it
        return place

    def _call(self, function: _Value, args: list[_Value]) -> _Value:
        if isinstance(function, _Getter):
            for name in function.names:
                self._read(args[0] if args else None, name)
            return None
        if isinstance(function, _Names):
            looked = function.method in {"get", "pop", "setdefault", "__getitem__"} and args
            return self._subscript(replace(function, method=""), args[0]) if looked else None
        call = self._calls.get(function.chain[-1]) if isinstance(function, Place) else None
        return call(args) if call is not None else None

    def _subscript(self, value: _Value, key: _Value) -> _Value:
        if not isinstance(key, _Text):
            return None
        if isinstance(value, _Names) and not value.method:
            return self._read(value.of, key.text)
        if isinstance(value, Place) and value.chain[-1:] == ("modules",):
            return self._import([key], whole=True)
        return None

    def _getattr(self, args: list[_Value]) -> _Value:
        name = args[1] if len(args) > 1 else None
        return self._read(args[0], name.text) if isinstance(name, _Text) else None

    @staticmethod
    def _attrgetter(args: list[_Value]) -> _Value:
        return _Getter(tuple(arg.text for arg in args if isinstance(arg, _Text)))

    def _import(self, args: list[_Value], *, whole: bool) -> _Value:
        name = args[0] if args else None
        if not isinstance(name, _Text) or not name.text or name.text.startswith("."):
            return None
        self._found.places.add(Place(name.text, ()))
        place = Place(name.text if whole else name.text.partition(".")[0], ())
        self._found.places.add(place)
        return place


def _names(value: _Value) -> _Value:
    return _Names(value if isinstance(value, Place) else None)

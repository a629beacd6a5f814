"""Which globals a code object names: chains of attributes, imports, and what it writes.

Law: reads one code object, once, and runs nothing. A chain is what follows a global without a
call in between: ``mod.sub.CONST`` is ``("mod", "sub", "CONST")``.
"""

from __future__ import annotations

import dis
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import CodeType, MappingProxyType

from dumbo.code.bytecode import nested_codes
from dumbo.code.spelled import spelled_in

Chain = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Imported:
    """``import name`` inside a function, or ``from name import ...``, and the chain after it."""

    name: str
    level: int
    chain: Chain


@dataclass(frozen=True, slots=True)
class Names:
    """What one code object names.

    Attributes
    ----------
    chains : frozenset of Chain
        Chains that begin at a global.
    imports : frozenset of Imported
        Imports inside the code, with what is read from them.
    attributes : frozenset of str
        Attributes read, from anything.
    loose : frozenset of str
        Those read from something that is neither a global nor an import.
    stores : frozenset of Chain
        Globals assigned, deleted, or stored into by item or attribute.
    rebinds : frozenset of str
        Closure cells the code assigns.
    assigned : frozenset of str
        Attributes it assigns, of anything but ``self``, or fills.
    """

    chains: frozenset[Chain]
    imports: frozenset[Imported]
    attributes: frozenset[str]
    loose: frozenset[str]
    stores: frozenset[Chain]
    rebinds: frozenset[str]
    assigned: frozenset[str]


_NOTHING = MappingProxyType[str, tuple[str, int, Chain]]({})
_GLOBAL_LOADS = frozenset({"LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS"})
_GLOBAL_STORES = frozenset({"STORE_GLOBAL", "DELETE_GLOBAL"})
_ATTRIBUTES = frozenset({"LOAD_ATTR", "LOAD_METHOD"})
_TRANSPARENT = frozenset({"PUSH_NULL", "CACHE", "EXTENDED_ARG", "COPY", "NOP", "RESUME"})
_LOCAL_LOADS = frozenset(
    {"LOAD_FAST", "LOAD_DEREF", "LOAD_FAST_CHECK", "LOAD_CLASSDEREF", "LOAD_FAST_BORROW"}
)
_LOCAL_STORES = frozenset({"STORE_FAST", "STORE_DEREF"})
# Methods that fill or empty a container.
_FILLS = frozenset(
    {
        "add", "append", "appendleft", "clear", "discard", "extend", "insert", "pop", "popitem",
        "popleft", "remove", "setdefault", "update",
    }
)  # fmt: skip
_cache: dict[int, tuple[CodeType, Names]] = {}


def names_of(code: CodeType) -> Names:
    """Names of one code object; kept, because code objects do not change."""
    known = _cache.get(id(code))
    if known is not None and known[0] is code:
        return known[1]
    names = _Scan(code, _NOTHING).result()
    if len(_cache) > 50_000:
        _cache.clear()
    _cache[id(code)] = (code, names)
    return names


def names_of_all(code: CodeType) -> Names:
    """Names of a code object and of every one inside it, run or not."""
    found = [names_of(inner) for inner in nested_codes(code)]
    return Names(
        frozenset().union(*(n.chains for n in found)),
        frozenset().union(*(n.imports for n in found)),
        frozenset().union(*(n.attributes for n in found)),
        frozenset().union(*(n.loose for n in found)),
        frozenset().union(*(n.stores for n in found)),
        frozenset().union(*(n.rebinds for n in found)),
        frozenset().union(*(n.assigned for n in found)),
    )


@dataclass(frozen=True, slots=True)
class _Step:
    name: str
    value: object
    effect: int


def _steps(code: CodeType) -> list[_Step]:
    steps: list[_Step] = []
    for item in dis.get_instructions(code):
        parts = _split(item.opname, item.argval)
        if len(parts) > 1:  # 3.13 joins two loads or stores of locals in one instruction
            steps += [
                _Step(name, value, 1 if name.startswith("LOAD") else -1) for name, value in parts
            ]
            continue
        arg = item.arg if item.opcode >= dis.HAVE_ARGUMENT else None
        steps.append(
            _Step(item.opname, item.argval, dis.stack_effect(item.opcode, arg, jump=False))
        )
    return steps


def _split(name: str, value: object) -> list[tuple[str, object]]:
    if not isinstance(value, tuple) or not name.startswith(("LOAD_FAST_", "STORE_FAST_")):
        return [(name, value)]
    second = "STORE_FAST" if name.endswith("STORE_FAST") else "LOAD_FAST"
    first = "STORE_FAST" if name.startswith("STORE") else "LOAD_FAST"
    return [(first, value[0]), (second, value[1])]


@dataclass(slots=True)
class _Scan:
    code: CodeType
    outer: Mapping[str, tuple[str, int, Chain]]
    chains: set[Chain] = field(default_factory=set)
    imports: set[Imported] = field(default_factory=set)
    attributes: set[str] = field(default_factory=set)
    loose: set[str] = field(default_factory=set)
    stores: set[Chain] = field(default_factory=set)
    rebinds: set[str] = field(default_factory=set)
    assigned: set[str] = field(default_factory=set)

    def result(self) -> Names:
        steps = _steps(self.code)
        local = {**self.outer, **self._imported(steps)}
        self._reads(steps, local)
        self._writes(steps)
        self._spelled()
        if local:
            self._inside(local)
        return Names(
            frozenset(self.chains),
            frozenset(self.imports),
            frozenset(self.attributes | self.loose),
            frozenset(self.loose),
            frozenset(self.stores),
            frozenset(self.rebinds),
            frozenset(self.assigned),
        )

    def _imported(self, steps: list[_Step]) -> dict[str, tuple[str, int, Chain]]:
        """Locals that hold an import, and note every import as it passes."""
        held: dict[str, tuple[str, int, Chain]] = {}
        current: tuple[str, int, bool] | None = None
        part: Chain = ()
        for index, step in enumerate(steps):
            if step.name == "IMPORT_NAME":
                level, wanted = steps[index - 2].value, steps[index - 1].value
                level = level if isinstance(level, int) else 0
                current, part = (str(step.value), level, bool(wanted)), ()
                self.imports.add(Imported(current[0], current[1], ()))
            elif step.name == "IMPORT_FROM" and current is not None:
                part = (*part, str(step.value)) if not current[2] else (str(step.value),)
                if current[2]:
                    self.imports.add(Imported(current[0], current[1], part))
            elif step.name in _LOCAL_STORES and current is not None:
                held[str(step.value)] = self._target(current, part)
                if not current[2]:
                    current = None
            elif step.name not in {"SWAP", "POP_TOP", "ROT_TWO", "STORE_NAME", "STORE_GLOBAL"}:
                current = None
        return held

    @staticmethod
    def _target(current: tuple[str, int, bool], part: Chain) -> tuple[str, int, Chain]:
        name, level, wanted = current
        if wanted:
            return (name, level, part)
        # ``import a.b`` binds a; ``import a.b as c`` walks to b, which is the module a.b itself.
        return (name, level, ()) if part else (name.partition(".")[0], level, ())

    def _reads(self, steps: list[_Step], local: Mapping[str, tuple[str, int, Chain]]) -> None:
        chain: Chain = ()
        origin: tuple[str, int, Chain] | None = None
        before: tuple[str, ...] = ()
        for step in [*steps, _Step("END", None, 0)]:
            if step.name in _ATTRIBUTES:
                if str(step.value) in _FILLS:
                    self.assigned.update(before)
                before = (str(step.value),)
                if chain or origin:
                    chain = (*chain, str(step.value))
                else:
                    self.loose.add(str(step.value))
                continue
            if step.name in _TRANSPARENT:
                continue
            before = ()
            self._flush(chain, origin)
            chain, origin = (), None
            if step.name in _GLOBAL_LOADS:
                chain = (str(step.value),)
            elif step.name in _LOCAL_LOADS:
                origin = local.get(str(step.value))

    def _flush(self, chain: Chain, origin: tuple[str, int, Chain] | None) -> None:
        if origin is not None:
            self.imports.add(Imported(origin[0], origin[1], origin[2] + chain))
            self.attributes.update(chain)
        elif chain:
            self.chains.add(chain)
            self.attributes.update(chain[1:])

    def _spelled(self) -> None:
        """Names given as string literals to ``getattr`` and the like."""
        found = spelled_in(self.code)
        self.loose |= found.attributes
        for place in found.places:
            if place.module:
                self.imports.add(Imported(place.module, 0, place.chain))
            elif place.chain:
                self.chains.add(place.chain)

    def _writes(self, steps: list[_Step]) -> None:
        for index, step in enumerate(steps):
            if step.name in _GLOBAL_STORES:
                self.stores.add((str(step.value),))
            elif step.name in {"STORE_SUBSCR", "DELETE_SUBSCR"}:
                self._note_store(steps, index, skip=1)
            elif step.name == "STORE_ATTR":
                if not self._is_own(steps, index):
                    self.assigned.add(str(step.value))
                self._note_store(steps, index, skip=0, attribute=str(step.value))
            elif step.name == "STORE_DEREF" and str(step.value) in self.code.co_freevars:
                self.rebinds.add(str(step.value))

    def _is_own(self, steps: list[_Step], index: int) -> bool:
        """Whether the attribute is one of ``self``: that leaves the class as it is."""
        target = _expression(steps, index, 0)
        first = self.code.co_varnames[:1] if self.code.co_argcount else ()
        return (
            first == ("self",)
            and target is not None
            and [s.name in _LOCAL_LOADS and s.value == "self" for s in target] == [True]
        )

    def _note_store(
        self, steps: list[_Step], index: int, *, skip: int, attribute: str = ""
    ) -> None:
        """Find the expression stored into: the value that lies `skip` below the top."""
        target = _expression(steps, index, skip)
        if target is None:
            return
        first, *rest = target
        if not attribute and rest and rest[-1].name in _ATTRIBUTES:
            self.assigned.add(str(rest[-1].value))
        if first.name not in _GLOBAL_LOADS or any(s.name not in _ATTRIBUTES for s in rest):
            return
        chain = (str(first.value), *(str(s.value) for s in rest))
        self.stores.add((*chain, attribute) if attribute else chain)

    def _inside(self, local: Mapping[str, tuple[str, int, Chain]]) -> None:
        """Inner functions and comprehensions that read an import of this one through a cell."""
        for value in self.code.co_consts:
            if isinstance(value, CodeType):
                shared = {name: local[name] for name in value.co_freevars if name in local}
                if shared:
                    self.imports |= _Scan(value, shared).result().imports


def _expression(steps: list[_Step], index: int, skip: int) -> list[_Step] | None:
    """The steps that pushed the value `skip` places below the top, found by stack effects."""
    depth, end = 0, index
    for at in _backwards(steps, index):
        depth += steps[at].effect
        if depth == skip and skip and end == index:
            end = at
        if depth == skip + 1:
            return [s for s in steps[at:end] if s.name not in _TRANSPARENT] or None
    return None


def _backwards(steps: list[_Step], index: int) -> Iterator[int]:
    for at in range(index - 1, -1, -1):
        if "JUMP" in steps[at].name or steps[at].name.startswith(("FOR_", "RETURN", "RAISE")):
            return
        yield at

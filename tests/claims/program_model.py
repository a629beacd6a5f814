"""Random small programs, random edits of them, and a model that knows what each edit makes stale.

Law: the model is the definition, not the machinery: it runs the program's own text with a memory of
every version, and a version of a call holds if the text and constants of what ran are as they were
and every memoized call it made gives what it gave. It shares no code with dumbo.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any


class Kind(Enum):
    CONSTANT = "C"
    HELPER = "h"
    CLASS = "K"
    MEMOIZED = "f"


@dataclass(frozen=True)
class Item:
    """One top-level definition; `uses` are definitions before it, in this or a lower module."""

    name: str
    kind: Kind
    module: int
    uses: tuple[str, ...] = ()
    number: int = 1
    default: int = 1
    modulus: int = 97
    unused: int = 0
    remarks: int = 0
    form: int = 0


@dataclass
class Program:
    """Definitions in order of dependence, and the calls that ``run()`` makes."""

    items: dict[str, Item]
    calls: list[tuple[str, int]] = field(default_factory=list)

    def reached(self) -> list[str]:
        """Names of what the calls can reach, in order of dependence."""
        found = {name for name, _ in self.calls}
        for name in reversed(self.items):
            if name in found:
                found.update(self.items[name].uses)
        return [name for name in self.items if name in found]

    def modules(self) -> int:
        return 1 + max(item.module for item in self.items.values())

    def files(self) -> dict[str, str]:
        """Give the text of every module; the last one is ``main.py``."""
        names = [f"m{k}" for k in range(self.modules())]
        texts = {}
        for number, name in enumerate(names):
            lines = ["from dumbo import dumbo"]
            own = [item for item in self.items.values() if item.module == number]
            used = {u for item in own for u in item.uses if self.items[u].module != number}
            for other in sorted({self.items[u].module for u in used}):
                lines.append(f"from . import m{other}")
                there = sorted(u for u in used if self.items[u].module == other)
                lines += [f"from .m{other} import {u}" for u in there if not _dotted(u)]
            for item in own:
                lines += ["", *self.text(item)]
            texts[f"{name}.py"] = "\n".join(lines) + "\n"
        calls = ", ".join(f"int({name}({argument}))" for name, argument in self.calls)
        imports = "\n".join(
            f"from .m{self.items[name].module} import {name}"
            for name in sorted({name for name, _ in self.calls})
        )
        texts["main.py"] = f"{imports}\n\ndef run():\n    return [{calls}]\n"
        return texts

    def text(self, item: Item, *, bare: bool = False, traced: bool = False) -> list[str]:
        """Lines of one definition; `bare` without what must not matter, `traced` for the model."""
        remarks = [] if bare else [f"# remark {k}" for k in range(item.remarks)]
        if item.kind is Kind.CONSTANT:
            return [*remarks, f"{item.name} = {self._constant(item)}"]
        note = [f"    _ran({item.name!r})"] if traced else []
        if item.kind is Kind.CLASS:
            lines = [
                f"class {item.name}:",
                f"    width = {item.default}",
                "    def __init__(self, x):",
                "        self.x = x",
                "    def go(self, y):",
                *(f"    {line}" for line in note),
                f"        return self.x * y + self.width + {item.number}",
            ]
            if not bare:
                lines += ["    def never(self):", f"        return {item.unused}"]
            return remarks + lines
        head = f"def {item.name}(x, d={item.default}):"
        if item.kind is Kind.MEMOIZED:
            head = f"@dumbo(keep='always')\ndef {item.name}(x):"
        doc = [f'    """Remark {item.remarks}."""'] if item.remarks and not bare else []
        start = "d" if item.kind is Kind.HELPER else "0"
        body = [f"    t = x * {item.number} + {start}"]
        for place, name in enumerate(item.uses):
            body += self._use(item, name, place)
        return [*head.split("\n"), *doc, *note, *remarks, *body, f"    return t % {item.modulus}"]

    def _constant(self, item: Item) -> str:
        base = str(item.number)
        if item.uses:
            base = f"{self._name(item, item.uses[0])}{self._pick(item.uses[0])} * 2 + {item.number}"
        return (base, f"[0, {base}]", f"{{'a': [1, {base}]}}")[item.form]

    def _pick(self, name: str) -> str:
        return ("", "[1]", "['a'][1]")[self.items[name].form]

    def _name(self, user: Item, name: str) -> str:
        module = self.items[name].module
        return f"m{module}.{name}" if module != user.module and _dotted(name) else name

    def _use(self, user: Item, name: str, place: int) -> list[str]:
        target, call = self.items[name], self._name(user, name)
        if target.kind is Kind.CONSTANT:
            return [f"    t = t + {call}{self._pick(name)}"]
        if target.kind is Kind.CLASS:
            return [f"    t = t + {call}(t % 5).go(2)"]
        if target.kind is Kind.MEMOIZED:
            return [f"    t = t + {call}(x % 2)"]
        if (user.form + place) % 3 == 0:
            return [f"    if x % 2 == {user.form % 2}:", f"        t = t + {call}(t % 7)"]
        return [f"    t = t + sum(map({call}, [t % 3, 2]))"]


def _dotted(name: str) -> bool:
    """Whether a name of another module is reached through the module."""
    return int(name[1:]) % 2 == 0


# Making programs and editing them.


def program(seed: int) -> Program:
    """Make a random program of two or three modules."""
    draw = random.Random(seed)
    modules = draw.choice((2, 3))
    kinds = [Kind.MEMOIZED] * draw.randint(3, 6) + [Kind.HELPER] * draw.randint(3, 5)
    kinds += [Kind.CONSTANT] * draw.randint(3, 5) + [Kind.CLASS] * draw.randint(0, 2)
    draw.shuffle(kinds)
    items: dict[str, Item] = {}
    for number, kind in enumerate(kinds):
        name = f"{kind.value}{number}"
        module = number * modules // len(kinds)
        items[name] = Item(
            name,
            kind,
            module,
            _uses(draw, kind, items),
            number=draw.randint(1, 20),
            default=draw.randint(1, 9),
            modulus=draw.choice((2, 3, 10, 97)),
            form=draw.randrange(3),
        )
    memoized = [name for name, item in items.items() if item.kind is Kind.MEMOIZED]
    return Program(items, [(name, draw.randrange(4)) for name in memoized[-3:] for _ in (1, 2)])


def _uses(draw: random.Random, kind: Kind, items: dict[str, Item]) -> tuple[str, ...]:
    if kind is Kind.CLASS:
        return ()
    fit = [
        name
        for name, item in items.items()
        if kind is not Kind.CONSTANT or item.kind is Kind.CONSTANT
    ]
    most = 1 if kind is Kind.CONSTANT else 4
    return tuple(draw.sample(fit, min(len(fit), draw.randint(0, most))))


def edited(now: Program, past: list[Program], draw: random.Random) -> tuple[str, Program]:
    """Make one edit, or go back to an earlier state; what was done, and the program after it."""
    if past and draw.random() < 0.2:
        back = draw.randrange(len(past))
        return f"back to step {back}", past[back]
    name = draw.choice(now.reached() if draw.random() < 0.8 else list(now.items))
    item = now.items[name]
    fields = ["number", "number", "default", "modulus", "unused", "remarks", "uses"]
    what = draw.choice(fields)
    value: Any = draw.randint(1, 30)
    if what == "modulus":
        value = draw.choice((2, 3, 10, 97))
    elif what == "remarks":
        value = item.remarks + 1
    elif what == "uses":
        value = tuple(reversed(item.uses))
    return f"{name}.{what} = {value}", Program(
        now.items | {name: replace(item, **{what: value})}, now.calls
    )


# Running them: plainly, and as the model.


def plain(now: Program) -> list[int]:
    """Give what the program gives without a memory."""
    return _executed(now, lambda function: function, lambda name: None)


def _executed(
    now: Program,
    decorate: Callable[[Callable[[int], int]], Callable[[int], int]],
    ran: Callable[[str], None],
) -> list[int]:
    space: dict[str, Any] = {"dumbo": lambda keep: decorate, "_ran": ran}
    for number in range(now.modules()):
        space[f"m{number}"] = _View(space)
    for item in now.items.values():
        exec("\n".join(now.text(item, traced=True)), space)
    return [space[name](argument) for name, argument in now.calls]


class _View:
    """Every module is a view of the one namespace: names are unique over a program."""

    def __init__(self, space: dict[str, Any]) -> None:
        self._space = space

    def __getattr__(self, name: str) -> Any:
        return self._space[name]


@dataclass
class _Version:
    own: dict[str, str] = field(default_factory=dict)
    calls: dict[tuple[str, int], int] = field(default_factory=dict)
    value: int = 0


class Model:
    """Remembers every version of every call.

    Attributes
    ----------
    executed : list of str
        The calls of the last run that had no version that holds.
    older : set of str
        Those of its hits for which a callee ran again to the same value, and that have several
        versions: which of them a memory tries so hard is its own affair.
    """

    def __init__(self) -> None:
        self._versions: dict[tuple[str, int], list[_Version]] = {}
        self._running: list[_Version] = []
        self._functions: dict[str, Callable[[int], int]] = {}
        self._now = Program({})
        self.executed: list[str] = []
        self.older: set[str] = set()

    def run(self, now: Program) -> list[int]:
        self.executed = []
        self.older = set()
        self._now = now
        return _executed(now, self._memoized, self._ran)

    def _memoized(self, function: Callable[[int], int]) -> Callable[[int], int]:
        key = function.__name__

        def call(x: int) -> int:
            value = self._value(key, x)
            if self._running:
                self._running[-1].calls[key, x] = value
            return value

        self._functions[key] = function
        return call

    def _value(self, name: str, x: int) -> int:
        versions = self._versions.setdefault((name, x), [])
        before = len(self.executed)
        for version in reversed(versions):
            if self._holds(version):
                if len(versions) > 1 and len(self.executed) > before:
                    self.older.add(f"{name}(x={x})")
                return version.value
        self._running.append(_Version())
        try:
            value = self._functions[name](x)
        finally:
            version = self._running.pop()
        version.value = value
        versions.append(version)
        self.executed.append(f"{name}(x={x})")
        return value

    def _holds(self, version: _Version) -> bool:
        if any(self._content(name) != content for name, content in version.own.items()):
            return False
        return all(self._value(name, x) == value for (name, x), value in version.calls.items())

    def _ran(self, name: str) -> None:
        own = self._running[-1].own
        item = self._now.items[name]
        own[name] = self._content(name)
        for used in item.uses:
            kind = self._now.items[used].kind
            if kind is Kind.CONSTANT:
                own[used] = self._content(used)
            elif kind is Kind.HELPER:  # named, so what it holds was read, whether it ran or not
                own[f"{used}="] = self._content(f"{used}=")

    def _content(self, name: str) -> str:
        """Text of what can run, value of a constant, default of a named helper."""
        if name.endswith("="):
            return str(self._now.items[name.removesuffix("=")].default)
        item = self._now.items[name]
        if item.kind is not Kind.CONSTANT:
            return "\n".join(self._now.text(item, bare=True))
        base = item.number
        if item.uses:
            base += 2 * int(self._content(item.uses[0]).rpartition(":")[2])
        return f"{item.form}:{base}"

"""Guards as one function: the conditions written out, as the warm path runs them at every call.

Law: the text that is compiled is made of fixed words and of names as string literals; objects and
values are handed in beside it. Few conditions are written out, many are a loop.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import FunctionType
from typing import Any, Final, TypeAlias

from dumbo._typing import MISSING

Name: TypeAlias = tuple[Mapping[str, Any], str, Any]
Body: TypeAlias = tuple[FunctionType, Any, Any, Any]
Content: TypeAlias = tuple[Callable[[], object], object]

WRITTEN_OUT: Final = 64
"""Conditions up to which writing them out beats a loop; compiling takes about 20 us a condition."""


def compile_guards(
    names: tuple[Name, ...], bodies: tuple[Body, ...], contents: tuple[Content, ...]
) -> Callable[[], bool]:
    """Make the function that says whether all of it still holds."""
    if len(names) + 3 * len(bodies) + len(contents) > WRITTEN_OUT:
        return _loop(names, bodies, contents)
    space: dict[str, Any] = {}
    conditions: list[str] = []
    places = {id(namespace): at for at, (namespace, _, _) in enumerate(names)}
    for at, (namespace, name, expected) in enumerate(names):
        place = f"s{places[id(namespace)]}"
        space |= {place: namespace, f"e{at}": expected}
        absent = expected is MISSING
        conditions.append(f"{name!r} not in {place}" if absent else f"{place}[{name!r}] is e{at}")
    for at, (function, *parts) in enumerate(bodies):
        space |= {f"f{at}": function, f"c{at}": parts[0], f"d{at}": parts[1], f"k{at}": parts[2]}
        conditions.append(f"f{at}.__code__ is c{at}")
        conditions.append(f"f{at}.__defaults__ is d{at}")
        conditions.append(f"f{at}.__kwdefaults__ is k{at}")
    for at, (ask, wanted) in enumerate(contents):
        space |= {f"a{at}": ask, f"w{at}": wanted}
        conditions.append(f"a{at}() == w{at}")
    test = " and ".join(conditions) or "True"
    held = ", ".join(f"{name}={name}" for name in space)  # as defaults they are locals: faster
    text = f"def check({held}):\n try:\n  return {test}\n except KeyError:\n  return False\n"
    exec(compile(text, __file__, "exec"), space)  # noqa: S102  # fixed words and literals only, see the law
    check: Callable[[], bool] = space["check"]
    return check


def _loop(
    names: tuple[Name, ...], bodies: tuple[Body, ...], contents: tuple[Content, ...]
) -> Callable[[], bool]:
    present = tuple(name for name in names if name[2] is not MISSING)
    absent = tuple((space, name) for space, name, expected in names if expected is MISSING)

    def check() -> bool:
        try:
            for space, name, expected in present:
                if space[name] is not expected:
                    return False
        except KeyError:
            return False
        for function, code, defaults, keywords in bodies:
            if (
                function.__code__ is not code
                or function.__defaults__ is not defaults
                or function.__kwdefaults__ is not keywords
            ):
                return False
        for space, name in absent:
            if name in space:
                return False
        return all(ask() == expected for ask, expected in contents)

    return check

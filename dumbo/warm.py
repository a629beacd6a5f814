"""The warm path, written out for each number of parameters.

Law: it answers only what needs no thought. Arguments of exact, immutable builtin types, whose
equality within one type is identity; a shortcut whose stamp is the current one; a guard that holds.
Anything else goes the long way, which is the truth.

The texts are made of letters and fixed words. A zero of either sign never enters the table (they
are equal and are not the same call); a NaN is found only as the very object it was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol

from dumbo.live import LIVE

if TYPE_CHECKING:
    from collections.abc import Callable

    from dumbo.entries import Shortcut

SIZE: Final = 1 << 14
"""Calls remembered per function; beyond it they are forgotten all at once."""
WRITTEN_OUT: Final = 6
"""Parameters up to which the path is written out; calls of longer functions take the long way."""


class _Absent:
    """Type of the mark for an argument that was not given."""

    __slots__ = ()


ABSENT: Final = _Absent()
TYPES: Final = frozenset({int, str, bytes, bool, float, type(None), _Absent})


class Caller(Protocol):
    """What the warm path needs of a function."""

    _warm: dict[tuple[Any, ...], Shortcut]

    def _long(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Make the call by the engine."""
        ...

    def _long_and_warm(self, key: tuple[Any, ...], args: tuple[Any, ...]) -> Any:
        """Make the call by the engine, and remember it under `key` when it was a hit."""
        ...


def write(parameters: int) -> Callable[..., Any]:
    """Write the ``__call__`` of functions with so many parameters."""
    names = "abcdef"[:parameters]
    types = [f"t{name}" for name in names]
    ask = " and ".join(f"{kind} in TYPES" for kind in types) or "True"
    lines = [
        f"def __call__(self, {', '.join(f'{n}=ABSENT' for n in names)}{', /, ' if names else ''}"
        "*rest, **named):",
        "    if not rest and not named:",
        *(f"        {kind} = type({name})" for kind, name in zip(types, names, strict=True)),
        f"        if {ask}:",
        f"            key = ({''.join(f'{part}, ' for part in (*types, *names))})",
        "            known = self._warm.get(key)",
        "            if known is not None and (stamp := LIVE.stamp) is known.stamp and stamp and (",
        "                known.guard()",
        "            ):",
        "                known.hits += 1",
        "                return known.carrier",
        f"            return self._long_and_warm(key, ({''.join(f'{n}, ' for n in names)}))",
        f"        return self._long(given(({''.join(f'{n}, ' for n in names)})), named)",
        f"    return self._long(given(({''.join(f'{n}, ' for n in names)})) + rest, named)",
    ]
    space: dict[str, Any] = {"ABSENT": ABSENT, "TYPES": TYPES, "LIVE": LIVE, "given": given}
    # With this file's name, so that whoever looks for the caller's line passes over it.
    code = compile("\n".join(lines), __file__, "exec")
    exec(code, space)  # noqa: S102  # letters and fixed words only, see the law
    call: Callable[..., Any] = space["__call__"]
    call.__doc__ = "Give the result of the call, remembered or computed."
    return call


def given(args: tuple[Any, ...]) -> tuple[Any, ...]:
    """Take the marks of arguments that were not given off the end."""
    count = len(args)
    while count and args[count - 1] is ABSENT:
        count -= 1
    return args[:count]


def may_be_remembered(args: tuple[Any, ...]) -> bool:
    """Whether equality of these arguments is identity."""
    return not any(type(arg) is float and arg == 0 for arg in args)

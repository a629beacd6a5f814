"""The decorator: options checked, and a `DumboFunction` made of them.

Law: whatever can be refused at decoration is refused there, naming the function and the option.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from dumbo import session as sessions
from dumbo.code import declared, note_callable
from dumbo.config import choice, policy_of
from dumbo.errors import ConfigurationError
from dumbo.function import DumboFunction, remembering
from dumbo.identity import CallShape, Matcher
from dumbo.policy import Keep, Policy, ReusePolicy
from dumbo.proxy import Returns
from dumbo.records import Dependency
from dumbo.targets import Target, defined_again


@dataclass(frozen=True, slots=True)
class Options:
    """What the user wrote between the brackets of ``@dumbo(...)``."""

    name: str | None = None
    keep: str | None = None
    ignore: Iterable[str] = ()
    match: Mapping[str, Matcher] = field(default_factory=dict)
    depends_on: Iterable[Any] = ()
    stale: Policy | ReusePolicy | None = None
    returns: str | None = None


def decorate(  # noqa: PLR0913  # each option is one promise of the decorator
    function: Any = None,
    /,
    *,
    name: str | None = None,
    keep: str | None = None,
    ignore: Iterable[str] = (),
    match: Mapping[str, Matcher] | None = None,
    depends_on: Iterable[Any] = (),
    stale: Policy | ReusePolicy | None = None,
    returns: str | None = None,
) -> Any:
    """Memoize a function: ``@dumbo`` or ``@dumbo(keep="always")``.

    Parameters
    ----------
    function : callable
        A function, method, static or class method, or ``async def``.
    name : str, optional
        The function's name in CIDs, in place of its qualified name; ``module:name`` replaces the
        module as well.
    keep : {"auto", "always", "memory", "never"}, optional
        Where results go. ``auto`` keeps them on disk when that pays.
    ignore : iterable of str
        Parameters that do not change the result and stay out of the CID.
    match : mapping of str to matcher, optional
        How to compare single arguments: ``close(rel=)``, ``file()``, ``key(fn)``.
    depends_on : iterable
        What the result hangs on besides its code and arguments: paths of files, callables, values.
    stale : policy, optional
        What to do with a stale result: ``Recompute()``, ``Reuse()``, ``Raise()`` or a `Policy`.
    returns : {"proxy", "native", "bare"}, optional
        What a call gives: a proxy that carries its CID, a native carrier, or the plain value.

    Returns
    -------
    DumboFunction
        Called like the function itself.

    Raises
    ------
    ConfigurationError
        An option that cannot be meant, or something that is no function.

    Examples
    --------
    >>> import tempfile, dumbo
    >>> @dumbo.dumbo
    ... def area(width, height=2):
    ...     return width * height
    >>> with tempfile.TemporaryDirectory() as folder, dumbo.open(folder) as session:
    ...     with dumbo.using(session):
    ...         first, again = area(3), area(width=3, height=2)
    ...         first == 6, dumbo.cid(first) == dumbo.cid(again)
    (True, True)
    """
    options = Options(name, keep, ignore, match or {}, depends_on, stale, returns)
    if function is None:
        return lambda plain: _decorated(plain, options)
    return _decorated(function, options)


def _decorated(function: Any, options: Options) -> Any:
    if isinstance(function, (staticmethod, classmethod)):
        return type(function)(_decorated(function.__func__, options))
    if isinstance(function, DumboFunction):
        function = function.__wrapped__
    target = target_of(function, options)
    if defined_again(target):
        sessions.refresh_all()
    else:
        sessions.defined()
    return remembering(target)


def target_of(function: Any, options: Options) -> Target:
    """Check the options against the function.

    Raises
    ------
    ConfigurationError
        An option that cannot be meant, or something that is no function.
    """
    if not callable(function) or inspect.isclass(function):
        raise ConfigurationError(
            f"@dumbo on {function!r}: it takes functions and methods; for a class decorate its "
            "methods, for a value write dumbo.external(name, value)"
        )
    place = f"@dumbo on {getattr(function, '__qualname__', type(function).__name__)}"
    if isinstance(options.ignore, str):
        raise ConfigurationError(
            f"{place}: ignore takes several names, write ignore=({options.ignore!r},)"
        )
    things = tuple(enumerate(options.depends_on))
    for _, thing in things:
        if isinstance(thing, str):
            raise ConfigurationError(
                f"{place}: depends_on names {thing!r}; write Path({thing!r}) for a file, or "
                "declare a value with dumbo.depends_on(value=...) in the body"
            )
        if callable(thing) and not isinstance(thing, os.PathLike):
            note_callable(thing)
    return Target(
        plain=function,
        shape=CallShape.of(
            function, name=options.name, ignore=tuple(options.ignore), match=dict(options.match)
        ),
        keep=None if options.keep is None else choice(Keep, options.keep, f"{place}: keep"),
        returns=None
        if options.returns is None
        else choice(Returns, options.returns, f"{place}: returns"),
        policy=None if options.stale is None else policy_of(options.stale, f"{place}: stale"),
        declares=lambda: tuple(d for thing in things for d in _declared(*thing)),
        declared=tuple(d for thing in things if _is_value(thing[1]) for d in _declared(*thing)),
    )


def _is_value(thing: Any) -> bool:
    return not isinstance(thing, os.PathLike) and not callable(thing)


def _declared(place: int, thing: Any) -> tuple[Dependency, ...]:
    if isinstance(thing, os.PathLike):
        return declared(file=Path(thing))
    if callable(thing):
        return declared(callable=thing)
    # Numbered: several values are several dependencies.
    return tuple(replace(d, name=f"{d.name}:{place}") for d in declared(value=thing))

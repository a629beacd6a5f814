"""What the engine knows of one decorated function.

Law: data only; made once by the decorator, never changed. Which functions are decorated is known to
the process, whichever session they are called in.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final
from weakref import WeakValueDictionary

from dumbo.identity import CallShape
from dumbo.identity.cid import FunctionId
from dumbo.policy import Keep, Policy
from dumbo.proxy import Returns
from dumbo.records import Dependency


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Target:
    """One decorated function, with the options of its decorator.

    Attributes
    ----------
    plain, shape, keep, returns, policy
        The user's function, how its calls are named, and the options of the decorator.
    declares : callable
        What the decorator declares, looked at when the function runs: files as they are then.
    declared : tuple of Dependency
        Declared values, which only the decorator can say again when a result is judged.
    """

    plain: Callable[..., Any]
    shape: CallShape
    keep: Keep | None = None
    returns: Returns | None = None
    policy: Policy | None = None
    declares: Callable[[], tuple[Dependency, ...]] = tuple
    declared: tuple[Dependency, ...] = ()


DEFINED: Final[WeakValueDictionary[FunctionId, Target]] = WeakValueDictionary()
"""The decorated functions of this process that are alive, by name; the last of each name."""


def defined_again(target: Target) -> bool:
    """Note that a function was decorated; whether one of its name was decorated before."""
    again = target.shape.function_id in DEFINED
    DEFINED[target.shape.function_id] = target
    return again

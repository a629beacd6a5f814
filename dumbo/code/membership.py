"""Questions about classes and what is in them, as a call met them.

Law: pure functions of what was recorded and of what is loaded.
"""

from __future__ import annotations

from typing import Any

from dumbo.code import modules
from dumbo.code.bytecode import qualified_name
from dumbo.code.forms import SOURCE
from dumbo.code.looking import Looker, Use
from dumbo.code.recording import Recording
from dumbo.code.statics import functions_behind
from dumbo.records import DependencyKind


def place_of_class(
    looker: Looker, recording: Recording, cls: type, form: str
) -> tuple[DependencyKind, str, str]:
    """Where a later check finds the class: by its own name, or the one it was found under."""
    place = recording.paths.get(cls)
    if not form.startswith(SOURCE):
        if place is not None:
            return DependencyKind.CLASS, modules.real_name(place[0]), place[1]
        found = looker.member(recording, cls, "__module__")
        if found is None:  # made by the call itself, say
            return DependencyKind.OPAQUE, cls.__module__, cls.__qualname__
    module = modules.real_name({"__name__": cls.__module__})
    return DependencyKind.CLASS, module, cls.__qualname__


def reads_from(looker: Looker, recording: Recording, cls: type) -> bool:
    """Whether code read a name that a class in a container has from something unknown."""
    loose = recording.loose
    return any(
        name in loose and not functions_behind(member)
        for owner in cls.__mro__
        if looker.project.owns_module(owner.__module__)
        for name, member in vars(owner).items()
    )


def is_lent(member: Any, use: Use) -> bool:
    """Whether a method was defined elsewhere than in its class, and put there."""
    return any(
        modules.real_name(function.__globals__) != use.module
        or qualified_name(function.__code__) != use.name
        for function in functions_behind(member)
        if not function.__code__.co_filename.startswith("<")  # as a dataclass makes them
    )

"""The direct subclasses of a class, as a value that code reads through ``__subclasses__``.

Law: one object stands for the subclasses of one class, so that guards can hold it by identity; what
it says is asked anew each time.
"""

from __future__ import annotations

from typing import Final
from weakref import WeakKeyDictionary, ref

NAME: Final = "__subclasses__"


class Subclasses:
    """The direct subclasses of one class."""

    __slots__ = ("__weakref__", "_of")

    def __init__(self, of: type) -> None:
        self._of = ref(of)

    def labels(self) -> tuple[str, ...]:
        """Modules and names, in an order of their own."""
        cls = self._of()
        found: list[type] = [] if cls is None else type.__subclasses__(cls)
        return tuple(sorted(f"{kind.__module__}:{kind.__qualname__}" for kind in found))


_known: Final[WeakKeyDictionary[type, dict[str, Subclasses]]] = WeakKeyDictionary()


def subclasses_of(cls: type) -> dict[str, Subclasses]:
    """The one value for a class, under its name."""
    found = _known.get(cls)
    if found is None:
        found = _known[cls] = {NAME: Subclasses(cls)}
    return found

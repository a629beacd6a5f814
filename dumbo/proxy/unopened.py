"""The carrier of a value whose class the program has not loaded yet.

Law: it becomes the carrier of the right class as soon as that class is known, by the value's
loading or because the program imported the module meanwhile; a record alone imports nothing.
"""

from __future__ import annotations

from typing import Any, Final

from dumbo.proxy.carrier import Carrier
from dumbo.proxy.classes import GIVEN, carrier_class
from dumbo.proxy.wrapped_type import find_type, is_tensor_type

# The one way to set a proxy's real class: its own __class__ answers for the value.
_set_class: Final = object.__dict__["__class__"].__set__


class Unopened(Carrier):
    """Stand-in that does not know yet what it stands for."""

    __slots__ = ()

    def __wrapped_get__(self) -> object:
        value = self._self_node.value
        _become(self, type(value))
        return value

    @property  # type: ignore[misc]  # assigning it is refused by __setattr__
    def __class__(self) -> type:
        known = find_type(self._self_node.record.type)
        if known is None:
            known = type(self.__wrapped__)  # the true answer is worth a load
        _become(self, known)
        # torch casts whatever says it is a tensor, and crashes: say the truth about ourselves.
        return Unopened if is_tensor_type(known) else known

    def __dir__(self) -> list[str]:
        return dir(self.__wrapped__)


def _become(carrier: Any, value_type: type) -> None:
    if type(carrier) is Unopened and not is_tensor_type(value_type):
        _set_class(carrier, carrier_class(value_type))


for _name, _hook in GIVEN.items():
    if _name not in ("__buffer__", "__fspath__"):
        setattr(Unopened, _name, _hook)

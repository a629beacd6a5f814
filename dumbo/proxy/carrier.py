"""The carrier of everything but tensors: a wrapt proxy that is made from a record alone.

Law: nothing done to a carrier reaches the cached value. In-place operators give bare copies;
assignment raises. Asking for the type, the CID or the record loads nothing.

Whether something is a carrier is asked of ``type(x)``, never by ``isinstance``: the carrier says
it is the type it stands for.
"""

from __future__ import annotations

import copy
import operator
from collections.abc import Callable
from typing import Any, ClassVar, Final, NoReturn, TypeAlias

import wrapt

from dumbo.errors import FrozenValueError
from dumbo.proxy.bare import bare_copy, hand_out, plain
from dumbo.proxy.carried import Carried
from dumbo.proxy.node import Node
from dumbo.proxy.pickled import reduced
from dumbo.proxy.wrapped_type import PLAIN

REPR_LOADS_UNDER: Final = 1 << 20
"""Bytes; the repr of an unopened value at least this large is a summary."""


IN_PLACE: Final = (
    *("__iadd__", "__isub__", "__imul__", "__itruediv__", "__ifloordiv__", "__imod__"),
    *("__ipow__", "__ilshift__", "__irshift__", "__iand__", "__ior__", "__ixor__"),
    "__imatmul__",
)
"""The in-place operators."""


def refuse(node: Node, what: str) -> NoReturn:
    """Raise the error for an attempt to change a cached value."""
    if node.record.type.startswith("torch"):
        remedy = "`unwrap(x).clone()`"
    else:
        remedy = "`unwrap(x).copy()`, or `copy.deepcopy(x)` for an object without .copy()"
    raise FrozenValueError(
        f"{what}: {node.cid.short} is a cached result and cannot be changed in place; "
        f"change a copy: {remedy}"
    )


class Carrier(Carried, wrapt.BaseObjectProxy):  # type: ignore[misc]  # wrapt's types are not followed
    """Stand-in for a value; one subclass per wrapped type, see `dumbo.proxy.classes`."""

    __slots__ = ("_self_node",)
    _self_node: Node
    __dumbo_type__: ClassVar[type] = object

    def __new__(cls, *args: object, **kwargs: object) -> Any:
        """Make a bare value: ``type(x)(...)`` is how libraries make another of the same kind."""
        return cls.__dumbo_type__(*args, **kwargs)

    def __wrapped_factory__(self) -> None:
        """Switch wrapt to loading at the first touch; its presence is all that counts."""

    def __wrapped_get__(self) -> object:
        return self._self_node.value

    def __dumbo_node__(self) -> Node:
        return self._self_node

    @property  # type: ignore[misc]  # assigning it is refused by __setattr__
    def __class__(self) -> type:
        return type(self).__dumbo_type__

    def __repr__(self) -> str:
        node = self._self_node
        if not node.is_loaded and node.record.nbytes >= REPR_LOADS_UNDER:
            text = summary(node)
        else:
            text = repr(self.__wrapped__)
        return f"[{node.note}] {text}" if node.note else text

    def __dir__(self) -> list[str]:
        # Completion in a shell asks often and must not load.
        if self._self_node.is_loaded:
            return dir(self.__wrapped__)
        return dir(type(self).__dumbo_type__)

    def __hash__(self) -> int:
        return hash(self.__wrapped__)

    # wrapt unwraps the operands of arithmetic, but not those of comparison.
    def __eq__(self, other: object) -> Any:
        return self.__wrapped__ == plain(other)

    def __ne__(self, other: object) -> Any:
        return self.__wrapped__ != plain(other)

    def __lt__(self, other: object) -> Any:
        return self.__wrapped__ < plain(other)

    def __le__(self, other: object) -> Any:
        return self.__wrapped__ <= plain(other)

    def __gt__(self, other: object) -> Any:
        return self.__wrapped__ > plain(other)

    def __ge__(self, other: object) -> Any:
        return self.__wrapped__ >= plain(other)

    def __copy__(self) -> Any:
        return bare_copy(self.__wrapped__)

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        return copy.deepcopy(hand_out(self.__wrapped__), memo)

    def __reduce_ex__(self, protocol: object) -> Any:
        return reduced(self._self_node)

    def __reduce__(self) -> Any:
        return reduced(self._self_node)

    def __setattr__(self, name: str, value: object) -> None:
        node = self._self_node
        # wrapt itself sets the value it was just given by __wrapped_get__.
        if name == "__wrapped__" and node.is_loaded and value is node.value:
            super().__setattr__(name, value)
        else:
            refuse(node, f"setting .{name}")

    def __delattr__(self, name: str) -> None:
        refuse(self._self_node, f"deleting .{name}")

    def __setitem__(self, key: object, value: object) -> None:
        refuse(self._self_node, f"setting item [{key!r}]")

    def __delitem__(self, key: object) -> None:
        refuse(self._self_node, f"deleting item [{key!r}]")

    @classmethod
    def __torch_function__(
        cls,
        function: Callable[..., Any],
        types: object,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        # Lets a carrier of a number, shape or list be an argument of a torch function.
        return function(*plain_inside(args), **plain_inside(kwargs or {}))


def plain_inside(arguments: Any) -> Any:
    """Take carriers out of a function's arguments, also inside exact tuples, lists and dicts."""
    kind = type(arguments)
    if kind in PLAIN:
        return arguments
    if kind is dict:
        return {key: plain_inside(value) for key, value in arguments.items()}
    if kind is tuple or kind is list:
        return kind(map(plain_inside, arguments))
    return plain(arguments)


def summary(node: Node) -> str:
    """Describe an unopened value in one line, from its record."""
    record = node.record
    shape = record.meta.get("shape")
    parts = [record.type.partition(":")[2]]
    if isinstance(shape, (list, tuple)):
        parts.append(f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})")
    parts += [str(record.meta[name]) for name in ("dtype", "device") if name in record.meta]
    return f"<{' '.join(parts)}, {record.nbytes / 2**20:.1f} MiB, not loaded>"


def _in_place(name: str) -> Callable[[Carrier, object], Any]:
    apply: Callable[[Any, Any], Any] = getattr(operator, name)

    def operate(self: Carrier, other: object) -> Any:
        # Rebinds the caller's name to a bare, changed copy; wrapt would change the cached value.
        return apply(bare_copy(self.__wrapped__), plain(other))

    operate.__name__ = name
    return operate


for _name in IN_PLACE:
    setattr(Carrier, _name, _in_place(_name))

_new: Final = wrapt.BaseObjectProxy.__new__
_init: Final = wrapt.BaseObjectProxy.__init__
# wrapt refuses object.__setattr__; the slot's own descriptor is the one way in.
_set_node: Final = Carrier.__dict__["_self_node"].__set__
CarrierClass: TypeAlias = type[Carrier]


def make(carrier_class: CarrierClass, node: Node) -> Carrier:
    """Make the carrier of a node; the value is taken along if it is at hand."""
    carrier: Carrier = _new(carrier_class)
    _set_node(carrier, node)
    _init(carrier, node.value if node.is_loaded else None)
    return carrier

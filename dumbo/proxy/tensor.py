"""The carrier of a torch tensor: a real ``torch.Tensor`` without memory that loads when used.

Law: never a wrapt proxy, whose ``__class__`` torch's C++ believes and crashes on. Every operation
works on the materialised tensor and gives plain tensors; in-place operations and ``out=`` raise.
Inside torch the carrier sits on the ``meta`` device: where C++ looks past Python's hooks it finds
a tensor that says it has no memory, and raises, instead of reading memory that is not there.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Final

from dumbo.proxy.bare import node_of, plain
from dumbo.proxy.carried import Carried
from dumbo.proxy.carrier import IN_PLACE, REPR_LOADS_UNDER, plain_inside, refuse, summary
from dumbo.proxy.node import Node
from dumbo.proxy.pickled import rebuild, rebuild_native, reduced
from dumbo.proxy.wrapped_type import is_tensor_type

READ_ONLY_NUMPY: Final = frozenset({"numpy", "__array__"})
MEMORY: Final = frozenset(
    {"untyped_storage", "storage", "_typed_storage", "__dlpack__", "to_dlpack", "_to_dlpack"}
)
"""What gives the memory itself away, to be written to or freed at will: they get a copy's."""
GETTERS: Final = ("shape", "dtype", "ndim", "requires_grad", "layout", "itemsize", "is_leaf")
METHODS: Final = (
    *("size", "dim", "ndimension", "numel", "nelement", "__len__", "element_size"),
    *("is_floating_point", "is_complex", "is_signed"),
)


def tensor_carrier(node: Node) -> Any:
    """Make the carrier of a tensor's node, from its record alone where the record says enough."""
    import torch

    meta = node.record.meta
    if node.is_loaded or "shape" not in meta or "dtype" not in meta:
        value: Any = node.value
        shape, dtype = value.shape, value.dtype
        device, requires_grad = value.device, value.requires_grad
    else:
        shape = tuple(meta["shape"])  # type: ignore[arg-type]  # a list of ints in the record
        dtype = getattr(torch, str(meta["dtype"]).removeprefix("torch."))
        device = torch.device(str(meta.get("device", "cpu")))
        requires_grad = bool(meta.get("requires_grad", False))
    carrier = torch.Tensor._make_wrapper_subclass(  # noqa: SLF001 - the way to make a subclass without memory
        tensor_carrier_class(), shape, dtype=dtype, device="meta", requires_grad=requires_grad
    )
    carrier.__dict__["_dumbo"] = (node, device)
    return carrier


class TensorHooks(Carried):
    """The methods of the carrier class; the class itself is made when torch is there."""

    __slots__ = ()

    def __dumbo_node__(self) -> Node:
        return self.__dict__["_dumbo"][0]  # type: ignore[no-any-return]  # put there by tensor_carrier

    def __repr__(self, **kwargs: object) -> str:
        node = self.__dumbo_node__()
        large = not node.is_loaded and node.record.nbytes >= REPR_LOADS_UNDER
        text = summary(node) if large else repr(node.value)
        return f"[{node.note}] {text}" if node.note else text

    def __setattr__(self, name: str, value: object) -> None:
        refuse(self.__dumbo_node__(), f"setting .{name}")

    def __reduce_ex__(self, protocol: object) -> Any:
        return reduced(self.__dumbo_node__())

    def __copy__(self) -> Any:
        return plain(self).clone()

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        value = plain(self)
        return memo.setdefault(id(self), value.detach().clone().requires_grad_(value.requires_grad))

    @classmethod
    def __torch_function__(
        cls,
        function: Callable[..., Any],
        types: object,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        target = args[0] if args else None
        if type(target) is cls and not node_of(target).is_loaded:  # type: ignore[union-attr]  # a carrier
            answer = _metadata().get(function)
            if answer is not None:
                return answer(target, *args[1:], **kwargs)
        return materialised(function, args, kwargs)

    @classmethod
    def __torch_dispatch__(
        cls,
        operation: Any,
        types: object,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        # Reached from C++ only: Python's calls were materialised above.
        written = [a for a, s in zip(args, operation._schema.arguments, strict=False) if _writes(s)]  # noqa: SLF001 - the operator's declared aliasing
        for argument in written:
            _refuse_target(argument, str(operation))
        if operation.__name__.startswith("set_"):
            args = tuple(map(_cloned, args))
        return operation(*plain_inside(args), **plain_inside(kwargs or {}))


def _writes(argument: Any) -> bool:
    return argument.alias_info is not None and argument.alias_info.is_write


def _refuse_target(target: object, what: str) -> None:
    for tensor in target if type(target) in (tuple, list) else (target,):  # type: ignore[attr-defined]  # checked
        node = node_of(tensor)
        if node is not None:
            refuse(node, what)


def materialised(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """Run a torch function on the tensors under the carriers, if it changes none of them."""
    name, owner, in_place = _traits(function)
    if "out" in kwargs:
        _refuse_target(kwargs["out"], f"out= of {name}")
    if name in ("__set__", "__delete__"):
        _refuse_target(args[0], f"setting .{owner}")
        # The tensor that takes it over must not share memory with the cached one.
        return function(plain(args[0]), *(_cloned(value) for value in args[1:]))
    if in_place or kwargs.get("inplace"):
        _refuse_target(args[0] if args else None, f".{name}")
    if name == "__get__" and owner == "data":
        node_of(args[0]).exposure.is_open = True  # type: ignore[union-attr]  # a carrier
        return plain(args[0]).detach()  # .data would share memory but not the version counter
    if name in MEMORY:
        return function(*map(_cloned, args), **kwargs)
    result = function(*plain_inside(args), **plain_inside(kwargs))
    if name in READ_ONLY_NUMPY:
        return _read_only(result)
    _note_aliases(name, result, args)
    return result


def _note_aliases(name: str, result: Any, args: tuple[Any, ...]) -> None:
    """Note for each carrier whether its memory was given away in a result.

    A view shares the version counter, but what is written through ``view.data`` or
    ``view.numpy()`` does not count.
    """
    first = result[0] if type(result) in (tuple, list) and result else result
    if not is_tensor_type(type(first)):
        return
    # What is detached is no view to torch, but shares the memory all the same.
    is_alias = first._is_view() or name == "detach"  # noqa: SLF001 - torch names it so
    for argument in args:
        node = node_of(argument)
        if node is not None and (is_alias or first is node.value):
            node.exposure.is_open = True


@functools.lru_cache(maxsize=1024)
def _traits(function: Callable[..., Any]) -> tuple[str, str, bool]:
    """Name, owner where it is a property's getter, and whether it writes into its argument."""
    name = getattr(function, "__name__", "").partition(".")[0]  # operators are named add_.Tensor
    return name, getattr(getattr(function, "__self__", None), "__name__", ""), _is_in_place(name)


def _is_in_place(name: str) -> bool:
    if name in ("__setitem__", "__delitem__"):
        return True
    return name.endswith("_") and not name.startswith("__")


def _cloned(value: Any) -> Any:
    return value if node_of(value) is None else plain(value).detach().clone()


def _read_only(array: Any) -> Any:
    # Not a view of it: a view's base could be written to.
    array.flags.writeable = False
    return array


@functools.cache
def _metadata() -> dict[Any, Callable[..., Any]]:
    """What the record answers: torch's own getters, run on the memoryless tensor itself."""
    import torch

    kind = torch.Tensor
    getters = [getattr(kind, name).__get__ for name in GETTERS]
    methods = [getattr(kind, name) for name in METHODS]
    answers: dict[Any, Callable[..., Any]] = {f: _on_itself(f) for f in (*getters, *methods)}
    answers[torch.is_floating_point] = answers[kind.is_floating_point]
    answers[torch.numel] = answers[kind.numel]
    answers[kind.nbytes.__get__] = lambda self, *_: self.numel() * self.element_size()
    answers[kind.device.__get__] = lambda self, *_: self.__dict__["_dumbo"][1]
    for name in ("is_cuda", "is_cpu", "is_mps", "is_meta"):
        answers[getattr(kind, name).__get__] = _device_is(name.removeprefix("is_"))
    return answers


def _on_itself(function: Callable[..., Any]) -> Callable[..., Any]:
    import torch

    def answer(*args: Any, **kwargs: Any) -> Any:
        with torch._C.DisableTorchFunctionSubclass():  # noqa: SLF001 - torch documents it for subclasses
            return function(*args, **kwargs)

    return answer


def _device_is(kind: str) -> Callable[..., bool]:
    return lambda self, *_: self.__dict__["_dumbo"][1].type == kind


@functools.cache
def tensor_carrier_class() -> Any:
    """Make the carrier class; only called once torch is wanted."""
    import torch

    torch.serialization.add_safe_globals([rebuild, rebuild_native])
    hooks = {name: _rebinding(name) for name in IN_PLACE if hasattr(torch.Tensor, name)}
    return type(torch.Tensor)("Carrier[Tensor]", (TensorHooks, torch.Tensor), hooks)


def _rebinding(name: str) -> Callable[..., Any]:
    def method(self: Any, other: Any) -> Any:
        return getattr(plain(self).clone(), name)(plain(other))

    method.__name__ = name
    return method

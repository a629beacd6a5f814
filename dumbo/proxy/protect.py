"""Protection of a fresh result before it is kept in memory, and the check that it held.

Law: the caller's own objects are never touched. A list that the function still holds is copied, an
array that anybody else may hold is copied; only an array nobody else can reach is frozen as it is.
What cannot be made read-only (tensors) is watched: compare marks before serving a kept value.
"""

from __future__ import annotations

import sys
import weakref
from dataclasses import dataclass
from typing import Any, Final

from dumbo.proxy.bare import frames_copy_on_write, is_carrier
from dumbo.proxy.known import memory_of, shape_of, version_of
from dumbo.proxy.walk import Rebuild, leaves
from dumbo.proxy.wrapped_type import PLAIN, is_from, is_tensor_type


def protect(value: Any, *, held: int = 0) -> Any:
    """Give the form of a fresh result that may be kept in memory.

    Lists, dicts, sets and tuples are rebuilt (what is shared inside stays shared); arrays
    become read-only; tensors leave their autograd graph but keep their storage; frames are
    copied shallowly where the library copies on write. Other objects are given back as they are.

    Parameters
    ----------
    value : object
    held : int
        How many references to `value` the caller itself holds (a local variable is one). Whatever
        is referenced more often is somebody else's too, and is copied. 0 is always safe.

    Raises
    ------
    UncacheableError
        For containers nested deeper than Python recurses.

    Examples
    --------
    >>> import numpy as np
    >>> mine = np.zeros(3)
    >>> kept = protect(mine)
    >>> mine[0] = 1.0
    >>> float(kept[0]), kept.flags.writeable
    (0.0, False)
    """
    kind = type(value)
    if kind in PLAIN:
        return value
    if is_from(kind, "numpy", "ndarray"):
        # On a line of its own: an argument already pushed would count as a holder.
        others = sys.getrefcount(value) - _CALL_REFERENCES - held
        return _frozen(value, sole=_unshared(others, value))
    return Rebuild(_leaf)(value)


def _references(value: object) -> int:
    return sys.getrefcount(value)


# What a call itself adds to the count of its argument; never assumed to be more than two, since too
# large a number would make a shared array look like one nobody else holds.
_CALL_REFERENCES: Final = min(2, _references(object()))


def _unshared(others: int, array: Any) -> bool:
    """Whether nobody but the caller can reach an array's memory."""
    if others > 0 or weakref.getweakrefcount(array) or not _counts_are_exact():
        return False
    # A view shares its memory with its base; who holds that cannot be told cheaply.
    return array.base is None and bool(array.flags.owndata)


def _counts_are_exact() -> bool:
    # 3.14 lets a call borrow its argument, and without the global lock counts are split among
    # threads: there every array is copied.
    locked = getattr(sys, "_is_gil_enabled", None)
    return sys.version_info < (3, 14) and (locked is None or bool(locked()))


def _frozen(array: Any, *, sole: bool) -> Any:
    """Give a read-only view whose owner is read-only too, so that the view cannot be unlocked."""
    import numpy as np

    if is_carrier(array):
        return array
    if not array.flags.writeable and _unchangeable(array):
        return array
    owner = array if sole else array.copy(order="K")
    if isinstance(owner, np.memmap):
        owner = np.array(owner)  # a copied memmap claims a file it no longer has
    owner.flags.writeable = False
    return owner.view()


def _unchangeable(array: Any) -> bool:
    """Whether no array down the chain of bases can write."""
    import numpy as np

    base = array.base
    while isinstance(base, np.ndarray):
        if base.flags.writeable:
            return False
        array, base = base, base.base
    # An owner that was locked can be unlocked by whoever holds it; a mapping or bytes cannot.
    return base is not None and memoryview(base).readonly if _has_buffer(base) else False


def _has_buffer(base: object) -> bool:
    try:
        memoryview(base).release()  # type: ignore[arg-type]  # that is the question
    except TypeError:
        return False
    return True


def _leaf(value: Any) -> Any:
    kind = type(value)
    if is_carrier(value):
        return value
    if is_from(kind, "numpy", "ndarray"):
        return _frozen(value, sole=False)
    if is_tensor_type(kind):
        return value.detach() if value.grad_fn is not None else value
    root = kind.__module__.partition(".")[0]
    if kind is bytearray or (root == "scipy" and hasattr(value, "tocsr")):
        return value.copy()
    if root == "polars" and hasattr(value, "clone"):
        return value.clone()
    if root == "pandas" and hasattr(value, "copy"):
        return value.copy(deep=not frames_copy_on_write())
    return value


@dataclass(frozen=True, slots=True)
class Mark:
    """What a kept value looked like when it was kept, as far as changes to it leave a trace."""

    facts: tuple[object, ...]


def mark_of(value: object) -> Mark:
    """Take the mark of a protected value: version counters of tensors, locks of arrays."""
    facts: list[object] = []
    for leaf in leaves(value):
        if not is_carrier(leaf):
            facts += _facts(leaf)
    return Mark(tuple(facts))


def check_unspoilt(value: object, mark: Mark) -> bool:
    """Whether a kept value still is what it was when its mark was taken.

    Sees in-place operations on tensors through any alias that shares the version counter, new or
    lost tensors in a module, changed train/eval mode, and unlocked arrays. Does not see writes
    through ``tensor.numpy()`` or ``tensor.data``: only the content digest does.
    """
    return mark_of(value) == mark


def _facts(leaf: Any) -> list[object]:
    kind = type(leaf)
    if is_from(kind, "numpy", "ndarray"):
        return [id(leaf), _locked(leaf)]
    if is_tensor_type(kind):
        facts = [id(leaf), version_of(leaf), shape_of(leaf), leaf.dtype, leaf.requires_grad]
        return [*facts, memory_of(leaf)]  # what was freed underneath must not even be read
    if "torch" in sys.modules and is_from(kind, "torch", "Module"):
        return [fact for name, part in leaf.named_modules() for fact in (name, part.training)] + [
            fact
            for name, tensor in (*leaf.named_parameters(), *leaf.named_buffers())
            for fact in (name, *_facts(tensor))
        ]
    return []


def _locked(array: Any) -> bool:
    while is_from(type(array), "numpy", "ndarray"):
        if array.flags.writeable:
            return False
        array = array.base
    return True

"""Objects around tensors: modules, and objects whose own fields are tensors or large arrays.

Law: the object is a pickle, signed like any other, in which every tensor is a place in a list; the
tensors lie beside it, each kept by its own codec, so they are mapped when the object is opened and
a model of many gigabytes opens at once. A dataclass also leaves out its large arrays.

A module needs its class, so it is never opened without the signature; a ``state_dict()`` is a
container of tensors and needs none. The same tensor twice (tied weights) is one tensor again;
views of one storage become tensors of their own, as in every other pickle. A tensor that was
computed comes back detached.
"""

from __future__ import annotations

import dataclasses
import io
import pickle
import sys
from collections.abc import Callable, Iterator
from typing import Any

from dumbo.errors import ValueLostError
from dumbo.records import Stored
from dumbo.storage.base import INLINE_BYTES, Codec, Keeper, Keeps
from dumbo.storage.codecs.assembly import Reader
from dumbo.storage.codecs.pickled import PickleCodec, type_name, uncacheable
from dumbo.storage.codecs.trees import DAMAGE, TreeCodec
from dumbo.storage.codecs.writing import write_tree
from dumbo.storage.keys import is_signed, sign


class SkeletonCodec(TreeCodec):
    """Pickles with their tensors beside them.

    Parameters
    ----------
    find : callable
        Gives the codec of a tensor or array.
    pickles : PickleCodec
        Decides whether pickles are allowed here.
    """

    name = "skeleton/1"
    keeps = frozenset({Keeps.LAZY})

    def __init__(self, find: Callable[[object], Codec], pickles: PickleCodec) -> None:
        super().__init__()
        self._find = find
        self._pickles = pickles

    def accepts(self, value: object) -> bool:
        """Whether the value is a module, or has a tensor or large array as a field of its own."""
        torch = sys.modules.get("torch")
        if torch is not None and isinstance(value, torch.nn.Module):
            return True
        return any(_is_beside(field, _leaves_arrays(value)) for field in _fields(value))

    def store(self, value: object, into: Keeper) -> Stored:
        """Pickle and sign the skeleton, store the rest beside it."""
        self._pickles.check_storable(value)
        beside: list[Any] = []
        stream = _skeleton(value, beside)
        tree = {"stream": stream, "mac": sign((stream,)), "beside": beside}
        meta = {"type": type_name(value)}
        return write_tree(self.name, tree, into.digest(value), into, meta)

    def load(self, stored: Stored, source: Keeper) -> object:
        """Check the signature, open what lies beside, then unpickle."""
        self._pickles.check_loadable(stored)
        manifest, node = self._trees.open(stored, source)
        try:
            tree: Any = Reader(manifest, source).value(node)
            stream, beside = tree["stream"], tree["beside"]
            if type(stream) is not bytes or type(beside) is not list:
                raise TypeError("the skeleton is no pickle")
            signed = is_signed((stream,), tree["mac"])
        except DAMAGE as error:
            raise ValueLostError(
                f"a value of type {str(stored.meta.get('type'))[:80]} cannot be put together "
                f"({error!r:.200}); recompute it, or restore the store from a copy"
            ) from error
        return self._pickles.unpickled(stored, signed, lambda: _Fleshing(stream, beside).load())


def _skeleton(value: object, beside: list[Any]) -> bytes:
    stream = io.BytesIO()
    try:
        _Stripping(stream, beside, _leaves_arrays(value)).dump(value)
    except Exception as error:
        raise uncacheable(value, error) from error
    return stream.getvalue()


def _leaves_arrays(value: object) -> bool:
    return dataclasses.is_dataclass(value) or hasattr(type(value), "__attrs_attrs__")


def _fields(value: Any) -> Iterator[Any]:
    """What an object of Python holds itself: its attributes and slots, uncomputed."""
    if _leaves_arrays(value):
        attrs = getattr(type(value), "__attrs_attrs__", None)
        names = [part.name for part in attrs or dataclasses.fields(value)]
        yield from (getattr(value, name) for name in names if hasattr(value, name))
    elif type(value).__dictoffset__ and not isinstance(value, type):
        yield from list(vars(value).values())


def _is_beside(value: Any, arrays: bool) -> bool:
    """Whether a value is left out of the skeleton."""
    torch, numpy = sys.modules.get("torch"), sys.modules.get("numpy")
    if torch is not None and isinstance(value, torch.Tensor):
        from dumbo.storage.codecs.tensors import is_exact

        return is_exact(value)
    if not arrays or numpy is None or type(value) is not numpy.ndarray:
        return False
    return bool(value.nbytes > INLINE_BYTES and not value.dtype.hasobject)


class _Stripping(pickle.Pickler):
    """Pickles an object and collects what is left out of it."""

    def __init__(self, stream: io.BytesIO, beside: list[Any], arrays: bool) -> None:
        super().__init__(stream, protocol=5)
        self._beside = beside
        self._arrays = arrays
        self._places: dict[int, int] = {}

    def persistent_id(self, obj: Any) -> int | None:
        """Give the place of what is left out, None for what is pickled."""
        if not _is_beside(obj, self._arrays):
            return None
        # The list keeps the object, so its id stays its own.
        place = self._places.setdefault(id(obj), len(self._beside))
        if place == len(self._beside):
            self._beside.append(obj)
        return place


class _Fleshing(pickle.Unpickler):
    """Unpickles a signed skeleton, with what was left out put back."""

    def __init__(self, stream: bytes, beside: list[Any]) -> None:
        super().__init__(io.BytesIO(stream))
        self._beside = beside

    def persistent_load(self, pid: Any) -> Any:
        """Give what was left out at a place."""
        return self._beside[pid]

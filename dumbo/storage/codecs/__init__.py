"""Encode and open values, one file per family of types.

Law: the first codec of the table that accepts a value keeps it; what a row names is looked up in
the table and nowhere else. The table goes by type and its ancestors, by name, so that no library
is imported before one of its values is met.

Other packages add codecs by an entry point of the group ``dumbo.codecs`` whose name is the type,
``module.Type``, and whose value is a `dumbo.storage.base.Codec` or a callable that makes one.
"""

from __future__ import annotations

import functools
import importlib.metadata
import weakref
from typing import Final

from dumbo.errors import StoreFormatError
from dumbo.storage.base import Codec
from dumbo.storage.codecs.containers import ContainerCodec
from dumbo.storage.codecs.pickled import PickleCodec, Pickles
from dumbo.storage.codecs.scalars import SCALARS, ScalarCodec

__all__ = ["ENTRY_POINTS", "Codecs", "Pickles"]

ENTRY_POINTS: Final = "dumbo.codecs"


class Codecs:
    """The table of one store.

    Parameters
    ----------
    pickles : Pickles
        Whether the last codec, pickle, may be used.
    """

    __slots__ = ("_by_codec", "_by_type", "_container", "_found", "_last")

    def __init__(self, pickles: Pickles = Pickles.SIGNED) -> None:
        self._last = PickleCodec(pickles)
        self._container = ContainerCodec(self.codec_for)
        scalar = ScalarCodec()
        plain: dict[str, Codec] = {f"builtins.{kind.__name__}": scalar for kind in SCALARS}
        plain |= {
            f"builtins.{kind.__name__}": self._container
            for kind in (dict, list, tuple, set, frozenset)
        }
        self._by_type: dict[str, Codec] = plain
        self._by_codec: dict[str, Codec] = {
            codec.name: codec for codec in (scalar, self._container, self._last)
        }
        self._found: weakref.WeakKeyDictionary[type, tuple[Codec, ...]] = (
            weakref.WeakKeyDictionary()
        )

    @property
    def container(self) -> ContainerCodec:
        """The codec whose values have items."""
        return self._container

    def codec_for(self, value: object) -> Codec:
        """Find the codec that keeps `value`."""
        kind = type(value)
        found = self._found.get(kind)
        if found is None:
            found = self._found[kind] = self._candidates(kind)
        return next((codec for codec in found if codec.accepts(value)), self._last)

    def named(self, name: str) -> Codec:
        """Find the codec a row names.

        Raises
        ------
        StoreFormatError
            This dumbo, with the packages installed here, has no such codec.
        """
        if name not in self._by_codec:
            self._learn(_library_codec("numpy.ndarray"), _library_codec("numpy.generic"))
        if name == "tensor/1":
            self._learn(_library_codec("torch.Tensor"))
        if name not in self._by_codec:
            self._learn(*_contributed().values())
        try:
            return self._by_codec[name]
        except KeyError:
            raise StoreFormatError(
                f"a value was written with the codec {name[:80]!r}, which is not known here; "
                "upgrade dumbo, or install the package that brings the codec"
            ) from None

    def _candidates(self, kind: type) -> tuple[Codec, ...]:
        names = [f"{base.__module__}.{base.__qualname__}" for base in kind.__mro__]
        found = [self._by_type.get(name) or _library_codec(name) for name in names]
        if not any(found):
            found = [_contributed().get(name) for name in names]
        known = tuple(codec for codec in found if codec is not None)
        self._learn(*known)
        return known

    def _learn(self, *codecs: Codec | None) -> None:
        self._by_codec |= {codec.name: codec for codec in codecs if codec is not None}


@functools.cache
def _library_codec(type_name: str) -> Codec | None:
    """Make the codec of a library's type; imports the library, which a value of it implies."""
    if type_name == "numpy.ndarray":
        from dumbo.storage.codecs.arrays import ArrayCodec

        return ArrayCodec()
    if type_name == "numpy.generic":
        from dumbo.storage.codecs.arrays import NumpyScalarCodec

        return NumpyScalarCodec()
    if type_name == "torch.Tensor":
        from dumbo.storage.codecs.tensors import TensorCodec

        return TensorCodec()
    return None


@functools.cache
def _contributed() -> dict[str, Codec]:
    """Codecs of other packages, by the name of their type."""
    codecs: dict[str, Codec] = {}
    for entry in importlib.metadata.entry_points(group=ENTRY_POINTS):
        made = entry.load()
        codecs[entry.name] = made() if callable(made) else made
    return codecs

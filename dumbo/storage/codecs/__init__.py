"""Encode and open values, one file per family of types.

Law: the first codec of the table that accepts a value keeps it; what a row names is looked up in
the table and nowhere else. The table goes by type and its ancestors, by name, so that no library
is imported before one of its values is met.

Other packages add codecs by an entry point of the group ``dumbo.codecs`` whose name is the type,
``module.Type``, and whose value is a `dumbo.storage.base.Codec` or a callable that makes one. They
are asked for what dumbo's own codecs decline.
"""

from __future__ import annotations

import functools
import importlib
import importlib.metadata
import weakref
from collections.abc import Mapping
from typing import Any, Final

from dumbo.errors import StoreFormatError
from dumbo.records import Stored
from dumbo.storage.base import Codec, Keeper
from dumbo.storage.codecs.containers import ContainerCodec
from dumbo.storage.codecs.parts import PartsCodec
from dumbo.storage.codecs.pickled import PickleCodec, Pickles
from dumbo.storage.codecs.scalars import ScalarCodec
from dumbo.storage.codecs.table import MODULES, OPEN, TYPES
from dumbo.storage.codecs.trees import TreeCodec

__all__ = ["ENTRY_POINTS", "Codecs", "Pickles"]

ENTRY_POINTS: Final = "dumbo.codecs"


class Codecs:
    """The table of one store.

    Parameters
    ----------
    pickles : Pickles
        Whether the last codec, pickle, may be used.
    more : Mapping, optional
        Codecs besides those of entry points, by the name of their type.
    """

    __slots__ = ("__weakref__", "_container", "_found", "_known", "_last", "_more")

    def __init__(
        self, pickles: Pickles = Pickles.SIGNED, more: Mapping[str, Codec] | None = None
    ) -> None:
        self._last = PickleCodec(pickles)
        self._container = ContainerCodec(self.codec_for)
        self._more = dict(more or {})
        self._known: dict[str, Codec] = {
            codec.name: codec for codec in (ScalarCodec(), self._container, self._last)
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
            found = self._found[kind] = self._own(kind)
        for codec in found:
            if codec.accepts(value):
                return codec
        for codec in self._others(kind):
            if codec.accepts(value):
                return codec
        return self._last

    def named(self, name: str) -> Codec:
        """Find the codec a row names.

        Raises
        ------
        StoreFormatError
            This dumbo, with the packages installed here, has no such codec.
        """
        if name not in self._known and name in MODULES:
            self._known[name] = self._made(name)
        if name not in self._known:
            self._known |= {codec.name: codec for codec in self._contributed().values()}
        try:
            return self._known[name]
        except KeyError:
            raise StoreFormatError(
                f"a value was written with the codec {name[:80]!r}, which is not known here; "
                "upgrade dumbo, or install the package that brings the codec"
            ) from None

    def objects_of(self, stored: Stored, source: Keeper) -> tuple[str, ...]:
        """Name every object a value needs, those of its parts included."""
        codec = self.named(stored.codec)
        if isinstance(codec, TreeCodec):
            return codec.objects_of(stored, source)
        return codec.objects_of(stored)

    def _made(self, name: str) -> Codec:
        module, _, attribute = MODULES[name].partition(":")
        made: Any = getattr(importlib.import_module(module), attribute)
        if name in OPEN:
            codec: Codec = made(self.codec_for, self._last)
        else:
            codec = made(self.codec_for) if issubclass(made, PartsCodec) else made()
        return codec

    def _own(self, kind: type) -> tuple[Codec, ...]:
        """Codecs of dumbo for a type, the nearest ancestor's first."""
        names = [name for base in _names(kind) for name in TYPES.get(base, ())]
        return tuple(self.named(name) for name in dict.fromkeys(names))

    def _others(self, kind: type) -> tuple[Codec, ...]:
        contributed = self._contributed()
        found = [contributed[name] for name in _names(kind) if name in contributed]
        return (*found, *(self.named(name) for name in OPEN))

    def _contributed(self) -> Mapping[str, Codec]:
        return {**_entry_points(), **self._more} if self._more else _entry_points()


def _names(kind: type) -> list[str]:
    return [f"{base.__module__}.{base.__qualname__}" for base in kind.__mro__]


@functools.cache
def _entry_points() -> dict[str, Codec]:
    """Codecs of other packages, by the name of their type."""
    codecs: dict[str, Codec] = {}
    for entry in importlib.metadata.entry_points(group=ENTRY_POINTS):
        made = entry.load()
        codecs[entry.name] = made() if callable(made) else made
    return codecs

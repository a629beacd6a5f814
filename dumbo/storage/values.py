"""Values to bytes and back: the one door between a value and what a row says of it.

Law: `load(store(x))` is `x`, bit for bit, or an error; nothing that a row says is trusted.

What a value looks like (`Stored.meta`) answers type, shape, dtype and length without I/O;
containers describe their items without loading them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from dumbo.errors import ConfigurationError, UnidentifiableError, ValueLostError
from dumbo.records import Stored
from dumbo.storage.base import INLINE_BYTES, Buffer, Codec, Keeps, Meta
from dumbo.storage.codecs import Codecs, Pickles
from dumbo.storage.objects import Objects
from dumbo.storage.sizes import size_of
from dumbo.storage.unreadable import reading

if TYPE_CHECKING:
    from dumbo.storage.handles import ArrayHandle

_ARRAYS: Final = frozenset({"array/1", "tensor/1"})

_INCOMPARABLE: Final = frozenset({"matplotlib"})
"""Libraries whose objects refer to each other all round: finding out that they have no canonical
form takes seconds (11 s for a figure of one line)."""


class Values:
    """Stores values into, and opens them from, one set of objects.

    Parameters
    ----------
    objects : Objects
        Where bytes above 32 KiB go.
    pickles : Pickles
        Whether values that only pickle can keep are kept and opened.
    more : Mapping, optional
        Codecs besides dumbo's own and those of entry points, by type: ``{"mylib.Type": codec}``.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     values = Values(Objects(pathlib.Path(folder)))
    ...     stored = values.store({"loss": 0.25, "step": 3})
    ...     values.keys(stored), values.load(values.item(stored, "loss"))
    (('loss', 'step'), 0.25)
    """

    __slots__ = ("_codecs", "_objects")

    def __init__(
        self,
        objects: Objects,
        pickles: Pickles = Pickles.SIGNED,
        more: Mapping[str, Codec] | None = None,
    ) -> None:
        self._objects = objects
        self._codecs = Codecs(pickles, more)

    @property
    def objects(self) -> Objects:
        """Where large bytes are."""
        return self._objects

    def store(self, value: object) -> Stored:
        """Encode a value; up to 32 KiB stay in the result, more is published.

        Raises
        ------
        UncacheableError
            A live handle, or something pickle does not take.
        StoreUnavailableError
            The bytes cannot be written.
        """
        return self._codecs.codec_for(value).store(value, self)

    def load(self, stored: Stored) -> object:
        """Open a value: arrays read-only and lazily, containers as new objects.

        Raises
        ------
        ValueLostError
            The bytes are gone, short, altered, or disagree with the row.
        UntrustedValueError
            Loading would run code that this user did not sign.
        StoreFormatError
            Written with a codec that is not known here.
        MissingLibraryError
            The value belongs to a library that is absent.
        """
        return self._codecs.named(stored.codec).load(stored, self)

    def codec_for(self, value: object) -> Codec:
        """Find the codec that keeps a value."""
        return self._codecs.codec_for(value)

    def codec_named(self, name: str) -> Codec:
        """Find the codec a row names; raises `StoreFormatError` if there is none here."""
        return self._codecs.named(name)

    def has_items(self, stored: Stored) -> bool:
        """Whether `keys` and `item` can be asked."""
        return stored.codec == self._codecs.container.name

    def keys(self, stored: Stored) -> tuple[object, ...]:
        """Keys of a dict, indices of a sequence; empty for a set."""
        self._check_items(stored, "keys")
        return self._codecs.container.keys(stored, self)

    def item(self, stored: Stored, key: object) -> Stored:
        """Describe one item without loading it.

        Parameters
        ----------
        stored : Stored
            A container.
        key : object
            Index, key, or field of a named tuple (``x`` or ``.x``).

        Raises
        ------
        NotCachedError
            There is no such item.
        """
        self._check_items(stored, "item")
        return self._codecs.container.item(stored, key, self)

    def nbytes(self, value: object) -> int:
        """Estimate the encoded size in bytes; cheap, and copies nothing."""
        return size_of(value)

    def digest(self, value: object) -> str:
        """Digest, equal to that of the value when stored; empty if there is none."""
        if type(value).__module__.partition(".")[0] in _INCOMPARABLE:
            return ""
        from dumbo.identity import value_digest

        try:
            return value_digest(value)
        except UnidentifiableError:
            return ""

    def objects_of(self, stored: Stored) -> tuple[str, ...]:
        """Name every object the value needs, for those who collect the others."""
        return self._codecs.objects_of(stored, self)

    def check(self, stored: Stored) -> None:
        """Look whether every object of a value is there and as it was written; reads no value.

        Raises
        ------
        ValueLostError
            One is gone, short or altered.
        """
        for name in self.objects_of(stored):
            self._objects.open_object(name)

    def is_lazy(self, stored: Stored) -> bool:
        """Whether opening the value again costs next to nothing: memory need not hold it."""
        codec = self._codecs.named(stored.codec)
        lazy = Keeps.LAZY in codec.keeps and stored.meta.get("lazy") is not False
        return lazy and bool(self.objects_of(stored))

    def is_mapped(self, stored: Stored) -> bool:
        """Whether the opened value is a map of its object: it then takes no memory of its own."""
        array = stored.codec in _ARRAYS and bool(stored.object)
        return array and stored.meta.get("lazy") is not False

    def handle(self, stored: Stored) -> ArrayHandle | None:
        """Open an array without reading it; None for anything else, and for what is in the row.

        Raises
        ------
        ValueLostError
            The bytes are gone, short, altered, or disagree with the row.
        """
        if stored.codec != "array/1" or not stored.object or not stored.meta.get("shape"):
            return None
        from dumbo.storage.codecs.arrays import ArrayCodec

        return ArrayCodec().handle(stored, self)

    def keep(self, codec: str, meta: Meta, parts: Sequence[Buffer], digest: str) -> Stored:
        """Put encoded bytes into the row if small, into a plain object otherwise."""
        nbytes = sum(memoryview(part).nbytes for part in parts)
        if nbytes <= INLINE_BYTES:
            return Stored(codec, meta, nbytes, digest, b"".join(parts))
        published = self._objects.publish(parts)
        return Stored(codec, meta, nbytes, digest, None, published.name)

    def fetch(self, stored: Stored, offset: int = 0, length: int | None = None) -> bytes:
        """Read bytes of the row, or of a plain object of exactly ``stored.nbytes``."""
        wanted = stored.nbytes - offset if length is None else length
        if stored.object:
            path = self._objects.open_object(stored.object, stored.nbytes)
            with reading(str(path), None), path.open("rb", buffering=0) as file:
                file.seek(offset)
                data = file.read(min(wanted, stored.nbytes))
        else:
            data = (stored.inline or b"")[offset : offset + wanted]
        if len(data) != wanted:
            raise ValueLostError(
                f"a value of type {stored.meta.get('type')} cannot be read: {wanted} bytes were "
                f"written, {len(data)} are left; recompute it"
            )
        return data

    def _check_items(self, stored: Stored, verb: str) -> None:
        if not self.has_items(stored):
            raise ConfigurationError(
                f"Values.{verb}: a stored {stored.meta.get('type')} has no items; load it whole"
            )

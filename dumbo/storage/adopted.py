"""Arrays in files that the user has already: npy, HDF5, zarr.

Law: nothing is copied, nothing is written, and nothing but headers is read before a slice asks for
it; a file that changed since it was opened raises at the next read where that can be seen. What can
be seen: every change of one file, and of zarr's metadata, at once; of a zarr chunk at the next look
at all of them. What is mapped already is read as it is now: only `unchanged` can tell.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from dumbo.errors import ConfigurationError, ValueLostError
from dumbo.storage.array_sources import PREFIX, Source, opened
from dumbo.storage.handles import ArrayHandle, MappedArray
from dumbo.storage.selection import blocks_of_rows
from dumbo.storage.tree_digest import KnownTrees, TreeStamp, tree_digest, tree_stamp

if TYPE_CHECKING:
    from dumbo.storage.codecs.blocks import Array
    from dumbo.storage.codecs.dtypes import AnyDType


_LOOKS_APART: Final = 10.0
"""Looks at all files of a folder take at most one part in so many of a reader's time."""


def content_now(name: str, known: KnownTrees) -> str | None:
    """Digest of the content that an adopted array of this name has now.

    None where the name is of something else, or its file is not there or cannot be read.
    """
    if not name.startswith(PREFIX):
        return None
    tree = _tree(name)
    try:
        return tree_digest(tree, known) if tree.exists() else None
    except ConfigurationError:
        return None


def unchanged(name: str, digest: str, known: KnownTrees, stamp: Sequence[int] = ()) -> bool:
    """Whether an adopted array is what it was when it was opened; True for any other name.

    Parameters
    ----------
    name : str
        Of the external value, as `Source.name` gives it.
    digest : str
        Of its content when it was opened.
    known : KnownTrees
        Asked for a digest before the files are read.
    stamp : sequence of int, optional
        Of all its files when it was opened, ``meta["stamp"]``: who changed an array and changed
        it back was seen by it.

    Examples
    --------
    >>> from dumbo.storage.tree_digest import KnownTrees
    >>> unchanged("learning rate", "", known=None)  # names no file
    True
    """
    if not name.startswith(PREFIX):
        return True
    if stamp and tuple(stamp) != tuple(tree_stamp(_tree(name))):
        return False
    return content_now(name, known) == digest


def _tree(name: str) -> Path:
    """The file or folder that an adopted array of this name lies in."""
    text = name.removeprefix(PREFIX)
    path, _, key = text.removesuffix("]").rpartition("[")
    source = Source(Path(path), key) if text.endswith("]") and path else Source(Path(text))
    return Path(text) if Path(text).exists() else source.tree


def open_existing(path: str | os.PathLike[str], key: str | None = None) -> AdoptedArray:
    """Open an array of the user's, reading only its header.

    Parameters
    ----------
    path : path
        A ``.npy`` file, an HDF5 file, or the folder of a zarr array or group.
    key : str, optional
        Path of the dataset inside; needed where there are several.

    Raises
    ------
    ConfigurationError
        There is no such file or dataset, or it is none of these formats.
    MissingLibraryError
        h5py or zarr is absent.

    Examples
    --------
    >>> import tempfile, numpy as np
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.save(Path(folder, "x.npy"), np.arange(6.0))
    ...     x = open_existing(Path(folder, "x.npy"))
    ...     x.shape, x.dtype, float(x[2:4].sum())
    ((6,), dtype('float64'), 5.0)
    """
    source = Source(Path(os.path.abspath(path)), key or "")  # noqa: PTH100 - links are kept
    try:
        stamp = tree_stamp(source.tree)
        handle = opened(source)
    except (OSError, ValueError, KeyError) as error:
        raise ConfigurationError(
            f"open_array({source.text!r}): it cannot be opened ({error}); give a .npy file, an "
            "HDF5 file or the folder of a zarr array that can be read"
        ) from error
    return AdoptedArray(source, stamp, handle)


class AdoptedArray:
    """An array in a file of the user's; slices read their own bytes, `numpy.asarray` all of it.

    Parameters
    ----------
    source : Source
    stamp : TreeStamp
        Of the file, or of all files of the folder, when it was opened.
    handle : ArrayHandle
    """

    __slots__ = ("__weakref__", "_handle", "_look_after", "_stamp", "_watched", "source")

    def __init__(self, source: Source, stamp: TreeStamp, handle: ArrayHandle) -> None:
        self.source = source
        self._stamp = stamp
        self._watched = tree_stamp(source.watched)
        self._look_after = 0.0
        self._handle = handle

    @property
    def shape(self) -> tuple[int, ...]:
        """Extents."""
        return self._handle.shape

    @property
    def dtype(self) -> AnyDType:
        """Data type."""
        return self._handle.dtype

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of items."""
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        """Bytes of the whole array."""
        return self.size * self.dtype.itemsize

    @property
    def meta(self) -> Mapping[str, object]:
        """What a record says of it, so that it is answered without I/O."""
        kind = "numpy:ndarray" if self.is_mapped else f"{__name__}:{AdoptedArray.__qualname__}"
        return {
            "type": kind,
            "shape": list(self.shape),
            "dtype": str(self.dtype),
            "stamp": list(self._stamp),
        }

    def content(self, known: KnownTrees) -> str:
        """Digest of the file's content; see `dumbo.storage.tree_digest`."""
        return tree_digest(self.source.tree, known)

    @property
    def is_mapped(self) -> bool:
        """Whether the whole of it is a map of its file, so that it takes no memory."""
        return isinstance(self._handle, MappedArray)

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of unsized object")  # numpy's own words
        return self.shape[0]

    def __getitem__(self, key: Any) -> Any:
        """Read what an index selects; read-only."""
        self._check()
        part = self._handle[key]
        self._check()
        return part

    def whole(self) -> Array:
        """Read, or map, all of it; read-only."""
        _check(self.source, self._stamp)
        whole = self._handle.whole()
        _check(self.source, self._stamp)
        return whole

    def _check(self) -> None:
        """Look at the one file; at the many files of a folder once in a while."""
        if self.source.tree == self.source.watched:
            return _check(self.source, self._stamp)
        started = time.perf_counter()
        if started >= self._look_after:
            _check(self.source, self._stamp)
            done = time.perf_counter()
            self._look_after = done + (done - started) * _LOOKS_APART
        elif tree_stamp(self.source.watched) != self._watched:
            _check(self.source, TreeStamp(0, 0, 0, 0))
        return None

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        """Answer ``numpy.asarray``."""
        import numpy as np

        whole = self.whole()
        return np.asarray(whole, dtype) if copy is None else np.array(whole, dtype, copy=copy)

    def __iter__(self) -> Iterator[Any]:
        """Iterate over rows, reading a few MiB at a time."""
        return (row for block in blocks_of_rows(self) for row in block)

    def __repr__(self) -> str:
        return f"<array {self.shape} {self.dtype} in {self.source.text}>"

    def __reduce__(self) -> Any:
        return _reopened, (str(self.source.path), self.source.key, tuple(self._stamp))

    def __dumbo_token__(self) -> Any:
        """Name the file and its state: met as a plain value, it is told from its other states."""
        return ("adopted array", self.source.text, *self._stamp)


def _reopened(path: str, key: str, stamp: tuple[int, int, int, int]) -> AdoptedArray:
    """Open what was pickled, which must not have changed since."""
    source = Source(Path(path), key)
    expected = TreeStamp(*stamp)
    _check(source, expected)
    return AdoptedArray(source, expected, opened(source))


def _check(source: Source, stamp: TreeStamp) -> None:
    if tree_stamp(source.tree) != stamp or not any(stamp):
        raise ValueLostError(
            f"open_array({source.text!r}): the file was changed or removed since it was opened; "
            "call open_array again"
        )

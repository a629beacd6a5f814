"""One folder with everything in it: catalog, objects, and the memory before them.

Law: a folder becomes a store only if it is empty or new, is the user's alone (0700), and says of
itself what it is, so that nothing else is ever taken for one.
"""

from __future__ import annotations

import os
import secrets
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final

from dumbo.errors import StoreError, StoreUnavailableError, StoreWarning
from dumbo.storage.array_options import ArrayFormat, ArrayOptions, Compression
from dumbo.storage.catalog import SqliteCatalog
from dumbo.storage.codecs import Pickles
from dumbo.storage.memory import DEFAULT_BYTES, Memory
from dumbo.storage.objects import Objects, Sync
from dumbo.storage.places import objects_place, other_owner
from dumbo.storage.values import Values

MARKER: Final = "dumbo-store"
CATALOG: Final = "catalog.sqlite"
_FILES: Final = {
    "README": (
        "A store of results, kept by dumbo (memoization with provenance).\n\n"
        "catalog.sqlite says what was computed, from what, and under which code; objects/ holds\n"
        "the bytes of large results (arrays are zarr v3 arrays), tmp/ what is being written.\n"
        "It is safe to delete the folder whole: results are then computed again. Do not edit or\n"
        "delete parts of it.\n"
    ),
    "CACHEDIR.TAG": (
        "Signature: 8a477f597d28d172789f06886806bc55\n"
        "# A cache, made by dumbo. See https://bford.info/cachedir/\n"
    ),
    ".gitignore": "*\n",
}


@dataclass(frozen=True, slots=True)
class StoreOptions:
    """How a store is used.

    Attributes
    ----------
    sync : Sync
        Whether objects and commits wait for the disk.
    pickles : Pickles
        Whether values that only pickle can keep are kept and opened.
    memory_bytes : int
        Bound of the memory tier, in bytes.
    external_path : Path or None
        Another folder, or disk, for the objects; the store remembers it.
    array_format : ArrayFormat
        The file format of arrays above 32 KiB.
    compression : Compression
        Whether arrays are compressed.
    """

    sync: Sync = Sync.RELAXED
    pickles: Pickles = Pickles.SIGNED
    memory_bytes: int = DEFAULT_BYTES
    external_path: Path | None = None
    array_format: ArrayFormat = ArrayFormat.ZARR
    compression: Compression = Compression.AUTO


class Store:
    """Catalog, objects, values and memory of one folder.

    Parameters
    ----------
    folder : Path
        Made if it is absent.
    options : StoreOptions
        How it is used.
    evicted : callable, optional
        Called with key, value and bytes of what had to leave the memory tier.

    Raises
    ------
    StoreUnavailableError
        The folder cannot be made or written, or holds something else.
    StoreFormatError, CorruptStoreError
        Its catalog was written by a newer dumbo, or cannot be read.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as parent, Store(Path(parent, "store")) as store:
    ...     store.catalog.node_count(), store.values.load(store.values.store("kept"))
    (0, 'kept')
    """

    __slots__ = ("catalog", "folder", "id", "memory", "objects", "values")

    def __init__(
        self,
        folder: Path,
        options: StoreOptions | None = None,
        evicted: Callable[[str, object, int], None] | None = None,
    ) -> None:
        options = options or StoreOptions()
        arrays = ArrayOptions(options.array_format, options.compression)
        self.folder = Path(folder)
        self.id = _prepare(self.folder)
        _warn_of_lost_catalog(self.folder)
        self.catalog = SqliteCatalog(self.folder / CATALOG, options.sync is Sync.STRICT)
        try:
            place = objects_place(self.folder, self.id, self.catalog, options.external_path)
            self.objects = Objects(place, self.catalog, options.sync, arrays)
        except StoreError:
            self.catalog.close()
            raise
        self.values = Values(self.objects, options.pickles)
        self.memory = Memory(options.memory_bytes, evicted)

    def shares_objects_with(self) -> Path | None:
        """Return another store that uses the same external folder; None if there is none."""
        place = self.objects.folder
        return None if place == self.folder else other_owner(place, self.folder)

    def close(self) -> None:
        """Write what is buffered, let values go, and close the catalog."""
        self.memory.clear()
        self.catalog.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _warn_of_lost_catalog(folder: Path) -> None:
    """Say that objects are there which nothing names any more."""
    if not (folder / CATALOG).exists() and any((folder / "objects").glob("??/*")):
        warnings.warn(
            f"the store {folder} has objects and no catalog: what they are is not known any more. "
            "Put the catalog back from a copy before results are computed again, or go on: "
            "repair removes the objects when they are an hour old",
            StoreWarning,
            stacklevel=3,
        )


def is_store(folder: Path) -> bool:
    """Whether a folder says of itself that it is a store; makes nothing."""
    return (folder / MARKER).is_file()


def _prepare(folder: Path) -> str:
    """Make the folder a store if it is new or empty; returns the store's id."""
    try:
        marker = folder / MARKER
        text = _marked(marker)
        if text is None:
            _make(folder, marker)
            text = _marked(marker) or ""
    except (OSError, UnicodeDecodeError) as error:
        raise StoreUnavailableError(
            f"the store {folder} cannot be opened: {error}; correct the path or the permissions, "
            "or choose another folder with DUMBO_DIR"
        ) from error
    if len(text) != 32 or not text.isalnum():
        raise StoreUnavailableError(
            f"the store {folder} cannot be opened: its file {MARKER} is damaged; write 32 hex "
            "characters into it, or choose another folder with DUMBO_DIR"
        )
    return text


def _marked(marker: Path) -> str | None:
    """The store's id as its marker says it; None if there is no marker."""
    try:
        return marker.read_bytes().decode("ascii").strip()
    except FileNotFoundError:
        return None


def _make(folder: Path, marker: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    # What a store being made by another process holds before its marker.
    others = {entry.name for entry in folder.iterdir()} - {*_FILES, MARKER, CATALOG}
    others = {name for name in others if not name.startswith((".dumbo-", CATALOG))}
    if others - {"objects", "tmp"}:
        raise StoreUnavailableError(
            f"the store {folder} cannot be made: the folder holds {min(others)!r} and is no store; "
            "name a new or empty folder"
        )
    folder.chmod(0o700)
    for name, text in _FILES.items():
        (folder / name).write_text(text, "ascii")
    draft = folder / f".dumbo-{secrets.token_hex(8)}"
    draft.write_text(secrets.token_hex(16), "ascii")
    try:
        # A link, not a rename: of two processes that make a store at once, the first wins.
        os.link(draft, marker)
    except FileExistsError:
        pass
    finally:
        draft.unlink()

"""Five steps of publication that the standard library leaves to its user.

Law: nothing here knows what an object is; links are never followed.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path

from dumbo.storage.base import Buffer


def write_all(descriptor: int, block: Buffer) -> int:
    """Write a whole block; returns its bytes."""
    view = memoryview(block).cast("B")
    written = 0
    while written < len(view):
        written += os.write(descriptor, view[written:])
    return len(view)


def rename(draft: Path, target: Path) -> None:
    """Move a draft to its place, unless a twin is there."""
    try:
        draft.rename(target)
    except OSError:
        # A folder cannot be renamed onto a full one; some systems say ENOTEMPTY, some EEXIST.
        if not target.exists():
            raise


def sync_folder(path: Path) -> None:
    """Wait until the entries of a folder are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove(path: Path) -> int:
    """Remove a file or folder, never following links; returns its bytes."""
    try:
        if path.is_dir() and not path.is_symlink():
            nbytes = sum(entry.lstat().st_size for entry in path.iterdir())
            shutil.rmtree(path)
        else:
            nbytes = path.lstat().st_size
            path.unlink()
    except FileNotFoundError:
        return 0
    return nbytes


def discard(draft: Path) -> None:
    """Remove a draft if that can be done; a later sweep finds what is left."""
    with contextlib.suppress(OSError):
        remove(draft)

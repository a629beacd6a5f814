"""When bytes on disk may be believed without reading them all.

Law: an object is believed if its size, mtime and ctime are those of its last stamp and nothing
since can have torn it; otherwise it is digested before use and stamped anew.

Without fsync the kernel still holds the newest bytes in its cache, so nothing is torn unless the
machine went down: the stamp of such an object names the boot it was written in, and under a later
boot it is digested once. A copied store is digested once, a flipped byte is found.
"""

from __future__ import annotations

import functools
import os
import threading
from pathlib import Path

from dumbo.forking import renewed
from dumbo.storage.base import Stamp


@functools.cache
def boot_id() -> str:
    """Identify this boot of the machine; empty where the system does not say."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except OSError:
        return ""


def stamp_of(status: os.stat_result, boot: str = "") -> Stamp:
    """Stamp a file from its status."""
    return Stamp(status.st_size, status.st_mtime_ns, status.st_ctime_ns, boot)


def believes(stamp: Stamp | None, status: os.stat_result) -> bool:
    """Whether a file is still what its stamp says, bytes included."""
    if stamp is None or stamp.boot not in {"", boot_id()}:
        return False
    return (stamp.size, stamp.mtime_ns, stamp.ctime_ns) == (
        status.st_size,
        status.st_mtime_ns,
        status.st_ctime_ns,
    )


class MemoryStamps:
    """Stamps that live as long as the process: every object is digested once."""

    __slots__ = ("__weakref__", "_lock", "_stamps")

    def __init__(self) -> None:
        self._stamps: dict[str, Stamp] = {}
        self._lock = threading.Lock()
        renewed(self)

    def renew(self) -> None:
        """Begin again in a forked child."""
        self._lock = threading.Lock()

    def get_stamp(self, name: str) -> Stamp | None:
        """Return the stamp of an object, or None."""
        return self._stamps.get(name)

    def put_stamp(self, name: str, stamp: Stamp) -> None:
        """Remember the stamp of an object."""
        with self._lock:
            self._stamps[name] = stamp

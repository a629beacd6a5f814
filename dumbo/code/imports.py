"""When the source of a loaded module was read, to know whether its file changed since.

Law: only looks on. A finder that never finds anything stands first on ``sys.meta_path`` and notes
the time of every import and reload; modules loaded before count as loaded when the process began.
"""

from __future__ import annotations

import os
import sys
import time
from importlib.machinery import ModuleSpec
from pathlib import Path

# File times come from a coarser clock than time.time_ns(), and lag behind it by up to 10 ms.
_TICK_NS = 20_000_000


def _process_started() -> int:
    """Nanoseconds since the epoch at which this process began, or a little before."""
    try:
        ticks = Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19]
        age = time.clock_gettime(time.CLOCK_BOOTTIME) - int(ticks) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError, AttributeError):  # not Linux: no file, or no clock
        age = time.process_time() + 1.0
    return time.time_ns() - int(age * 1e9) - _TICK_NS


class ImportTimes:
    """A finder that finds nothing and notes what was sought when."""

    def __init__(self) -> None:
        self.started = _process_started()
        self._sought: dict[str, int] = {}
        self._files: dict[str, int] = {}

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> None:  # noqa: ARG002 - set by importlib
        """Note the time; the module is then found by those that come after."""
        self._sought[fullname] = time.time_ns() - _TICK_NS

    def install(self) -> None:
        """Begin to look on. A module that is just being imported counts as read now."""
        now = time.time_ns() - _TICK_NS
        for name, module in list(sys.modules.items()):
            spec = getattr(module, "__spec__", None)
            if type(spec) is ModuleSpec and getattr(spec, "_initializing", False):
                self._sought[name] = now
        sys.meta_path.insert(0, self)

    def read_at(self, file: str) -> int:
        """Time at or after which the loaded source of `file` was read, in ns since the epoch."""
        for name in list(self._sought):
            module = sys.modules.get(name)
            found = getattr(module, "__file__", None)
            if isinstance(found, str):
                self._files[found] = max(self._sought.pop(name), self._files.get(found, 0))
        return self._files.get(file, self.started)


TIMES = ImportTimes()
TIMES.install()

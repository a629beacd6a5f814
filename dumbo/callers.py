"""Which line of the user's code made a call into dumbo.

Law: dumbo's own frames, and those of the ``with`` statements it uses, are nobody's call.
"""

from __future__ import annotations

import contextlib
import os
import sys
import warnings
from pathlib import Path
from types import FrameType
from typing import Final

_OURS: Final = (str(Path(__file__).parent) + os.sep, contextlib.__file__)


def calling_line() -> str:
    """File and line of the user's code that made the call."""
    frame, _ = _users_frame()
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"


def warn(text: str, category: type[Warning]) -> None:
    """Warn as of the user's line that made the call."""
    _, depth = _users_frame()
    warnings.warn(text, category, stacklevel=depth)


def _users_frame() -> tuple[FrameType, int]:
    """The user's frame, and its stack level as `warn` counts them."""
    frame = sys._getframe(1)  # noqa: SLF001  # the only way to the caller without building a stack
    depth = 1
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_OURS):
        frame = frame.f_back
        depth += 1
    return frame, depth

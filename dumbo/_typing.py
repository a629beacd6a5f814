"""Sentinels and aliases shared by every level."""

from __future__ import annotations

from enum import Enum
from typing import Final, Literal, TypeAlias


class _Missing(Enum):
    MISSING = "MISSING"

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = _Missing.MISSING
"""Absent: kept apart from None, which is a value like any other."""

Missing: TypeAlias = Literal[_Missing.MISSING]

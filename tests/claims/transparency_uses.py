"""The uses of the transparency table, read from transparency_uses.txt.

A line is ``title :: code``, under the heading of its area. The code is a Python expression that
gives True; ``P(v)`` makes the carrier of `v`, and ``after(statements, question)`` runs statements
first. The bare value must pass every use itself (the control), so a use that fails says something
about the carrier and nothing else; ``!`` marks those that are about carriers only.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Use:
    """One use of a value."""

    area: str
    title: str
    code: str
    has_control: bool


def _read() -> Iterator[Use]:
    area = ""
    text = Path(__file__).with_suffix(".txt").read_text(encoding="utf-8")
    for line in text.splitlines():
        if line.startswith("[") and line.endswith("]") and " :: " not in line:
            area = line.strip("[]")
        elif " :: " in line:
            title, _, code = line.partition(" :: ")
            yield Use(area, title.removeprefix("!"), code, not title.startswith("!"))


USES = list(_read())

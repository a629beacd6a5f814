"""Whatever is done to a result, the next call gives what was computed: one table of attacks.

Each attack (``attacks.txt``) is a statement on ``x``, the result of a call. It may raise, it may
change the object in the user's hands, and the next call must still give the value. The attacks run
in processes of their own, because some leave memory that cannot be read behind.
"""

from __future__ import annotations

import functools
import json
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
from attacks_run import ATTACKS, VALUES  # noqa: E402 - beside this file

WAYS = ("always-proxy", "memory-proxy", "always-native", "memory-native")


@functools.cache
def outcomes(way: str) -> dict[str, tuple[str, str]]:
    """Run every attack in one way; go on behind an attack that crashes the interpreter."""
    found: dict[int, tuple[str, str]] = {}
    start = 0
    while start < len(ATTACKS):
        command = [sys.executable, str(HERE / "attacks_run.py"), way, str(start)]
        run = subprocess.run(command, capture_output=True, text=True, timeout=250, check=False)
        begun = start - 1
        for line in map(json.loads, run.stdout.splitlines()):
            begun = line.get("begin", begun)
            if "end" in line:
                found[line["end"]] = (line["outcome"], line["detail"])
        if begun not in found:
            assert begun >= start, run.stderr
            found[begun] = ("crashes", run.stderr[-300:])
        start = begun + 1
    return {": ".join(ATTACKS[number]): outcome for number, outcome in found.items()}


def test_every_kind_of_value_is_attacked() -> None:
    assert {kind for kind, _ in ATTACKS} == set(VALUES)
    assert len(set(ATTACKS)) == len(ATTACKS) > 400


def test_the_attacks_would_be_seen() -> None:
    """The control: on the bare value most of them leave a trace."""
    found = outcomes("control")
    assert sum(outcome in ("spoilt", "crashes") for outcome, _ in found.values()) > len(found) // 2


@pytest.mark.parametrize("way", WAYS)
def test_the_next_call_gives_what_was_computed(way: str) -> None:
    found = outcomes(way)
    assert {a: o for a, o in found.items() if o[0] not in ("holds", "absent")} == {}

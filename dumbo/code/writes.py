"""What changed while a call went on: by the call itself, or by somebody else.

Law: what the call wrote is no dependency. A name bound anew by no code that ran in the call was
bound by another thread, and whether the call read what was there or what came nobody knows.
"""

from __future__ import annotations

from collections.abc import Set
from typing import Any, Final

from dumbo.code.names import names_of
from dumbo.code.recording import Recording
from dumbo.code.resolve import Found, Meaning, Resolver
from dumbo.code.values import agree

WRITTEN: Final = "written by the call"
TORN: Final = "bound anew by another thread while the call ran"
# What binds a name without naming it.
_BINDING: Final = frozenset({"globals", "vars", "setattr", "exec", "eval", "reload", "__dict__"})
Place = tuple[str, str]


def is_written(
    resolver: Resolver, recording: Recording, key: Place, value: Any, meaning: Meaning
) -> bool:
    """Whether a name means something else than before the first code that names it ran."""
    before = recording.before.get(key)
    if before is None:
        return False
    if before.fingerprint is not None:
        return not agree(before.fingerprint, meaning.fingerprint)
    if before.value is value:
        return False
    known = resolver.meaning(Found(before.value, 1, ()))
    return not agree(known.fingerprint, meaning.fingerprint)


def is_bound_elsewhere(recording: Recording, key: Place, value: Any, assigned: Set[str]) -> bool:
    """Whether a name that was written was bound anew, and by no code that ran in the call."""
    name = key[1].rpartition("#")[2].rpartition(".")[2]
    if recording.before[key].value is value or name in assigned or recording.incomplete:
        return False
    codes = [ran.code for ran in recording.codes.values()]
    return not any(
        name in names_of(code).rebinds or not _BINDING.isdisjoint(code.co_names) for code in codes
    )

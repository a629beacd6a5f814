"""Ask a value which computation made it, without touching the value.

Law: never ``isinstance``, never an attribute of the instance: a carrier's class answers
(``__dumbo_carrier__``), so a lazy carrier stays lazy and a lying ``__class__`` is not believed.
Values that carry a CID otherwise (plain tensors, shallow copies) are recognised by probes that
the level above adds to `carrier_probes`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dumbo.identity.cid import CID, FunctionId
from dumbo.identity.parts import OpaqueValue

Probe = Callable[[Any], str | None]

carrier_probes: list[Probe] = []
"""Functions from a value to its CID or None; asked in order, must not raise or load."""


def carrier_cid(value: object) -> CID | None:
    """The CID a value carries, or None."""
    probe = getattr(type(value), "__dumbo_carrier__", None)
    found = probe(value) if probe is not None else None
    if found is None:
        for ask in carrier_probes:
            found = ask(value)
            if found is not None:
                break
    return None if found is None else found if type(found) is CID else CID(found)


def decorated_id(value: object) -> FunctionId | None:
    """The FunctionId of a decorated function, or None for anything else."""
    probe = getattr(type(value), "__dumbo_function__", None)
    return None if probe is None else FunctionId(probe(value))


def refuse_carrier(value: object, cid: CID) -> None:
    """Raise if only loading could tell the content of the carrier `value`."""
    if hasattr(type(value), "__dumbo_carrier__"):
        raise OpaqueValue(
            f"it is a carrier of {cid.short}, whose content is not at hand; unwrap it"
        )

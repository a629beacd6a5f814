"""Values the user names: what is known of them inside this process.

Law: one value, one name. A value that has entered an identity by its content cannot be named
afterwards, or two calls on it would have two histories. Only weak references are kept, and only so
many; a value that cannot be referenced weakly (a plain list, a number) is known by its carrier.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Any, Final, TypeVar
from weakref import ref

from dumbo.errors import ConfigurationError, NameTakenError
from dumbo.forking import renewing
from dumbo.identity.carriers import carrier_cid, carrier_probes
from dumbo.identity.cid import CID

T = TypeVar("T")
MAX_ENTERED: Final = 4096

_lock = threading.RLock()
_entered: OrderedDict[int, tuple[ref[Any], str]] = OrderedDict()
_named: dict[int, tuple[ref[Any], CID]] = {}


def note_entered(values: list[Any], call: str) -> None:
    """Remember that `values` entered the identity of `call` by their content."""
    for value in values:
        if type(value).__weakrefoffset__:
            _remember(value, call)


@renewing
def _renew() -> None:
    global _lock  # noqa: PLW0603  # a lock of the module
    _lock = threading.RLock()


def _remember(value: Any, call: str) -> None:
    identity = id(value)
    known = _entered.get(identity)
    if known is not None and known[0]() is value:
        return
    made = ref(value, lambda gone: _drop(identity, gone))
    with _lock:
        _entered[identity] = (made, call)
        while len(_entered) > MAX_ENTERED:
            _entered.popitem(last=False)


def _drop(identity: int, gone: ref[Any]) -> None:
    with _lock:
        for table in (_entered, _named):
            known = table.get(identity)
            if known is not None and known[0] is gone:
                del table[identity]


def entered_in(value: Any) -> str:
    """The first call whose identity `value` entered by content; empty if none is known."""
    known = _entered.get(id(value))
    return known[1] if known is not None and known[0]() is value else ""


def name_external(name: str, value: T) -> T:
    """Take `name` for `value`; from now on the value itself enters identities by that name.

    Parameters
    ----------
    name : str
        Any text without a line break.
    value : object

    Returns
    -------
    object
        `value` itself; its CID is ``external:<name>``.

    Raises
    ------
    ConfigurationError
        If the name is empty or has a line break.
    NameTakenError
        If the value is a result of a call, has another name, or has already entered the identity
        of a call by its content.

    Examples
    --------
    >>> import numpy as np
    >>> from dumbo.identity import token
    >>> images = np.ones(3)
    >>> name_external("mnist", images) is images
    True
    >>> token([images], name="data").uses[0].cid
    'external:mnist'
    """
    if not name or "\n" in name:
        raise ConfigurationError(
            f"external({name!r}, ...): not a name; give a short text on one line"
        )
    cid = CID.external(name)
    held = carrier_cid(value)
    if held is not None and held != cid:
        raise NameTakenError(
            f"external({name!r}, ...): the value is already known as {held}; use that, or name a "
            "copy of the value"
        )
    call = entered_in(value)
    if call and held is None:
        raise NameTakenError(
            f"external({name!r}, ...): the value has already entered the identity of {call} by its "
            "content; name it before the first call that takes it, or name a copy"
        )
    _name(cid, value)
    return value


def _name(cid: CID, value: Any) -> None:
    if not type(value).__weakrefoffset__:
        return
    identity = id(value)
    with _lock:
        _named[identity] = (ref(value, lambda gone: _drop(identity, gone)), cid)
        if _named_cid not in carrier_probes:
            carrier_probes.append(_named_cid)


def _named_cid(value: Any) -> CID | None:
    known = _named.get(id(value))
    return known[1] if known is not None and known[0]() is value else None

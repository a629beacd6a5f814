"""dumbo: a big flappy cache that never forgets.

Decorate a function; its results are kept, on disk too, when keeping them is worth it. Every result
knows which computation made it, from which inputs and globals, and whether it is still true of
today's code.

>>> from dumbo import dumbo
>>> @dumbo
... def train(lr, seed=0):
...     return lr * 2

Law: importing dumbo imports nothing else. A name is looked up when it is first used.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from dumbo.accepting import Accepted
    from dumbo.api import (
        accept,
        call,
        cid,
        depends_on,
        describe,
        events,
        external,
        forget,
        graph,
        inputs,
        is_stale,
        open,  # noqa: A004  # the contract's name
        policy,
        recompute,
        record,
        refresh,
        stale,
        stats,
        tag,
        tag_of,
        tagged,
        tags,
        untag,
        unwrap,
        using,
        values,
        why,
    )
    from dumbo.artifacts import Directory, File
    from dumbo.config import Config
    from dumbo.errors import (
        ClaimLostError,
        ConfigurationError,
        CorruptStoreError,
        DumboError,
        DumboWarning,
        FrozenValueError,
        IdentityWarning,
        MissingLibraryError,
        NameTakenError,
        NotCachedError,
        StaleResultError,
        StoreError,
        StoreFormatError,
        StoreUnavailableError,
        StoreWarning,
        UncacheableError,
        UnidentifiableError,
        UntrustedValueError,
        ValueLostError,
    )
    from dumbo.events import Event, EventKind
    from dumbo.face import dumbo
    from dumbo.function import DumboFunction
    from dumbo.graph.explain import Explanation
    from dumbo.identity import close, file, ignore, key, new_default
    from dumbo.identity.cid import CID, FunctionId
    from dumbo.policy import Keep, Policy, Raise, Recompute, Reuse
    from dumbo.proxy import Returns
    from dumbo.records import Edge, Reason, Record, Staleness, State
    from dumbo.session import Session
    from dumbo.surveying import Survey
    from dumbo.upkeep import export, import_, open_array, repair, verify_store

_PLACES: Final = {
    "dumbo.face": ("dumbo",),
    "dumbo.accepting": ("Accepted",),
    "dumbo.artifacts": ("Directory", "File"),
    "dumbo.surveying": ("Survey",),
    "dumbo.upkeep": ("export", "import_", "open_array", "repair", "verify_store"),
    "dumbo.api": [
        "accept",
        "call",
        "cid",
        "depends_on",
        "describe",
        "events",
        "external",
        "forget",
        "graph",
        "inputs",
        "is_stale",
        "open",
        "policy",
        "recompute",
        "record",
        "refresh",
        "stale",
        "stats",
        "tag",
        "tag_of",
        "tagged",
        "tags",
        "untag",
        "unwrap",
        "using",
        "values",
        "why",
    ],
    "dumbo.config": ("Config",),
    "dumbo.errors": [
        "ClaimLostError",
        "ConfigurationError",
        "CorruptStoreError",
        "DumboError",
        "DumboWarning",
        "FrozenValueError",
        "IdentityWarning",
        "MissingLibraryError",
        "NameTakenError",
        "NotCachedError",
        "StaleResultError",
        "StoreError",
        "StoreFormatError",
        "StoreUnavailableError",
        "StoreWarning",
        "UncacheableError",
        "UnidentifiableError",
        "UntrustedValueError",
        "ValueLostError",
    ],
    "dumbo.events": ("Event", "EventKind"),
    "dumbo.function": ("DumboFunction",),
    "dumbo.graph.explain": ("Explanation",),
    "dumbo.identity": ("close", "file", "ignore", "key", "new_default"),
    "dumbo.identity.cid": ("CID", "FunctionId"),
    "dumbo.policy": ("Keep", "Policy", "Raise", "Recompute", "Reuse"),
    "dumbo.proxy": ("Returns",),
    "dumbo.records": ("Edge", "Reason", "Record", "Staleness", "State"),
    "dumbo.session": ("Session",),
}
_PLACE_OF: Final = {name: place for place, names in _PLACES.items() for name in names}
__version__ = "0.1.0"
__all__ = [
    "CID",
    "Accepted",
    "ClaimLostError",
    "Config",
    "ConfigurationError",
    "CorruptStoreError",
    "Directory",
    "DumboError",
    "DumboFunction",
    "DumboWarning",
    "Edge",
    "Event",
    "EventKind",
    "Explanation",
    "File",
    "FrozenValueError",
    "FunctionId",
    "IdentityWarning",
    "Keep",
    "MissingLibraryError",
    "NameTakenError",
    "NotCachedError",
    "Policy",
    "Raise",
    "Reason",
    "Recompute",
    "Record",
    "Returns",
    "Reuse",
    "Session",
    "StaleResultError",
    "Staleness",
    "State",
    "StoreError",
    "StoreFormatError",
    "StoreUnavailableError",
    "StoreWarning",
    "Survey",
    "UncacheableError",
    "UnidentifiableError",
    "UntrustedValueError",
    "ValueLostError",
    "__version__",
    "accept",
    "call",
    "cid",
    "close",
    "depends_on",
    "describe",
    "dumbo",
    "events",
    "export",
    "external",
    "file",
    "forget",
    "graph",
    "ignore",
    "import_",
    "inputs",
    "is_stale",
    "key",
    "new_default",
    "open",
    "open_array",
    "policy",
    "recompute",
    "record",
    "refresh",
    "repair",
    "stale",
    "stats",
    "tag",
    "tag_of",
    "tagged",
    "tags",
    "untag",
    "unwrap",
    "using",
    "values",
    "verify_store",
    "why",
]


def __getattr__(name: str) -> Any:
    place = _PLACE_OF.get(name)
    if place is None:
        raise AttributeError(f"module 'dumbo' has no attribute {name!r}")
    value = getattr(importlib.import_module(place), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)


def load_ipython_extension(shell: Any) -> None:
    """Follow the cells of a notebook: ``%load_ext dumbo``."""
    importlib.import_module("dumbo.notebook").load(shell)


def unload_ipython_extension(shell: Any) -> None:
    """Stop following: ``%unload_ext dumbo``."""
    importlib.import_module("dumbo.notebook").unload(shell)


class _Face(ModuleType):
    """The package as users see it: ``dumbo.graph`` and ``dumbo.policy`` are the verbs.

    Python binds an imported subpackage to its name in the package above. Two verbs share their
    name with a subpackage; the verb keeps the name; ``from dumbo.graph import ...`` still works.
    """

    def __setattr__(self, name: str, value: object) -> None:
        if name in _PLACE_OF and isinstance(value, ModuleType):
            return
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Face

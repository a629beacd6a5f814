"""Pickling a carrier: CID and value travel together.

Law: what comes out of a pickle is a carrier with its value inside; it needs no store and asks none.
Only plain strings and numbers stand beside the value, so that `torch.load` accepts the file with
``weights_only=True`` where this module is loaded.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dumbo.identity.cid import CID
from dumbo.proxy.node import Node, Returns
from dumbo.proxy.wrapped_type import facts_of, type_name
from dumbo.records import Record


def reduced(node: Node) -> tuple[Callable[..., Any], tuple[str, int, str, object]]:
    """Give what ``__reduce_ex__`` of the carrier of `node` returns; loads the value."""
    record = node.record
    return rebuild, (str(node.cid), record.version, record.digest, node.value)


def reduced_native(node: Node) -> tuple[Callable[..., Any], tuple[str, int, str, object]]:
    """Give the same for a native carrier."""
    return rebuild_native, reduced(node)[1]


def rebuild(cid: str, version: int, digest: str, value: object) -> Any:
    """Make the carrier again from what was pickled."""
    return _carried(cid, version, digest, value, Returns.PROXY)


def rebuild_native(cid: str, version: int, digest: str, value: object) -> Any:
    """Make the native carrier again."""
    return _carried(cid, version, digest, value, Returns.NATIVE)


def _carried(cid: str, version: int, digest: str, value: object, returns: Returns) -> Any:
    from dumbo.proxy.carry import carry
    from dumbo.proxy.protect import protect

    name = CID(cid)
    value = protect(value)
    record = Record(
        name,
        version,
        name.function,
        call=name.short,
        depset="",
        digest=digest,
        type=type_name(type(value)),
        meta=facts_of(value),
    )
    return carry(Node(record, lambda: value, value=value), returns)

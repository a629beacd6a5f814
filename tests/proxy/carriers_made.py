"""Carriers and nodes for the tests of this folder."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

from dumbo.identity.cid import CID, FunctionId
from dumbo.proxy import Node, Returns, carry, protect
from dumbo.proxy.wrapped_type import facts_of, type_name
from dumbo.records import Record

_count = itertools.count()


def record_of(value: object, **changes: Any) -> Record:
    cid = CID(f"m:f#{next(_count):032x}")
    facts: dict[str, Any] = {"type": type_name(type(value)), "meta": facts_of(value), **changes}
    return Record(cid, 1, FunctionId("m:f"), "f()", "", **facts)


def node_with(value: Any, **changes: Any) -> Node:
    """Make a node whose value is at hand."""
    value = protect(value)
    return Node(record_of(value, **changes), lambda: value, value=value)


def unopened(value: Any, **changes: Any) -> tuple[Node, list[int]]:
    """Make a node that loads, and the list that grows with every load."""
    value = protect(value)
    loads: list[int] = []

    def load() -> Any:
        loads.append(1)
        return value

    return Node(record_of(value, **changes), load), loads


def fresh(value: Any) -> Any:
    return carry(node_with(value))


def native(value: Any) -> Any:
    return carry(node_with(value), Returns.NATIVE)


def failing(error: BaseException) -> Callable[[], Any]:
    def load() -> Any:
        raise error

    return load

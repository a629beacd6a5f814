"""Carriers of dataclass instances and of functions.

Law: a field of a dataclass is an item of it, with the CID ``<cid>.name``; what libraries look for
on the class rather than on the instance is mirrored on the carrier's class.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from dumbo.proxy.classes import Namespace, family
from dumbo.proxy.containers import item


@family
def dataclass_instances(value_type: type) -> Namespace | None:
    """Dataclasses: fields as items, and the class attributes ``dataclasses`` reads."""
    if not dataclasses.is_dataclass(value_type):
        return None
    hooks: Namespace = {"__dataclass_fields__": value_type.__dataclass_fields__}
    for field in dataclasses.fields(value_type):
        hooks[field.name] = _field(field.name)
    return hooks


def _field(name: str) -> property:
    def get(self: Any) -> Any:
        return item(self.__dumbo_node__(), f".{name}")

    return property(get)

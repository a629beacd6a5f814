"""Carriers of instances of dataclasses and of attrs classes.

Law: a field is an item of the instance, with the CID ``<cid>.name``; what libraries look for on the
class rather than on the instance is mirrored on the carrier's class.
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
    return hooks | {field.name: _field(field.name) for field in dataclasses.fields(value_type)}


@family
def attrs_instances(value_type: type) -> Namespace | None:
    """Classes made by attrs, which are known by the attribute that attrs gives them."""
    fields = getattr(value_type, "__attrs_attrs__", None)
    if not isinstance(fields, tuple):
        return None
    hooks: Namespace = {"__attrs_attrs__": fields}
    return hooks | {field.name: _field(field.name) for field in fields}


def _field(name: str) -> property:
    def get(self: Any) -> Any:
        return item(self.__dumbo_node__(), f".{name}")

    return property(get)

"""What every carrier class answers about itself, whatever it is built on.

Law: the answers come from the node alone; none loads the value.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dumbo.identity.cid import CID
    from dumbo.proxy.node import Node
    from dumbo.records import Record


class Carried:
    """Mixin of the carrier classes; they say where their node is."""

    __slots__ = ()

    def __dumbo_node__(self) -> Node | None:
        raise NotImplementedError

    def __dumbo_carrier__(self) -> CID | None:
        node = self.__dumbo_node__()
        return None if node is None else node.cid

    @property
    def __dumbo_cid__(self) -> CID | None:
        return self.__dumbo_carrier__()

    def __dask_tokenize__(self) -> tuple[object, ...]:
        """Name the value for dask; an argument that carries its CID is not hashed.

        One that is not in the store and has no digest is: its number means something here only.
        """
        node = self.__dumbo_node__()
        if node is None:
            return ("dumbo", "nothing", uuid.uuid4().hex)  # as dask names what it cannot tell
        record = node.record
        if not record.digest and record.version <= 0:
            return ("dumbo", node.value)
        return ("dumbo", str(record.cid), str(record.version), record.digest)

    @property
    def __dumbo_record__(self) -> Record | None:
        node = self.__dumbo_node__()
        return None if node is None else node.record

    @property
    def __dumbo_inputs__(self) -> tuple[CID, ...]:
        node = self.__dumbo_node__()
        return () if node is None else node.inputs

    @property
    def __dumbo_globals__(self) -> Mapping[str, str]:
        node = self.__dumbo_node__()
        return {} if node is None else node.upstream_globals

    @property
    def __dumbo_loaded__(self) -> bool:
        node = self.__dumbo_node__()
        return node is None or node.is_loaded

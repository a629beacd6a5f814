"""Catalog, objects, codecs and memory: where results and their records live.

Law: bytes come back as they were or not at all; what a store says is never trusted, only checked.
"""

from __future__ import annotations

from dumbo.storage.array_options import ArrayFormat, ArrayOptions, Compression
from dumbo.storage.base import Catalog, Codec, Keeps, Stamp, Stamps
from dumbo.storage.catalog import SqliteCatalog
from dumbo.storage.codecs import Pickles
from dumbo.storage.memory import Memory
from dumbo.storage.objects import Objects, Published, Swept, Sync
from dumbo.storage.store import Store, StoreOptions, is_store
from dumbo.storage.values import Values

__all__ = [
    "ArrayFormat",
    "ArrayOptions",
    "Catalog",
    "Codec",
    "Compression",
    "Keeps",
    "Memory",
    "Objects",
    "Pickles",
    "Published",
    "SqliteCatalog",
    "Stamp",
    "Stamps",
    "Store",
    "StoreOptions",
    "Swept",
    "Sync",
    "Values",
    "is_store",
]

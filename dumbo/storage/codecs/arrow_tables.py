"""pyarrow's tables, record batches and arrays, as one Arrow IPC stream each, mapped when opened.

Law: schema with metadata, chunks and values come back as they were. Opened bytes are validated:
in full where a type points into other buffers (text, lists, dictionaries), since pyarrow follows
such pointers unchecked.

There is no content digest: equal tables may differ in the buffers they are made of.
"""

from __future__ import annotations

from typing import Any, Final

from dumbo.errors import MissingLibraryError, ValueLostError
from dumbo.records import Stored
from dumbo.storage.base import Keeper, Keeps

_KINDS: Final = ("Table", "RecordBatch", "ChunkedArray", "Array")


class ArrowCodec:
    """Values that are columns of Arrow."""

    name = "arrow/1"
    keeps = frozenset({Keeps.BITS, Keeps.LAZY, Keeps.NO_CODE})

    def accepts(self, value: object) -> bool:
        """Whether the schema survives the format, extension types included."""
        import pyarrow as pa

        kind = _kind_of(value)
        if kind == "Array" and isinstance(value, pa.ExtensionArray):
            return False
        if not kind or type(value).__module__ != "pyarrow.lib":
            return False
        try:
            table = _as_table(value, kind)
            back = pa.ipc.open_stream(_written(table.slice(0, 0))).read_all()
        except pa.ArrowException:
            return False
        same = back.schema.equals(table.schema, check_metadata=True)
        return bool(same) and not any(
            isinstance(field.type, pa.BaseExtensionType) for field in table.schema
        )

    def store(self, value: Any, into: Keeper) -> Stored:
        """Write the stream into the row, or publish it."""
        kind = _kind_of(value)
        table = _as_table(value, kind)
        meta: dict[str, object] = {
            "type": f"{type(value).__module__}:{type(value).__qualname__}",
            "kind": kind,
            "shape": list(table.shape) if kind in _KINDS[:2] else [table.num_rows],
            "len": table.num_rows,
        }
        if kind in _KINDS[2:]:
            meta["dtype"] = str(value.type)
        return into.keep(self.name, meta, (memoryview(_written(table)),), "")

    def load(self, stored: Stored, source: Keeper) -> object:
        """Map the stream."""
        try:
            import pyarrow as pa
        except ImportError as error:
            raise MissingLibraryError(
                "a stored table cannot be opened: pyarrow is absent; pip install pyarrow"
            ) from error
        opened = _opened(stored, source)
        try:
            with pa.ipc.open_stream(opened) as reader:
                table = reader.read_all()
            table.validate(full=any(not _is_flat(field.type) for field in table.schema))
            return _as_kind(table, stored.meta.get("kind"))
        except (pa.ArrowException, OSError, ValueError, IndexError, TypeError) as error:
            raise ValueLostError(
                f"a value of type {str(stored.meta.get('type'))[:80]} cannot be opened: its bytes "
                f"are no such table ({error!s:.200}); recompute it, or restore the store"
            ) from error

    def objects_of(self, stored: Stored) -> tuple[str, ...]:
        """Name the one object, if there is one."""
        return (stored.object,) if stored.object else ()


def _kind_of(value: object) -> str:
    import pyarrow as pa

    return next((kind for kind in _KINDS if isinstance(value, getattr(pa, kind))), "")


def _as_table(value: Any, kind: str) -> Any:
    import pyarrow as pa

    if kind == "Table":
        return value
    if kind == "RecordBatch":
        return pa.Table.from_batches([value])
    return pa.table([value], names=["values"])


def _as_kind(table: Any, kind: object) -> object:
    if kind == "Table":
        return table
    if kind == "ChunkedArray":
        return table.column(0)
    if kind == "Array":
        return table.column(0).combine_chunks()
    (batch,) = table.to_batches() or table.schema.empty_table().to_batches()
    return batch


def _written(table: Any) -> Any:
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


def _opened(stored: Stored, source: Keeper) -> Any:
    import pyarrow as pa

    if not stored.object:
        return pa.py_buffer(source.fetch(stored))
    return pa.memory_map(str(source.objects.open_object(stored.object, stored.nbytes)))


def _is_flat(kind: Any) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_primitive(kind) or pa.types.is_decimal(kind))

"""polars' frames and series, as one Arrow IPC file each.

Law: column names, dtypes, order and values come back as they were; chunks and remembered
sortedness are not kept. A frame is accepted if its schema survives the format; columns of Python
objects do not. A LazyFrame is a plan and is refused. Opening reads the whole file, because polars
maps none.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any, NoReturn

from dumbo.errors import MissingLibraryError, ValueLostError
from dumbo.records import Stored
from dumbo.storage.base import BLOCK_BYTES, INLINE_BYTES, Buffer, Keeper, Keeps


class PolarsCodec:
    """Frames and series."""

    name = "polars/1"
    keeps = frozenset({Keeps.BITS, Keeps.NO_CODE})

    def accepts(self, value: Any) -> bool:
        """Whether the schema comes back from an empty frame of it."""
        import polars as pl

        if type(value) not in {pl.DataFrame, pl.Series}:
            return False
        frame = _framed(value).clear()
        try:
            return bool(pl.read_ipc(_written(frame)).schema == frame.schema)
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException):
            return False

    def store(self, value: Any, into: Keeper) -> Stored:
        """Write the file into the row, or publish it."""
        frame = _framed(value)
        content = _written(frame).getbuffer()
        series = frame is not value
        meta: dict[str, object] = {
            "type": f"{type(value).__module__}:{type(value).__qualname__}",
            "series": series,
            "shape": list(value.shape),
            "len": len(value),
            "ndim": len(value.shape),
        }
        if series:
            meta["dtype"] = str(value.dtype)
        return into.keep(self.name, meta, _blocks(content), into.digest(value))

    def load(self, stored: Stored, source: Keeper) -> object:
        """Read the file."""
        try:
            import polars as pl
        except ImportError as error:
            raise MissingLibraryError(
                "a stored frame cannot be opened: polars is absent; pip install polars"
            ) from error
        file = _opened(stored, source)
        try:
            frame = pl.read_ipc(file)
        except (
            *(pl.exceptions.PolarsError, pl.exceptions.PanicException),
            *(OSError, ValueError),
        ) as error:
            _lost(stored, error)
        series = stored.meta.get("series") is True
        shape = [frame.height] if series else list(frame.shape)
        if shape != stored.meta.get("shape") or (series and frame.width != 1):
            _lost(stored, ValueError(f"it has the shape {list(frame.shape)}"))
        return frame.to_series() if series else frame

    def objects_of(self, stored: Stored) -> tuple[str, ...]:
        """Name the one object, if there is one."""
        return (stored.object,) if stored.object else ()


def _opened(stored: Stored, source: Keeper) -> io.BytesIO | Path:
    if stored.object:
        return source.objects.open_object(stored.object, stored.nbytes)
    return io.BytesIO(source.fetch(stored))


def _framed(value: Any) -> Any:
    import polars as pl

    return value.to_frame() if isinstance(value, pl.Series) else value


def _written(frame: Any) -> io.BytesIO:
    import polars as pl

    file = io.BytesIO()
    frame.write_ipc(file, compression="uncompressed", compat_level=pl.CompatLevel.newest())
    file.seek(0)
    return file


def _blocks(content: memoryview) -> list[Buffer]:
    if len(content) <= INLINE_BYTES:
        return [content]
    return [content[at : at + BLOCK_BYTES] for at in range(0, len(content), BLOCK_BYTES)]


def _lost(stored: Stored, error: BaseException) -> NoReturn:
    raise ValueLostError(
        f"a value of type {str(stored.meta.get('type'))[:80]} cannot be opened: its bytes are no "
        f"such frame ({error!s:.200}); recompute it, or restore the store from a copy"
    ) from error

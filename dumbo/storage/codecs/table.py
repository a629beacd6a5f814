"""Which codec is asked for which type, and where each codec is made.

Law: types and codecs are text here, so reading the table imports no library; a codec's module is
imported when a value of its family, or a row that names it, is met.

Codecs of one type are asked in the order they are listed. Those of `OPEN` take subclasses that
dumbo has never seen, and are therefore asked after every codec that knows the class exactly.
"""

from __future__ import annotations

from typing import Final

from dumbo.storage.codecs.scalars import SCALARS
from dumbo.storage.codecs.standard import TYPES as STANDARD

_HERE: Final = "dumbo.storage.codecs"

MODULES: Final[dict[str, str]] = {
    "array/1": f"{_HERE}.arrays:ArrayCodec",
    "numpy-scalar/1": f"{_HERE}.arrays:NumpyScalarCodec",
    "numpy-parts/1": f"{_HERE}.numpy_kinds:NumpyPartsCodec",
    "tensor/1": f"{_HERE}.tensors:TensorCodec",
    "tensor-parts/1": f"{_HERE}.tensor_kinds:TensorPartsCodec",
    "sparse/1": f"{_HERE}.sparse_arrays:SparseCodec",
    "pandas/1": f"{_HERE}.pandas_frames:PandasCodec",
    "polars/1": f"{_HERE}.polars_frames:PolarsCodec",
    "arrow/1": f"{_HERE}.arrow_tables:ArrowCodec",
    "image/1": f"{_HERE}.images:ImageCodec",
    "file/1": f"{_HERE}.files:FileCodec",
    "directory/1": f"{_HERE}.files:DirectoryCodec",
    "standard/1": f"{_HERE}.standard:StandardCodec",
    "skeleton/1": f"{_HERE}.skeletons:SkeletonCodec",
}
"""Where the codecs are that are made when they are needed, by name."""

_FRAMES: Final = ("DataFrame", "Series", "Index", "Timestamp", "Timedelta", "Period", "Interval")

TYPES: Final[dict[str, tuple[str, ...]]] = {
    **{f"builtins.{kind.__name__}": ("scalar/1",) for kind in SCALARS},
    **{
        f"builtins.{kind.__name__}": ("container/1",)
        for kind in (dict, list, tuple, set, frozenset)
    },
    **{
        f"collections.{name}": ("container/1",)
        for name in ("OrderedDict", "defaultdict", "Counter", "deque")
    },
    **dict.fromkeys(STANDARD, ("standard/1",)),
    "numpy.ndarray": ("array/1", "numpy-parts/1"),
    "numpy.generic": ("numpy-scalar/1", "numpy-parts/1"),
    "numpy.dtype": ("numpy-parts/1",),
    "torch.Tensor": ("tensor/1", "tensor-parts/1"),
    **{f"torch.{name}": ("tensor-parts/1",) for name in ("Size", "dtype", "device")},
    "scipy.sparse._base._spbase": ("sparse/1",),
    **{f"pandas.{name}": ("pandas/1",) for name in _FRAMES},
    "pandas.core.frame.DataFrame": ("pandas/1",),
    "pandas.core.series.Series": ("pandas/1",),
    "pandas.core.indexes.base.Index": ("pandas/1",),
    **{
        f"pandas._libs.{name}": ("pandas/1",)
        for name in (
            *("tslibs.timestamps.Timestamp", "tslibs.timedeltas.Timedelta"),
            *("tslibs.period.Period", "interval.Interval"),
        )
    },
    "polars.dataframe.frame.DataFrame": ("polars/1",),
    "polars.series.series.Series": ("polars/1",),
    **{
        f"pyarrow.lib.{name}": ("arrow/1",)
        for name in ("Table", "RecordBatch", "Array", "ChunkedArray")
    },
    "PIL.Image.Image": ("image/1",),
    "dumbo.artifacts.files.File": ("file/1",),
    "dumbo.artifacts.folders.Directory": ("directory/1",),
}
"""Names of codecs by the type, ``module.qualname``, that they are for."""

OPEN: Final = ("skeleton/1",)
"""Codecs asked for any object that none of the others kept, before pickle."""

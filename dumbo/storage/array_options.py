"""How arrays are written: the file format, and whether they are compressed.

Law: a choice about writing only. Whatever was written in another way before is read all the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from dumbo.errors import ConfigurationError


class ArrayFormat(StrEnum):
    """The file format of arrays above 32 KiB."""

    ZARR = "zarr"  # a zarr v3 array with one shard, which any zarr reader opens
    HDF5 = "hdf5"  # a file with one contiguous dataset, ``data``


class Compression(StrEnum):
    """Whether arrays are compressed."""

    AUTO = "auto"  # where a sample says that writing gets no slower: mostly zeros, repeated rows
    ZSTD = "zstd"  # always
    NONE = "none"  # never


@dataclass(frozen=True, slots=True)
class ArrayOptions:
    """How arrays are written.

    Raises
    ------
    ConfigurationError
        zstd in an HDF5 file, which would need a plugin wherever it is read.

    Examples
    --------
    >>> ArrayOptions().format
    <ArrayFormat.ZARR: 'zarr'>
    """

    format: ArrayFormat = ArrayFormat.ZARR
    compression: Compression = Compression.AUTO

    def __post_init__(self) -> None:
        if (self.format, self.compression) == (ArrayFormat.HDF5, Compression.ZSTD):
            raise ConfigurationError(
                "array_format='hdf5' with compression='zstd': HDF5 reads zstd only where a plugin "
                "is installed; use array_format='zarr', or compression='none'"
            )

"""Bytes that are not there, and bytes that could not be read this time.

Law: only what is gone, short or altered is broken. A full table of descriptors, a disk that
stumbled, a permission that is missing pass; whoever mends a store leaves such bytes alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from dumbo.errors import StoreError, ValueLostError

_GONE: Final = (FileNotFoundError, NotADirectoryError)


class UnreadableError(ValueLostError):
    """The bytes of a value could not be read, for a reason that may pass."""


@contextmanager
def reading(what: str, folder: object) -> Iterator[None]:
    """Tell what went wrong in a ``with`` block that reads.

    Raises
    ------
    ValueLostError
        It is not there, or not what it must be.
    UnreadableError
        It could not be read, which says nothing of its bytes.
    """
    where = f"{what} of {folder}" if folder else what
    try:
        yield
    except StoreError:
        raise
    except _GONE as error:
        raise ValueLostError(
            f"{where}: it is not there ({error.strerror}); recompute the value or restore the "
            "store from a copy"
        ) from error
    except OSError as error:
        raise UnreadableError(
            f"{where}: it could not be read ({error.strerror or error}) and may be whole: try "
            "again, or correct the permissions; else recompute the value"
        ) from error
    except ValueError as error:
        raise ValueLostError(
            f"{where}: it cannot be read ({error}); recompute the value or restore the store from "
            "a copy"
        ) from error

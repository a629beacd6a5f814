"""The key that signs what could run code when it is loaded.

Law: the key lies outside every store, is the user's alone (0600 in a 0700 folder), and is made
at the first signature. A store that came from elsewhere carries signatures of another key, so its
pickles are refused before a byte of them is interpreted.

`DUMBO_KEY_DIR` overrides the folder, for a key shared by several machines.
"""

from __future__ import annotations

import functools
import hmac
import os
import secrets
from collections.abc import Iterable
from hashlib import blake2b
from pathlib import Path
from typing import Final

from dumbo.errors import StoreUnavailableError
from dumbo.storage.base import Buffer

KEY_BYTES: Final = 32
_FILE: Final = "store.key"


def key_folder() -> Path:
    """Return the folder of the key: ``DUMBO_KEY_DIR``, else the user's data folder."""
    override = os.environ.get("DUMBO_KEY_DIR")
    if override:
        return Path(override)
    import platformdirs

    return Path(platformdirs.user_data_dir("dumbo", appauthor=False))


def user_key() -> bytes:
    """Return the user's key, 32 bytes; made if there is none.

    Raises
    ------
    StoreUnavailableError
        The key can neither be read nor made, or others can read it.
    """
    return _key_in(key_folder())


@functools.lru_cache(maxsize=8)
def _key_in(folder: Path) -> bytes:
    path = folder / _FILE
    try:
        if not path.exists():
            _make(path)
        status = path.stat()
        key = path.read_bytes()
    except OSError as error:
        raise StoreUnavailableError(
            f"the key that signs pickled values cannot be read or made in {folder}: "
            f"{error.strerror or error}; correct the permissions or set DUMBO_KEY_DIR"
        ) from error
    if len(key) != KEY_BYTES or (os.name == "posix" and status.st_mode & 0o077):
        raise StoreUnavailableError(
            f"the key that signs pickled values, {path}, is not a private file of {KEY_BYTES} "
            f"bytes; chmod 600 it if it is yours, else delete it (values pickled so far are then "
            "computed again)"
        )
    return key


def _make(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(descriptor, secrets.token_bytes(KEY_BYTES))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    # A link, not a rename: of two processes that make a key at once, the first wins.
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def sign(parts: Iterable[Buffer]) -> str:
    """Return the keyed MAC of `parts`, boundaries included, as 64 hex characters."""
    state = blake2b(key=user_key(), digest_size=32, person=b"dumbo pickle")
    for part in parts:
        view = memoryview(part).cast("B")
        state.update(len(view).to_bytes(8, "little"))
        state.update(view)
    return state.hexdigest()


def is_signed(parts: Iterable[Buffer], signature: object) -> bool:
    """Whether `signature` is the MAC of `parts`, compared in constant time."""
    return isinstance(signature, str) and hmac.compare_digest(
        sign(parts).encode(), signature.encode("utf-8", "replace")
    )

"""Where the objects of a store lie: beside its catalog, or on another disk.

Law: a disk that is not there is an error, never an empty store; the catalog remembers where the
objects are, so a store opened without the option finds them.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from dumbo.errors import StoreUnavailableError
from dumbo.storage.base import Catalog

_PLACE: Final = "objects"
_OWNER: Final = "belongs-to"


def objects_place(folder: Path, identity: str, catalog: Catalog, external: Path | None) -> Path:
    """Return the folder of a store's ``objects/``.

    Parameters
    ----------
    folder : Path
        The store.
    identity : str
        Its id: an external folder can serve several stores.
    catalog : Catalog
        Remembers an external place.
    external : Path or None
        Where the user wants the objects.

    Raises
    ------
    StoreUnavailableError
        The external folder is gone, or the objects lie elsewhere.
    """
    known = catalog.get_meta(_PLACE)
    if external is None and known is None:
        return folder
    place = Path(known or "") if external is None else Path(os.path.abspath(external)) / identity  # noqa: PTH100 - links stay
    if known is not None and not (place / "objects").is_dir():
        raise StoreUnavailableError(
            f"the store {folder} keeps its objects in {known}, and {place} has none; mount the "
            "disk, or give external_path= where they are now"
        )
    if known is None and any((folder / "objects").glob("??/*")):
        raise StoreUnavailableError(
            f"the store {folder} has objects of its own, which would not be found in {place}; "
            f"leave external_path= out, or move its folder objects/ to {place} first"
        )
    if known != str(place):
        _claim(place, folder)
        catalog.put_meta(_PLACE, str(place))
    return place


def _claim(place: Path, folder: Path) -> None:
    """Note in the external folder whose it is."""
    try:
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        (place / _OWNER).write_text(os.path.abspath(folder), "utf-8")  # noqa: PTH100 - links stay
    except OSError as error:
        raise StoreUnavailableError(
            f"the store {folder} cannot keep its objects in {place}: {error.strerror or error}; "
            "mount the disk, correct the permissions, or choose another external_path="
        ) from error


def other_owner(place: Path, folder: Path) -> Path | None:
    """Return the store whose external folder this is, if it is another than `folder` and is there.

    Two stores share one when a store was copied while its objects lay elsewhere.
    """
    try:
        owner = Path((place / _OWNER).read_text("utf-8"))
        return owner if owner.exists() and not owner.samefile(folder) else None
    except (OSError, ValueError):
        return None

"""The file in which results travel: a zip archive, stored and not compressed.

Law: an archive is untrusted. Every name, size and kind in it is checked before one byte is used,
and what is not exactly as expected makes the whole archive refused: no name leads anywhere, no
entry is larger than what lies in the file, none is there twice.

In it: ``dumbo-export.json`` (format, digest of the lines), ``records.jsonl`` (depsets and records,
sources first) and ``objects/<name>`` or ``objects/<name>/<file>``, the objects as they lie in a
store.
"""

from __future__ import annotations

import json
import re
import stat
import zipfile
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path
from typing import IO, Final, NoReturn

from dumbo.errors import CorruptStoreError, StoreFormatError

FORMAT: Final = 1
HEADER: Final = "dumbo-export.json"
LINES: Final = "records.jsonl"
_HEADER_BYTES: Final = 1 << 20
_LINE_BYTES: Final = 64 << 20
_OBJECT: Final = re.compile(r"objects/([0-9a-f]{40})(?:/([A-Za-z0-9][A-Za-z0-9_.-]{0,63}))?")


class Parcel:
    """An archive that was opened and whose list of contents was checked.

    Parameters
    ----------
    archive : zipfile.ZipFile
    path : Path
        For messages, and for the size of the file.

    Raises
    ------
    CorruptStoreError
        It is not an archive as `dumbo.storage.exporting` writes them.
    StoreFormatError
        A newer dumbo wrote it.
    """

    def __init__(self, archive: zipfile.ZipFile, path: Path) -> None:
        self._archive = archive
        self._path = path
        self.objects: dict[str, list[tuple[str, zipfile.ZipInfo]]] = {}
        self._check_list()
        self.tags, self._digest = self._check_header()

    @property
    def nbytes(self) -> int:
        """Bytes of all objects."""
        return sum(info.file_size for files in self.objects.values() for _, info in files)

    def _check_list(self) -> None:
        seen: set[str] = set()
        total = 0
        for info in self._archive.infolist():
            name = info.filename
            total += info.file_size
            match = _OBJECT.fullmatch(name)
            if name in seen or not (match or name in (HEADER, LINES)):
                self.refuse(f"an entry {name[:80]!r} is not expected")
            seen.add(name)
            if info.compress_type != zipfile.ZIP_STORED or info.compress_size != info.file_size:
                self.refuse(f"its entry {name[:80]!r} is compressed")
            if info.flag_bits & 1 or stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG):
                self.refuse(f"its entry {name[:80]!r} is no plain file")
            if match:
                self.objects.setdefault(match[1], []).append((match[2] or "", info))
        if total > self._path.stat().st_size:
            self.refuse("its entries claim more bytes than it has")
        if not {HEADER, LINES} <= seen:
            self.refuse("it has no list of records")
        for files in self.objects.values():
            if len(files) > 1 and any(not name for name, _ in files):
                self.refuse("an object is a file and a folder at once")

    def _check_header(self) -> tuple[dict[str, str], str]:
        if self._archive.getinfo(HEADER).file_size > _HEADER_BYTES:
            self.refuse("its header is too large")
        try:
            header = json.loads(self._archive.read(HEADER))
            number, digest = header["format"], header["records"]
            tags = {str(name): str(cid) for name, cid in header["tags"].items()}
            for text in (*tags, *tags.values()):
                text.encode()  # a lone surrogate is no text that a row can hold
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            self.refuse(f"its header cannot be read ({error})")
        except (zipfile.BadZipFile, OSError, EOFError) as error:
            self.refuse(str(error))
        if number != FORMAT:
            raise StoreFormatError(
                f"import of {self._path}: its format is {str(number)[:20]}, this dumbo reads "
                f"{FORMAT}; upgrade dumbo"
            )
        return tags, str(digest)

    def lines(self) -> Iterator[bytes]:
        """Iterate over depsets and records; the last step compares the digest of all."""
        state = blake2b(digest_size=20)
        with self._archive.open(LINES) as file:
            while line := file.readline(_LINE_BYTES):
                state.update(line)
                yield line
        if state.hexdigest() != self._digest:
            self.refuse("its records are not those that were exported")

    def open(self, info: zipfile.ZipInfo) -> IO[bytes]:
        """Open one file of an object."""
        return self._archive.open(info)

    def refuse(self, cause: str) -> NoReturn:
        """Raise `CorruptStoreError` about the archive."""
        raise CorruptStoreError(
            f"import of {self._path}: {cause}; nothing was imported. Export it again, and do not "
            "import files whose origin you do not know"
        )

"""What the rest of dumbo may rely on: the protocols of catalog, codec and stamps.

Law: contracts only. Nothing here opens, reads or writes; an implementation never imports another.

What the parts raise, all from `dumbo.errors`: `StoreUnavailableError` (folder or catalog cannot
be opened or written), `StoreFormatError` (written by a newer dumbo), `CorruptStoreError` (the
catalog or a row of it cannot be read), `ClaimLostError` (somebody else took the computation
over), `ValueLostError` (bytes gone, short or altered), `UntrustedValueError` (bytes that would run
code, without the key that signed them),
`MissingLibraryError` (a value of a library that is absent), `UncacheableError` (a value that
cannot be kept) and `NameTakenError` (a tag that means something else).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

from dumbo.identity.cid import CID
from dumbo.records import Depset, Edge, Record, Stored

if TYPE_CHECKING:
    from dumbo.storage.objects import Objects

INLINE_BYTES: Final = 32 * 1024
"""Values up to this size live in the catalog row: reads of blobs and files cross over here."""

BLOCK_BYTES: Final = 4 * 1024 * 1024
"""Bytes are hashed, copied and written in blocks of this size, so memory never doubles."""

Buffer: TypeAlias = bytes | bytearray | memoryview
Meta: TypeAlias = Mapping[str, object]


class Keeps(StrEnum):
    """What a codec promises about the values it accepts."""

    BITS = "bits"  # every bit, flag and order comes back
    LAZY = "lazy"  # opening touches only the bytes used
    ITEMS = "items"  # children can be described and loaded one by one
    NO_CODE = "no code"  # loading runs no code named by the stored bytes


@dataclass(frozen=True, slots=True)
class Stamp:
    """What the file system said of an object's bytes when they were last known to be right.

    Attributes
    ----------
    size : int
        Bytes.
    mtime_ns, ctime_ns : int
        Nanoseconds; neither a copied nor a rewritten file keeps both.
    boot : str
        The boot during which the bytes were written without fsync; empty once they are known to
        be on the disk. A power cut can only hurt objects of an earlier boot.
    """

    size: int
    mtime_ns: int
    ctime_ns: int
    boot: str = ""


@dataclass(frozen=True, slots=True)
class Claim:
    """A computation that somebody has taken on.

    Attributes
    ----------
    cid : CID
    owner : str
    epoch : int
        Given out once; what was claimed under an earlier one is not published any more.
    until : float
        When others may take it over, in seconds since the epoch of the clock.
    """

    cid: CID
    owner: str
    epoch: int
    until: float


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is wrong with one version.

    Attributes
    ----------
    cid : CID
        Empty where even the name cannot be read.
    version : int
    problem : str
        What is wrong, in words.
    """

    cid: CID
    version: int
    problem: str

    def __str__(self) -> str:
        return f"{self.cid.short or 'a record'} (version {self.version}): {self.problem}"


class Stamps(Protocol):
    """Where stamps are kept; losing one costs a digest at the next use, never a value."""

    def get_stamp(self, name: str) -> Stamp | None:
        """Return the stamp of an object, or None."""
        ...

    def put_stamp(self, name: str, stamp: Stamp) -> None:
        """Remember the stamp of an object; may be written later, in a batch."""
        ...


class Codec(Protocol):
    """How a family of types is encoded and opened.

    A codec accepts only what it keeps as `keeps` says; the next one in the table is asked for
    the rest. `name` is written into every row and looked up in the table when the row is read.
    """

    name: str
    keeps: frozenset[Keeps]

    def accepts(self, value: object) -> bool:
        """Whether this very value comes back as `keeps` promises."""
        ...

    def store(self, value: object, into: Keeper) -> Stored:
        """Encode `value`; large bytes are published as objects through `into`."""
        ...

    def load(self, stored: Stored, source: Keeper) -> object:
        """Decode, or open lazily; raises `ValueLostError` where bytes and row disagree."""
        ...

    def objects_of(self, stored: Stored) -> tuple[str, ...]:
        """Name every object the value needs."""
        ...


class Keeper(Protocol):
    """What a codec may ask of whoever holds the objects (`dumbo.storage.values.Values`)."""

    @property
    def objects(self) -> Objects:
        """Where large bytes are published and opened."""
        ...

    def keep(self, codec: str, meta: Meta, parts: Sequence[Buffer], digest: str) -> Stored:
        """Put encoded bytes into the row if small, into a plain object otherwise."""
        ...

    def fetch(self, stored: Stored, offset: int = 0, length: int | None = None) -> bytes:
        """Read bytes of the row or of a plain object."""
        ...

    def digest(self, value: object) -> str:
        """Content digest of a value; empty when it cannot be compared."""
        ...

    def store(self, value: object) -> Stored:
        """Store a child."""
        ...

    def load(self, stored: Stored) -> object:
        """Load a child."""
        ...

    def objects_of(self, stored: Stored) -> tuple[str, ...]:
        """Name every object a child needs."""
        ...


class Catalog(Protocol):
    """The transactional index of records, edges, names and sources."""

    def versions(self, cid: CID) -> tuple[Record, ...]:
        """Return every version of a CID, newest first."""
        ...

    def record(self, cid: CID, version: int = 0) -> Record | None:
        """Return one version, the newest for 0."""
        ...

    def add(
        self,
        records: Sequence[Record],
        depsets: Iterable[Depset] = (),
        claim: Claim | None = None,
    ) -> dict[int, int]:
        """Write records in one transaction; maps in-memory versions to real ones.

        With a `claim` it releases that, and raises `ClaimLostError` if it was taken over.
        """
        ...

    def depset(self, key: str) -> Depset | None:
        """Return an interned set of dependencies."""
        ...

    def forget(self, cid: CID) -> int:
        """Delete every version of a CID."""
        ...

    def forget_version(self, cid: CID, version: int) -> bool:
        """Delete one version."""
        ...

    def evict(self, cid: CID, version: int) -> bool:
        """Drop the reference to the bytes; the record stays."""
        ...

    def update_text(self, cid: CID, text: str) -> None:
        """Set the user's description of the newest version."""
        ...

    def set_tag(self, name: str, cid: CID) -> None:
        """Name a CID; a tag that it has is replaced."""
        ...

    def drop_tag(self, name: str) -> bool:
        """Remove a name."""
        ...

    def tags(self) -> dict[str, CID]:
        """Return every tag."""
        ...

    def tag_of(self, cid: CID) -> str | None:
        """Return the tag of a CID."""
        ...

    def note_moves(self, moves: Mapping[CID, CID]) -> None:
        """Note that results count under other CIDs now; their tags go along."""
        ...

    def moves(self) -> dict[CID, CID]:
        """Return under which CIDs results count now that were made under others."""
        ...

    def accept(self, key: str, depset: Depset) -> None:
        """Take results under the depset `key` for fresh wherever `depset` verifies."""
        ...

    def accepted(self, key: str) -> tuple[str, ...]:
        """Return the depsets by which one was accepted, oldest first."""
        ...

    def depsets_of(self, function: str) -> tuple[str, ...]:
        """Return the keys of the depsets of a function's results, newest first."""
        ...

    def functions_with_code(self, fingerprint: str) -> tuple[tuple[str, str], ...]:
        """Return module and name of code that was recorded in one version."""
        ...

    def claim(self, cid: CID, owner: str, lease: float) -> Claim | None:
        """Claim a computation for `lease` seconds; None while somebody's claim lasts."""
        ...

    def renew(self, claim: Claim, lease: float) -> Claim | None:
        """Make a claim last `lease` seconds from now; None if it was taken over."""
        ...

    def release(self, claim: Claim) -> bool:
        """Give a claim up; False if it was taken over."""
        ...

    def claimant(self, cid: CID) -> Claim | None:
        """Return the claim on a computation, run out or not."""
        ...

    def set_external(self, name: str, digest: str, text: str) -> None:
        """Note the digest under which an external value was last seen."""
        ...

    def external(self, name: str) -> tuple[str, str] | None:
        """Return digest and text of an external value."""
        ...

    def consumers(self, cid: CID) -> tuple[Edge, ...]:
        """Return the edges that start at a CID."""
        ...

    def upstream(self, cid: CID) -> set[CID]:
        """Return all that a CID was made from."""
        ...

    def downstream(self, cid: CID) -> set[CID]:
        """Return all that was made from a CID."""
        ...

    def edges_of(self, cids: Iterable[CID]) -> tuple[Edge, ...]:
        """Return the edges that end in the newest versions of some CIDs."""
        ...

    def nodes(self, function: str | None = None, limit: int | None = None) -> Iterator[Record]:
        """Iterate over the newest records."""
        ...

    def every_version(self) -> Iterator[Record | Problem]:
        """Iterate over every version, oldest first; what cannot be read is a `Problem`."""
        ...

    def faults(self) -> tuple[str, ...]:
        """Return what is wrong with the catalog as a whole."""
        ...

    def discard(self, version: int) -> bool:
        """Delete a version whatever its row says; False if it is tagged."""
        ...

    def functions(self) -> tuple[str, ...]:
        """Return the functions that have records."""
        ...

    def node_count(self) -> int:
        """Return how many CIDs have records, in constant time."""
        ...

    def value_bytes(self) -> int:
        """Return how many bytes the kept values take, each version counted."""
        ...

    def get_meta(self, key: str) -> str | None:
        """Return a fact of the store as a whole."""
        ...

    def put_meta(self, key: str, value: str) -> None:
        """Note a fact of the store as a whole."""
        ...

    def count(self, kind: str, function: str, seconds: float = 0.0, n: int = 1) -> None:
        """Count something without writing."""
        ...

    def totals(self) -> dict[tuple[str, str], tuple[int, float]]:
        """Return what was counted, by kind and function."""
        ...

    def flush(self) -> None:
        """Write what is counted now."""
        ...

    def close(self) -> None:
        """Write what is buffered and close."""
        ...

"""The frozen facts that levels hand each other: Record, Edge, Dependency, Depset, Verdict.

Law: data only. Nothing here computes, opens or imports; storage, code tracking and the graph,
which do not know each other, all speak in these.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import blake2b

from dumbo.identity.cid import CID, FunctionId


class DependencyKind(StrEnum):
    """What kind of thing a result's truth hangs on."""

    CODE = "code"  # the body of a function of the project
    CLASS = "class"  # the shell of a class: bases, decorators, statements, method names
    BOUND = "bound"  # what a name resolves to: notices monkeypatching
    GLOBAL = "global"  # the value of a global, closure cell or default
    PACKAGE = "package"  # the version of a distribution, or of Python
    DECLARED = "declared"  # what the user named: file, environment variable, value
    OPAQUE = "opaque"  # something seen that has no fingerprint


@dataclass(frozen=True, slots=True)
class Dependency:
    """One thing a result's truth hangs on, in one version.

    Attributes
    ----------
    kind : DependencyKind
    module : str
        Module the name lives in (a distribution's top module for packages).
    name : str
        Qualified name inside the module.
    fingerprint : str
        Version of the thing; compared, never used as key.
    text : str
        Normalised source or a short repr, for diffs. Not part of the comparison.
    file : str
        Source file it was read from, or empty. Not part of the comparison.
    by : str
        Who called or read it, for people. Not part of the comparison.
    """

    kind: DependencyKind
    module: str
    name: str
    fingerprint: str
    text: str = field(default="", compare=False)
    file: str = field(default="", compare=False)
    by: str = field(default="", compare=False)

    @property
    def key(self) -> tuple[str, str, str]:
        """What names the thing whatever its version."""
        return (self.kind.value, self.module, self.name)

    @property
    def label(self) -> str:
        """The thing as a person would name it: ``helpers.K.go``."""
        return f"{self.module}.{self.name}" if self.name else self.module


@dataclass(frozen=True, slots=True)
class Depset:
    """An interned set of dependencies; thousands of calls of one function share few of them."""

    members: tuple[Dependency, ...]
    key: str

    @classmethod
    def of(cls, members: tuple[Dependency, ...]) -> Depset:
        """Sort `members` by name and derive the key from names and fingerprints."""
        ordered = tuple(sorted(members, key=lambda d: d.key))
        state = blake2b(digest_size=16)
        for member in ordered:
            for part in (*member.key, member.fingerprint):
                raw = part.encode("utf-8", "surrogatepass")
                state.update(len(raw).to_bytes(8, "little") + raw)
        return cls(ordered, state.hexdigest())


class ReasonKind(StrEnum):
    """Why a result is stale, or cannot be judged."""

    CODE = "code"
    GLOBAL = "global"
    PACKAGE = "package"
    DECLARED = "declared"
    INPUT = "input"
    UPSTREAM = "upstream"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Reason:
    """One cause, with what it was and what it is now.

    Attributes
    ----------
    kind : ReasonKind
    subject : str
        What changed, as a person would name it: ``helpers.K.go``, or a CID.
    before, after : str
        Normalised source, or a short repr of the value, then and now.
    by : str
        Who used it.
    detail : str
        One line more, where the kind alone does not say it.
    """

    kind: ReasonKind
    subject: str
    before: str = ""
    after: str = ""
    by: str = ""
    detail: str = ""


class State(StrEnum):
    """Whether a result is true of today's code; UNKNOWN is never folded into the others."""

    FRESH = "fresh"
    STALE = "stale"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Staleness:
    """A verdict with its reasons and, for UPSTREAM, the path of CIDs that leads to the cause."""

    state: State
    reasons: tuple[Reason, ...] = ()
    path: tuple[CID, ...] = ()

    def __bool__(self) -> bool:
        """True when stale; UNKNOWN refuses to be read as either."""
        if self.state is State.UNKNOWN:
            raise ValueError(
                "staleness is UNKNOWN, neither true nor false: compare .state with State.UNKNOWN"
            )
        return self.state is State.STALE


FRESH = Staleness(State.FRESH)


class EdgeKind(StrEnum):
    """How B used A."""

    INPUT = "input"  # an argument, or inside one
    CALL = "call"  # a memoized function called by the body
    ITEM = "item"  # A is the container, B the item
    RETURN = "return"  # B's value is, or contains, A's


@dataclass(frozen=True, slots=True)
class Edge:
    """`target` used `source` in `role`.

    Attributes
    ----------
    source, target : CID
    kind : EdgeKind
    role : str
        Argument path (``state``, ``scores[3]``) or function name; with its position it keeps the
        two edges of ``f(a, a)`` apart.
    version : int
        The version of `source` that was used; 0 when it had none.
    digest : str
        The digest of `source` as used; empty when it cannot be compared.
    """

    source: CID
    target: CID
    kind: EdgeKind
    role: str
    version: int = 0
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Stored:
    """Where and how the bytes of one value are kept. Everything but the bytes themselves.

    Attributes
    ----------
    codec : str
        Name and version of the codec, ``array/1``.
    meta : Mapping[str, object]
        JSON-able facts that answer type, shape, dtype, len without I/O; always has ``type``.
    nbytes : int
        Encoded size in bytes.
    digest : str
        Content digest; empty when equal values may differ in bytes (cannot be compared).
    inline : bytes or None
        The bytes, when they live in the catalog row.
    object : str
        Name of the object that holds the bytes, when they do not.
    """

    codec: str
    meta: Mapping[str, object]
    nbytes: int
    digest: str
    inline: bytes | None = None
    object: str = ""


@dataclass(frozen=True, slots=True)
class Record:
    """Frozen row about one CID in one version.

    Attributes
    ----------
    cid : CID
    version : int
        Positive, unique in the store; larger is newer. 0 while only in memory.
    function : FunctionId
    call : str
        The call as text, for people.
    depset : str
        Key of the depset it was computed under.
    edges : tuple of Edge
        What it used, in order of use.
    stored : Stored or None
        Where the value is; None when the value was not kept or was evicted.
    digest : str
        Content digest of the value; survives eviction; empty when it cannot be compared.
    type : str
        ``module:qualname`` of the value's type.
    meta : Mapping[str, object]
        Facts of the value (shape, dtype, len) that survive eviction.
    nbytes : int
        Size of the value in bytes.
    own_seconds, total_seconds : float
        Time of the call without and with memoized sub-calls.
    reason : str
        Why the value was kept, or was not.
    created : float
        Seconds since the epoch.
    where : str
        File and line of the call, or the script.
    sample : int or None
    arguments : bytes
        The call's small arguments, encoded, so that it can be shown and repeated; may be empty.
    text : str
        The user's own description.
    matched : tuple of str
        Which matcher accepted which argument: ``lr by close(rel=0.01)``.
    """

    cid: CID
    version: int
    function: FunctionId
    call: str
    depset: str
    edges: tuple[Edge, ...] = ()
    stored: Stored | None = None
    digest: str = ""
    type: str = ""
    meta: Mapping[str, object] = field(default_factory=dict)
    nbytes: int = 0
    own_seconds: float = 0.0
    total_seconds: float = 0.0
    reason: str = ""
    created: float = 0.0
    where: str = ""
    sample: int | None = None
    arguments: bytes = b""
    text: str = ""
    matched: tuple[str, ...] = ()

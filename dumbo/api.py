"""The verbs: argument checking, and one call into the session in force.

Law: no logic lives here. Every verb says in its docstring what it takes, gives and raises.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from dumbo import frames, overrides
from dumbo import proxy as carriers
from dumbo import session as sessions
from dumbo._typing import MISSING
from dumbo.accepting import Accepted
from dumbo.code import declared
from dumbo.config import policy_of
from dumbo.decorator import Options, target_of
from dumbo.errors import ConfigurationError
from dumbo.events import Event
from dumbo.function import DumboFunction, target_behind
from dumbo.graph.explain import Explanation
from dumbo.identity.cid import CID
from dumbo.inspecting import Row, Stats
from dumbo.policy import Policy, ReusePolicy
from dumbo.records import Record, Staleness
from dumbo.session import Session
from dumbo.surveying import Survey

if TYPE_CHECKING:
    from dumbo.graph.view import ProvenanceGraph

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")


# Values.


def cid(x: object) -> CID | None:
    """Give the CID of a result; None for what is not one.

    Examples
    --------
    >>> import dumbo
    >>> dumbo.cid([1, 2]) is None
    True
    """
    return carriers.cid_of(x)


def record(x: object) -> Record:
    """Give the record of a result (a carrier, its CID, or a tag).

    Raises
    ------
    NotCachedError
        `x` is no result of this store.
    """
    return sessions.current().inspect.record(x)


def inputs(x: object) -> tuple[CID, ...]:
    """Give the CIDs of what a result was made from, in order of use."""
    return tuple(edge.source for edge in record(x).edges)


def unwrap(x: T, *, deep: bool = False) -> T:
    """Give the bare value of a carrier; with `deep`, also inside exact tuples, lists, dicts, sets.

    The value stays protected: take ``unwrap(x).copy()`` to change it.
    """
    bare: T = carriers.unwrap(x, deep=deep)
    return bare


def is_stale(x: object) -> Staleness:
    """Whether a result still holds: a `Staleness`, true when stale.

    Its truth value is refused when the verdict is UNKNOWN; ``.state`` and ``.reasons`` say more.
    """
    inspect = sessions.current().inspect
    return inspect.verdict(inspect.record(x))


def why(x: object = None) -> Explanation:
    """Say in words whether a result holds and what changed.

    Without `x`, why the last call the user made was not simply answered.
    """
    inspect = sessions.current().inspect
    return inspect.last_why() if x is None else inspect.why(x)


def forget(x: object) -> bool:
    """Drop every version of a result; whether there was one.

    Raises
    ------
    ConfigurationError
        `x` is an item of a result: forget the whole.
    NotCachedError
        `x` is no result of this store.
    """
    inspect = sessions.current().inspect
    cid = inspect.record(x).cid
    if cid.path:
        raise ConfigurationError(
            f"dumbo.forget({cid.short!r}): an item is kept with its whole; forget that: "
            f"dumbo.forget({str(cid.parent)!r})"
        )
    return inspect.forget(cid)


def describe(x: object, text: str) -> None:
    """Write a description of your own on a result's newest record.

    Raises
    ------
    ConfigurationError
        `x` is an item of a result: describe the whole.
    NotCachedError
        `x` is no result of this store.
    """
    sessions.current().inspect.describe(x, text)


# Names.


def tag(name: str, x: object) -> None:
    """Give a result a name by which any process can have it again.

    A result has one name: another one replaces it, which is how a tag is renamed.

    Raises
    ------
    NameTakenError
        The name belongs to another result.
    NotCachedError
        `x` is no result, or its value is not kept and cannot be.
    """
    sessions.current().inspect.tag(name, x)


def untag(name: str) -> None:
    """Remove a tag; the result stays.

    Raises
    ------
    NotCachedError
        There is no such tag.
    """
    sessions.current().inspect.untag(name)


def tagged(name: str) -> Any:
    """Load a result by its tag; works in a process that never imports the code.

    Raises
    ------
    NotCachedError
        There is no such tag, or no value under it.
    """
    return sessions.current().inspect.tagged(name)


def tags() -> dict[str, CID]:
    """Every tag with its CID."""
    return sessions.current().store.catalog.tags()


def tag_of(x: object) -> str | None:
    """Give the tag of a result, if it has one."""
    return sessions.current().inspect.tag_of(x)


def external(name: str, value: T) -> T:
    """Name a value that was not computed by dumbo: its identity is the name.

    Registering another value under the name makes what was computed from it stale.

    Raises
    ------
    NameTakenError
        The value has already entered an identity by its content.
    """
    named: T = sessions.current().inspect.external(name, value)
    return named


# The store as a whole.


def graph(x: object = None) -> ProvenanceGraph:
    """Give the provenance of `x`, or of everything, as a read-only ``networkx.MultiDiGraph``."""
    return sessions.current().inspect.graph(x)


def values(
    function: str | DumboFunction[..., Any] | None = None, limit: int | None = None
) -> list[Row]:
    """List results, newest first: function, call, state, size, seconds, when.

    Parameters
    ----------
    function : memoized function or str, optional
        Only its results; a str is its id, ``"module:qualname"``.
    limit : int, optional
        At most so many.

    Raises
    ------
    ConfigurationError
        `function` is neither.
    """
    if isinstance(function, DumboFunction):
        function = DumboFunction.__dumbo_function__(function)
    if function is not None and not isinstance(function, str):
        raise ConfigurationError(
            f"dumbo.values({function!r}): it takes a memoized function or its id, "
            "'module:qualname'; for one result ask dumbo.record(x)"
        )
    return sessions.current().inspect.values(function, limit)


def stats() -> Stats:
    """Say what dumbo did over the life of the store: hits, seconds saved, bytes held."""
    return sessions.current().inspect.stats()


def stale() -> Survey:
    """Judge every result of the store: which do not hold, and why; no value is loaded.

    Examples
    --------
    >>> import tempfile, dumbo
    >>> with tempfile.TemporaryDirectory() as folder, dumbo.open(folder) as session:
    ...     with dumbo.using(session):
    ...         print(dumbo.stale())
    0 stale, 0 unknown, 0 fresh
    """
    return sessions.current().inspect.stale()


def refresh(*results: object) -> Any:
    """Compute results again that do not hold, with all they were made from.

    Without `results`, look at every dependency again at the next call, and give nothing.

    Parameters
    ----------
    *results : carrier, CID, tag or memoized function
        What to bring up to date; of a function, all its results.

    Returns
    -------
    carrier or tuple
        The result by today's code; a tuple where a function or several results were given.

    Raises
    ------
    ConfigurationError
        A call that is needed cannot be repeated here; the message names it and the remedy.
    NotCachedError
        Something given is no result of this store.
    """
    session = sessions.current()
    if not results:
        return session.refresh()
    given: list[Any] = []
    for each in results:
        if isinstance(each, DumboFunction):
            given.extend(session.inspect.refresh_function(DumboFunction.__dumbo_function__(each)))
        else:
            given.append(session.inspect.refresh(each))
    is_one = len(results) == 1 and not isinstance(results[0], DumboFunction)
    return given[0] if is_one else tuple(given)


def accept(edited: object) -> Accepted:
    """Declare the edits of something immaterial: what was computed before them stays fresh.

    The next edit counts again. Declared files, values and changed inputs are not accepted along.

    Parameters
    ----------
    edited : memoized function, function, class, or result
        A memoized function: all that changed for its results. A plain function or class: its own
        edit, for every result that hangs on it. A result (carrier, CID, tag): what changed for it.

    Returns
    -------
    Accepted
        What was accepted, and what still keeps results from holding.

    Raises
    ------
    ConfigurationError
        It is none of these.
    """
    inspect = sessions.current().inspect
    if isinstance(edited, DumboFunction):
        return inspect.accept_function(target_behind(edited))
    if callable(edited) and carriers.cid_of(edited) is None:
        return inspect.accept_code(edited)
    return inspect.accept(edited)


def events() -> AbstractContextManager[list[Event]]:
    """Collect what happens in a ``with`` block.

    Examples
    --------
    >>> import tempfile, dumbo
    >>> with tempfile.TemporaryDirectory() as folder, dumbo.open(folder) as session:
    ...     with dumbo.using(session), dumbo.events() as log:
    ...         _ = dumbo.call(sum, [1, 2])
    >>> log[0].kind.value
    'executed'
    """
    return sessions.current().events.recorded()


# Calls.


def call(function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
    """Make one memoized call of a function that is not decorated."""
    if isinstance(function, DumboFunction):
        given: R = function(*args, **kwargs)
        return given
    made: DumboFunction[P, R] = DumboFunction(target_of(function, Options()))
    result: R = made(*args, **kwargs)
    return result


def depends_on(  # noqa: PLR0913  # each is one kind of thing
    *,
    file: Any = None,
    folder: Any = None,
    glob: Any = None,
    env: Any = None,
    value: Any = MISSING,
    package: Any = None,
    callable: Callable[[], Any] | None = None,  # noqa: A002  # the word of `declared`
) -> None:
    """Declare, inside a memoized function, what its result hangs on.

    Parameters
    ----------
    file, folder, glob : path or several, optional
        Content of files, of all files below a folder, of all that match a pattern.
    env : str or several, optional
        Environment variables.
    value : object, optional
        Any value with an identity.
    package : str or several, optional
        Versions of packages.
    callable : function of no arguments, optional
        What it returns.

    Raises
    ------
    ConfigurationError
        No memoized call is running here.
    """
    frame = frames.current()
    if frame is None:
        raise ConfigurationError(
            "dumbo.depends_on() was called outside a memoized function; inside one it declares "
            "what its result hangs on, elsewhere use @dumbo(depends_on=...)"
        )
    frame.declared.extend(declared(file, folder, glob, env, value, package, callable))


def recompute() -> AbstractContextManager[None]:
    """Run every memoized call of a ``with`` block, whatever is known, and keep the results."""
    return overrides.recompute()


def policy(
    both: ReusePolicy | Policy | None = None,
    /,
    *,
    direct: ReusePolicy | None = None,
    indirect: ReusePolicy | None = None,
) -> AbstractContextManager[None]:
    """Use a policy for stale results in a ``with`` block.

    Parameters
    ----------
    both : policy, optional
        For every call.
    direct, indirect : policy, optional
        For the calls made in the block itself, and for those made inside memoized functions.

    Raises
    ------
    ConfigurationError
        Neither or both spellings were used, or something is no policy.
    """
    if (both is None) == (direct is None and indirect is None):
        raise ConfigurationError(
            "dumbo.policy() takes one policy, or direct= and indirect=, for example "
            "dumbo.policy(Reuse()) or dumbo.policy(indirect=Reuse())"
        )
    if both is not None:
        return overrides.with_policy(policy_of(both, "dumbo.policy()"))
    base = sessions.current().engine.policy
    chosen = Policy(direct=direct or base.direct, indirect=indirect or base.indirect)
    return overrides.with_policy(chosen)


# Sessions.


def open(path: str | os.PathLike[str] | None = None, **settings: Any) -> Session:  # noqa: A001  # the contract's name
    """Open a store as a session of its own.

    Parameters
    ----------
    path : path, optional
        The store's folder; default as for the default session: ``DUMBO_DIR``, ``[tool.dumbo]``
        in pyproject.toml, ``.dumbo/`` in the project.
    **settings
        Fields of `Config`.

    Raises
    ------
    ConfigurationError
        A setting nobody knows, or one that cannot be meant.
    StoreUnavailableError, StoreFormatError, CorruptStoreError
        The folder cannot be used.
    """
    return sessions.open_session(path, **settings)


def using(session: Session) -> AbstractContextManager[Session]:
    """Make a session the one in force for a ``with`` block, in this thread or task."""
    return sessions.using(session)


__all__ = [
    "accept",
    "call",
    "cid",
    "depends_on",
    "describe",
    "events",
    "external",
    "forget",
    "graph",
    "inputs",
    "is_stale",
    "open",
    "policy",
    "recompute",
    "record",
    "refresh",
    "stale",
    "stats",
    "tag",
    "tag_of",
    "tagged",
    "tags",
    "untag",
    "unwrap",
    "using",
    "values",
    "why",
]

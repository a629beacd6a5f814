"""A session: the owner of all live parts, and the only place where they are wired.

Law: nothing is made at import. The default session is made at the first call that needs one; a
session that was opened is closed by whoever opened it.
"""

from __future__ import annotations

import atexit
import logging
import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any
from weakref import WeakSet

from dumbo import callers
from dumbo.code import Project, Tracker
from dumbo.config import Config, load_config
from dumbo.engine import Engine
from dumbo.errors import StoreError, StoreWarning
from dumbo.events import Events
from dumbo.forking import renewing
from dumbo.inspecting import Inspection
from dumbo.judging import ignore_stamp
from dumbo.live import LIVE
from dumbo.policy import Policy
from dumbo.storage import Pickles, Store, StoreOptions, Sync

logger = logging.getLogger("dumbo")


class Session:
    """Store, tracker, engine and events of one store folder.

    Parameters
    ----------
    config : Config

    Raises
    ------
    StoreUnavailableError, StoreFormatError, CorruptStoreError
        The folder cannot be used; the message says why and what to do.

    Examples
    --------
    >>> import tempfile, dumbo
    >>> with tempfile.TemporaryDirectory() as folder, dumbo.open(folder) as session:
    ...     with dumbo.using(session):
    ...         dumbo.call(pow, 2, 10) == 1024
    True
    """

    def __init__(self, config: Config) -> None:
        self.config = config
        self.events = Events()
        self.store = Store(config.folder, options_of(config), self._evicted)
        self.tracker = Tracker(
            Project(also=config.roots), self.store.catalog, watch_files=config.watch_files
        )
        self.engine = Engine(
            store=self.store,
            tracker=self.tracker,
            events=self.events,
            policy=config.stale,
            keep=config.keep,
            returns=config.returns,
        )
        self.inspect = Inspection(self.engine)
        self._open = True
        _sessions.add(self)

    def _evicted(self, _key: str, entry: object, nbytes: int) -> None:
        self.engine.evicted(entry, nbytes)

    def close(self) -> None:
        """Flush counters and close the store; a closed session is closed once more for nothing."""
        if self._open:
            self._open = False
            _sessions.discard(self)
            self.engine.judge.on_stamp = ignore_stamp
            atexit.unregister(self.close)
            self.inspect.flush()
            self.store.close()

    def refresh(self) -> None:
        """Look at every dependency again at the next call."""
        self.engine.judge.refresh()

    def forget_memory(self) -> None:
        """Drop the memory tier and every verdict: the store was changed from outside."""
        self.inspect.flush()
        self.store.memory.clear()
        self.engine.judge.refresh()

    def follow(self, policy: Policy | None) -> None:
        """Use `policy` for stale results where the settings leave it open; None for the usual."""
        if self.config.stale == Policy():
            self.engine.policy = policy or self.config.stale

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        state = "" if self._open else " closed"
        return f"<dumbo.Session{state} {str(self.config.folder)!r}>"


_sessions: WeakSet[Session] = WeakSet()
_using: ContextVar[Session | None] = ContextVar("dumbo_session", default=None)
_default: Session | None = None
_policy: Policy | None = None
_lock = threading.RLock()


@renewing
def _renew() -> None:
    global _lock  # noqa: PLW0603  # see above
    _lock = threading.RLock()


def options_of(config: Config) -> StoreOptions:
    """How a store is used, by the settings."""
    return StoreOptions(
        sync=Sync.STRICT if config.strict else Sync.RELAXED,
        pickles=Pickles.SIGNED if config.allow_pickle else Pickles.NEVER,
        memory_bytes=config.memory_bytes,
        external_path=config.external_path,
        array_format=config.array_format,
        compression=config.compression,
    )


def folder_meant() -> Path:
    """The store of the session in force; of the default one, where the settings say it is."""
    session = current()
    return load_config().folder if is_default(session) else session.store.folder


def open_session(path: str | os.PathLike[str] | None = None, /, **settings: Any) -> Session:
    """Open a store as a session; see ``dumbo.open``."""
    return Session(load_config(path, **settings))


def current() -> Session:
    """The session in force here: the innermost ``using``, else the default one."""
    return _using.get() or _default or _make_default()


def in_force() -> Session | None:
    """The session in force here, if there is one yet."""
    return _using.get() or _default


def is_default(session: Session) -> bool:
    """Whether `session` is the default one."""
    return session is _default


def _make_default() -> Session:
    global _default  # noqa: PLW0603  # the one piece of process-wide state, made on first need
    with _lock:
        if _default is None:
            config = load_config()
            try:
                made = Session(config)
            except StoreError as trouble:
                made = _without_store(config, trouble)
            made.engine.judge.on_stamp = LIVE.publish
            LIVE.publish(made.engine.judge.stamp)
            made.follow(_policy)
            atexit.register(made.close)
            _default = made
        return _default


def _without_store(config: Config, trouble: StoreError) -> Session:
    """A default session that lives as long as the process: the user's program must go on."""
    callers.warn(
        f"dumbo cannot use the store {config.folder}: {trouble}. Results of this process are kept "
        "in a temporary folder and are gone at its end. Set DUMBO_DIR to a folder that can be "
        "used.",
        StoreWarning,
    )
    folder = tempfile.TemporaryDirectory(prefix="dumbo-", ignore_cleanup_errors=True)
    atexit.register(_clean, folder, os.getpid())
    return Session(replace(config, folder=Path(folder.name) / "store"))


def _clean(folder: tempfile.TemporaryDirectory[str], owner: int) -> None:
    """Remove a temporary store; a forked child leaves it to its parent."""
    if os.getpid() == owner:
        folder.cleanup()
    else:
        folder._finalizer.detach()  # type: ignore[attr-defined]  # noqa: SLF001  # or it would at exit


@contextmanager
def using(session: Session) -> Iterator[Session]:
    """Make `session` the one in force for a ``with`` block, in this thread or task."""
    token = _using.set(session)
    try:
        with LIVE.held():
            yield session
    finally:
        _using.reset(token)


def close_default() -> None:
    """Close the default session; the next call makes a new one, by the settings of then."""
    global _default  # noqa: PLW0603  # see above
    with _lock:
        if _default is not None:
            LIVE.publish(None)
            _default.close()
            _default = None


def default_policy(policy: Policy | None) -> None:
    """Let the default session use `policy` for stale results, unless its settings say another."""
    global _policy  # noqa: PLW0603  # see above
    _policy = policy
    if _default is not None:
        _default.follow(policy)


def defined() -> None:
    """Judge anew everywhere: a function was decorated, and says what its results hang on."""
    for session in list(_sessions):
        session.engine.judge.versions_moved()


def refresh_all() -> None:
    """Begin a new epoch everywhere: code of this process was defined again."""
    for session in list(_sessions):
        session.refresh()

"""What the decorator returns: a function that remembers, with its verbs.

Law: the warm path does one thing: look the raw arguments up and compare one stamp. Only arguments
of exact, immutable builtin types may take it, because their equality is their identity; everything
else goes through `Engine.call`, which is the truth.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import Callable
from typing import Any, Final, Generic, NoReturn, ParamSpec, TypeVar
from weakref import WeakValueDictionary

from dumbo import session as sessions
from dumbo.engine import Engine, Target
from dumbo.errors import NotCachedError
from dumbo.graph.explain import Explanation
from dumbo.identity.cid import CID, FunctionId
from dumbo.live import LIVE
from dumbo.overrides import recomputing
from dumbo.recall import Entry
from dumbo.records import Record, Staleness, State

P = ParamSpec("P")
R = TypeVar("R")

WARM_TYPES: Final = frozenset({int, str, bytes, bool, type(None)})
WARM_CALLS: Final = 1 << 14
"""Raw argument tuples remembered per function; beyond it they are forgotten all at once."""
VERBS: Final = frozenset(
    ("cid", "is_cached", "is_stale", "why", "peek", "record", "forget", "recompute", "put")
)


class DumboFunction(Generic[P, R]):
    """A memoized function. Call it like the function it decorates.

    Made by ``@dumbo``. Attributes of the function (``__name__``, ``__doc__``, ...) are kept;
    ``__wrapped__`` is the function itself, which remembers nothing.
    """

    __wrapped__: Callable[P, R]
    __name__: str
    __qualname__: str

    def __init__(self, target: Target) -> None:
        functools.update_wrapper(self, target.plain)
        self._target = target
        self._is_async = inspect.iscoroutinefunction(target.plain)
        self._warm: dict[tuple[Any, ...], Entry] | None = (
            {} if target.shape.is_simple and not self._is_async else None
        )
        if self._is_async:
            _mark_coroutine_function(self)

    @staticmethod
    def __dumbo_function__(function: DumboFunction[..., Any]) -> FunctionId:
        """Name the function; this is how other levels know one without importing this module."""
        return function._target.shape.function_id

    # The call.

    def __call__(self, /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Give the result of the call, remembered or computed."""
        warm = self._warm
        if warm is not None and not kwargs:
            types = tuple(map(type, args))
            if WARM_TYPES.issuperset(types):
                key = (types, args)
                entry = warm.get(key)
                if entry is not None and entry.stamp is LIVE.stamp:
                    for guard in entry.guards:
                        if not guard():
                            break
                    else:
                        entry.hits += 1
                        carrier: R = entry.carrier
                        return carrier
                return self._call_and_warm(key, args)
        if self._is_async:
            return self._call_async(args, kwargs)  # type: ignore[return-value]  # R is a coroutine
        result: R = self._engine().call(self._target, args, kwargs, recompute=recomputing()).carrier
        return result

    def _call_and_warm(self, key: tuple[Any, ...], args: tuple[Any, ...]) -> R:
        session = sessions.current()
        engine = session.engine
        entry = engine.call(self._target, args, {}, recompute=recomputing())
        if entry.hits and not entry.node.note and sessions.is_default(session):
            engine.warm(entry)
            assert self._warm is not None
            if len(self._warm) >= WARM_CALLS:
                self._warm.clear()
            self._warm[key] = entry
        carrier: R = entry.carrier
        return carrier

    async def _call_async(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        entry = await self._engine().call_async(self._target, args, kwargs, recompute=recomputing())
        return entry.carrier

    def __get__(self, instance: object, owner: type | None = None) -> Any:
        return self if instance is None else BoundDumboFunction(self, instance)

    # The verbs.

    def cid(self, *args: P.args, **kwargs: P.kwargs) -> CID:
        """Name the call without making it."""
        return self._target.shape.identify(args, kwargs).cid

    def is_cached(self, *args: P.args, **kwargs: P.kwargs) -> bool:
        """Whether the call would be answered without running the function."""
        return self._engine().find(self.cid(*args, **kwargs)).entry is not None

    def is_stale(self, *args: P.args, **kwargs: P.kwargs) -> Staleness:
        """Whether the newest result of the call still holds.

        Raises
        ------
        NotCachedError
            The call was never made.
        """
        engine = self._known()
        found = engine.find(self.cid(*args, **kwargs))
        if found.record is None:
            self._never(args, kwargs)
        return found.verdict

    def why(self, *args: P.args, **kwargs: P.kwargs) -> Explanation:
        """Say whether the call would run, and what changed if so."""
        engine = self._known()
        identity = self._target.shape.identify(args, kwargs)
        found = engine.find(identity.cid)
        if found.record is None:
            text = f"{identity.text} was never computed"
            return Explanation.of(text, text, Staleness(State.UNKNOWN))
        return sessions.current().inspect.explain(found.record)

    def peek(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Give the newest kept result, whatever its state, without running the function.

        Raises
        ------
        NotCachedError
            There is none.
        """
        entry = self._known().find(self.cid(*args, **kwargs), self._target, any_state=True).entry
        if entry is None:
            self._never(args, kwargs)
        carrier: R = entry.carrier
        return carrier

    def record(self, *args: P.args, **kwargs: P.kwargs) -> Record:
        """Give the record of the newest result.

        Raises
        ------
        NotCachedError
            The call was never made.
        """
        found = self._known().find(self.cid(*args, **kwargs))
        if found.record is None:
            self._never(args, kwargs)
        return found.record

    def forget(self, *args: P.args, **kwargs: P.kwargs) -> bool:
        """Drop every version of the result; whether there was one."""
        return sessions.current().inspect.forget(self.cid(*args, **kwargs))

    def recompute(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Run the function whatever is known, and keep the new result."""
        if self._is_async:
            return self._recompute_async(args, kwargs)  # type: ignore[return-value]  # see __call__
        carrier: R = self._engine().call(self._target, args, kwargs, recompute=True).carrier
        return carrier

    async def _recompute_async(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        entry = await self._engine().call_async(self._target, args, kwargs, recompute=True)
        return entry.carrier

    def put(self, value: R, /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Make `value` the result of the call, as if the function had returned it now."""
        carrier: R = self._engine().put(self._target, value, args, kwargs).carrier
        return carrier

    # Small things.

    def _engine(self) -> Engine:
        return sessions.current().engine

    def _known(self) -> Engine:
        engine = self._engine()
        engine.know(self._target)
        return engine

    def _never(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> NoReturn:
        text = self._target.shape.identify(args, kwargs).text
        raise NotCachedError(
            f"{text} has no result in {self._engine().store.folder}: call it first"
        )

    def __reduce__(self) -> str:
        return self.__qualname__

    def __repr__(self) -> str:
        return f"<dumbo function {self._target.shape.function_id}>"


class BoundDumboFunction:
    """A memoized method of one object; its verbs take the arguments without ``self``."""

    __slots__ = ("__func__", "__self__")

    def __init__(self, function: DumboFunction[..., Any], instance: object) -> None:
        self.__func__ = function
        self.__self__ = instance

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        """Give the result of the call."""
        return self.__func__(self.__self__, *args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self.__func__, name)
        if name == "put":
            return lambda value, /, *a, **k: attribute(value, self.__self__, *a, **k)
        return functools.partial(attribute, self.__self__) if name in VERBS else attribute

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, BoundDumboFunction):
            return NotImplemented
        return self.__func__ is other.__func__ and self.__self__ is other.__self__

    def __hash__(self) -> int:
        return hash((id(self.__func__), id(self.__self__)))

    def __repr__(self) -> str:
        return f"<bound {self.__func__!r}>"


_defined: WeakValueDictionary[FunctionId, Target] = WeakValueDictionary()


def defined_again(target: Target) -> bool:
    """Note that a function was decorated; whether one of its name was decorated before."""
    again = target.shape.function_id in _defined
    _defined[target.shape.function_id] = target
    return again


def _mark_coroutine_function(function: Any) -> None:
    """Make ``iscoroutinefunction`` true of the decorated function, as it is of the plain one."""
    mark = getattr(inspect, "markcoroutinefunction", None)
    if mark is not None:  # Python 3.12 and newer
        mark(function)
    else:
        function._is_coroutine = asyncio.coroutines._is_coroutine  # type: ignore[attr-defined]  # noqa: SLF001  # 3.11's own mark

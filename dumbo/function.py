"""What the decorator returns: a function that remembers, with its verbs.

Law: nothing is decided here. Calls go to the engine, or to the warm path (`dumbo.warm`) where its
answer cannot differ; verbs go to the engine and to `dumbo.inspecting`.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import Callable
from typing import Any, Concatenate, Final, Generic, NoReturn, ParamSpec, TypeVar, overload

from dumbo import session as sessions
from dumbo import warm
from dumbo.adopting import Adopted
from dumbo.engine import Engine
from dumbo.entries import Shortcut
from dumbo.errors import NotCachedError
from dumbo.graph.explain import Explanation
from dumbo.identity.cid import CID, FunctionId
from dumbo.live import LIVE
from dumbo.overrides import recomputing
from dumbo.records import Record, Staleness, State
from dumbo.targets import DEFINED, Target

P = ParamSpec("P")
R = TypeVar("R")
Q = ParamSpec("Q")
S = TypeVar("S")

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
        self._warm: dict[tuple[Any, ...], Shortcut] = {}
        if self._is_async:
            _mark_coroutine_function(self)

    @staticmethod
    def __dumbo_function__(function: DumboFunction[..., Any]) -> FunctionId:
        """Name the function; this is how other levels know one without importing this module."""
        return function._target.shape.function_id

    # The call.

    def __call__(self, /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Give the result of the call, remembered or computed."""
        result: R = self._long(args, kwargs)
        return result

    def _long(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Make the call by the engine."""
        if self._is_async:
            return self._call_async(args, kwargs)
        return self._engine().call(self._target, args, kwargs, recompute=recomputing()).give()

    def _long_and_warm(self, key: tuple[Any, ...], args: tuple[Any, ...]) -> Any:
        """Make the call by the engine, and remember it under `key` when it was a hit."""
        args = warm.given(args)
        session = sessions.current()
        engine = session.engine
        entry = engine.call(self._target, args, {}, recompute=recomputing())
        if not LIVE.is_held and entry.shortcut.hits and sessions.is_default(session):
            engine.warm(entry)
            if len(self._warm) >= warm.SIZE:
                self._warm.clear()
            if warm.may_be_remembered(args):
                self._warm[key] = entry.shortcut
        return entry.give()

    async def _call_async(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        entry = await self._engine().call_async(self._target, args, kwargs, recompute=recomputing())
        return entry.give()

    @overload
    def __get__(self, instance: None, owner: type | None = None) -> DumboFunction[P, R]: ...
    @overload
    def __get__(
        self: DumboFunction[Concatenate[S, Q], R], instance: S, owner: type | None = None
    ) -> BoundDumboFunction[Q, R]: ...
    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        return self if instance is None else BoundDumboFunction(self, instance)

    # The verbs.

    def cid(self, *args: P.args, **kwargs: P.kwargs) -> CID:
        """Name the call without making it."""
        return self._target.shape.identify(args, kwargs).cid

    def is_cached(self, *args: P.args, **kwargs: P.kwargs) -> bool:
        """Whether the call would be answered without running the function."""
        return self._known().lookup.find(self.cid(*args, **kwargs)).entry is not None

    def is_stale(self, *args: P.args, **kwargs: P.kwargs) -> Staleness:
        """Whether the newest result of the call still holds.

        Raises
        ------
        NotCachedError
            The call was never made.
        """
        engine = self._known()
        found = engine.lookup.find(self.cid(*args, **kwargs))
        if found.record is None:
            self._never(args, kwargs)
        return found.verdict

    def why(self, *args: P.args, **kwargs: P.kwargs) -> Explanation:
        """Say whether the call would run, and what changed if so."""
        engine = self._known()
        identity = self._target.shape.identify(args, kwargs)
        found = engine.lookup.find(identity.cid)
        if found.record is None:
            text = f"{identity.text} was never computed"
            hint = engine.hint(self._target)
            whole = f"{text}\n  {hint}" if hint else text
            return Explanation.of(whole, text, Staleness(State.UNKNOWN))
        return sessions.current().inspect.explain(found.record)

    def peek(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Give the newest kept result, whatever its state, without running the function.

        Raises
        ------
        NotCachedError
            There is none.
        """
        engine = self._known()
        cid = self.cid(*args, **kwargs)
        entry = engine.lookup.find(cid, self._target, any_state=True).entry
        if entry is None:
            self._never(args, kwargs)
        engine.used(entry)  # a memoized function that asks for it hangs on it
        carrier: R = entry.give()
        return carrier

    def record(self, *args: P.args, **kwargs: P.kwargs) -> Record:
        """Give the record of the newest result.

        Raises
        ------
        NotCachedError
            The call was never made.
        """
        found = self._known().lookup.find(self.cid(*args, **kwargs))
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
        carrier: R = self._engine().call(self._target, args, kwargs, recompute=True).give()
        return carrier

    async def _recompute_async(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        entry = await self._engine().call_async(self._target, args, kwargs, recompute=True)
        return entry.give()

    def put(self, value: R, /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Make `value` the result of the call, as if the function had returned it now."""
        carrier: R = self._engine().put(self._target, value, args, kwargs).give()
        return carrier

    def adopt(self, old: str) -> Adopted:
        """Take over the results of the function that this one was before a rename or a move.

        A result is taken over if its arguments are on its record and give its CID under the old
        name; it is fresh as long as the code it hangs on is the same but for the names. Results of
        functions of this process that took one as argument are named anew with it; where those
        functions were renamed as well, adopt what is an argument of others first.

        Parameters
        ----------
        old : str
            The id then, ``"module:qualname"``.

        Returns
        -------
        Adopted
            How many were taken over, and why the others were not.

        Raises
        ------
        ConfigurationError
            `old` is no id of a function, or a function of that id lives in this process.
        NotCachedError
            The store has no results of `old`.
        """
        adopting = self._known().adopting
        return adopting.adopt(self._target, FunctionId(old), dict(DEFINED))

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


def remembering(target: Target) -> DumboFunction[..., Any]:
    """Make the `DumboFunction` of a target, with the warm path where it may be taken."""
    parameters = target.shape.signature.parameters.values()
    plain = all(p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) for p in parameters)
    # A mutable default can change under its function, which the arguments would not show.
    fixed = all(p.default is p.empty or type(p.default) in warm.TYPES for p in parameters)
    simple = target.shape.is_simple and not inspect.iscoroutinefunction(target.plain)
    if not (plain and fixed and simple) or len(parameters) > warm.WRITTEN_OUT:
        return DumboFunction(target)
    return _class_for(len(parameters))(target)


@functools.cache
def _class_for(parameters: int) -> type[DumboFunction[..., Any]]:
    """Give the class of functions with so many parameters: `DumboFunction` with a faster call."""
    space = {"__call__": warm.write(parameters), "__doc__": DumboFunction.__doc__}
    made = type("DumboFunction", (DumboFunction,), {**space, "__module__": __name__})
    made.__qualname__ = "DumboFunction"
    return made


def target_behind(function: DumboFunction[..., Any]) -> Target:
    """What the engine knows of a memoized function."""
    return function._target  # noqa: SLF001  # an attribute of the name would shadow the user's own


class BoundDumboFunction(Generic[P, R]):
    """A memoized method of one object; its verbs take the arguments without ``self``."""

    __slots__ = ("__func__", "__self__")

    def __init__(self, function: DumboFunction[..., Any], instance: object) -> None:
        self.__func__ = function
        self.__self__ = instance

    def __call__(self, /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Give the result of the call."""
        result: R = self.__func__(self.__self__, *args, **kwargs)
        return result

    def __reduce__(self) -> tuple[Any, ...]:
        return getattr, (self.__self__, self.__func__.__name__)

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


def _mark_coroutine_function(function: Any) -> None:
    """Make ``iscoroutinefunction`` true of the decorated function, as it is of the plain one."""
    mark = getattr(inspect, "markcoroutinefunction", None)
    if mark is not None:  # Python 3.12 and newer
        mark(function)
    else:
        function._is_coroutine = asyncio.coroutines._is_coroutine  # type: ignore[attr-defined]  # noqa: SLF001  # 3.11's own mark

"""The name users import: ``from dumbo import dumbo``, decorator and home of every verb.

Law: nothing but names. ``dumbo.graph(x)`` is the same function whether ``dumbo`` is the package
or this object, so that one import is enough in a notebook.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, ParamSpec, Protocol, TypeVar, overload

from dumbo import api, upkeep
from dumbo.artifacts import Directory, File
from dumbo.decorator import decorate
from dumbo.function import DumboFunction
from dumbo.identity import Matcher, close, file, ignore, key, new_default
from dumbo.policy import Policy, Raise, Recompute, Reuse, ReusePolicy

P = ParamSpec("P")
R = TypeVar("R")


class Decorator(Protocol):
    """What ``@dumbo(...)`` with options is applied as."""

    def __call__(self, function: Callable[P, R], /) -> DumboFunction[P, R]:
        """Memoize `function`."""
        ...


class Dumbo:
    """The decorator, with the verbs as attributes; see `dumbo.decorator.decorate`."""

    __slots__ = ()

    @overload
    def __call__(self, function: Callable[P, R], /) -> DumboFunction[P, R]: ...
    @overload
    def __call__(
        self,
        *,
        name: str | None = None,
        keep: str | None = None,
        ignore: Iterable[str] = (),
        match: Mapping[str, Matcher] | None = None,
        depends_on: Iterable[Any] = (),
        stale: Policy | ReusePolicy | None = None,
        returns: str | None = None,
    ) -> Decorator: ...
    def __call__(self, *function: Any, **options: Any) -> Any:
        """Memoize a function; see `dumbo.decorator.decorate`."""
        return decorate(*function, **options)

    def call(self, function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Make one memoized call of a function that is not decorated; see `dumbo.call`."""
        return api.call(function, *args, **kwargs)

    accept = staticmethod(api.accept)
    cid = staticmethod(api.cid)
    depends_on = staticmethod(api.depends_on)
    describe = staticmethod(api.describe)
    events = staticmethod(api.events)
    export = staticmethod(upkeep.export)
    external = staticmethod(api.external)
    forget = staticmethod(api.forget)
    graph = staticmethod(api.graph)
    import_ = staticmethod(upkeep.import_)
    inputs = staticmethod(api.inputs)
    is_stale = staticmethod(api.is_stale)
    open = staticmethod(api.open)
    open_array = staticmethod(upkeep.open_array)
    policy = staticmethod(api.policy)
    recompute = staticmethod(api.recompute)
    record = staticmethod(api.record)
    refresh = staticmethod(api.refresh)
    repair = staticmethod(upkeep.repair)
    stale = staticmethod(api.stale)
    stats = staticmethod(api.stats)
    tag = staticmethod(api.tag)
    tag_of = staticmethod(api.tag_of)
    tagged = staticmethod(api.tagged)
    tags = staticmethod(api.tags)
    untag = staticmethod(api.untag)
    unwrap = staticmethod(api.unwrap)
    using = staticmethod(api.using)
    values = staticmethod(api.values)
    verify_store = staticmethod(upkeep.verify_store)
    why = staticmethod(api.why)

    close = staticmethod(close)
    file = staticmethod(file)
    ignore = ignore
    key = staticmethod(key)
    new_default = staticmethod(new_default)
    Directory = Directory
    File = File
    Policy = Policy
    Raise = Raise
    Recompute = Recompute
    Reuse = Reuse

    def __repr__(self) -> str:
        return "<dumbo>"


dumbo: Final = Dumbo()

"""The name users import: ``from dumbo import dumbo``, decorator and home of every verb.

Law: nothing but names. ``dumbo.graph(x)`` is the same function whether ``dumbo`` is the package
or this object, so that one import is enough in a notebook.
"""

from __future__ import annotations

from typing import Final

from dumbo import api
from dumbo.decorator import decorate
from dumbo.identity import close, file, ignore, key, new_default
from dumbo.policy import Policy, Raise, Recompute, Reuse


class Dumbo:
    """The decorator, with the verbs as attributes; see `dumbo.decorator.decorate`."""

    __slots__ = ()

    __call__ = staticmethod(decorate)

    call = staticmethod(api.call)
    cid = staticmethod(api.cid)
    depends_on = staticmethod(api.depends_on)
    describe = staticmethod(api.describe)
    events = staticmethod(api.events)
    external = staticmethod(api.external)
    forget = staticmethod(api.forget)
    graph = staticmethod(api.graph)
    inputs = staticmethod(api.inputs)
    is_stale = staticmethod(api.is_stale)
    open = staticmethod(api.open)
    policy = staticmethod(api.policy)
    recompute = staticmethod(api.recompute)
    record = staticmethod(api.record)
    refresh = staticmethod(api.refresh)
    stats = staticmethod(api.stats)
    tag = staticmethod(api.tag)
    tag_of = staticmethod(api.tag_of)
    tagged = staticmethod(api.tagged)
    tags = staticmethod(api.tags)
    untag = staticmethod(api.untag)
    unwrap = staticmethod(api.unwrap)
    using = staticmethod(api.using)
    values = staticmethod(api.values)
    why = staticmethod(api.why)

    close = staticmethod(close)
    file = staticmethod(file)
    ignore = ignore
    key = staticmethod(key)
    new_default = staticmethod(new_default)
    Policy = Policy
    Raise = Raise
    Recompute = Recompute
    Reuse = Reuse

    def __repr__(self) -> str:
        return "<dumbo>"


dumbo: Final = Dumbo()

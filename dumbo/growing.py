"""Results from before a parameter was added, kept as `new_default` declares.

Law: the declaration speaks of one edit, the one that brings the parameter, and of the function's
own code alone. It is taken once, when code with the parameter first meets the store; it covers the
results of the code before, which is that of the function's newest result. What else they hang on
is judged as ever, and from then on every further edit makes them stale.
"""

from __future__ import annotations

import ast
import logging
from dataclasses import replace
from typing import Any

from dumbo.code import Tracker
from dumbo.identity import CallShape
from dumbo.judging import Judge, Loaded
from dumbo.recall import Recall
from dumbo.records import Dependency, Depset
from dumbo.storage import Store

logger = logging.getLogger("dumbo")


class Growing:
    """Accepts results of a function that got parameters with a `new_default`."""

    def __init__(self, store: Store, tracker: Tracker, judge: Judge, recall: Recall) -> None:
        self._catalog = store.catalog
        self._tracker = tracker
        self._judge = judge
        self._recall = recall

    def accept(self, shape: CallShape, function: Loaded) -> None:
        """Accept what was computed before `function` got its new parameters, unless it was seen."""
        own = self._tracker.own_code(function.plain)
        today = parameter_names(own.text) if own is not None else None
        if own is None or today is None:
            return
        stages: dict[str, list[Dependency]] = {}
        for key in self._catalog.depsets_of(shape.function_id):
            stages[key] = list(self._stages(key, own))
        seen: set[str] = set()
        for stage in stages.values():
            for member in stage:
                names = parameter_names(member.text)
                if names is None:
                    return  # whether it had the parameters cannot be told
                seen |= names
        unseen = [name for name in shape.new_defaults if name not in seen]
        before = _last(next(iter(stages.values()), []), today)
        if not unseen or before is None:
            return
        for key, stage in stages.items():
            if any(member.fingerprint == before.fingerprint for member in stage):
                self._catalog.accept(key, self._grown(key, own, function))
        self._judge.versions_moved()
        logger.info(
            "%s: results from before %s was added are kept, as new_default says",
            shape.function_id,
            " and ".join(unseen),
        )

    def _stages(self, key: str, own: Dependency) -> list[Dependency]:
        """The function's code under which results of a depset were computed, then accepted."""
        first = self._judge.depset(key)
        depsets = [*([first] if first is not None else []), *self._recall.accepted(key)]
        return [member for depset in depsets for member in depset.members if member.key == own.key]

    def _grown(self, key: str, own: Dependency, function: Loaded) -> Depset:
        """The depset with today's own code, and all that this code could use besides."""
        depset = self._judge.depset(key)
        assert depset is not None, "it was read before"
        members = {member.key: member for member in depset.members}
        members[own.key] = replace(own, by=members[own.key].by)
        for member in self._tracker.closure_depset(function.plain).members:
            members.setdefault(member.key, member)
        return Depset.of(tuple(members.values()))


def _last(stage: list[Dependency], today: frozenset[str]) -> Dependency | None:
    """The newest of several versions of the code that today's can have come from."""
    fitting = [m for m in stage if (parameter_names(m.text) or frozenset()) <= today]
    return fitting[-1] if fitting else None


def parameter_names(source: str) -> frozenset[str] | None:
    """Names of the parameters of a function, by its source; None if it cannot be read.

    Examples
    --------
    >>> sorted(parameter_names("def f(a, *, b=1): return a"))
    ['a', 'b']
    """
    try:
        body: list[Any] = ast.parse(source).body
    except (SyntaxError, ValueError):
        return None
    if len(body) != 1 or not isinstance(body[0], ast.FunctionDef | ast.AsyncFunctionDef):
        return None
    given = body[0].args
    every = [*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg]
    return frozenset(argument.arg for argument in every if argument is not None)

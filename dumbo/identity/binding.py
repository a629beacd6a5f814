"""From a call to its CID: bind, apply defaults, encode each argument, name the result.

Law: the spelling of a call cannot matter. ``f(1, 2)``, ``f(b=2, a=1)`` and ``f(1)`` with the
default ``b=2`` are bound first and are one call. All that depends on the function alone is done
once, in `CallShape.of`.

A CID's digest is the first 32 hex characters of blake2b-160 over the format's version, the
FunctionId, name and canonical bytes of each argument in the order of the signature, those of each
closure cell that enters, and the sample index if there is one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from copy import copy
from dataclasses import dataclass
from hashlib import blake2b
from inspect import BoundArguments, Parameter, Signature
from types import FunctionType
from typing import Any, Final, NoReturn

from dumbo.errors import ConfigurationError
from dumbo.identity.cells import Cells, free_names
from dumbo.identity.cid import CID, DIGEST_CHARACTERS, FunctionId
from dumbo.identity.encoding import FORMAT, encode_int, encode_str
from dumbo.identity.exact import users_classes
from dumbo.identity.externals import note_entered
from dumbo.identity.function_id import function_id
from dumbo.identity.matchers import Matcher
from dumbo.identity.parameters import (
    empty_twin,
    matchers_of,
    signature_of,
    slot_of,
    without_mark,
)
from dumbo.identity.parts import Use
from dumbo.identity.text import short
from dumbo.identity.walk import Walk

_NOTED: Final = 256
"""Foreign values of one call that are remembered as having entered."""
_DEFAULT: Final = b"default;"


@dataclass(frozen=True, slots=True)
class CallIdentity:
    """What a call is called, and what was learned on the way.

    Attributes
    ----------
    cid : CID
    uses : tuple of Use
        Carriers and externals among the arguments, in order: the edges of the call.
    bound : inspect.BoundArguments
        With defaults applied; call the function with its ``args`` and ``kwargs``.
    text : str
        The call for people: ``train(lr=0.1, seed=0)``.
    matched : tuple of str
        Which matcher accepted which argument: ``lr by close(rel=0.01)``.
    classes : tuple of type
        The project's classes that something in the arguments is of, at whatever depth.
    """

    cid: CID
    uses: tuple[Use, ...]
    bound: BoundArguments
    text: str
    matched: tuple[str, ...] = ()
    classes: tuple[type, ...] = ()


class CallShape:
    """All about calls of one function that can be known before the first.

    Attributes
    ----------
    function_id : FunctionId
    signature : inspect.Signature
        With `new_default` marks taken out of the defaults.
    """

    __slots__ = (
        "_cells",
        "_function",
        "_head",
        "_hidden",
        "_name",
        "_slots",
        "function_id",
        "signature",
    )

    def __init__(
        self,
        function: Callable[..., Any],
        identity: FunctionId,
        signature: Signature,
        matchers: Mapping[str, Matcher],
    ) -> None:
        plain = [without_mark(p) for p in signature.parameters.values()]
        self._function = function
        self.function_id = identity
        self.signature = signature.replace(parameters=plain)
        self._name = identity.qualname.rpartition("<locals>.")[2]
        self._head = b"call%d:" % FORMAT + encode_str(str(identity))
        self._slots = {
            p.name: slot_of(p, matchers.get(p.name)) for p in signature.parameters.values()
        }
        # A partial, a bound method or an object is called with what it holds besides.
        self._hidden = None if type(function) is FunctionType else function
        self._cells = (
            Cells(function, identity, [n for n, m in matchers.items() if not m.enters])
            if type(function) is FunctionType
            else None
        )

    @classmethod
    def of(
        cls,
        function: Callable[..., Any],
        *,
        name: str | None = None,
        ignore: Iterable[str] = (),
        match: Mapping[str, Matcher] | None = None,
    ) -> CallShape:
        """Compile the shape of calls of `function`.

        Parameters
        ----------
        function : callable
            A function, bound method, static or class method, partial, or object with ``__call__``.
        name : str, optional
            Overrides the FunctionId.
        ignore : iterable of str
            Parameters and closure variables that do not enter.
        match : mapping of str to Matcher, optional
            What parameters enter as.

        Raises
        ------
        ConfigurationError
            If `ignore` or `match` names what the function does not have, or one name twice.

        Examples
        --------
        >>> def train(lr, seed=0): ...
        >>> shape = CallShape.of(train, name="experiments:train")
        >>> shape.identify((0.1,), {}).text
        'train(lr=0.1, seed=0)'
        >>> shape.identify((0.1,), {}).cid == shape.identify((), {"seed": 0, "lr": 0.1}).cid
        True
        """
        if type(function) in (staticmethod, classmethod):
            function = function.__func__  # type: ignore[attr-defined]  # what `type` says, mypy cannot
        identity = function_id(function, name)
        signature = signature_of(function)
        matchers = matchers_of(ignore, match or {})
        known = {*signature.parameters, *free_names(function)}
        for chosen in matchers:
            if chosen not in known:
                raise ConfigurationError(
                    f"{identity}: ignore or match names {chosen!r}, which is no parameter; it has "
                    f"{', '.join(signature.parameters) or 'none'}"
                )
        return cls(function, identity, signature, matchers)

    def under(self, name: FunctionId) -> CallShape:
        """The same shape for a function of another name: how calls were named before a rename."""
        twin = copy(self)
        twin.function_id = name
        twin._head = b"call%d:" % FORMAT + encode_str(str(name))  # noqa: SLF001 - a twin of self
        return twin

    @property
    def new_defaults(self) -> tuple[str, ...]:
        """Parameters whose default is a `new_default`."""
        return tuple(n for n, slot in self._slots.items() if slot.new_default is not None)

    def bind(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> BoundArguments:
        """Bind arguments to the signature and apply defaults.

        Raises
        ------
        TypeError
            Python's own, if the arguments do not fit.
        """
        try:
            bound = self.signature.bind(*args, **kwargs)
        except TypeError as error:
            self._complain(args, kwargs, error)
        bound.apply_defaults()
        return bound

    @property
    def is_simple(self) -> bool:
        """Whether the CID depends on the passed arguments alone: no cell, no matcher, no object."""
        plain = all(slot.matcher is None for slot in self._slots.values())
        return plain and self._cells is not None and not self._cells

    def identify(
        self,
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        *,
        sample: int | None = None,
    ) -> CallIdentity:
        """Name the call.

        Parameters
        ----------
        args, kwargs
            As the function was called.
        sample : int, optional
            Index of the draw, for a stochastic function.

        Raises
        ------
        TypeError
            Python's own, if the arguments do not fit.
        UnidentifiableError
            If an argument has no canonical form.
        """
        bound = self.bind(args, kwargs)
        walk = Walk()
        codes = [self._head]
        for name, value in bound.arguments.items():
            slot = self._slots[name]
            code = slot.encode(walk, name, value)
            if code is not None:
                codes += (slot.code, code)
        codes += self._hidden_codes(walk)
        if sample is not None:
            codes += (b"sample", encode_int(sample))
        digest = blake2b(b"".join(codes), digest_size=20).hexdigest()[:DIGEST_CHARACTERS]
        text = self._text(bound)
        if walk.foreign:
            note_entered(walk.foreign[:_NOTED], text)
        cid = CID.of(self.function_id, digest)
        classes = users_classes(walk.foreign) if walk.foreign else ()
        return CallIdentity(cid, tuple(walk.uses), bound, text, self._matched(bound), classes)

    def _hidden_codes(self, walk: Walk) -> list[bytes]:
        if self._cells is not None:
            return [b"cell" + code for code in self._cells.encode(walk)]
        return [b"held", walk.encode(self._hidden, self._name)]

    def _matched(self, bound: BoundArguments) -> tuple[str, ...]:
        matched = ((name, self._slots[name].matcher) for name in bound.arguments)
        return tuple(f"{name} by {matcher!r}" for name, matcher in matched if matcher is not None)

    def _text(self, bound: BoundArguments) -> str:
        shown: list[str] = []
        for name, value in bound.arguments.items():
            kind = self.signature.parameters[name].kind
            if kind is Parameter.VAR_POSITIONAL:
                shown += map(short, value[:8])
            elif kind is Parameter.VAR_KEYWORD:
                shown += [f"{key}={short(value[key])}" for key in sorted(value)[:8]]
            else:
                shown.append(f"{name}={short(value)}")
        return f"{self._name}({', '.join(shown)})"

    def _complain(
        self, args: tuple[Any, ...], kwargs: Mapping[str, Any], error: TypeError
    ) -> NoReturn:
        """Raise what Python would: by calling an empty function of the same signature."""
        empty_twin(self.signature, self._name)(*args, **kwargs)
        raise error

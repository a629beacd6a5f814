"""Parameters of a memoized function, compiled: how each argument enters the CID.

Law: what is said about a parameter (ignored, matched, a new default) is checked when the function
is decorated, so a call has nothing left to find wrong but its values.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from inspect import Parameter, Signature
from types import FunctionType
from typing import Any, Final

from dumbo.errors import ConfigurationError
from dumbo.identity.encoding import encode_str
from dumbo.identity.matchers import Matcher, NewDefault, ignore
from dumbo.identity.walk import Walk

_DEFAULT: Final = b"default;"


@dataclass(frozen=True, slots=True)
class Slot:
    """One parameter: its encoded name, and what is special about it."""

    code: bytes
    matcher: Matcher | None = None
    new_default: bytes | None = None
    sentinel: Any = None

    def encode(self, walk: Walk, name: str, value: Any) -> bytes | None:
        """Canonical bytes of the argument, or None if it does not enter."""
        if self.matcher is not None:
            if not self.matcher.enters:
                return None
            return walk.encode(self.matcher.canonical(value, name), name)
        if self.sentinel is not None and value is self.sentinel:
            return _DEFAULT
        code = walk.encode(value, name)
        return None if code == self.new_default else code


def empty_twin(signature: Signature, name: str) -> Callable[..., Any]:
    """An empty function of the same signature, to ask Python what it says of a call."""
    parameters = [
        p.replace(annotation=Parameter.empty, default=p.default if p.default is p.empty else None)
        for p in signature.parameters.values()
    ]
    space: dict[str, Any] = {}
    text = str(Signature(parameters))
    exec(f"def twin{text}: pass", space)  # noqa: S102 - the text is parameter names, nothing else
    twin: FunctionType = space["twin"]
    twin.__code__ = twin.__code__.replace(co_name=name, co_qualname=name)
    twin.__qualname__ = name
    return twin


def signature_of(function: Callable[..., Any]) -> Signature:
    """Signature of anything that can be called."""
    try:
        return inspect.signature(function)
    except ValueError:
        # A builtin that does not tell: its arguments are known by position and keyword only.
        kinds = ((Parameter.VAR_POSITIONAL, "args"), (Parameter.VAR_KEYWORD, "kwargs"))
        return Signature([Parameter(name, kind) for kind, name in kinds])


def matchers_of(ignored: Iterable[str], match: Mapping[str, Matcher]) -> dict[str, Matcher]:
    """Matchers by name, of the parameters that are ignored or matched."""
    matchers: dict[str, Matcher] = dict.fromkeys(
        (ignored,) if isinstance(ignored, str) else ignored, ignore
    )
    twice = matchers.keys() & match.keys()
    if twice:
        raise ConfigurationError(
            f"{', '.join(sorted(twice))}: named in both ignore and match; choose one"
        )
    for name, matcher in match.items():
        if not hasattr(type(matcher), "canonical"):
            raise ConfigurationError(
                f"match={{{name!r}: {matcher!r}}}: not a matcher; give ignore, close(rel=...), "
                "file() or key(function)"
            )
    return {**matchers, **match}


def without_mark(parameter: Parameter) -> Parameter:
    """The parameter with a `new_default` replaced by the default itself."""
    marked = type(parameter.default) is NewDefault
    return parameter.replace(default=parameter.default.value) if marked else parameter


def slot_of(parameter: Parameter, matcher: Matcher | None) -> Slot:
    """Compile one parameter."""
    default = parameter.default
    code = encode_str(parameter.name)
    if matcher is not None:
        return Slot(code, matcher=matcher)
    if type(default) is NewDefault:
        return Slot(code, new_default=Walk().encode(default.value, parameter.name))
    # `_MISSING = object()` as a default: known by being the default, it has nothing else.
    return Slot(code, sentinel=default if type(default) is object else None)

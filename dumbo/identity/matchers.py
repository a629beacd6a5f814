"""Matchers: what an argument enters the CID as, in place of its canonical form.

Law: a matcher is a function of the value alone. Two values match because both give the same thing,
never because of which came first, so results do not depend on the order of calls.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar, cast

from dumbo.errors import ConfigurationError
from dumbo.identity.buckets import bucketed
from dumbo.identity.files import FileContent

T = TypeVar("T")


class Matcher(Protocol):
    """What an argument enters the CID as."""

    @property
    def enters(self) -> bool:
        """False if the argument does not enter at all."""
        ...

    def canonical(self, value: Any, name: str) -> Any:
        """The value that enters in place of `value`, the argument called `name`."""
        ...


@dataclass(frozen=True, slots=True)
class _Ignore:
    """Leaves the argument out."""

    enters: bool = False

    def canonical(self, value: Any, name: str) -> Any:  # noqa: ARG002 - Matcher's signature
        """Never asked for."""
        return None

    def __repr__(self) -> str:
        return "ignore"


ignore = _Ignore()
"""Matcher that leaves an argument out: any value of it matches."""


@dataclass(frozen=True, slots=True)
class _Close:
    rel: float
    abs: float
    enters: bool = True

    def canonical(self, value: Any, name: str) -> Any:
        return ("close", self.rel, self.abs, bucketed(value, self.rel, self.abs, name))

    def __repr__(self) -> str:
        given = (("rel", self.rel), ("abs", self.abs))
        return f"close({', '.join(f'{name}={width!r}' for name, width in given if width)})"


def close(*, rel: float = 0.0, abs: float = 0.0) -> Matcher:  # noqa: A002 - the word of math.isclose
    """Matcher that takes numbers in one bucket for the same.

    Buckets are fixed, so matching never depends on which number came first; the price is that two
    close numbers on the two sides of a border do not match.

    Parameters
    ----------
    rel : float
        Relative width: with only `rel`, bucket k holds magnitudes from ``(1 + rel) ** (k - 1/2)``
        up to ``(1 + rel) ** (k + 1/2)``; zero is a bucket of its own, and signs differ.
    abs : float
        Absolute width: with only `abs`, bucket k holds ``(k - 1/2) * abs`` up to
        ``(k + 1/2) * abs``. With both, magnitudes below `abs` are one bucket, others go by `rel`.

    Raises
    ------
    ConfigurationError
        If neither width is given, or one is negative or not finite.

    Notes
    -----
    Floats, ints and complex numbers are put in buckets, alone or inside plain lists, tuples and
    dicts, and arrays of floats item by item. ``1`` and ``1.0`` fall in the same bucket. Other
    values enter as they are.

    Examples
    --------
    >>> near = close(rel=1e-2)
    >>> near.canonical(0.1, "lr") == near.canonical(0.1 + 1e-9, "lr")
    True
    """
    for width in (rel, abs):
        if not 0 <= width < float("inf"):
            raise ConfigurationError(
                f"close(rel={rel!r}, abs={abs!r}): a width is negative or not finite; give the "
                "width of a bucket, such as rel=1e-6"
            )
    if not rel and not abs:
        raise ConfigurationError("close(): no width given; give rel=, abs= or both")
    return _Close(float(rel), float(abs))


def file() -> Matcher:
    """Matcher that identifies a path by the content of the file there.

    The content is read once and again when the file's mtime, ctime, size or inode moved; a file
    changed less than two seconds ago is always read. The path itself does not enter.

    Raises
    ------
    UnidentifiableError
        On the call, if the argument is not the path of a file that can be read.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     a, b = pathlib.Path(folder, "a"), pathlib.Path(folder, "b")
    ...     _ = a.write_text("same"), b.write_text("same")
    ...     file().canonical(a, "path") == file().canonical(str(b), "path")
    True
    """
    return FileContent()


@dataclass(frozen=True, slots=True)
class _Key:
    function: Callable[[Any], Any]
    enters: bool = True

    def canonical(self, value: Any, name: str) -> Any:  # noqa: ARG002 - Matcher's signature
        return ("key", self.function(value))

    def __repr__(self) -> str:
        return f"key({getattr(self.function, '__name__', '...')})"


def key(function: Callable[[Any], Any]) -> Matcher:
    """Matcher that identifies an argument by ``function(argument)``.

    What `function` gives is identified like any value. Its errors reach the caller. It gets the
    argument as it was passed; a carrier is loaded only if `function` looks into it.

    Examples
    --------
    >>> key(str.lower).canonical("ADAM", "optimizer")
    ('key', 'adam')
    """
    if not callable(function):
        raise ConfigurationError(
            f"key({function!r}): not callable; give a function from the argument to what "
            "identifies it"
        )
    return _Key(function)


@dataclass(frozen=True, slots=True)
class NewDefault:
    """Marks the default of a parameter that was added after results were kept."""

    value: Any


def new_default(value: T) -> T:
    """Default of a parameter added later: calls that leave it at `value` keep their old results.

    Examples
    --------
    >>> from dumbo.identity import CallShape
    >>> def fit(lr): ...
    >>> old = CallShape.of(fit, name="m:fit").identify((0.1,), {})
    >>> def fit(lr, momentum=new_default(0.0)): ...
    >>> CallShape.of(fit, name="m:fit").identify((0.1,), {}).cid == old.cid
    True
    """
    return cast("T", NewDefault(value))

"""CallShape: spelling, defaults, variadics, callables, cells, samples, texts."""

from __future__ import annotations

import dataclasses
import functools
import warnings
from collections.abc import Callable
from typing import Any

import attrs
import pytest
from carried import A, Decorated, Lazy

from dumbo.errors import ConfigurationError, IdentityWarning, UnidentifiableError
from dumbo.identity import CallShape, ignore, key
from dumbo.identity.cells import MOVES_BEFORE_WARNING

MISSING = object()


def mixed(a: int, /, b: int = 2, *args: int, c: int = 3, **more: int) -> None: ...


def cid(function: Callable[..., Any], *args: Any, **kwargs: Any) -> str:
    return CallShape.of(function).identify(args, kwargs).cid


def test_spelling_does_not_matter() -> None:
    def f(a: int, b: int = 2, *, c: int = 3) -> None: ...

    assert (
        len({cid(f, 1), cid(f, 1, 2), cid(f, b=2, a=1), cid(f, 1, c=3), cid(f, c=3, b=2, a=1)}) == 1
    )
    assert len({cid(f, 1), cid(f, 2), cid(f, 1, 3), cid(f, 1, c=4), cid(f, 2, 1)}) == 5


def test_variadics_are_told_apart() -> None:
    calls = [
        cid(mixed, 1),
        cid(mixed, 1, 2, 3),
        cid(mixed, 1, 2, 3, 4),
        cid(mixed, 1, x=3),
        cid(mixed, 1, y=3),
        cid(mixed, 1, c=4),
        cid(mixed, 1, a=5),
        cid(mixed, 1, 2, (3, 4)),
    ]
    assert len(set(calls)) == len(calls)
    assert cid(mixed, 1, x=1, y=2) == cid(mixed, 1, y=2, x=1)


def test_a_call_that_does_not_fit_raises_pythons_own_error() -> None:
    def call(f: Any, *args: Any, **kwargs: Any) -> str:
        with pytest.raises(TypeError) as caught:
            f(*args, **kwargs)
        return str(caught.value)

    shape = CallShape.of(mixed)

    def named(a: int, b: int) -> None: ...

    named_shape = CallShape.of(named)
    for function, bound, args, kwargs in [
        (mixed, shape, (), {}),
        (named, named_shape, (), {}),
        (named, named_shape, (1, 2, 3), {}),
        (named, named_shape, (1,), {"a": 2}),
        (named, named_shape, (1,), {"z": 2}),
    ]:
        own = call(function, *args, **kwargs).rpartition("<locals>.")[2]
        with pytest.raises(TypeError) as caught:
            bound.bind(args, kwargs)
        assert str(caught.value) == own
        assert not isinstance(caught.value, UnidentifiableError)


class Klass:
    def __init__(self, k: int) -> None:
        self.k = k

    def method(self, x: int) -> None: ...

    @classmethod
    def of(cls, x: int) -> None: ...

    @staticmethod
    def still(x: int) -> None: ...

    def __call__(self, x: int) -> None: ...


@dataclasses.dataclass
class Data:
    a: int

    def method(self, x: int) -> None: ...


@attrs.define
class _Attrs:
    a: int

    def method(self, x: int) -> None: ...


Attrs: Any = _Attrs  # mypy follows no import of attrs, and knows no constructor


async def waiting(x: int) -> None: ...


def twice(x: int, y: int = 2) -> None: ...


@functools.wraps(twice)
def wrapper(*args: Any, **kwargs: Any) -> None: ...


def test_all_kinds_of_callables() -> None:
    for function in (
        Klass(1).method,
        Klass.of,
        Klass.still,
        Klass(1),
        Data(1).method,
        Attrs(1).method,
        waiting,
        functools.partial(twice, y=3),
        Klass,
        max,
        len,
    ):
        made: Any = function
        assert cid(made, 1) == cid(made, 1) != cid(made, 2)
    assert cid(Klass(1).method, 1) != cid(Klass(2).method, 1)
    assert cid(Klass(1), 1) != cid(Klass(2), 1)
    assert (
        cid(Data.method, Data(1), 1) == cid(Data.method, Data(1), 1) != cid(Data.method, Data(2), 1)
    )
    assert cid(functools.partial(twice, 1)) != cid(functools.partial(twice, 2))
    assert cid(wrapper, 1) == cid(wrapper, 1, 2) == cid(wrapper, y=2, x=1)
    raw: Any = vars(Klass)["still"]
    assert cid(raw, 1) == cid(Klass.still, 1)


def test_names_and_function_ids() -> None:
    assert CallShape.of(twice).function_id == f"{__name__}:twice"
    assert CallShape.of(twice, name="other").identify((1,), {}).cid.function == f"{__name__}:other"
    assert CallShape.of(twice, name="m:f").identify((1,), {}).text == "f(x=1, y=2)"


def test_ignored_arguments_never_enter() -> None:
    shape = CallShape.of(twice, ignore=["y"])
    assert shape.identify((1, 5), {}).cid == shape.identify((1, object()), {}).cid
    assert CallShape.of(mixed, ignore=["more", "args"]).identify((1, 2, 3), {"z": 4}).cid == (
        CallShape.of(mixed, ignore=["more", "args"]).identify((1,), {}).cid
    )


def test_names_that_are_not_there_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="'z', which is no parameter; it has x, y"):
        CallShape.of(twice, ignore=["z"])
    with pytest.raises(ConfigurationError, match="'z'"):
        CallShape.of(lambda: None, match={"z": ignore})
    with pytest.raises(ConfigurationError, match="both"):
        CallShape.of(twice, ignore="x", match={"x": ignore})
    with pytest.raises(ConfigurationError, match="not a matcher"):
        CallShape.of(twice, match={"x": 3})  # type: ignore[dict-item]  # what is tested


def test_samples_are_told_apart() -> None:
    shape = CallShape.of(twice)
    cids = [shape.identify((1,), {}, sample=k).cid for k in (None, 0, 1, 10)]
    assert len(set(cids)) == 4


def test_a_sentinel_is_known_by_being_the_default() -> None:
    def f(a: int, b: Any = MISSING) -> None: ...

    assert cid(f, 1) == cid(f, 1, MISSING) != cid(f, 1, None)
    with pytest.raises(UnidentifiableError, match=r"bare object\(\)"):
        cid(f, 1, object())


def test_uses_are_edges_with_roles() -> None:
    carrier = Lazy(A)
    found = CallShape.of(mixed).identify((carrier, carrier, carrier), {"x": [carrier]})
    assert [u.role for u in found.uses] == ["a", "b", "args[0]", "more['x'][0]"]
    assert found.text == "mixed(a=f#aaaaaaaa, b=f#aaaaaaaa, f#aaaaaaaa, c=3, x=[f#aaaaaaaa])"


# Closures.


def closing(k: Any, other: Any = None) -> Any:
    def f(x: int) -> Any:
        return k, other

    return f


def test_cells_are_hidden_arguments() -> None:
    assert cid(closing(1), 1) == cid(closing(1), 1) != cid(closing(2), 1)
    assert cid(closing(1, 2), 1) != cid(closing(2, 1), 1)
    found = CallShape.of(closing([Lazy(A)])).identify((1,), {})
    assert [u.role for u in found.uses] == ["k[0]"]


def test_a_cell_can_be_ignored() -> None:
    one, two = (CallShape.of(closing(k), ignore=["k"]) for k in (1, 2))
    assert one.identify((1,), {}).cid == two.identify((1,), {}).cid


def test_what_a_function_rebinds_is_its_state() -> None:
    def make(start: int) -> Any:
        count = start

        def f(x: int) -> int:
            nonlocal count

            def step() -> None:
                nonlocal start
                start = 0

            step()
            count += 1
            return count

        return f

    assert cid(make(1), 1) == cid(make(2), 1)


def test_a_function_in_a_cell_enters_by_its_id() -> None:
    def recursive() -> Any:
        def f(x: int) -> Any:
            return f(x - 1) if x else 0

        return f

    assert cid(recursive(), 1) == cid(recursive(), 1)
    assert cid(closing(Decorated(name="m:a")), 1) != cid(closing(Decorated(name="m:b")), 1)
    assert cid(closing(twice), 1) == cid(closing(twice), 1) != cid(closing(waiting), 1)


def test_the_class_cell_of_a_method_does_not_enter() -> None:
    class Local(Klass):
        def method(self, x: int) -> None:
            super().method(x)

    assert CallShape.of(Local.method).is_simple


def test_an_unassigned_cell_is_not_an_error() -> None:
    def make() -> Any:
        def f(x: int) -> Any:
            return late

        yield f
        late = 1
        yield f

    steps = make()
    early = cid(next(steps), 1)
    assert early != cid(next(steps), 1)


def test_a_cell_that_keeps_moving_is_named_once() -> None:
    log: list[int] = []
    shape = CallShape.of(closing(log, other=1))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for k in range(3 * MOVES_BEFORE_WARNING):
            log.append(k)
            shape.identify((1,), {})
    assert [w.category for w in caught] == [IdentityWarning]
    assert "'k'" in str(caught[0].message)
    assert "closing" in str(caught[0].message)


def test_a_cell_that_moves_now_and_then_is_not() -> None:
    log: list[int] = []
    shape = CallShape.of(closing(log))
    for k in range(50):
        if k % 3 == 0:
            log.append(k)
        shape.identify((1,), {})


def test_only_plain_functions_without_cells_and_matchers_are_simple() -> None:
    assert CallShape.of(twice).is_simple
    assert CallShape.of(mixed).is_simple
    for shape in (
        CallShape.of(closing(1)),
        CallShape.of(twice, match={"x": key(str)}),
        CallShape.of(functools.partial(twice, 1)),
        CallShape.of(Klass(1)),
        CallShape.of(twice, ignore="x"),
    ):
        assert not shape.is_simple

"""Foreign values: registration, hooks, entry points, laziness."""

from __future__ import annotations

import subprocess
import sys
import types
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

from dumbo.errors import ConfigurationError, UnidentifiableError
from dumbo.identity import ValueType, digest, register_value, values


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    by_type, by_name = dict(values._by_type), dict(values._by_name)
    yield
    values._by_type.clear()
    values._by_type.update(by_type)
    values._by_name.clear()
    values._by_name.update(by_name)
    values._entry_points.cache_clear()
    values._found.clear()


class Base:
    def __init__(self, a: int, noise: object = None) -> None:
        self.a, self.noise = a, noise


class Derived(Base):
    pass


class Own(Base):
    def __dumbo_token__(self) -> object:
        return ("own", self.a)


class Dask(Base):
    def __dask_tokenize__(self) -> object:
        return ["dask", self.a]


def test_the_nearest_class_of_the_mro_wins() -> None:
    register_value(Base, lambda value: value.a)
    assert digest(Base(1, object())) == digest(Base(1)) != digest(Base(2))
    assert digest(Derived(1, object())) == digest(Derived(1)) != digest(Base(1))
    register_value(Derived, lambda value: (value.a, value.noise))
    assert digest(Derived(1, 2)) != digest(Derived(1, 3))
    assert digest(Own(1, object())) == digest(Own(1)) != digest(Own(2))


def test_hooks_need_no_registration() -> None:
    assert digest(Own(1, object())) == digest(Own(1, object()))
    assert digest(Dask(1, object())) == digest(Dask(1, object())) != digest(Dask(2))


def test_names_decorators_and_one_class_interfaces() -> None:
    @register_value(f"{__name__}:Base")
    def parts(value: Any) -> Any:
        return value.a

    assert parts(Base(5)) == 5
    assert digest(Base(1, object())) == digest(Base(1))

    class Interface:
        type = Derived

        def token(self, value: Any) -> Any:
            return value.a % 2

    made = Interface()
    assert isinstance(made, ValueType)
    assert register_value(made) is made
    assert digest(Derived(1)) == digest(Derived(3))


def test_registrations_that_cannot_be_meant_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="cannot be called"):
        register_value(Base, 3)  # type: ignore[call-overload]  # what is tested
    with pytest.raises(ConfigurationError, match="module:qualname"):
        register_value("Base", lambda value: value)


def test_a_tokenizer_that_fails_is_named() -> None:
    def broken(value: Any) -> Any:
        raise RuntimeError("boom")

    register_value(Base, broken)
    with pytest.raises(UnidentifiableError, match=r"x\[0\].*Base raised RuntimeError: boom"):
        digest([Base(1)], name="x")


@pytest.mark.parametrize("name", ["tests_fake.Thing", "tests_fake:Thing"])
@pytest.mark.parametrize("target", ["Interface", "tokenizer"])
def test_entry_points_are_loaded_when_a_value_is_met(
    name: str, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = types.ModuleType("tests_fake")
    source = """
class Thing:
    def __init__(self, a): self.a, self.noise = a, object()
class Interface:
    type = "tests_fake:Thing"
    def token(self, value): return value.a
def tokenizer(value): return value.a
"""
    exec(source, module.__dict__)
    monkeypatch.setitem(sys.modules, "tests_fake", module)
    point = EntryPoint(name, f"tests_fake:{target}", values.GROUP)
    values._entry_points.cache_clear()
    monkeypatch.setattr("importlib.metadata.entry_points", lambda group: [point])
    assert digest(module.Thing(1)) == digest(module.Thing(1)) != digest(module.Thing(2))


def test_identity_imports_no_library_and_no_family_before_it_meets_a_value() -> None:
    code = """
import sys
from dumbo.identity import CallShape, digest
CallShape.of(lambda a, b=1: None).identify(([1, {"a": 2.0}],), {})
heavy = {"numpy", "torch", "pandas", "polars", "scipy", "networkx", "zarr", "h5py", "wrapt"}
assert not heavy & set(sys.modules), heavy & set(sys.modules)
assert not [m for m in sys.modules if m.startswith("dumbo.identity.families.")]
import numpy as np
digest(np.zeros(3))
assert "torch" not in sys.modules and "dumbo.identity.families.torch_tensors" not in sys.modules
"""
    subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        check=True,
        timeout=60,
        cwd=Path(__file__).parents[2],
    )

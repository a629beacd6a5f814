"""Objects: dataclasses, attrs, enums, plain classes, slots, subclasses, reduce state, refusals."""

from __future__ import annotations

import array
import collections
import contextvars
import copy
import copyreg
import dataclasses
import datetime
import enum
import functools
import io
import itertools
import operator
import random
import socket
import threading
import types
import weakref
import zoneinfo
from pathlib import Path
from typing import Any, ClassVar

import attrs
import pytest

from dumbo.errors import UnidentifiableError
from dumbo.identity import digest


@attrs.define
class _Attrs:
    a: int
    b: list[int] = attrs.Factory(list)


Attrs: Any = _Attrs  # mypy follows no import of attrs, and knows no constructor


@dataclasses.dataclass
class Data:
    a: int
    late: int = dataclasses.field(init=False)
    kind: ClassVar[int] = 1


@dataclasses.dataclass(frozen=True, slots=True)
class Frozen:
    a: int


class Plain:
    def __init__(self, **state: Any) -> None:
        self.__dict__.update(state)

    @functools.cached_property
    def heavy(self) -> int:
        return 1


class Slots:
    __slots__ = ("__dict__", "a", "b")

    def __init__(self, **state: Any) -> None:
        for name, value in state.items():
            setattr(self, name, value)


class MyList(list[Any]):
    pass


class MyDict(dict[str, Any]):
    def items(self) -> Any:
        raise AssertionError("user code ran")


class MyInt(int):
    def __int__(self) -> int:
        raise AssertionError("user code ran")


class Stateful:
    def __init__(self, a: int) -> None:
        self.a, self.lock = a, threading.Lock()

    def __getstate__(self) -> Any:
        return {"a": self.a}


class Reduced:
    def __init__(self, a: int) -> None:
        self.a = a

    def __reduce__(self) -> Any:
        return (Reduced, (self.a,), None, iter([1]), iter([("k", 2)]))


class Registered:
    def __init__(self, a: int) -> None:
        self.a = a


class Level(enum.IntEnum):
    ONE = 1


class Flags(enum.Flag):
    A = 1
    B = 2


class Global:
    def __init__(self, name: str) -> None:
        self.name = name

    def __reduce__(self) -> str:
        return self.name


KNOWN = Global("KNOWN")


def test_fields_are_what_counts() -> None:
    assert digest(Attrs(1)) == digest(Attrs(1, []))
    assert digest(Attrs(1)) != digest(Attrs(1, [1]))
    assert digest(Data(1)) == digest(Data(1))
    set_late = Data(1)
    set_late.late = 3
    assert digest(Data(1)) != digest(set_late)
    assert digest(Frozen(1)) != digest(Frozen(2))
    assert digest(Frozen(1)) != digest(Attrs(1))


def test_plain_objects_are_class_and_state() -> None:
    assert digest(Plain(a=1, b=2)) == digest(Plain(b=2, a=1))
    assert digest(Plain(a=1)) != digest(Plain(b=1))
    assert digest(Plain(a=1)) != digest(Slots(a=1))
    assert digest(Slots(a=1)) == digest(Slots(a=1))
    assert digest(Slots(a=1)) != digest(Slots(b=1))
    assert digest(Slots(a=1, c=1)) != digest(Slots(a=1))


def test_a_filled_cached_property_changes_nothing() -> None:
    used = Plain(a=1)
    assert used.heavy == 1
    assert digest(used) == digest(Plain(a=1))


def test_subclasses_of_builtins_are_not_their_base() -> None:
    assert digest(MyList([1])) == digest(MyList([1]))
    assert digest(MyList([1])) != digest([1])
    tagged = MyList([1])
    tagged.tag = 1  # type: ignore[attr-defined]  # a list subclass takes attributes
    assert digest(tagged) != digest(MyList([1]))
    assert digest(MyDict(a=1)) == digest(MyDict(a=1)) != digest({"a": 1})
    assert digest(MyInt(3)) == digest(MyInt(3)) != digest(3)
    for kind in (int, float, complex, str, bytes, bytearray, tuple, set, frozenset):
        made: Any = type("Sub", (kind,), {"__module__": __name__})
        empty: Any = kind()
        assert digest(made()) == digest(made()) != digest(empty)


def test_namedtuples_name_their_fields() -> None:
    from carried import A, Lazy

    from dumbo.identity import token

    kind = collections.namedtuple("kind", "x y")
    assert token(kind(1, Lazy(A)), name="p").uses[0].role.endswith("p.y")
    assert digest(kind(1, 2)) != digest((1, 2))


def test_enums_are_type_and_member() -> None:
    assert digest(Level.ONE) != digest(1)
    assert digest(Flags.A | Flags.B) == digest(Flags.B | Flags.A) != digest(Flags.A)


def test_state_hooks_are_asked() -> None:
    assert digest(Stateful(1)) == digest(Stateful(1)) != digest(Stateful(2))
    assert digest(Reduced(1)) == digest(Reduced(1)) != digest(Reduced(2))
    copyreg.pickle(Registered, lambda value: (Registered, (value.a,)))
    try:
        assert digest(Registered(1)) == digest(Registered(1)) != digest(Registered(2))
    finally:
        del copyreg.dispatch_table[Registered]


def test_a_name_must_lead_back() -> None:
    assert digest(KNOWN) == digest(KNOWN)
    with pytest.raises(UnidentifiableError, match="leads to"):
        digest(Global("KNOWN"))
    with pytest.raises(UnidentifiableError, match="leads to"):
        digest(Global("absent.name"))


def test_standard_values_survive_a_copy() -> None:
    values = [
        random.Random(3),
        collections.defaultdict(list, a=[1]),
        collections.deque([1], 2),
        operator.itemgetter(1),
        ValueError("x"),
        types.SimpleNamespace(a=1),
        range(3),
        collections.ChainMap({}, {"a": 1}),
        datetime.datetime.now(datetime.UTC),
        slice(1, 2),
        collections.UserDict(a=1),
        collections.OrderedDict(a=1),
        Path("a"),
        datetime.time(1),
        datetime.timedelta(1),
        datetime.timezone(datetime.timedelta(hours=1), "x"),
    ]
    for value in values:
        assert digest(value) == digest(copy.deepcopy(value)), value
    assert len({digest(v) for v in values}) == len(values)


def test_views_and_proxies() -> None:
    a, b = {"x": 1, "y": 2}, {"y": 2, "x": 1}
    assert digest(a.keys()) == digest(b.keys())
    assert digest(a.items()) == digest(b.items())
    assert digest(a.values()) != digest(b.values())
    assert digest(types.MappingProxyType(a)) == digest(types.MappingProxyType(b)) != digest(a)


def test_subclasses_of_standard_types_keep_their_own_id() -> None:
    class Day(datetime.date):
        pass

    class Typed(array.array):  # type: ignore[type-arg]  # not generic at run time before 3.12
        pass

    class Ordered(collections.OrderedDict[str, int]):
        pass

    assert digest(Day(2024, 1, 1)) != digest(datetime.date(2024, 1, 1))
    assert digest(Typed("d", [1.0])) != digest(array.array("d", [1.0]))
    made: list[Any] = [Day(2024, 1, 1), Typed("d", [1.0]), Ordered(a=1)]
    for value in made:
        before = digest(value)
        value.note = 1
        assert digest(value) != before


def test_folds_and_zones_count() -> None:
    plain = datetime.datetime(2024, 10, 27, 2, 30)
    zoned = plain.replace(tzinfo=zoneinfo.ZoneInfo("UTC"))
    assert len({digest(plain), digest(plain.replace(fold=1)), digest(zoned)}) == 3


def open_zone() -> Any:
    source = Path(zoneinfo.TZPATH[0] if zoneinfo.TZPATH else "", "UTC")
    data = source.read_bytes() if source.is_file() else _utc_bytes()
    return zoneinfo.ZoneInfo.from_file(io.BytesIO(data))


def _utc_bytes() -> bytes:
    import importlib.resources

    return importlib.resources.files("tzdata.zoneinfo").joinpath("UTC").read_bytes()


async def coroutine() -> None: ...


async def ticks() -> Any:
    yield 1


REFUSED: dict[str, Any] = {
    "lock": threading.Lock,
    "socket": socket.socket,
    "generator": lambda: (x for x in ""),
    "iterator": lambda: iter([]),
    "buffer": io.BytesIO,
    "counter": itertools.count,
    "weak reference": lambda: weakref.ref(Plain),
    "context variable": lambda: contextvars.ContextVar("a"),
    "object": object,
    "async generator": ticks,
    "zone without key": open_zone,
    "event": threading.Event,
    "condition": threading.Condition,
    "thread": lambda: threading.local(),
    "frame": lambda: __import__("sys")._getframe(),
}


@pytest.mark.parametrize("name", REFUSED)
def test_live_handles_are_refused(name: str) -> None:
    handle = REFUSED[name]()
    with pytest.raises(UnidentifiableError, match="Ways out"):
        digest([handle])
    if name == "socket":
        handle.close()


def test_files_and_coroutines_are_refused(tmp_path: Path) -> None:
    with (tmp_path / "f").open("w") as stream, pytest.raises(UnidentifiableError, match="file"):
        digest(stream)
    waiting = coroutine()
    with pytest.raises(UnidentifiableError, match="awaited once"):
        digest(waiting)
    waiting.close()


def local_class(k: int) -> Any:
    class Local:
        limit = k

        def get(self) -> int:
            return k

        @property
        def twice(self) -> int:
            return 2 * k

        @staticmethod
        def still() -> int:
            return k

    return Local


def local_dataclass(k: int) -> Any:
    @dataclasses.dataclass
    class Local:
        a: int = k

    return Local


def test_namesakes_made_in_functions_are_told_apart() -> None:
    assert digest(local_class(1)) == digest(local_class(1)) != digest(local_class(2))
    assert digest(local_class(1)()) == digest(local_class(1)()) != digest(local_class(2)())
    assert digest(local_dataclass(1)(5)) == digest(local_dataclass(1)(5))
    assert digest(local_dataclass(1)) != digest(local_dataclass(2))

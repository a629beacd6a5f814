"""Conformance of codecs: what every codec promises, checked for values of its family.

Law: a codec that passes `check_codec` can be put into the table: it gives back what it was given,
here and in a fresh process, says honestly what it keeps, and meets a row that lies with an error of
dumbo's own, never with a crash or with memory it does not need.

Examples
--------
>>> from fractions import Fraction
>>> check_codec("standard/1", [Fraction(1, 3), range(5)])
"""

from __future__ import annotations

import contextlib
import functools
import json
import pickle
import struct
import subprocess
import sys
import tempfile
import threading
import tracemalloc
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, TypeAlias

from dumbo.errors import DumboError, UnidentifiableError
from dumbo.identity import value_digest
from dumbo.records import Stored
from dumbo.storage.base import Codec, Keeps
from dumbo.storage.codecs.parts import PartsCodec
from dumbo.storage.objects import Objects
from dumbo.storage.values import Values

Same: TypeAlias = Callable[[Any, Any], bool]

_LIES: Final[tuple[Any, ...]] = (None, -1, 10**18, "x", "../../x", [], [10**9, 10**9], {}, True)
_SPARE: Final = 32 * 1024 * 1024
"""Bytes that opening may take whatever the value: libraries have buffers of their own."""

_LARGE: Final = 1024 * 1024


def check_codec(
    codec: Codec | str, values: Sequence[object], *, same: Same | None = None, fresh: bool = True
) -> None:
    """Check every promise of a codec for some values.

    Parameters
    ----------
    codec : Codec or str
        A codec, or the name of one of dumbo's.
    values : sequence
        Values that it accepts. Some above 32 KiB should be among them, and for a lazy codec some
        above 1 MiB.
    same : callable, optional
        Whether two values are the same bit for bit; `identical` by default.
    fresh : bool
        Whether to open them in a fresh process too; the class of `codec` must then be importable.

    Raises
    ------
    AssertionError
        A promise is broken; the message says which, and for which value.
    """
    with tempfile.TemporaryDirectory() as folder:
        suite = _Suite(codec, values, Path(folder), same or identical)
        for check in (suite.rows, suite.values, suite.digests, suite.no_code, suite.lazy):
            check()
        suite.hostile()
        if fresh:
            suite.fresh()


class CodecTests:
    """pytest base class: subclass it, name it ``Test...``, and define `codec` and `values`.

    Attributes
    ----------
    codec : Codec or str
        A codec, or the name of one of dumbo's.
    """

    codec: Any = None

    def values(self) -> Sequence[object]:
        """Give the values to check with."""
        raise NotImplementedError("CodecTests.values: return values that the codec accepts")

    def same(self, a: Any, b: Any) -> bool:
        """Whether two values are the same bit for bit."""
        return identical(a, b)

    def _suite(self, folder: Path) -> _Suite:
        return _Suite(self.codec, self.values(), folder, self.same)

    def test_a_row_says_what_it_must(self, tmp_path: Path) -> None:
        """Accepted, named, JSON-able."""
        self._suite(tmp_path).rows()

    def test_values_come_back_bit_for_bit(self, tmp_path: Path) -> None:
        """In this process, alone and inside a list."""
        self._suite(tmp_path).values()

    def test_equal_values_have_one_digest(self, tmp_path: Path) -> None:
        """That of the value, or none."""
        self._suite(tmp_path).digests()

    def test_loading_runs_no_code_if_it_says_so(self, tmp_path: Path) -> None:
        """No pickle is opened."""
        self._suite(tmp_path).no_code()

    def test_opening_copies_nothing_if_it_says_so(self, tmp_path: Path) -> None:
        """Large values are mapped."""
        self._suite(tmp_path).lazy()

    def test_a_row_that_lies_is_an_error_of_dumbo(self, tmp_path: Path) -> None:
        """Never a crash, never memory without need."""
        self._suite(tmp_path).hostile()

    def test_values_come_back_in_a_fresh_process(self, tmp_path: Path) -> None:
        """What is stored depends on nothing in memory."""
        self._suite(tmp_path).fresh()


class _Suite:
    """One codec, some values, one folder."""

    def __init__(
        self, codec: Codec | str, values: Sequence[object], folder: Path, same: Same
    ) -> None:
        more = {} if isinstance(codec, str) else {_type_name(value): codec for value in values}
        self.folder = folder
        self.keeper = Values(Objects(folder), more=more)
        self.codec = self.keeper.codec_named(codec) if isinstance(codec, str) else codec
        self._named = isinstance(codec, str)
        self._values = values
        self._same = same
        self._stored = [self.codec.store(value, self.keeper) for value in values]

    def rows(self) -> None:
        for value, stored in self._pairs():
            assert self.codec.accepts(value), f"{self._of(value)}: it declines the value"
            assert stored.codec == self.codec.name, f"{self._of(value)}: the row names another"
            text = json.dumps(dict(stored.meta))
            assert json.loads(text) == stored.meta, f"{self._of(value)}: the row is not JSON"
            assert isinstance(stored.meta.get("type"), str), f"{self._of(value)}: no type"
            for name in self.keeper.objects_of(stored):
                self.keeper.objects.verify(name)

    def values(self) -> None:
        for value, stored in self._pairs():
            found = self.codec.load(stored, self.keeper)
            assert self._same(value, found), f"{self._of(value)}: it comes back as {found!r:.200}"
            inside: Any = self.keeper.load(self.keeper.store([value]))
            assert self._same(value, inside[0]), f"{self._of(value)}: in a list it changes"

    def digests(self) -> None:
        for value, stored in self._pairs():
            again = self.codec.store(value, self.keeper)
            assert again.digest == stored.digest, f"{self._of(value)}: two digests of one value"
            if stored.digest:
                assert stored.digest == value_digest(value), f"{self._of(value)}: not its digest"
                found = self.codec.load(stored, self.keeper)
                assert stored.digest == value_digest(found), f"{self._of(value)}: digest moved"

    def no_code(self) -> None:
        if Keeps.NO_CODE in self.codec.keeps:
            for value, stored in self._pairs():
                with _no_pickles(self._of(value)):
                    self.codec.load(stored, self.keeper)

    def lazy(self) -> None:
        if Keeps.LAZY not in self.codec.keeps:
            return
        for value, stored in self._pairs():
            if stored.nbytes > _LARGE and self.keeper.is_lazy(stored):
                self.codec.load(stored, self.keeper)  # imports and tables
                taken = _memory_of(functools.partial(self.codec.load, stored, self.keeper))
                assert taken < stored.nbytes / 4, (
                    f"{self._of(value)}: opening {stored.nbytes} bytes took {taken} of memory"
                )

    def hostile(self) -> None:
        for value, stored in self._pairs():
            limit = _SPARE + 8 * stored.nbytes
            for lie, row in _lies(stored):
                taken = _memory_of(functools.partial(self._tried, row, lie))
                assert taken < limit, f"{self._of(value)}: {lie} made it take {taken} bytes"

    def fresh(self) -> None:
        """Open the values in a process that knows nothing but the folder and the rows."""
        rows = [(stored, _exact_pickle(value)) for value, stored in self._pairs()]
        where = None if self._named else type(self.codec)
        todo = pickle.dumps((str(self.folder), where, rows))
        path = [entry for entry in sys.path if entry]
        done = subprocess.run(  # noqa: S603 - this interpreter, and a program written below
            [sys.executable, "-c", _CHILD.format(path=path, module=__name__)],
            input=todo,
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0, (
            f"{self.codec.name}: in a fresh process: {done.stderr.decode()[-2000:]}"
        )

    def _tried(self, row: Stored, lie: str) -> None:
        # Anything but dumbo's own errors leaves from here.
        try:
            with contextlib.suppress(DumboError):
                self.codec.load(row, self.keeper)
        except Exception as error:
            raise AssertionError(f"{self.codec.name}: {lie} made it raise {error!r}") from error

    def _pairs(self) -> Iterator[tuple[object, Stored]]:
        return zip(self._values, self._stored, strict=True)

    def _of(self, value: object) -> str:
        # By place: the text of a value may be long, costly, or refused.
        place = next(i for i, other in enumerate(self._values) if other is value)
        return f"{self.codec.name}, value {place} of type {type(value).__qualname__}"


def _type_name(value: object) -> str:
    return f"{type(value).__module__}.{type(value).__qualname__}"


def _exact_pickle(value: object) -> bytes | None:
    """A copy of the value for the fresh process to compare with, if pickle makes an exact one."""
    try:
        copy = pickle.dumps(value, protocol=5)  # older ones lose numpy's byte order
        return copy if identical(value, pickle.loads(copy)) else None
    except Exception:  # noqa: BLE001 - some values only their codec can keep; digests are compared
        return None


_CHILD: Final = """
import sys
sys.path[:0] = {path!r}
import {module} as suite
suite.open_fresh(sys.stdin.buffer.read())
"""


def open_fresh(todo: bytes) -> None:
    """Open what another process stored; run by `check_codec` in a process of its own."""
    folder, where, rows = pickle.loads(todo)
    keeper = Values(Objects(Path(folder)))
    if where is not None:
        made = where(keeper.codec_for) if issubclass(where, PartsCodec) else where()
        keeper = Values(Objects(Path(folder)), more={"its.Type": made})
    for stored, copy in rows:
        found = keeper.load(stored)
        assert not stored.digest or keeper.digest(found) == stored.digest, f"digest of {stored}"
        if copy is not None:
            assert identical(pickle.loads(copy), found), f"{stored} came back as {found}"


_watched = threading.local()


def _forbid(event: str, arguments: tuple[Any, ...]) -> None:
    value = getattr(_watched, "value", None)
    if value is not None and event in {"pickle.find_class", "os.system", "subprocess.Popen"}:
        raise AssertionError(f"{value}: loading runs code: {event} {arguments!r:.200}")


_hooked: list[bool] = []


@contextlib.contextmanager
def _no_pickles(value: str) -> Iterator[None]:
    if not _hooked:  # a hook stays for the life of the process
        sys.addaudithook(_forbid)
        _hooked.append(True)
    _watched.value = value
    try:
        yield
    finally:
        _watched.value = None


def _memory_of(action: Callable[[], object]) -> int:
    tracing = tracemalloc.is_tracing()
    tracemalloc.start()
    try:
        tracemalloc.reset_peak()
        before, _ = tracemalloc.get_traced_memory()
        action()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        if not tracing:
            tracemalloc.stop()


def _lies(stored: Stored) -> Iterator[tuple[str, Stored]]:
    """Rows that are wrong in one place."""
    for key in stored.meta:
        for lie in _LIES:
            yield f"{key}={lie!r}", replace(stored, meta={**stored.meta, key: lie})
        rest = {other: fact for other, fact in stored.meta.items() if other != key}
        yield f"no {key}", replace(stored, meta=rest)
    for nbytes in (0, stored.nbytes + 1, max(stored.nbytes - 1, 0), 10**15, -1):
        yield f"nbytes={nbytes}", replace(stored, nbytes=nbytes)
    if stored.inline is None:
        yield "no object", replace(stored, object="")
        for name in ("../../../etc/passwd", "0" * 40):
            yield f"object={name}", replace(stored, object=name)
        return
    raw = stored.inline
    yield "no bytes", replace(stored, inline=b"", nbytes=0)
    for place in {*range(0, len(raw), max(1, len(raw) // 40)), *range(min(24, len(raw)))}:
        changed = raw[:place] + bytes([raw[place] ^ 0xFF]) + raw[place + 1 :]
        yield f"byte {place} flipped", replace(stored, inline=changed)
        cut = raw[:place]
        yield f"cut at {place}", replace(stored, inline=cut, nbytes=len(cut))


def identical(a: Any, b: Any) -> bool:
    """Whether two values are the same bit for bit, as far as this function knows their type.

    Arrays and tensors are compared by dtype, shape, order of axes and bytes, containers item by
    item, other values by class, content digest and, where there is none, by ``==``.

    Examples
    --------
    >>> identical([0.0], [-0.0]), identical({1: (2, "x")}, {1: (2, "x")})
    (False, True)
    """
    if type(a) is not type(b):
        return False
    if type(a) is float:
        return struct.pack("<d", a) == struct.pack("<d", b)
    if type(a) is complex:
        return struct.pack("<2d", a.real, a.imag) == struct.pack("<2d", b.real, b.imag)
    if isinstance(a, Mapping):
        pairs = zip(a.items(), b.items(), strict=False)
        return len(a) == len(b) and all(identical(x, y) for x, y in pairs)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(identical, a, b))
    library = type(a).__module__.partition(".")[0]
    if library == "numpy" and hasattr(a, "dtype"):
        return _identical_arrays(a, b)
    if library == "torch" and hasattr(a, "layout") and str(a.layout) == "torch.strided":
        return _identical_tensors(a, b)
    try:
        return value_digest(a) == value_digest(b)
    except UnidentifiableError:
        return bool(a == b)


def _identical_arrays(a: Any, b: Any) -> bool:
    import numpy as np

    x, y = np.ma.getdata(a), np.ma.getdata(b)
    facts = [(z.dtype, z.dtype.str, z.dtype.type, z.dtype.isalignedstruct, z.shape) for z in (x, y)]
    if facts[0] != facts[1] or x.dtype.fields != y.dtype.fields:
        return False
    if isinstance(a, np.ndarray) and 0 not in a.strides and x.flags.contiguous:
        order = [(z.flags.c_contiguous, z.flags.f_contiguous) for z in (x, y)]
        if order[0] != order[1]:
            return False
    if x.dtype.hasobject or x.dtype.char in "TgG":
        same = identical(x.ravel().tolist(), y.ravel().tolist())
    elif x.dtype.names is not None:  # what lies between the fields is nothing
        same = all(_identical_arrays(x[name], y[name]) for name in x.dtype.names)
    else:
        same = np.ascontiguousarray(x).tobytes() == np.ascontiguousarray(y).tobytes()
    if not isinstance(a, np.ma.MaskedArray):
        return bool(same)
    masks = np.array_equal(np.ma.getmaskarray(a), np.ma.getmaskarray(b))
    return bool(same and masks and identical(np.asarray(a.fill_value), np.asarray(b.fill_value)))


def _identical_tensors(a: Any, b: Any) -> bool:
    import torch

    facts = [(t.dtype, t.shape, t.device, t.requires_grad) for t in (a, b)]
    if facts[0] != facts[1]:
        return False
    raw = [t.detach().resolve_conj().resolve_neg().cpu().contiguous().reshape(-1) for t in (a, b)]
    return bool(torch.equal(*(t.view(torch.uint8) for t in raw)))

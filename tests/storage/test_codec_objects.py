"""Modules, dataclasses, figures, and any other object: signed, with their arrays beside them."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dumbo.errors import UncacheableError, UntrustedValueError, ValueLostError
from dumbo.identity import value_digest as digest
from dumbo.storage import Keeps, Objects, Pickles, Values
from dumbo.storage import keys as signing
from dumbo.storage.codecs.pickled import _ALIGNED, _pickled

ran: list[str] = []


def explode() -> None:
    ran.append("boom")


@pytest.fixture(autouse=True)
def fresh_keys() -> None:
    signing._key_in.cache_clear()
    ran.clear()


@dataclasses.dataclass
class Fit:
    weights: Any
    note: str = ""
    more: Any = None


@dataclasses.dataclass(frozen=True, slots=True)
class Slotted:
    weights: Any


class Plain:
    def __init__(self, **parts: Any) -> None:
        self.__dict__.update(parts)


def test_a_dataclass_with_a_large_array_is_opened_without_copying_it(values: Values) -> None:
    array = np.arange(300_000.0)
    for made in (Fit(array, "mine", {"same": array}), Slotted(array)):
        stored = values.store(made)
        assert stored.codec == "skeleton/1"
        assert stored.digest == digest(made)
        assert values.is_lazy(stored)
        found: Any = values.load(stored)
        assert type(found) is type(made)
        assert np.array_equal(found.weights, array)
        assert not found.weights.flags.owndata
        assert digest(found) == stored.digest
    found = values.load(values.store(Fit(array, "mine", {"same": array})))
    assert found.weights is found.more["same"]
    assert values.store(Fit(np.arange(5), "small")).codec == "pickle/1"
    assert values.store(Plain(array=array)).codec == "pickle/1", "its array can be written"


def test_attrs_classes_too(values: Values) -> None:
    attrs = pytest.importorskip("attrs", reason="an optional library")
    Made = attrs.make_class("Made", ["weights"])
    Made.__module__ = __name__
    globals()["Made"] = Made
    try:
        stored = values.store(Made(np.arange(9000.0)))
        assert stored.codec == "skeleton/1"
        assert values.load(stored).weights[5] == 5.0  # type: ignore[attr-defined] # a Made
    finally:
        del globals()["Made"]


def test_a_skeleton_is_opened_by_its_signature_alone(
    values: Values, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Bomb:
        def __reduce__(self) -> Any:
            return explode, ()

    stored = values.store(Fit(np.arange(9000.0), more=Bomb()))
    with pytest.raises(UntrustedValueError, match="allow_pickle=False"):
        Values(values.objects, Pickles.NEVER).load(stored)
    with monkeypatch.context() as patch:
        patch.setattr(signing, "user_key", lambda: b"another" * 4)
        with pytest.raises(UntrustedValueError, match="not signed"):
            Values(values.objects).load(stored)
    raw = stored.inline
    assert raw is not None
    for place in range(0, len(raw), 7):
        changed = raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :]
        try:
            Values(values.objects).load(replace(stored, inline=changed))
        except (ValueLostError, UntrustedValueError, OSError):
            continue
        assert ran == ["boom"], "what is still signed may run"
        ran.clear()
    with pytest.raises(UncacheableError, match="allow_pickle=False"):
        Values(values.objects, Pickles.NEVER).store(Fit(np.arange(9000.0)))
    with pytest.raises(UncacheableError, match="module level"):
        values.store(Fit(np.arange(9000.0), more=lambda: 0))


@pytest.mark.torch
def test_a_module_opens_with_its_tensors_mapped(values: Values) -> None:
    torch = pytest.importorskip("torch", reason="an optional library")
    net = torch.nn.Sequential(torch.nn.Linear(300, 300), torch.nn.BatchNorm1d(300))
    net[0].tied = net[0].weight
    net[0].weight.note = "mine"
    stored = values.store(net)
    assert stored.codec == "skeleton/1"
    assert Keeps.NO_CODE not in values.codec_for(net).keeps
    found: Any = values.load(stored)
    assert type(found) is torch.nn.Sequential
    assert found[0].tied is found[0].weight
    assert type(found[0].bias) is torch.nn.Parameter
    batch = torch.ones(2, 300)
    assert torch.equal(found(batch), net(batch))
    with torch.no_grad():
        found[0].bias += 1
    again: Any = values.load(stored)
    assert torch.equal(again[0].bias, net[0].bias)
    lstm: Any = values.load(values.store(torch.nn.LSTM(3, 4)))
    assert lstm(torch.ones(1, 3))[0].shape == (1, 4)


@pytest.mark.torch
def test_objects_with_tensors_of_small_floats_are_kept(values: Values) -> None:
    torch = pytest.importorskip("torch", reason="an optional library")
    small = torch.ones(3).to(torch.float8_e4m3fn)
    found: Any = values.load(values.store(Plain(small=small, step=3)))
    assert (found.step, found.small.dtype) == (3, torch.float8_e4m3fn)
    whole = torch.zeros(1_000_000)
    stored = values.store(Plain(view=whole[:2]))
    assert stored.nbytes < 5000, "a view is stored without the rest of its storage"


def test_buffers_of_an_object_are_aligned_private_maps(values: Values) -> None:
    arrays = [np.arange(9000, dtype=kind) for kind in ("u1", "f8", "c16", "i2")]
    stored = values.store(Plain(arrays=arrays))
    assert (stored.codec, stored.meta["aligned"]) == ("pickle/1", _ALIGNED)
    for _ in range(2):
        found: Any = values.load(stored)
        for mine, theirs in zip(found.arrays, arrays, strict=True):
            assert mine.flags.aligned
            assert mine.flags.writeable
            assert np.array_equal(mine, theirs)
            mine[0] = 77
    values.check(stored)
    with pytest.raises(ValueLostError, match="disagree"):
        values.load(replace(stored, meta={**stored.meta, "aligned": None}))


def test_objects_written_without_alignment_are_still_opened(values: Values) -> None:
    parts = _pickled(Plain(first=np.arange(9001, dtype="u1"), second=np.arange(9000.0)))
    meta = {"type": "x:y", "lengths": [len(part) for part in parts], "mac": signing.sign(parts)}
    stored = values.keep("pickle/1", meta, parts, "")
    assert stored.object
    found: Any = values.load(stored)
    assert found.second[8999] == 8999.0


def test_opening_an_object_takes_no_memory_for_its_buffers(values: Values) -> None:
    import tracemalloc

    stored = values.store(Plain(array=np.zeros(4_000_000)))
    values.load(stored)
    tracemalloc.start()
    values.load(stored)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < stored.nbytes / 8


def test_a_figure_comes_back_as_a_figure(values: Values) -> None:
    figures = pytest.importorskip("matplotlib.figure", reason="an optional library")
    figure = figures.Figure()
    figure.add_subplot().plot([1, 2, 3])
    stored = values.store(figure)
    assert (stored.codec, stored.digest) == ("pickle/1", "")
    found: Any = values.load(stored)
    assert found.axes[0].lines[0].get_ydata().tolist() == [1, 2, 3]


def test_a_dataclass_comes_back_in_a_fresh_process(
    values: Values, tmp_path: Path, own_key: Path
) -> None:
    (tmp_path / "mine.py").write_text(
        "import dataclasses\n@dataclasses.dataclass\nclass Fit:\n    weights: object\n"
    )
    code = f"""
import json, sys
from pathlib import Path
sys.path[:0] = [{str(tmp_path)!r}]
from dumbo.records import Stored
from dumbo.storage import Objects, Values
values = Values(Objects(Path({str(values.objects.folder)!r})))
if sys.argv[1] == "store":
    import mine, numpy as np
    stored = values.store(mine.Fit(np.arange(100_000.0)))
    print(json.dumps([stored.codec, dict(stored.meta), stored.nbytes, stored.digest,
                      stored.inline.hex(), stored.object]))
else:
    codec, meta, nbytes, digest, inline, name = json.loads(sys.argv[2])
    found = values.load(Stored(codec, meta, nbytes, digest, bytes.fromhex(inline), name))
    print(float(found.weights[99_999]), type(found).__module__, values.digest(found) == digest)
"""

    def run(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", code, *arguments],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    row = run("store")
    assert json.loads(row)[0] == "skeleton/1"
    assert run("load", row).split() == ["99999.0", "mine", "True"]


def test_the_objects_of_nested_trees_are_all_known(values: Values, objects: Objects) -> None:
    array = np.arange(9000.0)
    masked = np.ma.masked_array(array, array > 5)
    other = np.ma.masked_array(array + 1, array > 6)
    for value in ([masked, {"x": other}], [Fit(array + 2, more=masked), 5], Fit(array + 3)):
        stored = values.store(value)
        names = values.objects_of(stored)
        assert len(names) >= 1
        for name in set(objects.names()) - set(names):
            objects.delete(name)
        assert digest(Values(values.objects).load(stored)) == stored.digest

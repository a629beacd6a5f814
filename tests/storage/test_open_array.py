"""Arrays in files the user has: opened in place, read in parts, watched for change."""

from __future__ import annotations

import os
import pickle
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dumbo.errors import ConfigurationError, MissingLibraryError, ValueLostError
from dumbo.storage import Store, array_sources, tree_digest
from dumbo.storage.adopted import AdoptedArray, content_now, open_existing
from dumbo.storage.tree_digest import tree_stamp

DATA = np.arange(60.0 * 35 * 4).reshape(60, 35, 4)


def npy(folder: Path) -> tuple[Path, str | None]:
    np.save(folder / "x.npy", DATA)
    return folder / "x.npy", None


def fortran(folder: Path) -> tuple[Path, str | None]:
    np.save(folder / "f.npy", np.asfortranarray(DATA))
    return folder / "f.npy", None


def contiguous(folder: Path) -> tuple[Path, str | None]:
    h5py = pytest.importorskip("h5py")
    with h5py.File(folder / "x.h5", "w") as file:
        file["group/data"] = DATA
    return folder / "x.h5", None


def behind_a_user_block(folder: Path) -> tuple[Path, str | None]:
    h5py = pytest.importorskip("h5py")
    with h5py.File(folder / "u.h5", "w", userblock_size=1024) as file:
        file["data"] = DATA
    return folder / "u.h5", "data"


def chunked(folder: Path) -> tuple[Path, str | None]:
    h5py = pytest.importorskip("h5py")
    with h5py.File(folder / "c.h5", "w") as file:
        file.create_dataset("data", data=DATA, chunks=(7, 35, 2), compression="gzip")
        file["other"] = DATA
    return folder / "c.h5", "data"


def zarr_array(folder: Path) -> tuple[Path, str | None]:
    zarr = pytest.importorskip("zarr")
    made = zarr.create_array(folder / "x.zarr", shape=DATA.shape, chunks=(7, 9, 4), dtype="f8")
    made[:] = DATA
    return folder / "x.zarr", None


def zarr_in_a_group(folder: Path) -> tuple[Path, str | None]:
    zarr = pytest.importorskip("zarr")
    group = zarr.open_group(folder / "g.zarr", mode="w")
    group.create_array("a", shape=DATA.shape, chunks=DATA.shape, dtype="f8")[:] = DATA
    return folder / "g.zarr", "a"


KINDS = [
    npy, fortran, contiguous, behind_a_user_block, chunked, zarr_array, zarr_in_a_group,
]  # fmt: skip
MAPPED = {npy, fortran, contiguous, behind_a_user_block}
Kind = Callable[[Path], tuple[Path, str | None]]


@pytest.mark.parametrize("kind", KINDS)
def test_every_part_is_what_numpy_selects(kind: Kind, tmp_path: Path) -> None:
    array = open_existing(*kind(tmp_path))
    assert (array.shape, array.dtype, array.ndim) == (DATA.shape, DATA.dtype, 3)
    assert (array.size, array.nbytes, len(array)) == (DATA.size, DATA.nbytes, 60)
    assert array.is_mapped == (kind in MAPPED)
    for index in (
        3, -1, slice(8, 20), slice(None, None, -3), (slice(2, 9), 5), (..., 1), (4, 5, 3),
        (slice(5, 5), 0), [3, 1, -1], DATA[:, 0, 0] > 200, ..., (slice(1, 3), slice(30, 2, -7)),
    ):  # fmt: skip
        part = array[index]
        assert np.array_equal(part, DATA[index])
        assert np.shape(part) == DATA[index].shape
        assert not isinstance(part, np.ndarray) or not part.flags.writeable
    assert np.array_equal(np.asarray(array), DATA)
    assert np.array(array, "f4").dtype == np.dtype("f4")
    assert np.array_equal(np.stack(list(array)), DATA)
    with pytest.raises(IndexError, match="out of bounds"):
        array[60]


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_that_changed_raises_and_is_not_read_as_if_it_had_not(
    kind: Kind, tmp_path: Path
) -> None:
    path, key = kind(tmp_path)
    array = open_existing(path, key)
    watched = array.source.watched
    os.utime(watched, ns=(1, 1))
    for read in (lambda: array[0], array.whole, lambda: list(array)):
        with pytest.raises(ValueLostError, match="call open_array again"):
            read()
    assert np.array_equal(open_existing(path, key)[0], DATA[0])
    gone = open_existing(path, key)
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    with pytest.raises(ValueLostError, match="changed or removed"):
        gone[0]


@pytest.mark.parametrize("kind", [npy, chunked, zarr_array])
def test_it_is_pickled_as_its_place(kind: Kind, tmp_path: Path) -> None:
    array = open_existing(*kind(tmp_path))
    data = pickle.dumps(array)
    assert len(data) < 500
    assert np.array_equal(pickle.loads(data)[5], DATA[5])
    assert array.source.text in repr(array)
    os.utime(array.source.watched, ns=(1, 1))
    with pytest.raises(ValueLostError, match="changed or removed"):
        pickle.loads(data)


def test_rows_of_chunks_are_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    array = open_existing(*chunked(tmp_path))
    opens: list[object] = []
    real = array_sources._dataset

    def noted(source: array_sources.Source) -> Any:
        opens.append(source)
        return real(source)

    monkeypatch.setattr(array_sources, "_dataset", noted)
    assert [float(array[row, 0, 0]) for row in range(7)] == DATA[:7, 0, 0].tolist()
    boxes = len(opens)
    assert [array[row].tolist() for row in range(7)] == DATA[:7].tolist()
    assert len(opens) == boxes + 1
    assert (array.shape, array.dtype, len(array)) == (DATA.shape, DATA.dtype, 60)
    assert len(opens) == boxes + 1


def test_a_row_of_an_array_that_is_wide_reads_no_whole_band_of_chunks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(array_sources, "DECODED_BYTES", 1000)
    array = open_existing(*chunked(tmp_path))
    boxes: list[Any] = []
    real = array._handle._read  # type: ignore[attr-defined]

    def noted(box: Any) -> Any:
        boxes.append(box)
        return real(box)

    array._handle._read = noted  # type: ignore[attr-defined]
    assert np.array_equal(array[8], DATA[8])
    assert boxes == [(slice(8, 9), slice(0, 35), slice(0, 4))]


def test_arrays_without_axes(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    np.save(tmp_path / "n.npy", np.float64(3.5))
    with h5py.File(tmp_path / "n.h5", "w") as file:
        file["n"] = 3.5
    for name in ("n.npy", "n.h5"):
        array = open_existing(tmp_path / name)
        assert (array.shape, float(array[()])) == ((), 3.5)
        with pytest.raises(TypeError, match="unsized"):
            len(array)


def test_arrays_without_items(tmp_path: Path) -> None:
    np.save(tmp_path / "e.npy", np.zeros((0, 3)))
    array = open_existing(tmp_path / "e.npy")
    assert (array.shape, array[:].shape, list(array)) == ((0, 3), (0, 3), [])


def test_what_cannot_be_opened_is_named_with_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    h5py = pytest.importorskip("h5py")
    zarr = pytest.importorskip("zarr")
    chunked(tmp_path)
    zarr_in_a_group(tmp_path)
    np.save(tmp_path / "o.npy", np.array([{}]), allow_pickle=True)
    (tmp_path / "x.txt").write_text("1 2 3")
    with h5py.File(tmp_path / "text.h5", "w") as file:
        file["words"] = ["a", "bc"]
        file["empty"] = h5py.Empty("f8")
    for path, key, said in [
        ("c.h5", None, "give key=, one of data, other"),
        ("c.h5", "absent", "absent"),
        ("g.zarr", None, "give key=, one of a"),
        ("g.zarr", "absent", "absent"),
        ("text.h5", "words", "not numbers"),
        ("text.h5", "empty", "no dataset"),
        ("o.npy", None, "[Oo]bject"),
        ("x.txt", None, "neither npy nor HDF5"),
        ("absent.npy", None, "No such file"),
    ]:
        with pytest.raises(ConfigurationError, match=said):
            open_existing(tmp_path / path, key)
    for library, name in (("h5py", "c.h5"), ("zarr", "g.zarr")):
        with monkeypatch.context() as patch:
            patch.setitem(__import__("sys").modules, library, None)
            with pytest.raises(MissingLibraryError, match=f"pip install {library}"):
                open_existing(tmp_path / name, "a")
    assert zarr is not None


@pytest.mark.parametrize("kind", [npy, zarr_array])
def test_the_digest_is_of_content_and_is_not_taken_twice(
    kind: Kind, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, key = kind(tmp_path)
    for file in [path, *path.rglob("*")]:
        os.utime(file, ns=(1, 1))
    monkeypatch.setattr(tree_digest, "_AT_REST_NS", 0)
    time.sleep(0.02)
    taken: list[Path] = []
    real = tree_digest._file_digest

    def noted(file: Path) -> str:
        taken.append(file)
        return real(file)

    monkeypatch.setattr(tree_digest, "_file_digest", noted)
    with Store(tmp_path / "store") as store:
        first = open_existing(path, key).content(store.catalog)
        assert taken
        taken.clear()
        assert open_existing(path, key).content(store.catalog) == first
    with Store(tmp_path / "store") as store:  # as another process would
        name = open_existing(path, key).source.name
        assert content_now(name, store.catalog) == first
        assert taken == []
        target = path if path.is_file() else next(p for p in path.rglob("*") if "c" in p.parts[-4:])
        target = target if target.is_file() else next(p for p in target.rglob("*") if p.is_file())
        raw = bytearray(target.read_bytes())
        raw[-1] ^= 1
        target.write_bytes(raw)
        assert content_now(name, store.catalog) != first
        assert content_now("images", store.catalog) is None
        assert content_now("file:/no/such/file.npy", store.catalog) is None


def test_a_young_file_is_digested_each_time(tmp_path: Path) -> None:
    path, _ = npy(tmp_path)
    array = open_existing(path)
    with Store(tmp_path / "store") as store:
        before = array.content(store.catalog)
        stamp = tree_stamp(path)
        raw = bytearray(path.read_bytes())
        raw[-1] ^= 1
        path.write_bytes(raw)
        os.utime(path, ns=(stamp.mtime_ns, stamp.mtime_ns))
        assert array.content(store.catalog) != before


def test_a_file_written_to_meanwhile_has_no_digest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, _ = npy(tmp_path)

    def slow(file: Path) -> str:
        os.utime(file, ns=(7, 7))
        return "x"

    monkeypatch.setattr(tree_digest, "_file_digest", slow)
    with (
        Store(tmp_path / "store") as store,
        pytest.raises(ConfigurationError, match="written to while"),
    ):
        open_existing(path).content(store.catalog)


def test_a_key_with_brackets_in_the_path_is_found(tmp_path: Path) -> None:
    folder = tmp_path / "run[1]"
    folder.mkdir()
    path, _ = npy(folder)
    with Store(tmp_path / "store") as store:
        array = open_existing(path)
        assert content_now(array.source.name, store.catalog) == array.content(store.catalog)
        h5, _ = contiguous(folder)
        inside = open_existing(h5, "group/data")
        assert inside.source.name == f"file:{h5}[group/data]"
        assert content_now(inside.source.name, store.catalog) == inside.content(store.catalog)


def test_met_as_a_plain_value_it_is_told_from_its_other_states(tmp_path: Path) -> None:
    path, _ = npy(tmp_path)
    before = open_existing(path).__dumbo_token__()
    os.utime(path, ns=(1, 1))
    after = open_existing(path).__dumbo_token__()
    assert before != after
    assert isinstance(open_existing(path), AdoptedArray)


@pytest.mark.parametrize("kind", KINDS)
def test_nobody_can_unlock_what_lies_in_the_file(kind: Kind, tmp_path: Path) -> None:
    array = open_existing(*kind(tmp_path))
    if kind in MAPPED:
        for part in (array[2:9], array.whole(), array.whole()[0]):
            with pytest.raises(ValueError, match="WRITEABLE"):
                part.flags.writeable = True
    for part in (array[2:9], array[1, :, 2], array.whole()):
        with pytest.raises(ValueError, match="read-only"):
            part[0] = 1

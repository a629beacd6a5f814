"""Files and folders as results: by content, whole, and never out of their folder."""

from __future__ import annotations

import copy
import json
import os
import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dumbo.artifacts import Directory, File
from dumbo.errors import (
    ConfigurationError,
    NotCachedError,
    StoreError,
    UncacheableError,
    ValueLostError,
)
from dumbo.identity import value_digest as digest
from dumbo.records import Stored
from dumbo.storage import Objects, Values

posix = pytest.mark.skipif(os.name != "posix", reason="modes and links are POSIX")


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "run.sh"
    path.write_text("echo 1")
    path.chmod(0o755)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "run"
    (root / "sub" / "deep").mkdir(parents=True)
    (root / "empty").mkdir()
    (root / "sub" / "deep" / "log").write_text("done")
    (root / "run.sh").write_text("echo 1")
    (root / "run.sh").chmod(0o755)
    (root / "twin").write_text("echo 1")
    (root / "sub" / "link").symlink_to("../run.sh")
    return root


@posix
def test_a_file_comes_back_by_content_and_mode(
    values: Values, script: Path, tmp_path: Path
) -> None:
    file = File(script)
    stored = values.store(file)
    assert (stored.codec, stored.meta["name"]) == ("file/1", "run.sh")
    assert stored.digest == digest(file)
    script.unlink()
    found: Any = values.load(stored)
    assert (found.name, found.executable, found.read_bytes()) == ("run.sh", True, b"echo 1")
    assert digest(found) == stored.digest
    with found.open() as stream, open(found) as text:
        assert stream.read().decode() == text.read()
    restored = found.restore(tmp_path / "again.sh")
    assert restored.stat().st_mode & 0o111 == 0o111
    restored.write_text("edited")
    assert found.read_bytes() == b"echo 1", "a copy, not a link"
    assert found.restore(tmp_path).name == "run.sh"
    with pytest.raises(ConfigurationError, match="exists"):
        found.restore(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith(".")) == []


def test_opening_a_file_reads_nothing(
    values: Values, script: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = values.store([File(script)])
    opened: list[str] = []
    real = Objects.open_object
    monkeypatch.setattr(
        Objects,
        "open_object",
        lambda self, name, size=None: (opened.append(name), real(self, name, size))[1],
    )
    found: Any = values.load(stored)
    assert opened == []
    assert found[0].read_bytes() == b"echo 1"
    assert len(opened) == 1


def test_files_are_the_same_by_content(tmp_path: Path, script: Path) -> None:
    other = tmp_path / "other"
    other.write_text("echo 1")
    assert File(other) != File(script), "one may be executed"
    other.chmod(0o755)
    assert File(other) == File(script)
    assert hash(File(other)) == hash(File(script))
    assert digest(File(other)) == digest(File(script))
    other.write_text("echo 2")
    assert digest(File(other)) != digest(File(script))
    assert File(script) != "x"
    assert copy.deepcopy(file := File(script)) is copy.copy(file) is file


def test_a_file_that_changed_is_reported_never_read(values: Values, script: Path) -> None:
    file = File(script)
    assert file.digest
    script.write_text("echo 2")
    with pytest.raises(ValueLostError, match="changed after"):
        file.read_bytes()
    with pytest.raises(ValueLostError, match="changed after"):
        values.store(file)
    again = pickle.loads(pickle.dumps(File(script)))
    assert again.read_bytes() == b"echo 2"
    script.write_text("echo 3")
    with pytest.raises(ValueLostError, match="other content"):
        again.read_bytes()
    script.unlink()
    for gone in (file, again):
        with pytest.raises(ValueLostError, match="gone"):
            gone.read_bytes()


def test_what_is_no_file_or_folder_is_refused(tmp_path: Path, script: Path) -> None:
    for path in (tmp_path, tmp_path / "nothing"):
        with pytest.raises(ConfigurationError, match="regular file"):
            File(path)
    with pytest.raises(ConfigurationError, match="no folder"):
        Directory(script)


@posix
def test_a_folder_comes_back_whole(values: Values, folder: Path, tmp_path: Path) -> None:
    made = Directory(folder)
    assert list(made) == ["run.sh", "sub/deep/log", "twin"]
    stored = values.store({"folder": made, "n": 1})
    item = values.item(stored, "folder")
    assert item.digest == digest(made)
    assert len(values.objects_of(stored)) == 2, "equal content is stored once"
    found: Any = values.load(item)
    assert found == made
    assert found["sub/deep/log"].read_bytes() == b"done"
    assert (dict(found.links), found.folders, len(found)) == (
        {"sub/link": "../run.sh"},
        ("empty",),
        3,
    )
    restored = found.restore(tmp_path / "again")
    assert Directory(restored) == made
    assert (restored / "sub/link").read_text() == "echo 1"
    assert os.access(restored / "run.sh", os.X_OK)
    with pytest.raises(ConfigurationError, match="exists"):
        found.restore(restored)
    with pytest.raises(NotCachedError, match="ask \\.files"):
        found["nothing"]
    assert pickle.loads(pickle.dumps(made)) == made
    assert copy.deepcopy(made) is copy.copy(made) is made
    assert hash(made) == hash(found)
    assert made != 1


@posix
@pytest.mark.parametrize("goal", ["/etc/passwd", "../../x", "..", "sub/../../x", "a/.."])
def test_a_link_out_of_its_folder_is_refused(folder: Path, goal: str) -> None:
    (folder / "bad").symlink_to(goal)
    with pytest.raises(UncacheableError, match="out of its folder"):
        Directory(folder)


@posix
def test_a_pipe_in_a_folder_is_refused(folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    with pytest.raises(UncacheableError, match="no file, link or folder"):
        Directory(folder)


@pytest.mark.parametrize(
    ("files", "links", "folders"),
    [
        (["../x"], {}, []),
        (["/etc/x"], {}, []),
        (["a/../b"], {}, []),
        (["a\\b"], {}, []),
        (["c:x"], {}, []),
        (["a\0"], {}, []),
        ([""], {}, []),
        (["."], {}, []),
        (["a//b"], {}, []),
        (["a", "a/b"], {}, []),
        (["l/x"], {"l": "."}, []),
        (["a"], {"a": "b"}, []),
        (["a"], {}, ["a"]),
        ([], {}, ["../x"]),
        ([], {"l": "../x"}, []),
        ([], {"d/l": "../../x"}, []),
        ([], {"l": "d/../../x"}, []),
        ([], {"l": ""}, []),
        ([], {"l": "c:/x"}, []),
        ([], {"../l": "x"}, []),
    ],
    ids=str,
)
def test_names_that_lead_out_are_a_lost_value(
    values: Values, script: Path, files: list[str], links: dict[str, str], folders: list[str]
) -> None:
    file = File(script)
    with pytest.raises(UncacheableError):
        Directory.of(dict.fromkeys(files, file), links, folders, "x")
    codec: Any = values.codec_named("directory/1")
    parts = {"name": "x", "files": dict.fromkeys(files, file), "links": links, "folders": folders}
    from dumbo.storage.codecs.writing import write_tree

    stored = write_tree("directory/1", parts, "", values, {"type": "x:y"})
    with pytest.raises(ValueLostError, match="do not fit"):
        codec.load(stored, values)


def test_an_entry_that_is_no_file_is_a_lost_value(values: Values) -> None:
    from dumbo.storage.codecs.writing import write_tree

    parts = {"name": "x", "files": {"a": 5}, "links": {}, "folders": []}
    with pytest.raises(ValueLostError):
        values.load(write_tree("directory/1", parts, "", values, {"type": "x:y"}))


@pytest.mark.parametrize(
    "facts",
    [{"name": None}, {"content": 5}, {"name": ["x"]}],
    ids=str,
)
def test_a_row_of_a_file_that_lies_is_a_lost_value(
    values: Values, script: Path, facts: dict[str, object]
) -> None:
    stored = values.store(File(script))
    with pytest.raises(ValueLostError):
        values.load(replace(stored, meta={**stored.meta, **facts}))
    with pytest.raises(ValueLostError):
        values.load(replace(stored, object=""))


@pytest.mark.parametrize("name", ["../../x", "/etc/passwd", "..", "", "a\0b", "c:\\x"])
def test_a_name_in_a_row_leads_nowhere(
    values: Values, script: Path, tmp_path: Path, name: str
) -> None:
    stored = values.store(File(script))
    found: Any = values.load(replace(stored, meta={**stored.meta, "name": name}))
    target = tmp_path / "into"
    target.mkdir()
    assert found.restore(target).parent == target


def test_rows_of_files_are_json_and_objects_are_named(values: Values, script: Path) -> None:
    stored = values.store(File(script))
    assert json.loads(json.dumps(dict(stored.meta))) == stored.meta
    assert values.objects_of(stored) == (stored.object,)
    assert isinstance(stored, Stored)
    values.objects.delete(stored.object)
    found: Any = values.load(stored)
    with pytest.raises(StoreError):
        found.read_bytes()

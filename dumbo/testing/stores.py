"""A store against a dict: a state machine for hypothesis that does to it all that can happen.

Law: the model is a dict, and it is right. The store may say that a value is lost, when it was
damaged and not otherwise; it never gives another one.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from dumbo.errors import NameTakenError, StoreError
from dumbo.identity.cid import CID
from dumbo.records import Record
from dumbo.storage import Store
from dumbo.storage.repairing import repair
from dumbo.storage.verifying import verify_store
from dumbo.testing.records import DEPSET, make_cid, make_record

NAMES = st.integers(0, 5)
TAGS = st.sampled_from(["best", "worst"])
VALUES = st.one_of(
    st.integers(),
    st.text(max_size=5),
    st.builds(lambda n: bytes([n]) * 40_000, st.integers(0, 3)),  # objects, some of them alike
    st.builds(lambda n: [bytes([n]) * 50_000, n], st.integers(0, 3)),
)


class StoreMachine(RuleBasedStateMachine):
    """Subclass it with your own `open_store` to hold another kind of store to the model."""

    def __init__(self) -> None:
        super().__init__()
        self._parent = tempfile.TemporaryDirectory(prefix="dumbo-")
        self.copies = 0
        self.values: dict[CID, dict[int, Any]] = {}
        self.objects: dict[tuple[CID, int], set[str]] = {}
        self.tags: dict[str, CID] = {}
        self.broken: set[str] = set()

    def open_store(self, folder: Path) -> Store:
        """Open the store under test."""
        return Store(folder)

    @property
    def folder(self) -> Path:
        """Where the store lies now."""
        return Path(self._parent.name, f"store{self.copies}")

    @initialize()
    def begin(self) -> None:
        """Open a new store."""
        self.store = self.open_store(self.folder)

    def teardown(self) -> None:
        """Close and remove everything."""
        if hasattr(self, "store"):
            self.store.close()
        self._parent.cleanup()

    @rule(name=NAMES, value=VALUES)
    def keep(self, name: int, value: Any) -> None:
        """Store a value: a new version, unless it says the same as the newest."""
        stored = self.store.values.store(value)
        record = make_record(
            name, stored=stored, meta=stored.meta, digest=stored.digest, nbytes=stored.nbytes
        )
        version = self.store.catalog.add([record], [DEPSET])[record.version]
        self.values.setdefault(record.cid, {})[version] = value
        names = set(self.store.values.objects_of(stored))
        self.objects[record.cid, version] = names
        self.broken -= names  # written anew

    @rule(name=NAMES)
    def forget(self, name: int) -> None:
        """Delete a result."""
        cid = make_cid(name)
        gone = self.values.pop(cid, {})
        assert self.store.catalog.forget(cid) == len(gone)
        self.tags = {tag: known for tag, known in self.tags.items() if known != cid}

    @rule(name=NAMES)
    def evict(self, name: int) -> None:
        """Drop a value; its record stays."""
        cid = make_cid(name)
        for version, value in self.values.get(cid, {}).items():
            assert self.store.catalog.evict(cid, version) is (value is not None)
            self.values[cid][version] = None

    @rule(tag=TAGS, name=NAMES)
    def tag(self, tag: str, name: int) -> None:
        """Name a result."""
        cid = make_cid(name)
        if cid not in self.values:
            return
        taken = self.tags.get(tag, cid) != cid
        try:
            self.store.catalog.set_tag(tag, cid)
            assert not taken
        except NameTakenError:
            assert taken
            return
        self.tags = {known: c for known, c in self.tags.items() if c != cid} | {tag: cid}

    @rule(tag=TAGS)
    def untag(self, tag: str) -> None:
        """Take a name away."""
        assert self.store.catalog.drop_tag(tag) is (self.tags.pop(tag, None) is not None)

    @rule()
    def reopen(self) -> None:
        """Close and open."""
        self.store.close()
        self.store = self.open_store(self.folder)

    @rule()
    def copy(self) -> None:
        """Go on with a copy, the first store gone."""
        self.store.close()
        old = self.folder
        self.copies += 1
        shutil.copytree(old, self.folder)
        shutil.rmtree(old)
        self.store = self.open_store(self.folder)

    @rule(value=VALUES)
    def crash(self, value: Any) -> None:
        """Publish an object without its row."""
        names = set(self.store.values.objects_of(self.store.values.store(value)))
        self.broken -= names
        (self.folder / "tmp" / f"draft{len(names)}").write_bytes(b"half")

    @precondition(lambda self: any(True for _ in self.store.objects.names()))
    @rule(data=st.data())
    def damage(self, data: st.DataObject) -> None:
        """Flip a byte, cut one off, or lose an object."""
        name = data.draw(st.sampled_from([*self.store.objects.names()]))
        path = self.folder / "objects" / name[:2] / name[2:]
        how = data.draw(st.sampled_from(["flip", "cut", "lose"]))
        raw = bytearray(path.read_bytes())
        if how == "lose" or not raw:
            path.unlink()
        elif how == "cut":
            path.write_bytes(raw[:-1])
        else:
            raw[data.draw(st.integers(0, len(raw) - 1))] ^= 0x40
            path.write_bytes(raw)
        self.broken.add(name)

    @rule()
    def mend(self) -> None:
        """Repair: what is damaged is dropped, orphans go, all else stays."""
        lost = set()
        for (cid, version), names in self.objects.items():
            is_kept = self.values.get(cid, {}).get(version) is not None
            if is_kept and not self.broken.isdisjoint(names):
                lost.add((cid, version))
        assert {(p.cid, p.version) for p in verify_store(self.store).problems} == lost
        assert {(p.cid, p.version) for p in repair(self.store, older_than=-1.0).problems} == lost
        for cid, version in lost:
            self.values[cid][version] = None
        self.broken.clear()
        report = verify_store(self.store)
        assert report.is_sound
        assert report.orphans == 0
        assert not list((self.folder / "tmp").iterdir())

    @invariant()
    def agrees(self) -> None:
        """Every record, value and tag is as the model says."""
        if not hasattr(self, "store"):
            return
        assert self.store.catalog.node_count() == sum(map(bool, self.values.values()))
        assert self.store.catalog.tags() == self.tags
        for cid, versions in self.values.items():
            found = {record.version: record for record in self.store.catalog.versions(cid)}
            assert found.keys() == versions.keys()
            for version, value in versions.items():
                self._check(found[version], value)

    def _check(self, record: Record, value: Any) -> None:
        assert (record.stored is None) is (value is None)
        if record.stored is None:
            return
        broken = not self.broken.isdisjoint(self.objects[record.cid, record.version])
        try:
            loaded = self.store.values.load(record.stored)
        except StoreError:
            assert broken
        else:
            assert not broken
            assert loaded == value

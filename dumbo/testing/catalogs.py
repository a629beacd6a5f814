"""What every catalog must do: a suite for those who write another one.

Law: only the `Catalog` protocol is used, so a catalog on any database can be held to it; each test
states one promise that the rest of dumbo relies on.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from dumbo.errors import ClaimLostError, ConfigurationError, NameTakenError
from dumbo.identity.cid import CID
from dumbo.records import Stored
from dumbo.testing.records import DEPSET, OTHER, make_cid, make_record

if TYPE_CHECKING:
    from dumbo.storage import Catalog


class CatalogSuite:
    """Subclass it in your tests, and say how a catalog is made.

    Examples
    --------
    >>> class TestMyCatalog(CatalogSuite):
    ...     def make(self):
    ...         return MyCatalog(...)
    """

    def make(self) -> Catalog:
        """Return a new, empty catalog."""
        raise NotImplementedError

    def test_a_record_comes_back_as_it_was(self) -> None:
        """Every field, edges and depset included."""
        catalog = self.make()
        record = make_record(
            1,
            make_cid("outside"),
            CID.external("data"),
            make_cid("whole").item("loss"),
            sample=3,
            arguments=b"\x00args",
            text="mine",
            matched=("lr by close(rel=0.01)",),
        )
        version = catalog.add([record], [DEPSET])[record.version]
        assert version > 0
        assert catalog.record(record.cid) == replace(record, version=version)
        assert catalog.record(record.cid, version) == catalog.record(record.cid)
        assert catalog.versions(record.cid) == (catalog.record(record.cid),)

    def test_what_is_not_there_is_none(self) -> None:
        """No look-up raises, and none makes anything."""
        catalog = self.make()
        cid = make_cid("unknown")
        assert catalog.record(cid) is None
        assert catalog.versions(cid) == ()
        assert catalog.depset("unknown") is None
        assert catalog.external("unknown") is None
        assert catalog.tag_of(cid) is None
        assert catalog.consumers(cid) == ()
        assert catalog.upstream(cid) == catalog.downstream(cid) == set()
        assert not catalog.evict(cid, 1)
        assert not catalog.forget_version(cid, 1)
        assert not catalog.discard(1)
        assert not catalog.drop_tag("unknown")
        assert catalog.forget(cid) == catalog.node_count() == 0
        assert catalog.claimant(cid) is None
        assert catalog.get_meta("unknown") is None
        assert catalog.accepted("unknown") == catalog.depsets_of("mod:f") == ()

    def test_versions_are_newest_first_and_stay(self) -> None:
        """An edit adds a version; numbers grow and are never used again."""
        catalog = self.make()
        old = make_record(1)
        new = replace(old, version=old.version - 10_000, digest="ab" * 20)
        first = catalog.add([old], [DEPSET])[old.version]
        second = catalog.add([new])[new.version]
        assert second > first
        assert [v.version for v in catalog.versions(old.cid)] == [second, first]
        found = catalog.record(old.cid)
        assert found is not None
        assert found.version == second
        assert catalog.record(old.cid, 999) is None
        assert catalog.record(make_cid("other"), first) is None
        assert catalog.node_count() == 1
        assert catalog.forget_version(old.cid, second)
        assert [v.version for v in catalog.versions(old.cid)] == [first]
        assert catalog.add([new])[new.version] > second

    def test_the_same_result_again_is_the_same_version(self) -> None:
        """Same depset, digest and edges: value and timings are brought up to date."""
        catalog = self.make()
        record = make_record(1, make_cid("a"))
        (version,) = catalog.add([record], [DEPSET]).values()
        moved = Stored("scalar/1", record.meta, 1, record.digest, None, "ab" * 20)
        again = replace(record, version=-90_001, stored=moved, own_seconds=9.0)
        assert catalog.add([again]) == {-90_001: version}
        found = catalog.record(record.cid)
        assert found is not None
        assert (found.stored, found.own_seconds) == (moved, 9.0)
        catalog.add([replace(again, version=-90_002, stored=None)])
        assert catalog.versions(record.cid)[0].stored == moved
        assert catalog.add([replace(again, version=-90_003, edges=())])[-90_003] != version

    def test_records_of_one_call_refer_to_each_other(self) -> None:
        """Edges between records that were in memory name the real versions."""
        catalog = self.make()
        a = make_record("a", stored=None)
        b = make_record("b", a, a)
        moved = catalog.add([a, b], [DEPSET])
        found = catalog.record(b.cid)
        assert found is not None
        assert [edge.version for edge in found.edges] == [moved[a.version]] * 2
        assert [edge.digest for edge in found.edges] == [a.digest] * 2
        assert [edge.role for edge in found.edges] == ["x0", "x1"]

    def test_a_call_that_fails_writes_nothing(self) -> None:
        """An unknown depset or version undoes the whole transaction."""
        catalog = self.make()
        with pytest.raises(ConfigurationError):
            catalog.add([make_record("a"), make_record("b", make_record("missing"))], [DEPSET])
        with pytest.raises(ConfigurationError):
            catalog.add([make_record("a", depset=""), make_record("c", depset="00" * 16)])
        assert catalog.record(make_cid("a")) is None
        assert catalog.node_count() == 0
        assert catalog.depset(DEPSET.key) is None
        # Ids that were undone come back with another meaning.
        record = make_record("d", depset="", reason="other", type="m:T")
        catalog.add([record])
        found = catalog.record(record.cid)
        assert found is not None
        assert (found.reason, found.type) == ("other", "m:T")

    def test_depsets_are_shared_and_come_back_with_texts(self) -> None:
        """Texts are not compared and yet kept."""
        catalog = self.make()
        catalog.add([make_record(1), make_record(2)], [DEPSET, DEPSET])
        found = catalog.depset(DEPSET.key)
        assert found == DEPSET
        assert [m.text for m in found.members] == [m.text for m in DEPSET.members]
        catalog.add([make_record(3, depset=OTHER.key)], [OTHER])
        assert catalog.depsets_of("mod:f") == (OTHER.key, DEPSET.key)
        assert catalog.functions_with_code("fp9") == (("mod", "f"),)
        catalog.accept(DEPSET.key, OTHER)
        catalog.accept(DEPSET.key, OTHER)
        assert catalog.accepted(DEPSET.key) == (OTHER.key,)

    def test_forgetting_keeps_what_others_know(self) -> None:
        """An edge outlives the version it came from, with its digest."""
        catalog = self.make()
        a, blank = make_record("a"), make_record("blank", digest="")
        b = make_record("b", a, blank)
        catalog.add([a, blank, b], [DEPSET])
        catalog.set_tag("mine", a.cid)
        assert catalog.forget(a.cid) == 1
        assert catalog.tags() == {}
        catalog.forget(blank.cid)
        found = catalog.record(b.cid)
        assert found is not None
        assert [edge.digest for edge in found.edges] == [a.digest, ""]
        assert {edge.source for edge in found.edges} == {a.cid, blank.cid}
        assert catalog.node_count() == 1
        again = make_record("a")
        catalog.add([again])
        assert catalog.downstream(a.cid) == {b.cid}

    def test_forgotten_and_made_again_is_another(self) -> None:
        """What was remembered of a name that is gone is not believed."""
        catalog = self.make()
        for round_ in range(3):
            a = make_record("a", digest=f"{round_:040x}")
            other = make_record(("other", round_))
            b = make_record(("b", round_), a)
            catalog.add([a, b, other], [DEPSET])
            assert catalog.upstream(b.cid) == {a.cid}
            catalog.forget(b.cid)
            catalog.forget(a.cid)
        assert catalog.node_count() == 3

    def test_a_record_outlives_its_value(self) -> None:
        """Eviction drops the bytes alone."""
        catalog = self.make()
        record = make_record(1)
        (version,) = catalog.add([record], [DEPSET]).values()
        assert catalog.value_bytes() == 1
        assert not catalog.evict(make_cid("other"), version)
        assert catalog.evict(record.cid, version)
        assert not catalog.evict(record.cid, version)
        assert catalog.record(record.cid) == replace(record, version=version, stored=None)
        assert catalog.value_bytes() == 0

    def test_a_description_goes_to_the_newest(self) -> None:
        """The user's own words."""
        catalog = self.make()
        record = make_record(1)
        catalog.add([record], [DEPSET])
        catalog.add([replace(record, version=-90_001, digest="ab" * 20)])
        catalog.update_text(record.cid, "best so far")
        assert [v.text for v in catalog.versions(record.cid)] == ["best so far", ""]

    def test_cones(self) -> None:
        """Upstream by the versions used, downstream by the newest."""
        catalog = self.make()
        data = CID.external("data")
        a = make_record("a", data)
        b = make_record("b", a)
        c = make_record("c", a, b, function="mod:g")
        catalog.add([a, b, c], [DEPSET])
        assert catalog.upstream(c.cid) == {a.cid, b.cid, data}
        assert catalog.downstream(data) == {a.cid, b.cid, c.cid}
        assert [e.target for e in catalog.consumers(a.cid)] == [b.cid, c.cid]
        assert [e.source for e in catalog.edges_of([c.cid, a.cid])] == [a.cid, b.cid, data]
        catalog.add([replace(b, version=-90_001, edges=(), digest="ee" * 20)])
        assert catalog.downstream(a.cid) == {c.cid}
        assert [e.target for e in catalog.consumers(a.cid)] == [c.cid]
        assert catalog.upstream(c.cid) == {a.cid, b.cid, data}

    def test_iteration(self) -> None:
        """Newest records newest first; every version oldest first."""
        catalog = self.make()
        records = [make_record(i, function=f"mod:f{i % 3}") for i in range(7)]
        records.append(replace(records[0], version=-90_001, digest="aa" * 20))
        catalog.add(records, [DEPSET])
        order = [records[0].cid, *[r.cid for r in reversed(records[1:7])]]
        assert [r.cid for r in catalog.nodes()] == order
        assert [r.cid for r in catalog.nodes(limit=2)] == order[:2]
        assert [r.cid for r in catalog.nodes("mod:f1")] == [records[4].cid, records[1].cid]
        assert list(catalog.nodes("unknown")) == []
        assert catalog.functions() == ("mod:f0", "mod:f1", "mod:f2")
        assert catalog.node_count() == 7
        every = list(catalog.every_version())
        assert [v.cid for v in every] == [r.cid for r in records]
        assert [v.version for v in every] == sorted(v.version for v in every)
        assert catalog.faults() == ()

    def test_a_row_can_be_taken_out_unless_it_is_tagged(self) -> None:
        """What cannot be read can be deleted by its number alone."""
        catalog = self.make()
        a, b = make_record("a"), make_record("b")
        made = catalog.add([a, b], [DEPSET])
        catalog.set_tag("mine", b.cid)
        assert catalog.discard(made[a.version])
        assert not catalog.discard(made[b.version])
        assert [v.cid for v in catalog.every_version()] == [b.cid]
        assert catalog.node_count() == 1

    def test_a_tag_and_a_cid_name_each_other_alone(self) -> None:
        """A taken name is an error; another name for the same CID replaces the first."""
        catalog = self.make()
        one, two = make_cid(1), make_cid(2)
        catalog.set_tag("best", one)
        catalog.set_tag("best", one)
        assert catalog.tag_of(one) == "best"
        with pytest.raises(NameTakenError):
            catalog.set_tag("best", two)
        catalog.set_tag("other", one)
        assert catalog.tags() == {"other": one}
        assert catalog.drop_tag("other")
        assert catalog.tag_of(one) is None

    def test_results_can_count_under_another_name(self) -> None:
        """Tags go along."""
        catalog = self.make()
        old, new = make_cid("old", "a:f"), make_cid("new", "a:g")
        catalog.set_tag("best", old)
        catalog.note_moves({old: new})
        assert catalog.moves() == {old: new}
        assert catalog.tags() == {"best": new}

    def test_externals_and_facts_of_the_store(self) -> None:
        """The newest one counts."""
        catalog = self.make()
        catalog.set_external("data", "ab", "array(3)")
        catalog.set_external("data", "cd", "array(4)")
        assert catalog.external("data") == ("cd", "array(4)")
        catalog.put_meta("k", "1")
        catalog.put_meta("k", "2")
        assert catalog.get_meta("k") == "2"

    def test_counts_add_up(self) -> None:
        """By kind and function, over flushes."""
        catalog = self.make()
        catalog.count("hit", "mod:f", 1.5)
        catalog.flush()
        catalog.count("hit", "mod:f", 0.5, n=2)
        catalog.count("stale", "mod:f")
        assert catalog.totals() == {("hit", "mod:f"): (3, 2.0), ("stale", "mod:f"): (1, 0.0)}
        assert catalog.totals()["hit", "mod:f"] == (3, 2.0)

    def test_one_claim_at_a_time(self) -> None:
        """Whoever comes second gets none, until the first lets go or its lease ran out."""
        catalog = self.make()
        cid = make_cid("c")
        first = catalog.claim(cid, "me", 60.0)
        assert first is not None
        assert catalog.claim(cid, "you", 60.0) is None
        assert catalog.claim(cid, "me", 60.0) is None
        assert catalog.claim(make_cid("d"), "you", 60.0) is not None
        assert catalog.claimant(cid) == first
        renewed = catalog.renew(first, 90.0)
        assert renewed is not None
        assert renewed.until > first.until
        assert catalog.release(renewed)
        assert not catalog.release(renewed)
        second = catalog.claim(cid, "you", 60.0)
        assert second is not None
        assert second.epoch > first.epoch
        assert catalog.renew(first, 60.0) is None
        assert not catalog.release(first)

    def test_who_was_taken_over_publishes_nothing(self) -> None:
        """The epoch fences; a claim is released in the transaction that publishes."""
        catalog = self.make()
        record = make_record("c")
        late = catalog.claim(record.cid, "late", 0.0)
        assert late is not None
        time.sleep(0.01)
        quick = catalog.claim(record.cid, "quick", 60.0)
        assert quick is not None
        with pytest.raises(ClaimLostError):
            catalog.add([record], [DEPSET], late)
        assert catalog.record(record.cid) is None
        catalog.add([record], [DEPSET], quick)
        assert catalog.record(record.cid) is not None
        assert catalog.claimant(record.cid) is None
        with pytest.raises(ClaimLostError):
            catalog.add([record], [], quick)


def broken_promises(make: Callable[[], Catalog]) -> list[str]:
    """Run the suite outside pytest; return the names of the tests that fail.

    Parameters
    ----------
    make : callable
        Returns a new, empty catalog.
    """

    class Suite(CatalogSuite):
        def make(self) -> Catalog:
            return make()

    failed = []
    for name in dir(Suite):
        if name.startswith("test_"):
            try:
                getattr(Suite(), name)()
            except (Exception, pytest.fail.Exception):  # noqa: BLE001  # any failure is one
                failed.append(name)
    return failed

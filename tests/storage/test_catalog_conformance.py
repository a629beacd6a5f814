"""Every catalog keeps the same promises, and the suite that says so notices a broken one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dumbo.storage import Catalog, SqliteCatalog
from dumbo.testing.catalogs import CatalogSuite, broken_promises

from .dict_catalog import DictCatalog


class TestSqlite(CatalogSuite):
    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> Any:
        self.folder = tmp_path
        self.opened: list[SqliteCatalog] = []
        yield
        for catalog in self.opened:
            catalog.close()

    def make(self) -> Catalog:
        self.opened.append(SqliteCatalog(self.folder / f"{len(self.opened)}.sqlite"))
        return self.opened[-1]


class TestDict(CatalogSuite):
    def make(self) -> Catalog:
        return DictCatalog()


class ForgetsEdges(DictCatalog):
    def _add(self, record: Any, made: Any) -> int:
        return super()._add(replace(record, edges=()), made)


class WritesHalf(DictCatalog):
    def add(self, records: Any, depsets: Any = (), claim: Any = None) -> dict[int, int]:
        made: dict[int, int] = {}
        for record in records:
            made |= DictCatalog.add(self, [record], depsets, claim)
        return made


class ReusesNumbers(DictCatalog):
    def forget_version(self, cid: Any, version: int) -> bool:
        found = super().forget_version(cid, version)
        self.last = max(self.rows, default=0)
        return found


class OldestFirst(DictCatalog):
    def versions(self, cid: Any) -> Any:
        return super().versions(cid)[::-1]


class EvictsRecords(DictCatalog):
    def evict(self, cid: Any, version: int) -> bool:
        return self.forget_version(cid, version)


class StealsTags(DictCatalog):
    def set_tag(self, name: str, cid: Any) -> None:
        self.names[name] = cid


class NoFence(DictCatalog):
    def add(self, records: Any, depsets: Any = (), claim: Any = None) -> dict[int, int]:
        return super().add(records, depsets)


class ClaimsForAll(DictCatalog):
    def claim(self, cid: Any, owner: str, lease: float) -> Any:
        self.claims.pop(cid, None)
        return super().claim(cid, owner, lease)


class CountsTwice(DictCatalog):
    def flush(self) -> None:
        self.counts = {key: (2 * n, 2 * s) for key, (n, s) in self.counts.items()}


class DropsTagged(DictCatalog):
    def discard(self, version: int) -> bool:
        return self.rows.pop(version, None) is not None


@pytest.mark.parametrize(
    "broken",
    [
        ForgetsEdges,
        WritesHalf,
        ReusesNumbers,
        OldestFirst,
        EvictsRecords,
        StealsTags,
        NoFence,
        ClaimsForAll,
        CountsTwice,
        DropsTagged,
    ],
)
def test_the_suite_rejects_a_broken_catalog(broken: Callable[[], Catalog]) -> None:
    assert broken_promises(broken)


def test_the_suite_accepts_a_right_one() -> None:
    assert broken_promises(DictCatalog) == []

"""A catalog in dicts: slow, plain, and by its plainness right; the model of the others."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from dumbo.errors import ClaimLostError, ConfigurationError, NameTakenError
from dumbo.identity.cid import CID
from dumbo.records import Depset, Edge, Record
from dumbo.storage.base import Claim, Problem


class DictCatalog:
    def __init__(self) -> None:
        self.rows: dict[int, Record] = {}
        self.last = 0
        self.depsets: dict[str, Depset] = {}
        self.accepts: dict[str, list[str]] = {}
        self.names: dict[str, CID] = {}
        self.moved: dict[CID, CID] = {}
        self.externals: dict[str, tuple[str, str]] = {}
        self.facts: dict[str, str] = {}
        self.counts: dict[tuple[str, str], tuple[int, float]] = {}
        self.claims: dict[CID, Claim] = {}
        self.epoch = 0

    def versions(self, cid: CID) -> tuple[Record, ...]:
        return tuple(r for _, r in sorted(self.rows.items(), reverse=True) if r.cid == cid)

    def record(self, cid: CID, version: int = 0) -> Record | None:
        return next((r for r in self.versions(cid) if version in (0, r.version)), None)

    def add(
        self,
        records: Sequence[Record],
        depsets: Iterable[Depset] = (),
        claim: Claim | None = None,
    ) -> dict[int, int]:
        before = (dict(self.rows), self.last, dict(self.depsets), dict(self.claims))
        try:
            if claim is not None and not self.release(claim):
                raise ClaimLostError("taken over")
            for depset in depsets:
                self.depsets.setdefault(depset.key, depset)
            made: dict[int, int] = {}
            for record in records:
                made[record.version] = self._add(record, made)
        except BaseException:
            self.rows, self.last, self.depsets, self.claims = before
            raise
        return made

    def _add(self, record: Record, made: dict[int, int]) -> int:
        if record.depset and record.depset not in self.depsets:
            raise ConfigurationError("unknown depset")
        if any(e.version < 0 and e.version not in made for e in record.edges):
            raise ConfigurationError("unknown version")
        edges = tuple(replace(e, version=made.get(e.version, e.version)) for e in record.edges)
        twin = self.record(record.cid)
        same = twin and (twin.depset, twin.digest) == (record.depset, record.digest)
        if twin and same and twin.edges == edges:
            number, kept = twin.version, twin
            if record.stored is None and twin.stored is not None:
                record = replace(record, stored=twin.stored, meta=twin.meta, nbytes=twin.nbytes)
            record = replace(record, text=kept.text, call=kept.call, created=kept.created)
        else:
            number = self.last = self.last + 1
        self.rows[number] = replace(record, version=number, edges=edges)
        return number

    def depset(self, key: str) -> Depset | None:
        return self.depsets.get(key)

    def forget(self, cid: CID) -> int:
        numbers = [r.version for r in self.versions(cid)]
        for number in numbers:
            del self.rows[number]
        self.names = {name: c for name, c in self.names.items() if c != cid}
        return len(numbers)

    def forget_version(self, cid: CID, version: int) -> bool:
        found = version > 0 and self.record(cid, version) is not None
        if found:
            del self.rows[version]
        return found

    def discard(self, version: int) -> bool:
        record = self.rows.get(version)
        if record is None or record.cid in self.names.values():
            return False
        return self.forget_version(record.cid, version)

    def evict(self, cid: CID, version: int) -> bool:
        found = self.record(cid, version)
        if found is None or found.stored is None:
            return False
        self.rows[found.version] = replace(found, stored=None)
        return True

    def update_text(self, cid: CID, text: str) -> None:
        found = self.record(cid)
        if found is not None:
            self.rows[found.version] = replace(found, text=text)

    def set_tag(self, name: str, cid: CID) -> None:
        if self.names.get(name, cid) != cid:
            raise NameTakenError(name)
        self.names = {n: c for n, c in self.names.items() if c != cid} | {name: cid}

    def drop_tag(self, name: str) -> bool:
        return self.names.pop(name, None) is not None

    def tags(self) -> dict[str, CID]:
        return dict(sorted(self.names.items()))

    def tag_of(self, cid: CID) -> str | None:
        return next((name for name, c in self.names.items() if c == cid), None)

    def note_moves(self, moves: Mapping[CID, CID]) -> None:
        self.moved.update(moves)
        for name, cid in tuple(self.names.items()):
            if cid.parent in moves:
                self.names[name] = CID(moves[cid.parent] + cid.path)

    def moves(self) -> dict[CID, CID]:
        return dict(self.moved)

    def accept(self, key: str, depset: Depset) -> None:
        self.depsets.setdefault(depset.key, depset)
        others = self.accepts.setdefault(key, [])
        if depset.key not in others:
            others.append(depset.key)

    def accepted(self, key: str) -> tuple[str, ...]:
        return tuple(self.accepts.get(key, ()))

    def depsets_of(self, function: str) -> tuple[str, ...]:
        rows = [r for _, r in sorted(self.rows.items(), reverse=True) if r.function == function]
        return tuple(dict.fromkeys(r.depset for r in rows if r.depset))

    def functions_with_code(self, fingerprint: str) -> tuple[tuple[str, str], ...]:
        members = [m for d in self.depsets.values() for m in d.members]
        return tuple(
            dict.fromkeys(
                (m.module, m.name)
                for m in reversed(members)
                if m.kind == "code" and m.fingerprint == fingerprint
            )
        )

    def claim(self, cid: CID, owner: str, lease: float) -> Claim | None:
        now = time.time()
        if cid in self.claims and self.claims[cid].until >= now:
            return None
        self.epoch += 1
        self.claims[cid] = Claim(cid, owner, self.epoch, now + lease)
        return self.claims[cid]

    def _holds(self, claim: Claim) -> bool:
        held = self.claims.get(claim.cid)
        return held is not None and held.epoch == claim.epoch

    def renew(self, claim: Claim, lease: float) -> Claim | None:
        if not self._holds(claim):
            return None
        self.claims[claim.cid] = replace(claim, until=time.time() + lease)
        return self.claims[claim.cid]

    def release(self, claim: Claim) -> bool:
        return self._holds(claim) and self.claims.pop(claim.cid) is not None

    def claimant(self, cid: CID) -> Claim | None:
        return self.claims.get(cid)

    def set_external(self, name: str, digest: str, text: str) -> None:
        self.externals[name] = (digest, text)

    def external(self, name: str) -> tuple[str, str] | None:
        return self.externals.get(name)

    def _newest(self) -> dict[CID, Record]:
        return {r.cid: r for _, r in sorted(self.rows.items())}

    def consumers(self, cid: CID) -> tuple[Edge, ...]:
        newest = sorted(self._newest().values(), key=lambda r: r.version)
        return tuple(e for r in newest for e in r.edges if e.source == cid)

    def upstream(self, cid: CID) -> set[CID]:
        found: set[CID] = set()
        left = [*self.edges_of([cid])]
        while left:
            edge = left.pop()
            found.add(edge.source)
            used = self.rows.get(edge.version)
            left += used.edges if used else ()
        return found

    def downstream(self, cid: CID) -> set[CID]:
        found: set[CID] = set()
        left = [cid]
        while left:
            new = {e.target for e in self.consumers(left.pop())} - found
            found |= new
            left += new
        return found

    def edges_of(self, cids: Iterable[CID]) -> tuple[Edge, ...]:
        found = [self.record(cid) for cid in cids]
        return tuple(e for r in found if r is not None for e in r.edges)

    def nodes(self, function: str | None = None, limit: int | None = None) -> Iterator[Record]:
        newest = sorted(self._newest().values(), key=lambda r: -r.version)
        return iter([r for r in newest if function in (None, r.function)][:limit])

    def every_version(self) -> Iterator[Record | Problem]:
        return iter([r for _, r in sorted(self.rows.items())])

    def faults(self) -> tuple[str, ...]:
        return ()

    def functions(self) -> tuple[str, ...]:
        return tuple(sorted({str(r.function) for r in self.rows.values()}))

    def node_count(self) -> int:
        return len(self._newest())

    def value_bytes(self) -> int:
        return sum(r.nbytes for r in self.rows.values() if r.stored is not None)

    def get_meta(self, key: str) -> str | None:
        return self.facts.get(key)

    def put_meta(self, key: str, value: str) -> None:
        self.facts[key] = value

    def count(self, kind: str, function: str, seconds: float = 0.0, n: int = 1) -> None:
        counted, so_far = self.counts.get((kind, function), (0, 0.0))
        self.counts[kind, function] = (counted + n, so_far + seconds)

    def totals(self) -> dict[tuple[str, str], tuple[int, float]]:
        return dict(self.counts)

    def flush(self) -> None:
        pass

    def close(self) -> None:
        pass

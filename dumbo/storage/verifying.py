"""Whether every value of a store is there and as it was written.

Law: damage is reported, never raised; nothing is changed; everything is digested, whatever its
stamp says. Others may use the store meanwhile: what they took away while it was looked at is no
damage.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from dumbo.errors import (
    CorruptStoreError,
    MissingLibraryError,
    StoreError,
    StoreFormatError,
    UntrustedValueError,
    ValueLostError,
)
from dumbo.records import Record
from dumbo.storage.base import Problem
from dumbo.storage.store import Store
from dumbo.storage.unreadable import UnreadableError

_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Report:
    """What was found, and what was done about it.

    Attributes
    ----------
    records : int
        Versions looked at.
    objects : int
        Objects digested.
    nbytes : int
        Their bytes.
    problems : tuple of Problem
        What is wrong, by CID and version.
    faults : tuple of str
        What is wrong with the catalog as a whole.
    unchecked : tuple of Problem
        Values that could not be looked at here: of a library that is absent, of a newer dumbo, or
        with bytes that could not be read this time.
    orphans : int
        Objects that no record names: left by killed processes or by deleted results.
    actions : tuple of str
        What was done, in words; empty after a mere look.
    """

    records: int = 0
    objects: int = 0
    nbytes: int = 0
    problems: tuple[Problem, ...] = ()
    faults: tuple[str, ...] = ()
    unchecked: tuple[Problem, ...] = ()
    orphans: int = 0
    actions: tuple[str, ...] = ()

    @property
    def is_sound(self) -> bool:
        """Whether nothing is wrong; orphans take room and are nothing wrong."""
        return not self.problems and not self.faults

    def __str__(self) -> str:
        lines = [
            f"{self.records} records and {self.objects} objects ({self.nbytes} bytes) were looked "
            f"at: {'all is well' if self.is_sound else 'there is damage'}."
        ]
        lines += _listed(self.faults, "catalog: ")
        lines += _listed(self.problems, "")
        lines += _listed(self.unchecked, "not checked: ")
        if self.orphans:
            lines.append(f"{self.orphans} objects belong to no record; repair removes old ones.")
        return "\n".join([*lines, *self.actions])


def _listed(things: tuple[object, ...], prefix: str) -> list[str]:
    lines = [f"{prefix}{thing}" for thing in things[:_SHOWN]]
    more = len(things) - _SHOWN
    return [*lines, f"{prefix}... and {more} more"] if more > 0 else lines


def verify_store(store: Store) -> Report:
    """Check every record against its bytes, digesting all of them.

    Takes the time of reading the store once. Pickled values are digested as bytes: nothing is
    unpickled.

    Parameters
    ----------
    store : Store

    Returns
    -------
    Report

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> with tempfile.TemporaryDirectory() as parent, Store(Path(parent, "store")) as store:
    ...     print(verify_store(store))
    0 records and 0 objects (0 bytes) were looked at: all is well.
    """
    return Check(store).run()


class Check:
    """One look at a whole store.

    Parameters
    ----------
    store : Store

    Attributes
    ----------
    named : set of str
        Objects that records name, as far as it got.
    broken : set of str
        Objects that are not what their name says.
    is_complete : bool
        Whether every record could be asked which objects it needs.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._sound: set[str] = set()
        self._nbytes = 0
        self.named: set[str] = set()
        self.broken: set[str] = set()
        self.is_complete = True

    def run(self) -> Report:
        """Look at everything."""
        problems: list[Problem] = []
        unchecked: list[Problem] = []
        records = 0
        faults = [*self._store.catalog.faults()]
        try:
            for found in self._store.catalog.every_version():
                records += 1
                problem = found if isinstance(found, Problem) else self._problem(found, unchecked)
                if problem is not None and (real := self._again(problem, unchecked)) is not None:
                    problems.append(real)
        except CorruptStoreError as error:
            self.is_complete = False
            if not faults:
                faults.append(str(error))
        return Report(
            records=records,
            objects=len(self._sound) + len(self.broken),
            nbytes=self._nbytes,
            problems=tuple(problems),
            faults=tuple(faults),
            unchecked=tuple(unchecked),
            orphans=sum(1 for _ in self._orphans()),
        )

    def _orphans(self) -> Iterator[str]:
        return (name for name in self._store.objects.names() if name not in self.named)

    def _problem(self, record: Record, unchecked: list[Problem]) -> Problem | None:
        if record.stored is None:
            return None
        problem = Problem(record.cid, record.version, "")
        try:
            names = self._store.values.objects_of(record.stored)
            self.named.update(names)
            for name in names:
                self._digest(name)
        except UnreadableError as error:
            self._passed(replace(problem, problem=str(error)), record, unchecked)
        except ValueLostError as error:
            if record.stored.object:
                self.named.add(record.stored.object)
            return replace(problem, problem=str(error))
        except (StoreFormatError, MissingLibraryError, UntrustedValueError) as error:
            # Which objects it needs is not known: none may be taken for an orphan.
            self.is_complete = False
            unchecked.append(replace(problem, problem=str(error)))
        except StoreError as error:
            return replace(problem, problem=str(error))
        return None

    def _passed(self, problem: Problem, record: Record, unchecked: list[Problem]) -> None:
        """Leave alone what could not be read: nobody knows which objects it needs besides."""
        if record.stored is not None and record.stored.object:
            self.named.add(record.stored.object)
        self.is_complete = False
        unchecked.append(problem)

    def _digest(self, name: str) -> None:
        if name in self._sound:
            return
        try:
            self._store.objects.verify(name)
        except UnreadableError:
            raise
        except ValueLostError:
            self.broken.add(name)
            raise
        self._sound.add(name)
        self._nbytes += self._store.objects.size_of(name)

    def _again(self, problem: Problem, unchecked: list[Problem]) -> Problem | None:
        """Ask the catalog once more: the value may have been given up just now."""
        if not problem.cid:
            return problem
        try:
            record = self._store.catalog.record(problem.cid, problem.version)
        except StoreError:
            return problem
        if record is None or record.stored is None:
            return None
        try:
            self._store.values.check(record.stored)
            for name in self._store.values.objects_of(record.stored):
                self._store.objects.verify(name)
                self.broken.discard(name)
        except UnreadableError as error:
            self._passed(replace(problem, problem=str(error)), record, unchecked)
            return None
        except StoreError as error:
            return replace(problem, problem=str(error))
        return None

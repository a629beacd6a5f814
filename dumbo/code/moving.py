"""A depset under another name: what a result of a function hangs on after that function moved.

Law: what comes out is a claim to be verified like any other, and is sound if it verifies. The
function's own code is looked for under the new name, by which it and what moved along call it.
Names are looked up where the code that reads them is now: either all code of the old module moved
along (`whole`), or the function alone did and the rest stayed where it was (`alone`). Where code
elsewhere may still read the old module, what it held has to hold there, too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from types import FunctionType
from typing import Final

from dumbo.code import modules
from dumbo.code.bytecode import nested_codes, qualified_name
from dumbo.code.forms import find_codes
from dumbo.code.looking import Looker
from dumbo.code.names import names_of_all
from dumbo.code.renaming import renamed
from dumbo.identity.cid import FunctionId
from dumbo.records import Dependency, DependencyKind, Depset

_NAMED: Final = frozenset({DependencyKind.BOUND, DependencyKind.GLOBAL, DependencyKind.OPAQUE})
_SUFFIX: Final = re.compile(r"~\w+$")


def own_member(depset: Depset, module: str, name: str) -> Dependency | None:
    """The code of the function that goes by a name, in a depset."""
    key = (DependencyKind.CODE.value, module, name)
    return next((member for member in depset.members if member.key == key), None)


def own_name(function_id: FunctionId) -> str:
    """Name of a function in depsets: without the count or code that tells twins apart."""
    return _SUFFIX.sub("", function_id.qualname)


def moved(
    looker: Looker, depset: Depset, old: FunctionId, function: FunctionType
) -> Iterator[Depset]:
    """What `depset`, of a result of `old`, is if `function` is what became of `old`.

    Gives nothing where the depset does not know the code of `old`.
    """
    move = _Move(
        looker,
        function,
        old.module,
        own_name(old),
        modules.real_name(function.__globals__),
        qualified_name(function.__code__),
    )
    if own_member(depset, move.module, move.name) is None:
        return
    yield Depset.of(tuple(move.whole(depset.members)))
    if move.module != move.new_module:
        yield Depset.of(tuple(move.alone(depset.members)))


@dataclass(frozen=True, slots=True)
class _Move:
    looker: Looker
    function: FunctionType
    module: str
    name: str
    new_module: str
    new_name: str

    def whole(self, members: tuple[Dependency, ...]) -> Iterator[Dependency]:
        """All code of the old module is in the new one."""
        stays = self._is_read_from_outside(members) and self._still_there()
        for member in members:
            if member.module != self.module:
                yield self._relabelled(member, shift=True)
            elif self._is_own(member):
                yield self._own(member)
            else:
                yield self._shifted(member, shift=True)
                if stays and member.kind in _NAMED:
                    yield member

    def alone(self, members: tuple[Dependency, ...]) -> Iterator[Dependency]:
        """Only the function is in the new module; what it used stayed and is imported there."""
        read = {chain[0] for chain in names_of_all(self.function.__code__).chains}
        elsewhere = self._is_read_from_outside(members) or any(
            m.kind is DependencyKind.CODE and m.module == self.module and not self._is_own(m)
            for m in members
        )
        for member in members:
            if member.module != self.module:
                yield self._relabelled(member, shift=False)
            elif self._is_own(member):
                yield self._own(member)
            elif member.kind in _NAMED:
                mine = re.split(r"[.#=]", member.name)[0] in read
                if mine:
                    yield self._shifted(member, shift=False)
                if elsewhere or not mine:
                    yield self._relabelled(member, shift=False)
            else:
                yield member

    def _is_own(self, member: Dependency) -> bool:
        rest = member.name.removeprefix(self.name)
        return member.name.startswith(self.name) and rest[:1] in {"", ".", "#", "="}

    def _is_read_from_outside(self, members: Iterable[Dependency]) -> bool:
        return any(m.kind is DependencyKind.CODE and m.module != self.module for m in members)

    def _still_there(self) -> bool:
        return modules.find_file(self.module) is not None

    def _own(self, member: Dependency) -> Dependency:
        name = self.new_name + member.name.removeprefix(self.name)
        own = replace(member, module=self.new_module, name=name)
        if member.kind in _NAMED:
            return self._named(own, shift=False)
        return replace(self._calling(own), file=self.function.__code__.co_filename)

    def _shifted(self, member: Dependency, *, shift: bool) -> Dependency:
        file = modules.file_of(self.function.__globals__)
        there = replace(member, module=self.new_module, file=file if member.file else "")
        return self._named(there, shift=shift) if member.kind in _NAMED else self._calling(there)

    def _calling(self, member: Dependency) -> Dependency:
        """Code that may call the function by its name: what it is with the new one."""
        old, new = (name.rpartition(".")[2] for name in (self.name, self.new_name))
        if member.kind is not DependencyKind.CODE or old == new or self._is_todays(member):
            return member
        fingerprint, text = renamed(member.fingerprint, member.text, old, new)
        return replace(member, fingerprint=fingerprint, text=text)

    def _is_todays(self, member: Dependency) -> bool:
        """Whether it is the code under its name now, perhaps as the old name still leads there."""
        loaded = find_codes(self.function.__globals__, member.name)
        codes = [*nested_codes(self.function.__code__), *loaded]
        found = [code for code in codes if qualified_name(code) == member.name]
        return any(self.looker.forms.of_code(code) == member.fingerprint for code in found)

    def _relabelled(self, member: Dependency, *, shift: bool) -> Dependency:
        """The same name, whose meaning may name the function, or the module."""
        if member.kind is not DependencyKind.BOUND:
            return member
        meaning, _, form = member.fingerprint.rpartition("~")
        now = self._label(meaning, shift=shift)
        return member if now == meaning else replace(member, fingerprint=f"{now}~{form}")

    def _named(self, member: Dependency, *, shift: bool) -> Dependency:
        """A name in its new module; its binding there counts only if it means the same now."""
        if member.kind is DependencyKind.OPAQUE:
            return member
        meaning = member.fingerprint.rpartition("~")[0]
        if member.kind is DependencyKind.BOUND:
            meaning = self._label(meaning, shift=shift)
        resolver, bindings = self.looker.resolver, self.looker.bindings
        now = resolver.meaning(resolver.find(self.function.__globals__, member.name))
        same = now.fingerprint == meaning and bindings.is_current(member.module)
        form = bindings.form(member.module, member.name) if same else ""
        return replace(member, fingerprint=f"{meaning}~{form}")

    def _label(self, label: str, *, shift: bool) -> str:
        """What a name means, in today's names: ``memoized old:f`` becomes ``memoized new:g``."""
        label = re.sub(
            rf"(?<![\w.]){re.escape(f'{self.module}:{self.name}')}(?![\w.])",
            lambda _: f"{self.new_module}:{self.new_name}",
            label,
        )
        if not shift:
            return label
        return re.sub(
            rf"(?<![\w.]){re.escape(self.module)}:", lambda _: f"{self.new_module}:", label
        )

"""A depset as it would be written today: the same members, each in its present version.

Law: finds things as verification does and runs nothing. What cannot be found keeps the version it
was recorded in, and is named; so what comes out verifies, but for those.
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from dataclasses import dataclass, replace
from types import FunctionType
from typing import Any

from dumbo.code import modules
from dumbo.code.bytecode import qualified_name
from dumbo.code.forms import SOURCE, find_codes, shell_form
from dumbo.code.looking import Looker
from dumbo.code.statics import functions_behind
from dumbo.code.verify import Verifier, own_key
from dumbo.records import Dependency, DependencyKind, Depset, State

Key = tuple[str, str, str]
_CODE = frozenset({DependencyKind.CODE, DependencyKind.CLASS})


@dataclass(frozen=True, slots=True)
class Today:
    """Brings members up to date, for one function."""

    looker: Looker
    verifier: Verifier
    function: FunctionType | None
    declared: tuple[Dependency, ...]

    def members(
        self, depset: Depset, only: Container[Key] | None
    ) -> tuple[list[Dependency], list[Dependency], bool]:
        """Present members, those that cannot be found, and whether any code moved."""
        present: list[Dependency] = []
        lost: list[Dependency] = []
        moved = False
        self.verifier.admit(depset, self.function)
        for member in depset.members:
            if (only is not None and member.key not in only) or self._holds(member):
                present.append(member)
                continue
            if member.kind in _CODE:
                moved = True
                if self._is_gone(member):
                    continue
            now = self._now(member)
            if now is None:
                lost.append(member)
            present.append(member if now is None else now)
        return present, lost, moved

    def _holds(self, member: Dependency) -> bool:
        if self.function is not None and member.key == own_key(self.function):
            return False
        alone = Depset.of((member,))
        return self.verifier.verify_members(alone, self.function, self.declared).state is (
            State.FRESH
        )

    def _is_gone(self, member: Dependency) -> bool:
        """Whether its file defines it no more, so that nothing can use it."""
        source = self.verifier.source_of(member)
        if self.function is None or source is None or source.touched:
            return False
        named = (
            source.index.functions if member.kind is DependencyKind.CODE else source.index.classes
        )
        return member.name not in named

    def _now(self, member: Dependency) -> Dependency | None:
        kind = member.kind
        if kind is DependencyKind.CODE:
            return self._code(member)
        if kind is DependencyKind.CLASS:
            return self._class(member)
        if kind is DependencyKind.PACKAGE:
            version = self.looker.packages.version(member.module)
            return replace(member, fingerprint=version, text=version) if version else None
        if kind is DependencyKind.DECLARED:
            now = self.verifier.answer_of(member, self.declared)
            return None if now is None else replace(member, fingerprint=now[0], text=now[1])
        return self._named(member)

    def _code(self, member: Dependency) -> Dependency | None:
        forms = self.looker.forms
        if self.function is not None and member.key == own_key(self.function):
            codes = [self.function.__code__]
        else:
            module = modules.loaded(member.module)
            codes = find_codes(vars(module), member.name) if module is not None else []
        if codes:
            fingerprint = "|".join(sorted({forms.of_code(code) for code in codes}))
            text = "\n".join(forms.text_of_code(code) for code in codes)
            return replace(member, fingerprint=fingerprint, text=text, file=codes[0].co_filename)
        source = self.verifier.source_of(member)
        entries = source.index.functions.get(member.name, ()) if source is not None else ()
        if source is None or not entries:
            return None
        fingerprint = "|".join(sorted({SOURCE + entry.form for entry in entries}))
        text = self.verifier.text_of(source, entries)
        return replace(member, fingerprint=fingerprint, text=text, file=source.path)

    def _class(self, member: Dependency) -> Dependency | None:
        cls = self.verifier.loaded_class(member)
        forms = self.looker.forms
        if cls is not None:
            return replace(member, fingerprint=forms.of_class(cls), text=forms.text_of_class(cls))
        source = self.verifier.source_of(member)
        entries = source.index.classes.get(member.name, ()) if source is not None else ()
        if source is None or not entries:
            return None
        text = self.verifier.text_of(source, entries)
        return replace(member, fingerprint=SOURCE + shell_form(entries), text=text)

    def _named(self, member: Dependency) -> Dependency | None:
        namespace = self.verifier.namespace(member.module, self.function)
        if namespace is None:
            return None
        found = self.looker.resolver.find(namespace, member.name)
        meaning = self.looker.resolver.meaning(found)
        if meaning.kind is DependencyKind.OPAQUE:
            return None
        bindings = self.looker.bindings
        form = bindings.form_now(member.module, member.name, meaning.fingerprint)
        fingerprint = f"{meaning.fingerprint}~{form}"
        return replace(member, kind=meaning.kind, fingerprint=fingerprint, text=meaning.text)


def key_of(looker: Looker, thing: Any) -> Key | None:
    """Key of the dependency that a function or class of the project is; None for anything else."""
    if isinstance(thing, type):
        if not looker.project.owns_module(thing.__module__):
            return None
        module = modules.real_name({"__name__": thing.__module__})
        return (DependencyKind.CLASS.value, module, thing.__qualname__)
    for function in functions_behind(thing)[:1]:
        code = function.__code__
        if looker.project.owns_file(code.co_filename):
            module = modules.real_name(function.__globals__)
            return (DependencyKind.CODE.value, module, qualified_name(code))
    return None


def joined(present: Iterable[Dependency], more: Iterable[Dependency]) -> Depset:
    """One depset of `present`, and of what `more` adds to it."""
    members = {member.key: member for member in more}
    return Depset.of(tuple((members | {member.key: member for member in present}).values()))

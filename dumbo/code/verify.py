"""Whether a depset still holds, and what changed where it does not.

Law: loads nothing, imports nothing, executes nothing: what a declared callable returns is answered
beforehand. An unchanged file costs one ``stat``. A thing that cannot be found again gives UNKNOWN,
never fresh and never stale.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import CodeType, FunctionType
from typing import Any, Final, TypeAlias

from dumbo._typing import MISSING
from dumbo.code import asking, declarations, modules
from dumbo.code.bytecode import MINOR, qualified_name
from dumbo.code.forms import BYTECODE, LIVE_CLASS, SOURCE, find_codes, shell_form
from dumbo.code.looking import Looker
from dumbo.code.source_index import Entry
from dumbo.code.sources import Source
from dumbo.code.values import agree
from dumbo.records import (
    FRESH,
    Dependency,
    DependencyKind,
    Depset,
    Reason,
    ReasonKind,
    Staleness,
    State,
)

Check: TypeAlias = Reason | None
_KINDS: Final = {
    DependencyKind.CODE: ReasonKind.CODE,
    DependencyKind.CLASS: ReasonKind.CODE,
    DependencyKind.BOUND: ReasonKind.CODE,
    DependencyKind.GLOBAL: ReasonKind.GLOBAL,
    DependencyKind.PACKAGE: ReasonKind.PACKAGE,
    DependencyKind.DECLARED: ReasonKind.DECLARED,
}


def stale(dependency: Dependency, after: str, detail: str = "") -> Reason:
    """The dependency changed."""
    kind = _KINDS[dependency.kind]
    before = dependency.text
    return Reason(kind, _subject(dependency), before, after, dependency.by, detail)


def unknown(dependency: Dependency, detail: str) -> Reason:
    """Nothing can be said about the dependency."""
    subject = _subject(dependency)
    return Reason(ReasonKind.UNKNOWN, subject, dependency.text, "", dependency.by, detail)


def _subject(dependency: Dependency) -> str:
    if dependency.kind is DependencyKind.DECLARED:
        return f"{dependency.module}.{dependency.name}".lstrip(".")
    return dependency.label


class Unanswered(Exception):  # noqa: N818 - a question, and no failure
    """A declared callable has to be asked first, where no lock is held."""

    def __init__(self, dependency: Dependency) -> None:
        super().__init__(dependency.name)
        self.dependency = dependency


@dataclass(slots=True)
class _Scope:
    """Where the members of one depset are looked up."""

    depset: Depset
    again: dict[tuple[str, str, str], Dependency]
    spaces: dict[str, dict[str, Any] | None]
    folders: tuple[str, ...] | None = None

    @property
    def roots(self) -> tuple[str, ...]:
        """Folders that the modules of the depset were in, by the files on its members."""
        if self.folders is None:
            found = {(d.module, d.file) for d in self.depset.members if d.file}
            roots = {modules.root_of(module, file) for module, file in found}
            self.folders = tuple(sorted(root for root in roots if root))
        return self.folders


class Verifier:
    """Checks dependencies one by one."""

    def __init__(self, looker: Looker, contents: declarations.Contents) -> None:
        self._looker = looker
        self._contents = contents
        self.answers: dict[tuple[str, str, str], tuple[str, str]] = {}
        self._sources = looker.forms.sources
        self._checks: dict[DependencyKind, Callable[[Dependency], Check]] = {
            DependencyKind.CODE: self._code,
            DependencyKind.CLASS: self._class,
            DependencyKind.PACKAGE: self._package,
        }

    def verify(
        self, depset: Depset, function: FunctionType | None, declared: Iterable[Dependency]
    ) -> Staleness:
        """Check every member; all reasons are given, not only the first."""
        own = own_key(function)
        reasons = self._reasons(depset, function, declared)
        if function is not None and self._lacks_own(depset, function, own):
            name = f"{own[1]}.{own[2]}"
            detail = "is not the function that was computed under this name"
            reasons.append(Reason(ReasonKind.CODE, name, detail=detail))
        return _verdict(reasons)

    def verify_members(
        self, depset: Depset, function: FunctionType | None, declared: Iterable[Dependency]
    ) -> Staleness:
        """Check what is there, and not that the function itself is among it."""
        return _verdict(self._reasons(depset, function, declared))

    def _reasons(
        self, depset: Depset, function: FunctionType | None, declared: Iterable[Dependency]
    ) -> list[Reason]:
        scope = _Scope(depset, {dependency.key: dependency for dependency in declared}, {})
        if function is not None:
            scope.spaces[modules.real_name(function.__globals__)] = function.__globals__
        self.admit(depset, function)
        own = own_key(function)
        reasons: list[Reason] = []
        for dependency in depset.members:
            if function is not None and dependency.name == own[2] and dependency.key == own:
                reason = self._own(dependency, function.__code__)
            else:
                reason = self._check(dependency, scope)
            if reason is not None:
                reasons.append(reason)
        return reasons

    def admit(self, depset: Depset, function: FunctionType | None) -> None:
        """Note which callables of a depset may be asked, by the code of it that is loaded."""
        asking.admit(self._looker, depset, function)

    def _check(self, dependency: Dependency, scope: _Scope) -> Check:
        kind = dependency.kind
        if kind is DependencyKind.OPAQUE:
            return None
        if kind is DependencyKind.BOUND or kind is DependencyKind.GLOBAL:
            return self._name(dependency, scope)
        if kind is DependencyKind.DECLARED:
            return self._declared(dependency, scope.again.get(dependency.key))
        return self._checks[kind](dependency)

    def _lacks_own(self, depset: Depset, function: FunctionType, own: tuple[str, str, str]) -> bool:
        """Whether another function than this one ran: two can be given one name."""
        file = function.__code__.co_filename
        watched = file.startswith("<") or self._looker.project.owns_file(file)
        return watched and not any(member.key == own for member in depset.members)

    def _own(self, dependency: Dependency, code: CodeType) -> Check:
        """Judge the function's own code by the function: its file may define the name twice."""
        forms = self._looker.forms
        recorded = dependency.fingerprint.split("|")
        if forms.of_code(code) in recorded or BYTECODE + forms.bytecode(code) in recorded:
            return None
        return stale(dependency, forms.text_of_code(code), _upgrade(dependency))

    def _code(self, dependency: Dependency) -> Check:
        wanted = set(dependency.fingerprint.split("|"))
        source = self.source_of(dependency)
        if source is None or source.touched:
            checked, reason = self._loaded_code(dependency, wanted)
            if checked:
                return reason
        if source is None:
            return unknown(dependency, "its source is gone and its module is not loaded")
        entries = source.index.functions.get(dependency.name, ())
        there = {SOURCE + entry.form for entry in entries}
        there |= {BYTECODE + form for entry in entries for form in entry.codes}
        if wanted <= there:
            return None
        return stale(dependency, self.text_of(source, entries), _upgrade(dependency))

    def _loaded_code(self, dependency: Dependency, wanted: set[str]) -> tuple[bool, Check]:
        """Judge by what is loaded; whether it could be, and the reason if it differs."""
        module = modules.loaded(dependency.module)
        codes = find_codes(vars(module), dependency.name) if module is not None else []
        if not codes:
            return False, None
        forms = self._looker.forms
        there = {forms.of_code(code) for code in codes}
        there |= {BYTECODE + forms.bytecode(code) for code in codes}
        if wanted <= there:
            return True, None
        text = "\n".join(forms.text_of_code(code) for code in codes)
        return True, stale(dependency, text, _upgrade(dependency))

    def _class(self, dependency: Dependency) -> Check:
        source = self.source_of(dependency)
        cls = self.loaded_class(dependency)
        live = dependency.fingerprint.startswith(LIVE_CLASS)
        if cls is not None and (live or source is None or source.touched):
            return self._loaded_class_form(dependency, cls, source)
        if live or source is None:
            return unknown(dependency, "its module is not loaded")
        entries = source.index.classes.get(dependency.name, ())
        if entries and dependency.fingerprint == SOURCE + shell_form(entries):
            return None
        return stale(dependency, self.text_of(source, entries))

    def _loaded_class_form(self, dependency: Dependency, cls: type, source: Source | None) -> Check:
        forms = self._looker.forms
        there = {forms.of_class(cls), forms.live_class(cls)}
        if dependency.fingerprint in there:
            return None
        entries = source.index.classes.get(dependency.name, ()) if source else ()
        if entries and dependency.fingerprint == SOURCE + shell_form(entries):
            return unknown(dependency, "its file may have changed since it was loaded")
        return stale(dependency, forms.text_of_class(cls))

    def loaded_class(self, dependency: Dependency) -> type | None:
        """The class a dependency names, if it is loaded."""
        module = modules.loaded(dependency.module)
        if module is None or "<" in dependency.name:
            return None
        found = self._looker.resolver.find(vars(module), dependency.name).value
        return found if isinstance(found, type) else None

    def _name(self, dependency: Dependency, scope: _Scope) -> Check:
        recorded, _, form = dependency.fingerprint.rpartition("~")
        name, spaces = dependency.module, scope.spaces
        if name not in spaces:
            module = modules.loaded(name)
            spaces[name] = None if module is None else vars(module)
        namespace = spaces[name]
        if namespace is None:
            return self._unloaded_name(dependency, recorded, form, scope)
        resolver = self._looker.resolver
        found = resolver.find(namespace, dependency.name)
        meaning = resolver.meaning(found)
        if agree(recorded, meaning.fingerprint):
            return None
        if found.value is MISSING and "__getattr__" in namespace:
            return unknown(dependency, "the module makes the name on demand")
        if meaning.kind is DependencyKind.OPAQUE:
            return unknown(dependency, "its value has no fingerprint any more")
        return stale(dependency, meaning.text)

    def _unloaded_name(
        self, dependency: Dependency, recorded: str, form: str, scope: _Scope
    ) -> Check:
        bindings = self._looker.bindings.among(scope.roots)
        now = bindings.form(dependency.module, dependency.name)
        if form and now == form:
            return None
        meant, text = bindings.meaning(dependency.module, dependency.name)
        if meant and agree(recorded, meant):
            return None
        if form[:1] == now[:1] == "=":
            detail = "" if text else "by its source; the module is not loaded"
            return stale(dependency, text, detail)
        return unknown(dependency, "its module is not loaded")

    def _package(self, dependency: Dependency) -> Check:
        version = self._looker.packages.version(dependency.module)
        if version == dependency.fingerprint:
            return None
        if not version:
            return unknown(dependency, "the package is not installed here")
        return stale(dependency, version)

    def _declared(self, dependency: Dependency, again: Dependency | None) -> Check:
        now = self.answer_of(dependency, () if again is None else (again,))
        if now is None:
            if dependency.name.partition(":")[0] == "value":
                return None  # declared inside the body, so only running it could tell
            answer = self.answers.get(dependency.key)
            return unknown(dependency, asking.NOT_DECLARED if answer is None else answer[1])
        return None if now[0] == dependency.fingerprint else stale(dependency, now[1])

    def answer_of(
        self, dependency: Dependency, declared: Iterable[Dependency]
    ) -> tuple[str, str] | None:
        """Fingerprint and text of what the user named, now; None where it cannot be told.

        Raises
        ------
        Unanswered
            It is for a callable to tell, and it was not asked in this epoch.
        """
        for again in declared:
            if again.key == dependency.key:
                return again.fingerprint, again.text
        if not declarations.is_asked(dependency):
            return declarations.current(dependency, self._contents)
        if not declarations.is_noted(dependency):
            return None
        answer = self.answers.get(dependency.key)
        if answer is None:
            raise Unanswered(dependency)
        return answer if answer[0] else None

    def ask(self, dependency: Dependency) -> tuple[str, str]:
        """Call a declared callable; without a fingerprint, the text says why there is none."""
        if not declarations.is_noted(dependency):
            return "", asking.NOT_DECLARED
        try:
            found = declarations.current(dependency, self._contents)
        except Exception as error:  # noqa: BLE001 - the user's own; the verdict names it
            return "", f"it could not be asked: {type(error).__name__}: {error}"
        return ("", "its module is not loaded") if found is None else found

    def namespace(self, module: str, function: FunctionType | None) -> dict[str, Any] | None:
        """Globals of a loaded module; None if it is not."""
        if function is not None and modules.real_name(function.__globals__) == module:
            return function.__globals__
        found = modules.loaded(module)
        return None if found is None else vars(found)

    def source_of(self, dependency: Dependency) -> Source | None:
        """The file a dependency is defined in, as it is now."""
        file = dependency.file
        if not file or modules.loaded(dependency.module) is None:
            # The project may have moved; the recorded place is only the second guess.
            file = self._place_of(dependency.module, not file) or file
        source = self._sources.get(file) if file else None
        if source is None:
            found = self._place_of(dependency.module, not file)
            source = self._sources.get(found) if found else None
        return source

    def _place_of(self, module: str, anywhere: bool) -> str | None:
        """File of a module; one that is not of the project may be another that is called alike."""
        found = modules.find_file(module)
        if found is None or anywhere or self._looker.project.owns_file(found):
            return found
        return None

    def text_of(self, source: Source, entries: tuple[Entry, ...]) -> str:
        """Normalised source of definitions."""
        return "\n".join(self._sources.text(source, entry) for entry in entries)


def _verdict(reasons: list[Reason]) -> Staleness:
    if not reasons:
        return FRESH
    # A change that is certain decides, whatever else could not be found.
    sure = tuple(reason for reason in reasons if reason.kind is not ReasonKind.UNKNOWN)
    return Staleness(State.STALE, sure) if sure else Staleness(State.UNKNOWN, tuple(reasons))


def own_key(function: FunctionType | None) -> tuple[str, str, str]:
    """Key of a function's own code; of nothing without a function."""
    if function is None:
        return ("", "", "")
    module = modules.real_name(function.__globals__)
    return (DependencyKind.CODE.value, module, qualified_name(function.__code__))


def _upgrade(dependency: Dependency) -> str:
    recorded = dependency.fingerprint
    if recorded.startswith("b:") and not recorded.startswith(BYTECODE):
        minor = recorded.split(":")[1]
        return f"it had no source, and its bytecode is of Python {minor}; this is {MINOR}"
    return ""

"""The form of loaded code and classes: from their source where it still is their source.

Law: what is loaded decides. The form of the file counts only if the file compiles to the bytecode
of the loaded code; else the bytecode form stands in, marked with Python's minor version. A form
once found for a loaded object stays: editing the file does not change what is loaded.
"""

from __future__ import annotations

import re
from types import CodeType, FunctionType
from typing import Any
from weakref import WeakKeyDictionary

from dumbo.code import modules
from dumbo.code.bytecode import MINOR, bytecode_form, listing, nested_codes, qualified_name
from dumbo.code.normal_form import constant_text, mark
from dumbo.code.source_index import Entry
from dumbo.code.sources import Source, Sources
from dumbo.code.statics import functions_behind, static_member
from dumbo.code.values import is_scalar, type_label

SOURCE = "a:"
BYTECODE = f"b:{MINOR}:"
LIVE_CLASS = "n:"
_LOCALS = ".<locals>."
# Other special names without code are put there by Python, differently from version to version.
_STATED = frozenset({"__match_args__", "__slots__"})
_SPECIAL = re.compile(r"__\w+__")


class Forms:
    """Forms of loaded objects, kept for as long as the process lives."""

    def __init__(self, sources: Sources) -> None:
        self.sources = sources
        self._codes: dict[int, tuple[CodeType, str, tuple[Source, Entry] | None]] = {}
        self._classes: WeakKeyDictionary[type, str] = WeakKeyDictionary()

    def of_code(self, code: CodeType) -> str:
        """Fingerprint of loaded code."""
        return self._known(code)[1]

    def text_of_code(self, code: CodeType) -> str:
        """Its normalised source, or its instructions."""
        place = self._known(code)[2]
        return self.sources.text(*place) if place else listing(code)

    def of_enclosing(self, code: CodeType) -> tuple[str, str]:
        """Fingerprint and text of the function around a comprehension that runs without it."""
        name, line = qualified_name(code), code.co_firstlineno
        source = self.sources.get(code.co_filename)
        entries = source.index.functions.get(name, ()) if source and not source.touched else ()
        for entry in entries:
            if source is not None and entry.line <= line <= entry.end:
                return SOURCE + entry.form, self.sources.text(source, entry)
        return BYTECODE + bytecode_form(code), listing(code)

    @staticmethod
    def bytecode(code: CodeType) -> str:
        """Bytecode form, without regard to any source."""
        return bytecode_form(code)

    @staticmethod
    def live_class(kind: type) -> str:
        """Fingerprint of a loaded class without regard to its source."""
        return LIVE_CLASS + live_class_form(kind)

    def has_variants(self, code: CodeType) -> bool:
        """Whether its file defines the name more than once."""
        source = self.sources.get(code.co_filename)
        return source is not None and len(source.index.functions.get(qualified_name(code), ())) > 1

    def of_class(self, cls: type) -> str:
        """Fingerprint of a loaded class's shell."""
        known = self._classes.get(cls)
        if known is None:
            source = self.source_of_class(cls)
            entries = source.index.classes.get(cls.__qualname__, ()) if source else ()
            if source is None or not entries or (source.touched and not self._loaded(cls, source)):
                known = LIVE_CLASS + live_class_form(cls)
            else:
                known = SOURCE + shell_form(entries)
            self._classes[cls] = known
        return known

    def text_of_class(self, cls: type) -> str:
        """Its normalised source without method bodies, or the names in it."""
        source = self.source_of_class(cls)
        entries = source.index.classes.get(cls.__qualname__, ()) if source else ()
        if source is None or not entries or self.of_class(cls).startswith(LIVE_CLASS):
            return f"class {cls.__qualname__}: " + ", ".join(sorted(vars(cls)))
        return "\n".join(self.sources.text(source, entry) for entry in entries)

    def source_of_class(self, cls: type) -> Source | None:
        """The file of the module a class says it is from."""
        module = modules.loaded(cls.__module__)
        file = modules.file_of(vars(module)) if module is not None else ""
        if not file:
            # A notebook's module has no file; its methods know their cells.
            codes = [f.__code__ for m in vars(cls).values() for f in functions_behind(m)]
            file = next((c.co_filename for c in codes), "")
        return self.sources.get(file) if file else None

    def _known(self, code: CodeType) -> tuple[CodeType, str, tuple[Source, Entry] | None]:
        known = self._codes.get(id(code))
        if known is None or known[0] is not code:
            form = bytecode_form(code)
            place = self._place(code, form)
            known = (code, SOURCE + place[1].form if place else BYTECODE + form, place)
            self._codes[id(code)] = known
        return known

    def _place(self, code: CodeType, form: str) -> tuple[Source, Entry] | None:
        """The definition that compiles to `code`, in any version of its file seen so far."""
        name = qualified_name(code)
        for source in self.sources.versions(code.co_filename):
            fitting = [e for e in source.index.functions.get(name, ()) if form in e.codes]
            if fitting:
                same_line = [e for e in fitting if e.line == code.co_firstlineno]
                return source, (same_line or fitting)[0]
        return None

    def _loaded(self, cls: type, source: Source) -> bool:
        """Whether a class may be what a touched file says; only a lone version seen here can be.

        Its methods must be the file's, and its module must have been imported after the edit,
        which only a file older than its bytecode can show; so a touched file never proves it.
        """
        entries = source.index.classes.get(cls.__qualname__, ())
        first = getattr(cls, "__firstlineno__", None)  # 3.13
        if source.stamp[:2] == (0, 0):
            # A cell's text is fixed when it runs, so the text at hand is what was run.
            return first is None or any(e.line == first for e in entries)
        return False


def shell_form(entries: tuple[Entry, ...]) -> str:
    """One form for all classes of one name in a file."""
    return entries[0].form if len(entries) == 1 else mark(*(e.form for e in entries))


def live_class_form(cls: type) -> str:
    """What a loaded class shows of its shell: bases, names, and values that cannot change."""
    parts = [type_label(base) for base in cls.__bases__]
    for name, member in sorted(vars(cls).items()):
        if _SPECIAL.fullmatch(name) and name not in _STATED and not functions_behind(member):
            continue
        parts.append(name)
        if is_scalar(member):
            parts.append(constant_text(member))
        for function in functions_behind(member):
            defaults = function.__defaults__ or ()
            parts += [constant_text(default) for default in defaults if is_scalar(default)]
    stated = vars(cls).get("__annotations__", {})
    parts += [f"{name}: {_stated(kind)}" for name, kind in sorted(stated.items())]
    return mark(*parts)


def _stated(annotation: object) -> str:
    """An annotation as far as it can be told without running code of its own."""
    if isinstance(annotation, str):
        return annotation
    return type_label(annotation if isinstance(annotation, type) else type(annotation))


def find_codes(namespace: dict[str, Any], name: str) -> list[CodeType]:
    """Loaded code objects that go by a qualified name, found by looking the name up.

    Examples
    --------
    >>> def make():
    ...     return lambda: 1
    >>> [code.co_name for code in find_codes({"make": make}, "make.<locals>.<lambda>")]
    ['<lambda>']
    """
    head = name.partition(_LOCALS)[0]
    first, *rest = head.split(".")
    value = namespace.get(first)
    for part in rest:
        value = static_member(value, part) if isinstance(value, type) else None
    found: list[CodeType] = []
    for function in _all_behind(value, 0):
        found += [c for c in nested_codes(function.__code__) if qualified_name(c) == name]
    return found


def _all_behind(value: object, depth: int) -> list[FunctionType]:
    """Functions a name leads to: behind descriptors, and in the cells of decorators' wrappers."""
    found: list[FunctionType] = []
    for function in functions_behind(value):
        found.append(function)
        wrapped = vars(function).get("__wrapped__")
        if depth < 4:
            cells = [c for c in map(cell_value, function.__closure__ or ()) if c is not wrapped]
            for inner in (wrapped, *cells):
                found += _all_behind(inner, depth + 1)
    return found


def cell_value(cell: Any) -> object:
    """What a closure cell holds; None while it is empty."""
    try:
        return cell.cell_contents
    except ValueError:  # the only way to ask whether a cell is empty
        return None

"""What the text of a module that is not loaded says about the value of a name.

Law: reads source indexes only. ``=`` forms determine the value (a literal, a plain def, an import
followed to its end); ``m`` forms say that nothing in the module, nor in the project modules it
imports, changed, so that importing it makes the same value again. Anything else says nothing.
"""

from __future__ import annotations

import builtins
from collections.abc import Iterator

from dumbo.code.modules import absolute_name, find_file
from dumbo.code.normal_form import mark
from dumbo.code.project import Project
from dumbo.code.resolve import BUILTIN
from dumbo.code.source_index import Binding
from dumbo.code.sources import Source, Sources

_HOPS = 20
_DECORATORS = {
    "dumbo": "memoized",
    "dumbo.dumbo": "memoized",
    "functools.cache": "cached",
    "functools.lru_cache": "cached",
}


class Bindings:
    """Forms of names of modules by their text."""

    def __init__(self, sources: Sources, project: Project, roots: tuple[str, ...] = ()) -> None:
        self._sources = sources
        self._project = project
        self._roots = roots
        self._closures: dict[str, str] = {}
        self._among: dict[tuple[str, ...], Bindings] = {}

    def refresh(self) -> None:
        """Derive everything again."""
        self._closures.clear()
        self._among.clear()

    def among(self, roots: tuple[str, ...]) -> Bindings:
        """The same, where modules that are not on ``sys.path`` are looked for in `roots`."""
        if not roots:
            return self
        found = self._among.get(roots)
        if found is None:
            found = self._among[roots] = Bindings(self._sources, self._project, roots)
        return found

    def form(self, module: str, name: str) -> str:
        """Form of the value a dependency's name has; empty when the text cannot say."""
        literal = self._literal(module, name.partition(".")[0], _HOPS)
        if literal and not any(mark in name for mark in "#="):
            return "=" + mark(*literal)
        path = list(self._path(module, name.partition(".")[0]))
        closure = self._closure(path[-2] if path else module)
        return "m" + (mark(*path, closure) if path else closure) if closure else ""

    def meaning(self, module: str, name: str) -> tuple[str, str]:
        """Fingerprint of what a name means, and its text; empty where its module's text cannot say.

        It is the fingerprint that what is loaded would have.
        """
        for _ in range(_HOPS):
            source = self._source(module)
            if source is None or not name.isidentifier():
                return "", ""
            binding = source.index.bindings.get(name)
            if binding is None:
                unsaid = "*" in source.index.bindings or not hasattr(builtins, name)
                return ("", "") if unsaid else (BUILTIN, BUILTIN)
            if not binding.source:
                return self._made(module, name, source, binding)
            origin, _, target = binding.source.partition(":")
            origin = absolute_name(origin, binding.level, _standing(module, source))
            if not target or self._source(f"{origin}.{target}") is not None:
                origin = f"{origin}.{target}".rstrip(".")
                return f"module {origin}", f"module {origin}"
            module, name = origin, target
        return "", ""

    def _made(self, module: str, name: str, source: Source, binding: Binding) -> tuple[str, str]:
        """What a name means that is made in its own module."""
        value = binding.value
        if value == "def":
            lone = len(source.index.functions.get(name, ())) == 1
            return (f"function {module}:{name}",) * 2 if lone else ("", "")
        if value == "class":
            return (f"class {module}:{name}",) * 2
        if not value.startswith("by "):
            return value, binding.text
        lone = len(source.index.functions.get(name, ())) == 1
        made = self._made_by(module, source, value.removeprefix("by ")) if lone else None
        return ("", "") if made is None else (f"{made} {module}:{name}",) * 2

    @staticmethod
    def _made_by(module: str, source: Source, decorator: str) -> str | None:
        """What a decorator makes, where it is a known one by the imports of its module."""
        first, _, rest = decorator.partition(".")
        binding = source.index.bindings.get(first)
        if binding is None or not binding.source:
            return None
        origin, _, name = binding.source.partition(":")
        origin = absolute_name(origin, binding.level, _standing(module, source))
        return _DECORATORS.get(".".join(part for part in (origin, name, rest) if part))

    def form_now(self, module: str, name: str, fingerprint: str) -> str:
        """Form of a name whose value is known: empty where the text may not be what is loaded."""
        if self.is_current(module):
            return self.form(module, name)
        if not fingerprint or self.meaning(module, name)[0] != fingerprint:
            return ""
        # The file was written as the program began, and says what is loaded all the same.
        form = self.form(module, name)
        return form if form.startswith("=") else ""

    def is_current(self, module: str) -> bool:
        """Whether the text surely is that of the loaded module."""
        source = self._source(module)
        return source is not None and not source.touched

    def _source(self, module: str) -> Source | None:
        for roots in ((), self._roots) if self._roots else ((),):
            file = find_file(module, roots)
            owned = file is not None and self._project.owns_file(file)
            source = self._sources.get(file) if file is not None and owned else None
            if source is not None:
                return source
        return None

    def _literal(self, module: str, name: str, hops: int) -> list[str]:
        source = self._source(module)
        if source is None or not hops:
            return []
        bindings = source.index.bindings
        binding = bindings.get(name)
        if binding is None:
            return [] if "*" in bindings else ["absent"]
        if not binding.literal:
            return []
        if not binding.source:
            return [binding.form]
        return self._imported(module, source, binding, hops)

    def _imported(self, module: str, source: Source, binding: Binding, hops: int) -> list[str]:
        origin, _, name = binding.source.partition(":")
        origin = absolute_name(origin, binding.level, _standing(module, source))
        here = ["import", origin, name]
        if not name or self._source(origin) is None or self._source(f"{origin}.{name}"):
            return here
        target = self._literal(origin, name, hops - 1)
        return [*here, *target] if target else []

    def _path(self, module: str, name: str) -> Iterator[str]:
        """Modules and names through which an imported name leads to where it is made."""
        for _ in range(_HOPS):
            source = self._source(module)
            binding = source.index.bindings.get(name) if source is not None else None
            if source is None or binding is None or not binding.source:
                return
            origin, _, name = binding.source.partition(":")
            module = absolute_name(origin, binding.level, _standing(module, source))
            if not name or self._source(module) is None:
                return
            yield module
            yield name

    def _closure(self, module: str) -> str:
        known = self._closures.get(module)
        if known is None:
            forms: dict[str, str] = {}
            todo = [module]
            while todo:
                at = todo.pop()
                source = None if at in forms else self._source(at)
                if source is None:
                    continue
                forms[at] = source.index.form
                here = _standing(at, source)
                todo += [absolute_name(n, level, here) for n, level in source.index.imports]
            known = mark(*(part for item in sorted(forms.items()) for part in item))
            known = self._closures[module] = known if forms else ""
        return known


def _standing(module: str, source: Source) -> dict[str, object]:
    """The names by which imports in a module that is not loaded find their way."""
    package = source.path.endswith("__init__.py")
    return {"__name__": module} | ({"__path__": ()} if package else {})

"""The index of one source file: the form of every function, class and module-level name in it.

Law: a pure function of the text. Functions and classes are known by qualified name as Python
gives it, with comprehension scopes left out; a name defined more than once keeps every version.
"""

from __future__ import annotations

import ast
import copy
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from dumbo.code.bytecode import OPTIMIZED, bytecode_form, nested_codes, qualified_name
from dumbo.code.normal_form import class_shell, mark, stable_form
from dumbo.code.values import fingerprint_of, short_text

FORMAT = 3


@dataclass(frozen=True, slots=True)
class Entry:
    """One definition.

    Attributes
    ----------
    form : str
        Fingerprint of its normal form.
    line, end : int
        First and last line, decorators included; from 1.
    codes : tuple of str
        Bytecode forms of what compiles at that name and line.
    """

    form: str
    line: int
    end: int
    codes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Binding:
    """How a module binds a name at its top level.

    Attributes
    ----------
    form : str
        Fingerprint of the statements that bind it.
    literal : bool
        Whether these statements alone determine the value.
    source : str
        ``module:name`` when the name is imported from a module, ``module:`` for a module itself.
    level : int
        Dots before the module's name.
    value : str
        Fingerprint of a literal; ``def``, ``class``, or ``by ...`` with the only decorator.
    text : str
        A literal in a few words.
    """

    form: str
    literal: bool
    source: str = ""
    level: int = 0
    value: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class SourceIndex:
    """What one file defines, in one version of its text."""

    functions: dict[str, tuple[Entry, ...]] = field(default_factory=dict)
    classes: dict[str, tuple[Entry, ...]] = field(default_factory=dict)
    bindings: dict[str, Binding] = field(default_factory=dict)
    imports: tuple[tuple[str, int], ...] = ()
    form: str = ""

    def to_bytes(self) -> bytes:
        """Encode, to be kept from run to run."""
        rows = {
            "format": FORMAT,
            "functions": {name: [_row(e) for e in found] for name, found in self.functions.items()},
            "classes": {name: [_row(e) for e in found] for name, found in self.classes.items()},
            "bindings": {
                name: [b.form, b.literal, b.source, b.level, b.value, b.text]
                for name, b in self.bindings.items()
            },
            "imports": self.imports,
            "form": self.form,
        }
        return json.dumps(rows, separators=(",", ":")).encode()

    @classmethod
    def from_bytes(cls, blob: bytes) -> SourceIndex | None:
        """Decode; None when it was written in another format, or was damaged."""
        try:
            data = json.loads(blob)
            return cls._of(data) if data["format"] == FORMAT else None
        except (ValueError, KeyError, TypeError, IndexError, RecursionError):
            return None

    @classmethod
    def _of(cls, data: dict[str, Any]) -> SourceIndex:
        return cls(
            {name: tuple(map(_entry, found)) for name, found in data["functions"].items()},
            {name: tuple(map(_entry, found)) for name, found in data["classes"].items()},
            {name: Binding(*found) for name, found in data["bindings"].items()},
            tuple((name, level) for name, level in data["imports"]),
            data["form"],
        )


def _row(entry: Entry) -> list[object]:
    return [entry.form, entry.line, entry.end, *entry.codes]


def _entry(row: list[Any]) -> Entry:
    return Entry(row[0], row[1], row[2], tuple(row[3:]))


def index_source(text: str | bytes, filename: str = "<source>") -> SourceIndex:
    """Index the text of a module.

    Raises
    ------
    SyntaxError, ValueError
        When it is not Python of this version.
    """
    tree = ast.parse(text, filename)
    compiled = _compiled_forms(tree, filename)
    functions: dict[tuple[str, int], list[ast.AST]] = {}
    classes: dict[str, list[Entry]] = {}
    for name, node in _definitions(tree, ""):
        if isinstance(node, ast.ClassDef):
            entry = Entry(mark(class_shell(node)), _first_line(node), _last_line(node))
            classes.setdefault(name, []).append(entry)
        else:
            functions.setdefault((name, _first_line(node)), []).append(node)
    by_name: dict[str, list[Entry]] = {}
    for (name, line), nodes in functions.items():
        # Lambdas on one line cannot be told apart, so they count as one.
        form = mark(*(stable_form(_nameless(node)) for node in nodes))
        end = max(_last_line(node) for node in nodes)
        by_name.setdefault(name, []).append(Entry(form, line, end, compiled.get((name, line), ())))
    return SourceIndex(
        {name: tuple(found) for name, found in by_name.items()},
        {name: tuple(found) for name, found in classes.items()},
        _bindings(tree),
        tuple(sorted(set(_imports(tree)))),
        mark(stable_form(tree)),
    )


def _nameless(node: ast.AST) -> ast.AST:
    """The function without its own name, which is the entry's: a renamed function is the same."""
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return node
    twin = copy.copy(node)
    twin.name = ""
    return twin


def _first_line(node: ast.AST) -> int:
    decorators = getattr(node, "decorator_list", ())
    return int(min([d.lineno for d in decorators] + [getattr(node, "lineno", 0)]))


def _last_line(node: ast.AST) -> int:
    return int(getattr(node, "end_lineno", 0) or 0)


def _compiled_forms(tree: ast.Module, filename: str) -> dict[tuple[str, int], tuple[str, ...]]:
    found: dict[tuple[str, int], tuple[str, ...]] = {}
    for code in nested_codes(compile(tree, filename, "exec", dont_inherit=True)):
        if code.co_flags & OPTIMIZED:
            key = (qualified_name(code), code.co_firstlineno)
            found[key] = (*found.get(key, ()), bytecode_form(code))
    return found


def _definitions(node: ast.AST, prefix: str) -> Iterator[tuple[str, ast.AST]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            own = prefix + (child.name if not isinstance(child, ast.Lambda) else "<lambda>")
            yield own, child
            yield from _inside(child, prefix, own + ".<locals>.")
        elif isinstance(child, ast.ClassDef):
            yield prefix + child.name, child
            yield from _inside(child, prefix, prefix + child.name + ".")
        else:
            yield from _definitions(child, prefix)


def _inside(
    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef,
    outer: str,
    inner: str,
) -> Iterator[tuple[str, ast.AST]]:
    """Definitions in the body, and those in decorators and defaults, which belong outside."""
    body = [node.body] if isinstance(node, ast.Lambda) else node.body
    yield from _definitions(ast.Module(list(body), []), inner)  # type: ignore[arg-type] # an expression is walked alike
    around = [child for child in ast.iter_child_nodes(node) if child not in body]
    yield from _definitions(ast.Module(list(around), []), outer)  # type: ignore[arg-type] # likewise


def _imports(tree: ast.Module) -> Iterator[tuple[str, int]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, 0) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or "", node.level
            for alias in node.names:
                yield f"{node.module}.{alias.name}" if node.module else alias.name, node.level


def _bindings(tree: ast.Module) -> dict[str, Binding]:
    found: dict[str, list[Binding]] = {}
    for statement in _module_level(tree.body):
        for name, binding in _bound_by(statement):
            found.setdefault(name, []).append(binding)
    return {name: _merged(bindings) for name, bindings in found.items()}


def _merged(bindings: list[Binding]) -> Binding:
    if len(bindings) == 1:
        return bindings[0]
    # Which of several applies is decided when the module runs.
    return Binding(mark(*(b.form for b in bindings)), literal=False)


def _module_level(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Statements that run in the module's scope, also inside ``if``, ``try``, ``for``, ``with``."""
    for statement in body:
        yield statement
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        for _, value in ast.iter_fields(statement):
            for item in value if isinstance(value, list) else ():
                if isinstance(item, ast.stmt):
                    yield from _module_level([item])
                elif isinstance(item, ast.ExceptHandler | ast.match_case):
                    yield from _module_level(item.body)


def _bound_by(node: ast.stmt) -> Iterator[tuple[str, Binding]]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        # The body is a dependency of its own; a decorator may make anything of it.
        plain = not node.decorator_list
        form, value = ("def", "def") if plain else (mark(stable_form(node)), _decorated(node))
        yield node.name, Binding(form, plain, value=value)
    elif isinstance(node, ast.ClassDef):
        value = "" if node.decorator_list or node.keywords else "class"
        yield node.name, Binding("class", literal=True, value=value)
    elif isinstance(node, ast.Import | ast.ImportFrom):
        yield from _imported_names(node)
    else:
        literal = isinstance(node, ast.Assign | ast.AnnAssign) and _is_literal(node.value)
        value, text = _value_of(node)
        for name in _targets(node):
            yield name, Binding(mark(stable_form(node)), literal, value=value, text=text)


def _value_of(node: ast.stmt) -> tuple[str, str]:
    """Fingerprint and text of the literal that names are bound to; empty for anything else."""
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    if not isinstance(node, ast.Assign | ast.AnnAssign) or not _is_literal(node.value):
        return "", ""
    if node.value is None or not all(isinstance(target, ast.Name) for target in targets):
        return "", ""
    value = ast.literal_eval(node.value)
    return fingerprint_of(value) or "", short_text(value)


def _decorated(node: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    """``by name.of.decorator`` for a function with one decorator, which is not told its name."""
    first, *more = node.decorator_list
    if isinstance(first, ast.Call):
        if first.args or any(word.arg in {None, "name"} for word in first.keywords):
            return ""
        first = first.func
    dotted = ast.unparse(first) if isinstance(first, ast.Name | ast.Attribute) else ""
    return f"by {dotted}" if dotted and not more else ""


def _imported_names(node: ast.Import | ast.ImportFrom) -> Iterator[tuple[str, Binding]]:
    for alias in node.names:
        if isinstance(node, ast.Import):
            target = alias.name if alias.asname else alias.name.partition(".")[0]
            yield alias.asname or target, Binding("import", literal=True, source=f"{target}:")
        elif alias.name == "*":
            yield "*", Binding(mark(stable_form(node)), literal=False)
        else:
            source = f"{node.module or ''}:{alias.name}"
            yield alias.asname or alias.name, Binding("from", True, source, node.level)


def _targets(node: ast.stmt) -> Iterator[str]:
    """Names a simple statement, or the head of a compound one, stores."""
    heads = [
        child
        for child in ast.iter_child_nodes(node)
        if not isinstance(child, ast.stmt | ast.ExceptHandler | ast.match_case)
    ]
    for head in heads:
        for part in ast.walk(head):
            if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store):
                yield part.id
            elif isinstance(part, ast.Name) and _is_base(part, node):
                # ``TABLE.append(1)`` and ``TABLE[0] = 1`` make a value as much as ``TABLE = []``.
                yield part.id


def _is_base(name: ast.Name, node: ast.stmt) -> bool:
    if not isinstance(node, ast.Expr | ast.Assign):
        return False
    tops: list[ast.expr] = node.targets if isinstance(node, ast.Assign) else [node.value]
    for top in tops:
        at: ast.expr = top
        while isinstance(at, ast.Attribute | ast.Subscript | ast.Call):
            at = at.func if isinstance(at, ast.Call) else at.value
        if at is name:
            return True
    return False


def _is_literal(node: ast.expr | None) -> bool:
    if node is None:
        return False
    try:
        ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return False
    return True

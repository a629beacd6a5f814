"""The form of code that is compared: what it does, not how it is written.

Law: pure functions of a syntax tree. The form leaves out positions, docstrings and annotations
(kept in class bodies, where they are fields), and is the same text under every supported Python:
empty fields are dropped (versions differ in which they list) and the constant pieces of f-strings
are joined (3.11 and 3.12 cut them differently).
"""

from __future__ import annotations

import ast
from hashlib import blake2b

_KEEPING = frozenset({"keep", "returns", "stale"})
_DROPPED = frozenset({"ctx", "type_comment", "kind", "type_ignores", "type_params"})
_ANNOTATIONS = frozenset({"returns", "annotation"})
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def mark(*parts: str | bytes) -> str:
    """Hash `parts`, each with its length, to 24 hex characters."""
    state = blake2b(digest_size=12)
    for part in parts:
        raw = part if isinstance(part, bytes) else part.encode("utf-8", "surrogatepass")
        state.update(len(raw).to_bytes(8, "little"))
        state.update(raw)
    return state.hexdigest()


def constant_text(value: object) -> str:
    """Write a constant with its type; ``1``, ``1.0`` and ``True`` differ.

    Integers are written in hexadecimal, because decimal text of a very long one is refused.
    """
    if type(value) is int:
        return f"int {value:x}"
    if type(value) is tuple:
        return "(" + ",".join(constant_text(item) for item in value) + ")"
    if type(value) is frozenset:
        return "{" + ",".join(sorted(constant_text(item) for item in value)) + "}"
    return f"{type(value).__name__} {value!r}"


def stable_form(node: ast.AST) -> str:
    r"""Text of the whole of `node`, method bodies included.

    Examples
    --------
    >>> one = ast.parse("def f(a: int): return a+1").body[0]
    >>> two = ast.parse("def f(a):\n    '''Doc.'''\n    return a + 1  # why").body[0]
    >>> stable_form(one) == stable_form(two)
    True
    """
    return _write(node, in_class=False)


def class_shell(node: ast.ClassDef) -> str:
    """Text of a class without its method bodies: bases, decorators, statements, method names."""
    return _write(_hollow(node), in_class=True)


def readable(node: ast.AST) -> str:
    """Source of `node` as compared, for people and diffs. The tree is taken apart for it."""
    clean = _hollow(node) if isinstance(node, ast.ClassDef) else node
    return ast.unparse(ast.fix_missing_locations(_Stripped().visit(clean)))


def without_docstring(body: list[ast.stmt]) -> list[ast.stmt]:
    """Drop a leading docstring; a body that was nothing else becomes ``pass``."""
    first = body[0] if body else None
    if (
        isinstance(first, ast.Expr)
        and isinstance(first.value, ast.Constant)
        and isinstance(first.value.value, str)
    ):
        return body[1:] or [ast.Pass()]
    return body


def _hollow(node: ast.ClassDef) -> ast.ClassDef:
    body: list[ast.stmt] = []
    for statement in without_docstring(node.body):
        if isinstance(statement, _FUNCTIONS):
            # Only the name: a body, signature or decorator that matters ran, and has its own form.
            body.append(ast.Expr(ast.Name("def " + statement.name, ast.Load())))
        elif isinstance(statement, ast.ClassDef):
            body.append(_hollow(statement))
        else:
            body.append(statement)
    return ast.ClassDef(node.name, node.bases, node.keywords, body, node.decorator_list)


def _join_constants(node: ast.JoinedStr) -> list[ast.expr]:
    joined: list[ast.expr] = []
    text = ""
    for part in node.values:
        if isinstance(part, ast.Constant) and isinstance(part.value, str):
            text += part.value
            continue
        if text:
            joined.append(ast.Constant(text))
        text = ""
        joined.append(part)
    return [*joined, ast.Constant(text)] if text else joined


def _fields(node: ast.AST, *, in_class: bool) -> list[tuple[str, object]]:
    if isinstance(node, ast.JoinedStr):
        return [("values", _join_constants(node))]
    if isinstance(node, ast.Constant):
        return [("value", node.value)]
    kept: list[tuple[str, object]] = []
    for name in node._fields:
        value = getattr(node, name, None)
        if value is None or value == [] or name in _DROPPED:
            continue
        if name in _ANNOTATIONS and not in_class:
            if not isinstance(node, ast.AnnAssign):
                continue
            # Only that there is one: a bare ``x: int`` still makes x a local.
            value = ast.Constant(Ellipsis)
        if name == "body" and isinstance(node, _DEFINITIONS):
            value = without_docstring(node.body)
        if name == "decorator_list" and isinstance(node, _FUNCTIONS):
            value = [_without_options(decorator) for decorator in node.decorator_list]
        kept.append((name, value))
    return kept


def _without_options(decorator: ast.expr) -> ast.expr:
    """Leave out what dumbo's own decorator is told of the keeping of results, not of their value.

    What the result hangs on (``depends_on``) and how calls are named stay.
    """
    if not isinstance(decorator, ast.Call) or decorator.args:
        return decorator
    name = decorator.func
    of_module = isinstance(name, ast.Attribute) and name.attr == "dumbo"
    root = name.value if isinstance(name, ast.Attribute) and of_module else name
    if not (isinstance(root, ast.Name) and root.id == "dumbo"):
        return decorator
    keywords = [each for each in decorator.keywords if each.arg not in _KEEPING]
    return ast.Call(name, [], keywords) if keywords else name


def _write(node: object, *, in_class: bool) -> str:
    if isinstance(node, ast.AST):
        inside = isinstance(node, ast.ClassDef) or (in_class and not isinstance(node, _FUNCTIONS))
        parts = [
            f" {name}={_write_value(node, value, inside)}"
            for name, value in _fields(node, in_class=inside)
        ]
        return "(" + type(node).__name__ + "".join(parts) + ")"
    if isinstance(node, list):
        return "[" + ",".join([_write(item, in_class=in_class) for item in node]) + "]"
    return constant_text(node)


def _write_value(node: ast.AST, value: object, inside: bool) -> str:
    return (
        constant_text(value) if isinstance(node, ast.Constant) else _write(value, in_class=inside)
    )


class _Stripped(ast.NodeTransformer):
    """Leaves out what the form leaves out, so that a diff shows only what is compared."""

    def __init__(self) -> None:
        self._in_class = False

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        outer, self._in_class = self._in_class, True
        node.body = without_docstring(node.body)
        self.generic_visit(node)
        self._in_class = outer
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        return self._function(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        return self._function(node)

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.annotation = None
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        if self._in_class:
            return self.generic_visit(node)
        if node.value is None:
            node.annotation = ast.Constant(Ellipsis)
            return node
        return self.generic_visit(ast.Assign([node.target], node.value))

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> ast.AST:
        outer, self._in_class = self._in_class, False
        node.returns = None
        node.body = without_docstring(node.body)
        self.generic_visit(node)
        self._in_class = outer
        return node

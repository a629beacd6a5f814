"""The form a function's code has once a function that it calls by name is called otherwise.

Law: a pure function of the recorded text. The text counts only if it gives the recorded form, and
a name is replaced only where it can mean nothing but the renamed function: in code that neither
binds the old name itself nor has any use for the new one.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

from dumbo.code.forms import SOURCE
from dumbo.code.normal_form import mark, stable_form

_OTHER_TEXT: Final = frozenset({(ast.Attribute, "attr"), (ast.keyword, "arg")})


def renamed(fingerprint: str, text: str, old: str, new: str) -> tuple[str, str]:
    """Fingerprint and text of a definition in which the global `old` is called `new`.

    They come back as they are where the name is not used, or cannot be told apart.

    Examples
    --------
    >>> text = "def f(n): return f(n - 1)"
    >>> form = fingerprint_of(text)
    >>> renamed(form, text, "f", "g")[0] == fingerprint_of("def g(n): return g(n - 1)")
    True
    >>> renamed(form, text, "n", "g") == (form, text)  # a parameter is not the function
    True
    """
    node = _definition(text)
    if node is None or fingerprint != fingerprint_of(text):
        return fingerprint, text
    parts = list(ast.walk(node))
    uses = [part for part in parts if isinstance(part, ast.Name) and part.id == old]
    read = all(isinstance(use.ctx, ast.Load) for use in uses)
    bound = {name for part in parts if part is not node for name in _bound_names(part)}
    taken = any(isinstance(part, ast.Name) and part.id == new for part in parts) or new in bound
    if not uses or not read or old in bound or taken:
        return fingerprint, text
    for use in uses:
        use.id = new
    changed = ast.unparse(node)
    return fingerprint_of(changed), changed


def fingerprint_of(text: str) -> str:
    """Fingerprint of the one function that a text defines, without its name; empty if it is none.

    Examples
    --------
    >>> fingerprint_of("def f(x): return x") == fingerprint_of("def g(x):  return x")
    True
    >>> fingerprint_of("1 +"), fingerprint_of("x = 1")
    ('', '')
    """
    node = _definition(text)
    if node is None:
        return ""
    node.name = ""
    return SOURCE + mark(stable_form(node))


def _definition(text: str) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
    try:
        body = ast.parse(text).body
    except (SyntaxError, ValueError):
        return None
    if len(body) == 1 and isinstance(body[0], ast.FunctionDef | ast.AsyncFunctionDef):
        return body[0]
    return None


def _bound_names(node: ast.AST) -> Iterator[str]:
    """Names in a node that are plain text: what it binds, imports or declares."""
    if isinstance(node, ast.Name | ast.Constant):
        return
    for field, value in ast.iter_fields(node):
        if (type(node), field) in _OTHER_TEXT:
            continue
        for text in value if isinstance(value, list) else (value,):
            if isinstance(text, str):
                yield text
